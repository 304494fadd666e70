import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { FakeClock, silentLog } from '@weir/runtime'
import { loadSegmentSender } from '../src/outputs/segment-sender.ts'
import { batchOf, flowBatch, layoutOf, sourceOf } from './support/batches.ts'
import { Rig } from './support/rig.ts'
import { UdpSink } from './support/sinks.ts'
import { numberOf } from './support/strict-reader.ts'
import type { MakeSegmentSender } from '../src/outputs/udp-output.ts'

const loaded = await loadSegmentSender(silentLog())
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const serials = (sink: UdpSink): number[] => sink.reader.records.map(record => numberOf(record, '32473.1'))
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Both ways into the kernel pass the same tests. */
function suite(socket: 'dgram' | 'segment', makeSegmentSender: MakeSegmentSender | undefined): void {
  test('records reach a UDP collector after their template, each Message a datagram', async () => {
    const sink = await new UdpSink().listen()
    const rig = new Rig({ makeSegmentSender })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}`, socket })
    rig.push(flowBatch(sourceOf(), 1_000))
    await rig.settled()
    await sink.until(() => sink.reader.records.length === 1_000)
    assert.deepEqual(serials(sink), upTo(1_000))
    assert.ok(Math.max(...sink.sizes) <= 484, 'R7011-10.3.3-1')
    await rig.stop()
    assert.equal(rig.ledger.destinations.a!.sent, 1_000)
    await sink.close()
  })

  test('R7011-10.3.3-1 over IPv6 the payload is 464 octets at most', async () => {
    const sink = await new UdpSink('udp6').listen()
    const rig = new Rig({ makeSegmentSender })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://[::1]:${sink.port}`, socket })
    rig.push(flowBatch(sourceOf(), 100))
    await sink.until(() => sink.reader.records.length === 100)
    assert.ok(Math.max(...sink.sizes) <= 464)
    await rig.stop()
    await sink.close()
  })

  test('Messages of unequal length keep their bounds', async () => {
    const sink = await new UdpSink().listen()
    const rig = new Rig({ makeSegmentSender })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}`, socket, maxMessageOctets: 1_472 })
    const layout = layoutOf('82:v 32473.1:8')
    const records = upTo(300).map(index => {
      const name = (index * 37) % 250
      const record = new Uint8Array(1 + name + 8)
      record[0] = name
      new DataView(record.buffer).setBigUint64(1 + name, BigInt(index))
      return record
    })
    rig.push(batchOf([{ layout, source: sourceOf(), records }]))
    await sink.until(() => sink.reader.records.length === 300)
    assert.deepEqual(serials(sink), upTo(300))
    await rig.stop()
    await sink.close()
  })

  test('R7011-10.3.3-1 a record that is longer than the path takes goes alone, one that UDP cannot carry is counted', async () => {
    const sink = await new UdpSink().listen()
    const rig = new Rig({ makeSegmentSender })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}`, socket })
    const layout = layoutOf('82:v')
    const named = (length: number): Uint8Array => {
      const record = new Uint8Array(3 + length)
      record.set([255, length >> 8, length & 255])
      return record
    }
    rig.push(batchOf([{ layout, source: sourceOf(), records: [named(10), named(20_000), named(65_500), named(10)] }]))
    await rig.settled()
    await sink.until(() => sink.reader.records.length === 3)
    assert.equal(rig.ledger.destinations.a!.dropped.encode_too_big, 1)
    await rig.stop()
    await sink.close()
  })

  test('R7011-8.4-2 a new template is sent three times, a second apart; data follow the first', async () => {
    const clock = new FakeClock()
    const sink = await new UdpSink().listen()
    const rig = new Rig({ makeSegmentSender, clock })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}`, socket })
    rig.push(flowBatch(sourceOf(), 5))
    await sink.until(() => sink.reader.records.length === 5)
    for (let step = 0; step < 20; step++) {
      clock.advance(250)
      rig.destinations.tick()
      await soon()
    }
    await sink.until(() => sink.reader.messages.length === 4)
    const [first] = sink.reader.messages
    assert.deepEqual(
      sink.reader.messages.map(({ templates, exportTimeSec }) => [
        templates.length,
        exportTimeSec - first!.exportTimeSec
      ]),
      [
        [1, 0],
        [0, 0],
        [1, 1],
        [1, 2]
      ]
    )
    await rig.stop()
    await sink.close()
  })

  test('R7011-8.4-1 every template and the options records are sent again in time', async () => {
    const clock = new FakeClock()
    const sink = await new UdpSink().listen()
    const rig = new Rig({ makeSegmentSender, clock })
    rig.add({
      id: 'a',
      type: 'ipfix',
      url: `udp://127.0.0.1:${sink.port}`,
      socket,
      templateRefreshSec: 60,
      optionsRefreshSec: 120,
      templateCopies: 1
    })
    const source = sourceOf()
    const options = layoutOf('149:4 41:8', 1)
    rig.push(flowBatch(source, 5), batchOf([{ layout: options, source, records: [new Uint8Array(12)] }]))
    await sink.until(() => sink.reader.records.length === 6)
    for (let second = 0; second < 600; second++) {
      clock.advance(1_000)
      rig.destinations.tick()
      if (second % 10 === 0) await soon()
    }
    const seen = (isOptions: boolean): number[] =>
      sink.reader.messages.flatMap(({ templates }) =>
        templates.filter(({ scopeCount }) => scopeCount > 0 === isOptions).map(({ exportTimeSec }) => exportTimeSec)
      )
    await sink.until(() => seen(false).length === 11 && seen(true).length === 6 && sink.reader.records.length === 11)
    const gaps = (times: number[]): number[] => times.slice(1).map((time, index) => time - times[index]!)
    assert.ok(gaps(seen(false)).every(gap => Math.abs(gap - 60) <= 1))
    assert.ok(gaps(seen(true)).every(gap => Math.abs(gap - 120) <= 1))
    assert.equal(sink.reader.records.filter(({ isOptions }) => isOptions).length, 6)
    assert.equal(rig.ledger.destinations.a!.sent, 6)
    rig.check()
    await rig.stop()
    await sink.close()
  })

  test('R7011-8.4-4 no withdrawal is sent over UDP when a Layout ends', async () => {
    const clock = new FakeClock()
    const sink = await new UdpSink().listen()
    const rig = new Rig({ makeSegmentSender, clock })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}`, socket })
    const batch = flowBatch(sourceOf(), 5)
    rig.push(batch)
    await rig.settled()
    batch.entries.reset()
    batch.entries.next()
    rig.destinations.forgetLayout(batch.entries.layout)
    rig.destinations.tick()
    rig.push(flowBatch(sourceOf(), 5, 5))
    await sink.until(() => sink.reader.records.length === 10)
    assert.deepEqual(
      sink.reader.messages.flatMap(({ withdrawals }) => withdrawals),
      []
    )
    // The id that the ended template had is not used for the new one: it could still be under way (R7011-8.4-5).
    assert.equal(new Set(sink.reader.records.map(({ templateId }) => templateId)).size, 2)
    await rig.stop()
    await sink.close()
  })

  test('a port where nobody listens costs errors that are counted, not the destination', async () => {
    const free = createSocket('udp4')
    free.bind(0, '127.0.0.1')
    await once(free, 'listening')
    const { port } = free.address()
    free.close()
    await once(free, 'close')
    const rig = new Rig({ makeSegmentSender })
    rig.add({ id: 'a', type: 'ipfix', url: `udp://127.0.0.1:${port}`, socket })
    for (let round = 0; round < 20; round++) {
      rig.push(flowBatch(sourceOf(), 5, round * 5))
      await soon()
    }
    await rig.settled()
    const [state] = rig.destinations.states
    assert.ok(state!.output.sendErrors > 0)
    assert.equal(state!.ledger.sent, 100)
    assert.equal(state!.output.status, 'ready')
    await rig.stop()
  })
}

describe('through dgram', () => suite('dgram', undefined))

describe(
  'with UDP_SEGMENT',
  { skip: typeof loaded === 'string' ? `SKIPPED: no UDP_SEGMENT here: ${loaded}` : false },
  () => {
    if (typeof loaded !== 'string') suite('segment', loaded)
  }
)
