import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Child } from '../support/child.ts'
import { absent, toolPath } from '../support/debian-tools.ts'
import { decodeFile, fixtureCapture, fixtureCaptures } from '../support/fixture-captures.ts'
import type { FixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { TcpSink, udpSink } from '../support/sinks.ts'
import type { UdpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { readByTshark } from '../support/tshark.ts'
import { until } from '../support/until.ts'
import { writeDatagrams } from '../support/datagram-pcap.ts'
import { runWeir } from '../support/weir-command.ts'
import { captureRefused, captureWire } from '../support/wire-capture.ts'
import type { WireCapture } from '../support/wire-capture.ts'

/** Templates of 8 Data Sets are missing in it on purpose. */
const lossy = 'openvswitch-ipfix-lossy'
const captures = fixtureCaptures().filter(({ name }) => name !== lossy)
const overTcp = captures.filter(({ isIpfix }) => isIpfix)
const totalRecords = [...captures, ...overTcp].reduce((sum, { records }) => sum + records, 0)
const noCapture = captureRefused()

type Line = Readonly<Record<string, unknown>>

/** What identifies a flow, whatever form its record had. */
const keyOf = (line: Line): string =>
  JSON.stringify([
    line.sourceIPv4Address ?? line.sourceIPv6Address,
    line.destinationIPv4Address ?? line.destinationIPv6Address,
    line.sourceTransportPort,
    line.destinationTransportPort,
    line.protocolIdentifier,
    String(line.octetDeltaCount),
    String(line.packetDeltaCount)
  ])

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Line)

describe('fixture captures through Weir to every kind of destination', () => {
  let folder: string
  let weir: RunningWeir
  let udp: UdpSink
  let segments: UdpSink
  let tcp: TcpSink
  let wire: WireCapture | undefined
  const ids = ['udp', 'segments', 'tcp', 'json', 'file']

  before(async () => {
    folder = tempFolder('captures')
    udp = await udpSink(await freePort())
    segments = await udpSink()
    tcp = await TcpSink.listen({ port: await freePort() })
    if (noCapture === false) wire = await captureWire(folder, 'out', [udp.port, tcp.port])
    weir = await startWeir(folder, {
      destinations: [
        { id: 'udp', type: 'ipfix', url: `udp://127.0.0.1:${udp.port}`, socket: 'dgram' },
        { id: 'segments', type: 'ipfix', url: `udp://127.0.0.1:${segments.port}` },
        { id: 'tcp', type: 'ipfix', url: `tcp://127.0.0.1:${tcp.port}` },
        { id: 'json', type: 'json', target: `file:${join(folder, 'flows.json')}` },
        { id: 'file', type: 'ipfix-file', path: `${join(folder, 'files')}/`, rotate: { seconds: null } }
      ]
    })
  })

  after(async () => {
    if (!weir.child.hasEnded) await weir.stop()
    udp.close()
    segments.close()
    await tcp.close()
  })

  const replay = async (capture: FixtureCapture, to: string): Promise<void> => {
    const before = await weir.checkLedger()
    await runWeir(['replay', capture.path, '--to', to, '--as-fast-as-possible'])
    await until(`all of ${capture.name} has arrived`, async () => {
      const { messages } = (await readLedger(weir.api)).collector
      return messages.received === before.collector.messages.received + capture.summary.messages
    })
    const now = await weir.checkLedger()
    assert.equal(now.collector.records.decoded - before.collector.records.decoded, capture.records)
    for (const id of ids) {
      const sent = now.mediator.destinations[id]!.sent - before.mediator.destinations[id]!.sent
      assert.equal(sent, capture.records, `records sent to ${id}`)
    }
  }

  for (const capture of captures) {
    test(`${capture.name} over UDP: all ${capture.records} records go to all destinations`, () =>
      replay(capture, weir.udp))
  }

  for (const capture of overTcp) {
    test(`${capture.name} over TCP: all ${capture.records} records go to all destinations`, () =>
      replay(capture, weir.tcp))
  }

  test(`${lossy}: Data Sets without a template wait, and are counted`, async () => {
    const before = await weir.checkLedger()
    const capture = fixtureCapture(lossy)
    await runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
    await until('8 Data Sets wait for their template', async () => {
      const { dataSets } = (await readLedger(weir.api)).collector
      return dataSets.pending - before.collector.dataSets.pending === capture.summary.undecodableSets
    })
    await weir.checkLedger()
  })

  test('the coordinator knows the exporter, its templates and which elements it sends', async () => {
    const exporters = await weir.api.get<{ items: { id: string; address: string }[] }>('/v1/exporters')
    assert.deepEqual(
      exporters.items.map(({ address }) => address),
      ['127.0.0.1']
    )
    const { id } = exporters.items[0]!
    const templates = await weir.api.get<{ total: number }>(`/v1/exporters/${id}/templates`)
    assert.ok(templates.total > 20, `${templates.total} templates`)
    const fields = await weir.api.get<{ fields: { name: string; share: number }[] }>(`/v1/exporters/${id}/fields`)
    const protocol = fields.fields.find(({ name }) => name === 'protocolIdentifier')
    assert.ok(
      protocol !== undefined && protocol.share > 0.5 && protocol.share <= 1,
      JSON.stringify(fields.fields.slice(0, 5))
    )
  })

  test('it stops in order', async () => {
    const { code } = await weir.stop()
    assert.equal(code, 0, weir.child.said)
    await wire?.stop()
  })

  test('JSON: a line for every record, and every flow with its counters', async () => {
    const lines = linesOf(readFileSync(join(folder, 'flows.json'), 'utf8'))
    assert.equal(lines.length, totalRecords)
    const expected: string[] = []
    for (const files of [captures, overTcp]) {
      const decoded = await runWeir(['decode', '--format', 'json', '--json', ...files.map(({ path }) => path)])
      expected.push(...linesOf(decoded.stdout).map(line => keyOf(valuesOf(line))))
    }
    assert.deepEqual(lines.map(keyOf).toSorted(), expected.toSorted())
  })

  test('JSON: what is normalised looks the same, whatever it came from', () => {
    const lines = linesOf(readFileSync(join(folder, 'flows.json'), 'utf8'))
    const flows = lines.filter(line => line.sourceIPv4Address === '10.0.0.2' && line.destinationTransportPort === 443)
    assert.ok(flows.length >= 8, `${flows.length} records of the flow from 10.0.0.2`)
    for (const flow of flows) {
      assert.equal(flow.exporter, '127.0.0.1', JSON.stringify(flow))
      assert.match(String(flow.receivedAt), /^20\d\d-.*Z$/, JSON.stringify(flow))
      if (flow.packetDeltaCount !== undefined)
        assert.match(String(flow.flowStartMilliseconds), /^20\d\d-.*Z$/, JSON.stringify(flow))
      assert.equal('flowStartSysUpTime' in flow || 'paddingOctets' in flow, false, JSON.stringify(flow))
    }
    const sampled = lines.filter(line => line.samplingRate === 2)
    assert.ok(sampled.length > 50, `${sampled.length} records with 1:2 sampling`)
  })

  test('IPFIX files: weir decode counts every record', async () => {
    const files = readdirSync(join(folder, 'files')).map(file => join(folder, 'files', file))
    const decoded = await runWeir(['decode', '--format', 'summary', '--json', ...files])
    const summary = JSON.parse(decoded.stdout) as Record<string, number>
    assert.equal(summary.dataRecords! + summary.optionsRecords!, totalRecords)
    assert.equal(summary.malformedMessages! + summary.undecodableSets!, 0)
  })

  test('IPFIX files: ipfixDump counts every record', { skip: absent('ipfixDump') }, async () => {
    let records = 0
    for (const file of readdirSync(join(folder, 'files')))
      records += await ipfixDumpRecords(join(folder, 'files', file))
    assert.equal(records, totalRecords)
  })

  test('TCP: the stream has every record, templates before data', () => {
    assert.equal(tcp.connections, 1)
    const path = join(folder, 'tcp.ipfix')
    writeFileSync(path, tcp.streams[0]!)
    const { summary } = decodeFile(path)
    assert.equal(summary.dataRecords + summary.optionsRecords, totalRecords)
    assert.equal(summary.malformedMessages + summary.undecodableSets, 0)
  })

  test(
    'UDP and TCP: tshark finds every record on the wire and nothing to complain of',
    { skip: noCapture },
    async () => {
      for (const [transport, port] of [
        ['udp', udp.port],
        ['tcp', tcp.port]
      ] as const) {
        const findings = await readByTshark(wire!.path, transport, [port])
        assert.deepEqual(findings.complaints, [], `complaints over ${transport}`)
        assert.equal(findings.records, totalRecords, `records over ${transport}`)
      }
    }
  )

  test(
    'UDP with UDP_SEGMENT, as the receiver got it: tshark finds every record and nothing to complain of',
    { skip: absent('tshark') },
    async () => {
      const path = join(folder, 'segments.pcap')
      writeDatagrams(path, segments.datagrams, segments.port)
      const findings = await readByTshark(path, 'udp', [segments.port])
      assert.deepEqual(findings.complaints, [])
      assert.equal(findings.records, totalRecords)
    }
  )
})

/** `weir decode` has the values under a key of their own. */
const valuesOf = (line: Line): Line =>
  typeof line.values === 'object' && line.values !== null ? (line.values as Line) : line

async function ipfixDumpRecords(path: string): Promise<number> {
  const child = new Child('ipfixDump', toolPath('ipfixDump'), ['-i', path, '-s'])
  const { code } = await child.waitForEnd()
  assert.equal(code, 0, child.said)
  return Number(/File Stats: \d+ Messages, (\d+) Data Records/.exec(child.stdout)?.[1])
}
