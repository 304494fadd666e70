import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openFlows } from '../../src/index.ts'
import { convertTask } from '../../src/convert/convert-task.ts'
import { captureCases, capturesFolder, inputOf, skipCaptures } from '../support/captures.ts'
import { runTask } from '../support/done-task.ts'
import type { CaptureCase } from '../support/captures.ts'

/** Cases whose sums nfcapd counts otherwise, and why. */
const otherSums: Readonly<Record<string, string>> = {
  'live/ovs-ipfix': 'nfcapd takes the total counters where a record has delta counters too',
  'live/softflowd-v1': 'nfcapd reads the first record of a v1 packet only',
  'logstash/Netflow-9-Cisco-ASA-2': 'nfcapd takes initiatorOctets and responderOctets for octets',
  'logstash/Netflow-9-Fortigate-FortiOS-54x-appid': 'nfcapd adds the post counters',
  'logstash/Netflow-9-H3C-Netstream-with-varstring': 'a v9 field of variable length; nfcapd skips it',
  'netflow_parser/lit-tests-v9_example_from_integration_test': 'a template of illegal lengths'
}

interface Sums {
  records: number
  packets: number
  octets: number
  /** Times the sampling rate, as nfcapd does where it knows one. */
  scaledPackets: number
  scaledOctets: number
}

type Line = Readonly<Record<string, unknown>>

/** The first of these that a record has. */
const numberOf = (line: Line, ...names: readonly string[]): number => {
  const found = names.map(name => line[name]).find(value => typeof value === 'number')
  return found ?? 0
}

function sumsOf(lines: readonly Line[]): Sums {
  const sums = { records: 0, packets: 0, octets: 0, scaledPackets: 0, scaledOctets: 0 }
  for (const line of lines) {
    if (line.recordType === 'options') continue
    const packets =
      numberOf(line, 'packetDeltaCount', 'packetTotalCount') +
      numberOf(line, 'reversePacketDeltaCount', 'reversePacketTotalCount')
    const octets =
      numberOf(line, 'octetDeltaCount', 'octetTotalCount') +
      numberOf(line, 'reverseOctetDeltaCount', 'reverseOctetTotalCount')
    const rate = typeof line.samplingRate === 'number' ? line.samplingRate : 1
    sums.records++
    sums.packets += packets
    sums.octets += octets
    sums.scaledPackets += packets * rate
    sums.scaledOctets += octets * rate
  }
  return sums
}

/** Data Records that no template had come for when they came. */
async function deliveredLate({ files }: CaptureCase): Promise<number> {
  const inputs = files.map(({ path }) => inputOf(join(capturesFolder, path)))
  const flows = openFlows(inputs, { limits: { expansion: 100, memoryOctets: 2 ** 26 } })
  await flows.read({ onRun() {} })
  return flows.counts.recordsDelivered
}

const compared = captureCases.filter(
  ({ expected, nfcapd }) =>
    nfcapd?.tool === 'nfcapd' && (expected.basis?.includes('= nfcapd') ?? false) && nfcapd.flows > 0
)

describe('convert on the captures of real exporters', { skip: skipCaptures }, () => {
  for (const each of compared) {
    test(`writes the flows, packets and octets of ${each.name} that nfcapd counts`, async context => {
      const inputs = each.files.map(({ path }) => inputOf(join(capturesFolder, path)))
      const late = await deliveredLate(each).catch(() => -1)
      // Its last Set runs past the datagram: nothing of it is believed (RFC 7011 §9.1).
      if (late < 0) return assert.equal(each.name, 'graylog/netflow-v9-1')
      const ndjson = await runTask(context, convertTask, { to: 'ndjson' }, inputs)
      const text = ndjson.text('flows.ndjson').trimEnd()
      const lines = text === '' ? [] : text.split('\n').map(line => JSON.parse(line) as Line)
      const sums = sumsOf(lines)
      assert.equal(ndjson.summary.records, sums.records)
      for (const to of ['csv', 'parquet', 'ipfix'] as const) {
        const { summary } = await runTask(context, convertTask, { to }, inputs)
        assert.equal(summary.records, sums.records, to)
        assert.equal(summary.failedRecords, 0, to)
      }
      if (otherSums[each.name] !== undefined) return context.diagnostic(otherSums[each.name])
      assert.equal(sums.records - late, each.expected.dataRecords)
      if (late > 0) return context.diagnostic(`${late} records wait for their template, which nfcapd does not`)
      const { packets, bytes } = each.nfcapd!
      const isScaled = packets !== sums.packets || bytes !== sums.octets
      assert.equal(isScaled ? sums.scaledPackets : sums.packets, packets)
      assert.equal(isScaled ? sums.scaledOctets : sums.octets, bytes)
    })
  }
})
