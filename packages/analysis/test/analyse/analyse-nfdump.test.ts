import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CaptureReader } from '@weir/ipfix'
import { absent, toolPath } from '../../../../test/support/debian-tools.ts'
import { startNfcapd } from '../../../../test/support/nfcapd.ts'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { tasks } from '../../src/index.ts'
import { fixtureInputs } from '../support/fixtures.ts'
import { runTask } from '../support/run-task.ts'
import type { AnalysisReport, TaskInput } from '../../src/index.ts'

const analyse = tasks.find(({ name }) => name === 'analyse')!

/** Give nfcapd what a capture holds. @returns the files that it wrote. */
async function collect(input: TaskInput, folder: string): Promise<string> {
  const nfcapd = await startNfcapd(folder, input.name)
  const socket = createSocket('udp4')
  const reader = new CaptureReader()
  const send = (octets: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(octets, nfcapd.port, '127.0.0.1', error => (error === null ? resolve() : reject(error)))
    })
  reader.begin()
  for (const chunk of [readFileSync(input.path)])
    for (const { octets } of reader.push(chunk)) await send(octets.slice())
  for (const { octets } of reader.end()) await send(octets.slice())
  for (const { octets } of reader.finish()) await send(octets.slice())
  await nfcapd.stop()
  socket.close()
  const files = join(folder, `nfcapd-${input.name}`)
  return join(
    files,
    readdirSync(files).find(name => name.startsWith('nfcapd.'))!
  )
}

const nfdump = (file: string, ...options: string[]): string[] =>
  execFileSync(toolPath('nfdump'), ['-r', file, ...options], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .map(line => line.trim())

/** Key, flows, packets, octets. */
type Row = readonly [key: string, flows: number, packets: number, octets: number]

const byKey = (left: Row, right: Row): number => (left[0] < right[0] ? -1 : 1)

/** A statistic of nfdump, such as `srcip/bytes`. */
function statistic(file: string, what: string): Row[] {
  return nfdump(file, '-s', what, '-n', '0', '-o', 'csv')
    .filter(line => /^\d{4}-/.test(line))
    .map(line => line.split(','))
    .map((cells): Row => [cells[4], Number(cells[5]), Number(cells[7]), Number(cells[9])])
    .toSorted(byKey)
}

/** Pairs of addresses, each direction by itself. */
function pairs(file: string): Row[] {
  return nfdump(file, '-A', 'srcip,dstip', '-o', 'fmt:%sa,%da,%fl,%pkt,%byt', '-6', '-N', '-q')
    .map(line => line.split(',').map(cell => cell.trim()))
    .filter(cells => cells.length === 5)
    .map((cells): Row => [`${cells[0]} ${cells[1]}`, Number(cells[2]), Number(cells[3]), Number(cells[4])])
    .toSorted(byKey)
}

/** The sums of `nfdump -I`: all, tcp, udp. */
function info(file: string): Row[] {
  const values = new Map(nfdump(file, '-I').map(line => line.split(': ') as [string, string]))
  const of = (protocol: string): Row => {
    const number = (what: string): number => Number(values.get(protocol === '' ? what : `${what}_${protocol}`))
    return [protocol, number('Flows'), number('Packets'), number('Bytes')]
  }
  return [of(''), of('tcp'), of('udp')]
}

/** nfcapd 1.7.1 knows the sampling of none of these: what the records say is compared. */
const rowOf = (
  key: string,
  { flows, packets, octets }: Omit<AnalysisReport['sources']['byFlows'][number], 'address' | 'mayHaveMissed'>
): Row => [key, flows, packets, octets]

/** Captures that nfcapd 1.7.1 reads otherwise. */
const differences: Readonly<Record<string, string>> = {
  'openvswitch-ipfix.pcap': 'SKIPPED: nfcapd adds up octetTotalCount where octetDeltaCount is there too',
  'openvswitch-ipfix-lossy.pcap': 'SKIPPED: it has no records that can be decoded',
  'softflowd-ipfix-biflow.pcap': 'SKIPPED: nfdump adds the way back to what the source sent',
  'softflowd-psamp.pcap': 'SKIPPED: packets that were sampled are no flows for nfcapd',
  'softflowd-v1.pcap': 'SKIPPED: nfcapd drops datagrams of NetFlow v1 with more than 24 flows'
}

describe('analyse counts what nfdump counts', { skip: absent('nfcapd', 'nfdump'), concurrency: 4 }, () => {
  const folder = tempFolder('nfdump')
  for (const input of fixtureInputs()) {
    test(input.name, { skip: differences[input.name] ?? false }, async context => {
      const file = await collect(input, folder)
      const run = await runTask(context, analyse, [input], { top: 1000 })
      const report = JSON.parse(run.text('report.json')) as AnalysisReport
      assert.ok(report.totals.flows > 0)
      const { sources, destinations, conversations, protocols, totals } = report
      const sums = ['tcp', 'udp'].map(name => rowOf(name, protocols.find(each => each.name === name) ?? none))
      assert.deepEqual([rowOf('', totals), ...sums], info(file))
      const own = (entries: typeof sources.byFlows): Row[] =>
        entries.map(each => rowOf(each.address, each)).toSorted(byKey)
      assert.deepEqual(own(sources.byFlows), statistic(file, 'srcip/bytes'))
      assert.deepEqual(own(destinations.byFlows), statistic(file, 'dstip/bytes'))
      const directions = conversations.byFlows
        .flatMap(({ a, b, aToB, bToA }) => [rowOf(`${a} ${b}`, aToB), rowOf(`${b} ${a}`, bToA)])
        .filter(([, flows]) => flows > 0)
      assert.deepEqual(directions.toSorted(byKey), pairs(file))
    })
  }
})

const none = { flows: 0, packets: 0, octets: 0, estimatedOctets: 0, estimatedPackets: 0 }
