import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { batchOf, flowLayout, flows, layoutOf, sourceOf } from './support/batches.ts'
import { PcapWriter } from './support/pcap.ts'
import { Rig } from './support/rig.ts'
import { TcpSink, UdpSink } from './support/sinks.ts'
import type { Layout } from '@weir/ipfix'
import type { TestBatch } from './support/batches.ts'

const isThere = (program: string, ...options: string[]): boolean => spawnSync(program, options).error === undefined
const skipTshark = isThere('tshark', '--version') ? false : 'SKIPPED: tshark is not installed (apt-get install tshark)'
const skipNfcapd = isThere('nfcapd', '-V') ? false : 'SKIPPED: nfcapd is not installed (apt-get install nfdump)'
const PORT = 4_739

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'weir-peers-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** Flows, options, enterprise fields, variable length and lists, of several exporters. */
function mixture(rounds: number): TestBatch[] {
  const options = layoutOf('302:8 305:4 306:4', 1)
  const named = layoutOf('8:4 82:v 32473.1:8')
  const lists = layoutOf('1:8 292:v')
  const context = new Map<number, Layout>([[1_000, layoutOf('8:4 12:4')]])
  const list = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 11, 3, 3, 232, 10, 0, 0, 1, 10, 0, 0, 2)
  const name = Uint8Array.of(10, 0, 0, 9, 4, 101, 116, 104, 48, 0, 0, 0, 0, 0, 0, 0, 1)
  const source = sourceOf()
  const other = sourceOf({ odid: 7, port: 9 })
  return Array.from({ length: rounds }, (_, round) =>
    batchOf([
      { layout: options, source, records: [new Uint8Array(16)] },
      { layout: flowLayout, source, records: flows(40, round * 40) },
      { layout: named, source: other, records: [name, name] },
      { layout: lists, source, records: [list], context }
    ])
  )
}

const RECORDS_PER_ROUND = 44

/** What tshark says of a capture. */
function dissect(pcap: Buffer, decodeAs: string): { messages: number; flows: number; complaints: string[] } {
  const path = join(folder, 'wire.pcap')
  writeFileSync(path, pcap)
  const text = execFileSync('tshark', ['-r', path, '-d', decodeAs, '-V'], {
    encoding: 'utf8',
    maxBuffer: 268_435_456,
    stdio: ['ignore', 'pipe', 'ignore']
  })
  return {
    messages: text.match(/^Cisco NetFlow\/IPFIX/gm)?.length ?? 0,
    flows: text.match(/^ {8}Flow \d+/gm)?.length ?? 0,
    complaints: text.split('\n').filter(line => /malformed|no template found|unexpected flow sequence/i.test(line))
  }
}

test('tshark finds nothing malformed and no data without a template over UDP', { skip: skipTshark }, async () => {
  const sink = await new UdpSink().listen()
  const wire: Uint8Array[] = []
  const { reader } = sink
  const read = reader.read.bind(reader)
  reader.read = octets => {
    wire.push(octets.slice())
    return read(octets)
  }
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}`, observationDomainId: 'preserve' })
  rig.push(...mixture(20))
  await rig.settled()
  await sink.until(() => reader.records.length === 20 * RECORDS_PER_ROUND)
  await rig.stop()
  await sink.close()
  const pcap = new PcapWriter()
  for (const message of wire) pcap.udp(message, PORT)
  const seen = dissect(pcap.octets, `udp.port==${PORT},cflow`)
  assert.deepEqual(seen.complaints, [])
  assert.equal(seen.messages, wire.length)
  assert.equal(seen.flows, 20 * RECORDS_PER_ROUND)
})

test('tshark finds nothing malformed and no data without a template over TCP', { skip: skipTshark }, async () => {
  const sink = new TcpSink()
  const pieces: Buffer[] = []
  let octets = 0
  sink.onOctets = piece => {
    pieces.push(piece)
    octets += piece.length
  }
  await sink.listen()
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix', url: sink.url, maxMessageOctets: 1_300 })
  rig.push(...mixture(20))
  await rig.settled()
  await rig.stop()
  await sink.until(() => sink.ended === 1)
  await sink.close()
  assert.ok(octets > 0)
  const pcap = new PcapWriter()
  pcap.tcp(Buffer.concat(pieces), PORT)
  const seen = dissect(pcap.octets, `tcp.port==${PORT},cflow`)
  assert.deepEqual(seen.complaints, [])
  assert.equal(seen.flows, 20 * RECORDS_PER_ROUND)
})

test('nfcapd counts as many flows and octets as were sent', { skip: skipNfcapd }, async () => {
  const free = createSocket('udp4')
  free.bind(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address()
  free.close()
  await once(free, 'close')
  const nfcapd = spawn('nfcapd', ['-b', '127.0.0.1', '-p', String(port), '-w', folder, '-B', '4194304', '-t', '3600'], {
    stdio: 'ignore'
  })
  const exited = once(nfcapd, 'exit')
  const receiveQueue = (): number => {
    const line = readFileSync('/proc/net/udp', 'utf8')
      .split('\n')
      .find(text => text.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `))
    return line === undefined ? -1 : Number.parseInt(line.trim().split(/\s+/)[4]!.split(':')[1]!, 16)
  }
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone() && nfcapd.exitCode === null) await new Promise(resolve => setImmediate(resolve))
  }
  await until(() => receiveQueue() === 0)
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${port}`, maxMessageOctets: 1_400 })
  const layout = layoutOf('8:4 12:4 7:2 11:2 4:1 1:4 2:4 152:8 153:8')
  const count = 2_000
  const nowMs = Date.now()
  const records = Array.from({ length: count }, (_, index) => {
    const record = new Uint8Array(layout.recordLength)
    const view = new DataView(record.buffer)
    view.setUint32(0, 0x0a000000 + index)
    view.setUint32(4, 0x0a010000 + index)
    view.setUint16(8, 1_024 + index)
    view.setUint16(10, 443)
    view.setUint8(12, 6)
    view.setUint32(13, 1_000 + index)
    view.setUint32(17, 2)
    view.setBigUint64(21, BigInt(nowMs - 1_000))
    view.setBigUint64(29, BigInt(nowMs))
    return record
  })
  rig.push(batchOf([{ layout, source: sourceOf(), records }]))
  await rig.settled()
  await rig.stop()
  await until(() => receiveQueue() === 0)
  nfcapd.kill('SIGINT')
  await exited
  const files = readdirSync(folder).filter(name => name.startsWith('nfcapd.'))
  assert.ok(files.length > 0)
  const summary = execFileSync('nfdump', ['-R', folder, '-I'], { encoding: 'utf8' })
  const value = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(summary)?.[1])
  assert.equal(value('Flows'), count)
  assert.equal(value('Bytes'), (count * (2_000 + count - 1)) / 2)
})
