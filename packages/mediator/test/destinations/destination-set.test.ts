import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '@weir/runtime'
import { batchOf, flowBatch, flowLayout, flows, layoutOf, sourceOf } from '../support/batches.ts'
import { ModeBook } from '../../src/destinations/mode-book.ts'
import { Rig, defaults, destinationOf } from '../support/rig.ts'
import { TcpSink } from '../support/sinks.ts'
import { numberOf } from '../support/strict-reader.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const serials = (sink: TcpSink): number[] =>
  sink.records.filter(({ isOptions }) => !isOptions).map(record => numberOf(record, '32473.1'))

test('F-37 destinations come, change and go while records flow, and nothing is lost for the one that stays', async () => {
  const stays = await new TcpSink().listen()
  const moves = await new TcpSink().listen()
  const rig = new Rig()
  rig.add({ id: 'stays', type: 'ipfix', url: stays.url, queue: { policy: 'block' } })
  const source = sourceOf()
  const rounds = 200
  for (let round = 0; round < rounds; round++) {
    if (round % 4 === 1) rig.add({ id: 'moves', type: 'ipfix', url: moves.url }, true)
    if (round % 4 === 2) {
      rig.destinations.patch('moves', { queue: { octets: 1_000_000 + round } })
      rig.destinations.patch('moves', { templateRefreshSec: 60 + round })
    }
    if (round % 4 === 3) void rig.destinations.remove('moves').done
    rig.push(flowBatch(source, 50, round * 50))
    await new Promise(resolve => setImmediate(resolve))
    rig.check()
  }
  await stays.until(() => stays.sessions[0]!.records.length === rounds * 50)
  assert.equal(stays.sessions.length, 1)
  assert.deepEqual(serials(stays), upTo(rounds * 50))
  await rig.stop()
  await stays.close()
  await moves.close()
})

test('a destination that is added while records flow is told first what options records said before', async () => {
  const sink = await new TcpSink().listen()
  const rig = new Rig()
  const source = sourceOf()
  const record = new Uint8Array(12)
  record[11] = 7
  rig.push(batchOf([{ layout: layoutOf('149:4 41:8', 1), source, records: [record] }]))
  rig.add({ id: 'late', type: 'ipfix', url: sink.url }, true)
  rig.push(flowBatch(source, 1))
  await sink.until(() => sink.records.length === 2)
  assert.deepEqual(
    sink.records.map(({ isOptions }) => isOptions),
    [true, false]
  )
  assert.equal(rig.ledger.destinations.late!.matched, 1)
  await rig.stop()
  await sink.close()
})

test('what a mediator before us exported of options goes first in our first session, outside the account', async () => {
  const early = await new TcpSink().listen()
  const late = await new TcpSink().listen()
  const rig = new Rig()
  const source = sourceOf()
  const options = layoutOf('149:4 41:8', 1)
  const record = (id: number): Uint8Array => new Uint8Array([0, 0, 0, id, 0, 0, 0, 0, 0, 0, 0, 1])
  rig.add({ id: 'early', type: 'ipfix', url: early.url })
  // Its session is up before the collector says anything, that of the other is not.
  while (rig.destinations.states[0]!.output.status !== 'ready') await new Promise(resolve => setImmediate(resolve))
  rig.add({ id: 'late', type: 'ipfix', url: late.url })
  rig.push(batchOf([{ layout: options, source, records: [record(1)], isState: true }]))
  rig.push(
    batchOf([
      { layout: options, source, records: [record(2)], isState: true },
      { layout: flowLayout, source, records: flows(1) }
    ])
  )
  for (const sink of [early, late]) {
    await sink.until(() => sink.records.length === 3)
    assert.deepEqual(
      sink.records.map(({ isOptions }) => isOptions),
      [true, true, false]
    )
    assert.deepEqual(
      sink.records.slice(0, 2).map(each => numberOf(each, '149')),
      [1, 2]
    )
  }
  await rig.settled()
  for (const id of ['early', 'late']) assert.equal(rig.ledger.destinations[id]!.matched, 1)
  // Without records, it does not wait for them.
  rig.push(batchOf([{ layout: options, source, records: [record(3)], isState: true }]))
  rig.destinations.tick()
  await early.until(() => early.records.length === 6)
  await rig.stop()
  await early.close()
  await late.close()
})

test('a changed Plan takes effect in the same session', async () => {
  const sink = await new TcpSink().listen()
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix', url: sink.url })
  const source = sourceOf()
  rig.push(flowBatch(source, 1))
  await rig.settled()
  rig.destinations.patch('a', { plan: { lineage: false } })
  rig.push(flowBatch(source, 1))
  await sink.until(() => sink.records.length === 2)
  assert.equal(sink.sessions.length, 1)
  assert.deepEqual(
    sink.records.map(({ values }) => values.has('403')),
    [true, false]
  )
  await rig.stop()
  await sink.close()
})

test('one that is removed while it is drained has no say of the one that is added under its id', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-modes-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const modes = new ModeBook(join(folder, 'modes.json'), silentLog())
  const sink = await new TcpSink().listen()
  t.after(() => sink.close())
  const rig = new Rig({ modes })
  t.after(() => rig.stop())
  rig.add({ id: 'a', type: 'ipfix', url: sink.url })
  rig.push(flowBatch(sourceOf(), 10))
  await rig.settled()
  const isSet = rig.destinations.setMode('a', 'draining')
  const { done } = rig.destinations.remove('a')
  rig.add({ id: 'a', type: 'ipfix', url: sink.url }, true)
  await Promise.all([isSet, done])
  await modes.saved()
  assert.equal(modes.get('a'), 'running')
  assert.equal(rig.destinations.states[0]!.mode, 'running')
})

test('a changed target takes the queue over: nothing is lost and nothing doubled', async () => {
  const before = await new TcpSink().listen()
  const after = await new TcpSink().listen()
  const rig = new Rig()
  const config = destinationOf({ id: 'a', type: 'ipfix', url: before.url, queue: { policy: 'block' } })
  rig.destinations.add(config, false)
  const source = sourceOf()
  for (let round = 0; round < 10; round++) rig.push(flowBatch(source, 100, round * 100))
  await before.until(() => before.sockets.length === 1)
  rig.destinations.replace({ ...config, url: after.url } as typeof config)
  for (let round = 10; round < 20; round++) rig.push(flowBatch(source, 100, round * 100))
  await rig.settled()
  await before.until(() => before.ended === 1)
  await rig.stop()
  await after.until(() => after.ended === 1)
  assert.deepEqual([...serials(before), ...serials(after)], upTo(2_000))
  await before.close()
  await after.close()
})

test('changes that follow each other at once end with the last of them', async () => {
  const sinks = await Promise.all([1, 2, 3].map(() => new TcpSink().listen()))
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix', url: sinks[0]!.url, queue: { policy: 'block' } })
  const source = sourceOf()
  rig.push(flowBatch(source, 100))
  rig.destinations.patch('a', { url: sinks[1]!.url })
  rig.destinations.patch('a', { url: sinks[2]!.url })
  rig.destinations.patch('a', { plan: { lineage: false } })
  rig.push(flowBatch(source, 100, 100))
  await rig.settled()
  await rig.stop()
  await sinks[2]!.until(() => sinks[2]!.ended === 1)
  assert.deepEqual(
    sinks.flatMap(sink => serials(sink)).toSorted((a, b) => a - b),
    upTo(200)
  )
  assert.equal(sinks[2]!.records.at(-1)!.values.has('403'), false)
  await Promise.all(sinks.map(sink => sink.close()))
})

test('a queue is bounded by half of what the collector holds, so that dropping begins before that is full', () => {
  const rig = new Rig()
  rig.add({ id: 'a', type: 'json', target: 'file:/dev/null', queue: { octets: 1_073_741_824 } })
  assert.equal(rig.destinations.states[0]!.queue.limitOctets, 67_108_864)
})

test('an equal configuration changes nothing', async () => {
  const sink = await new TcpSink().listen()
  const rig = new Rig()
  const config = destinationOf({ id: 'a', type: 'ipfix', url: sink.url })
  rig.destinations.add(config, false)
  await sink.until(() => sink.sockets.length === 1)
  rig.destinations.replace(structuredClone(config))
  rig.push(flowBatch(sourceOf(), 3))
  await sink.until(() => sink.records.length === 3)
  assert.equal(sink.sockets.length, 1)
  await rig.stop()
  await sink.close()
})

test('another plan for all holds at once for those that do not say otherwise, on the session that they have', async () => {
  const sinks = [await new TcpSink().listen(), await new TcpSink().listen()]
  const rig = new Rig()
  rig.add({ id: 'follows', type: 'ipfix', url: sinks[0]!.url })
  rig.add({ id: 'own', type: 'ipfix', url: sinks[1]!.url, plan: { lineage: true } })
  const source = sourceOf()
  rig.push(flowBatch(source, 10))
  for (const sink of sinks) await sink.until(() => sink.records.length === 10)
  const { plan } = defaults.mediator
  rig.destinations.setDefaults({ plan: { ...plan, lineage: false }, maxTemplates: 4_096 })
  rig.push(flowBatch(source, 10, 10))
  for (const sink of sinks) await sink.until(() => sink.records.length === 20)
  // 405 originalObservationDomainId
  const marked = sinks.map(({ records }) => records.filter(record => record.values.has('405')).length)
  assert.deepEqual(marked, [10, 20])
  for (const sink of sinks) {
    assert.deepEqual(serials(sink), upTo(20))
    assert.equal(sink.sessions.length, 1)
  }
  await rig.stop()
  for (const sink of sinks) await sink.close()
})

test('a removed destination delivers what it has; what it cannot is dropped as shutdown', async () => {
  const sink = await new TcpSink().listen()
  const { url } = sink
  const rig = new Rig({ drainMs: 50 })
  rig.add({ id: 'there', type: 'ipfix', url })
  rig.push(flowBatch(sourceOf(), 100))
  await rig.destinations.remove('there').done
  assert.equal(rig.ledger.destinations.there!.sent, 100)
  await sink.until(() => sink.records.length === 100)
  await sink.close()
  rig.add({ id: 'gone', type: 'ipfix', url })
  rig.push(flowBatch(sourceOf(), 100))
  await rig.destinations.remove('gone').done
  assert.equal(rig.ledger.destinations.gone!.dropped.shutdown, 100)
  assert.ok(rig.batches.every(batch => batch.isSettled))
  rig.check()
})

test('rejects an id that is taken and one that is not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-set-'))
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix-file', path: folder })
  assert.throws(() => rig.add({ id: 'a', type: 'ipfix-file', path: folder }), { code: 'DESTINATION_EXISTS' })
  assert.throws(() => rig.destinations.patch('b', {}), { code: 'DESTINATION_UNKNOWN' })
  assert.throws(() => rig.destinations.remove('b'), { code: 'DESTINATION_UNKNOWN' })
  assert.throws(() => rig.destinations.resendTemplates('b'), { code: 'DESTINATION_UNKNOWN' })
  rmSync(folder, { recursive: true })
})

test('the accounts of destinations that followed each other under one id add up, whatever still drains', async () => {
  const nowhere = await new TcpSink().listen()
  const { url } = nowhere
  await nowhere.close()
  const rig = new Rig({ drainMs: 500 })
  const removed: Promise<void>[] = []
  for (let round = 0; round < 3; round++) {
    rig.add({ id: 'a', type: 'ipfix', url })
    rig.push(flowBatch(sourceOf(), 10))
    removed.push(rig.destinations.remove('a').done)
    assert.equal(rig.ledger.destinations.a!.matched, 10 * (round + 1))
    rig.check()
  }
  assert.equal(rig.destinations.stopping.length, 3)
  rig.add({ id: 'a', type: 'ipfix', url })
  assert.equal(rig.ledger.destinations['a#removed']!.queued, 30)
  // All of it is settled by the time that the process goes.
  await rig.stop(500)
  assert.equal(rig.ledger.destinations['a#removed']!.dropped.shutdown, 30)
  assert.equal(rig.ledger.batches.unsettled, 0)
  await Promise.all(removed)
})

test('of a destination that is removed it is told once that it takes nothing any more; of one that comes after it, that it does', async () => {
  const sink = await new TcpSink().listen()
  const told: unknown[] = []
  const rig = new Rig({ onChange: (id, note) => void told.push([id, note]) })
  const ready = (isReady: boolean) => ['out', { isReady }]
  const until = async (count: number): Promise<void> => {
    while (told.length < count) {
      await new Promise(resolve => setTimeout(resolve, 5))
      rig.destinations.tick()
    }
  }
  rig.add({ id: 'out', type: 'ipfix', url: sink.url })
  await until(1)
  await rig.destinations.remove('out').done
  assert.deepEqual(told, [ready(true), ready(false)])
  rig.add({ id: 'out', type: 'ipfix', url: sink.url })
  await until(3)
  assert.deepEqual(told, [ready(true), ready(false), ready(true)])
  await rig.stop()
  await sink.close()
})

test('of a destination that was never there it is not told that it is gone', async () => {
  const told: unknown[] = []
  const rig = new Rig({ onChange: (id, note) => void told.push([id, note]) })
  rig.add({ id: 'away', type: 'ipfix', url: 'tcp://127.0.0.1:9' })
  await rig.destinations.remove('away').done
  assert.deepEqual(told, [])
  await rig.stop()
})
