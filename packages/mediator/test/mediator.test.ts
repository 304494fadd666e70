import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock, silentLog } from '@weir/runtime'
import { serveControl } from '../src/control.ts'
import { createMediator } from '../src/mediator.ts'
import { createMediatorMetrics, mediatorMetrics } from '../src/metrics.ts'
import { loadSegmentSender } from '../src/outputs/segment-sender.ts'
import { batchOf, flowBatch, layoutOf, sourceOf } from './support/batches.ts'
import { FakeControl, FakeReceiver } from './support/fake-link.ts'
import { defaults, destinationOf } from './support/rig.ts'
import { TcpSink } from './support/sinks.ts'
import type { Destination, WeirConfig } from '@weir/config'
import type { Clock } from '@weir/runtime'
import type { Mediator } from '../src/mediator.ts'

interface Setup {
  readonly mediator: Mediator
  readonly receiver: FakeReceiver
  readonly control: FakeControl
}

function setUp(
  destinations: Destination[],
  clock?: Clock,
  limits: Partial<WeirConfig['mediator']['limits']> = {}
): Setup {
  const mediatorConfig = { ...defaults.mediator, limits: { ...defaults.mediator.limits, ...limits } }
  const config: WeirConfig = { ...defaults, runDir: '/nowhere', mediator: mediatorConfig, destinations }
  let receiver!: FakeReceiver
  const mediator = createMediator(config, {
    log: silentLog(),
    ...(clock === undefined ? {} : { clock }),
    makeReceiver: (_config, deps) => (receiver = new FakeReceiver(deps))
  })
  const control = new FakeControl()
  serveControl(
    control,
    mediator,
    createMediatorMetrics(() => mediator.state)
  )
  return { mediator, receiver, control }
}

const never = new AbortController().signal

test('is inert until it is started, and may be stopped before and twice', async () => {
  const { mediator, receiver } = setUp([])
  assert.equal(receiver.onBatch, undefined)
  assert.equal(mediator.readiness.isReady, false)
  await mediator.stop(100)
  await mediator.stop(100)
})

test('UDP_SEGMENT is there for destinations that the API adds later', async () => {
  const isAvailable = typeof (await loadSegmentSender(silentLog())) !== 'string'
  const { mediator } = setUp([])
  await mediator.start(never)
  assert.equal(mediator.state.hasSegments, isAvailable)
  await mediator.stop(100)
})

test('R6183-5.3-1 what comes in goes out, and both are told', async () => {
  const sink = await new TcpSink().listen()
  const { mediator, receiver, control } = setUp([destinationOf({ id: 'a', type: 'ipfix', url: sink.url })])
  await mediator.start(never)
  assert.equal(mediator.readiness.isReady, true)
  receiver.onBatch!(flowBatch(sourceOf(), 100))
  await sink.until(() => sink.records.length === 100)
  const state = await control.ask('mediator.state')
  assert.deepEqual((state.ledger as { records: unknown }).records, { received: 100, redelivered: 0 })
  const text = await mediatorText(mediator)
  assert.match(text, /^weir_mediator_received_records_total 100$/m)
  assert.match(text, /^weir_mediator_destination_sent_records_total\{destination="a"\} 100$/m)
  assert.match(text, /^weir_mediator_destination_dropped_records_total\{destination="a",reason="queue_oldest"\} 0$/m)
  await mediator.stop(2_000)
  assert.deepEqual(mediator.checkLedger(), [])
  await sink.until(() => sink.ended === 1)
  await sink.close()
})

test('what a destination was told outlives a mediator, but not one that was taken out while none ran', async t => {
  const stateDir = mkdtempSync(join(tmpdir(), 'weir-mediator-'))
  t.after(() => rmSync(stateDir, { recursive: true }))
  const path = join(stateDir, 'destination-modes.json')
  writeFileSync(path, JSON.stringify({ gone: 'drained', a: 'paused' }))
  const another = (id: string): Destination => destinationOf({ id, type: 'json', target: 'file:/dev/null' })
  const config: WeirConfig = { ...defaults, runDir: '/nowhere', stateDir, destinations: [another('a')] }
  const mediator = createMediator(config, { log: silentLog(), makeReceiver: (_config, deps) => new FakeReceiver(deps) })
  await mediator.start(never)
  const { destinations } = mediator
  destinations.add(another('gone'), true)
  assert.deepEqual(
    destinations.states.map(({ mode }) => mode),
    ['paused', 'running']
  )
  await destinations.setMode('gone', 'running')
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { a: 'paused' })
  await mediator.stop(100)
})

const mediatorText = (mediator: Mediator): Promise<string> => createMediatorMetrics(() => mediator.state).text()

test('every declared metric is reported', async () => {
  const { mediator, receiver } = setUp([destinationOf({ id: 'a', type: 'json', target: 'file:/dev/null' })])
  await mediator.start(never)
  receiver.onBatch!(flowBatch(sourceOf(), 1))
  const text = await mediatorText(mediator)
  for (const { name } of Object.values(mediatorMetrics)) assert.match(text, new RegExp(`^${name}[ {]`, 'm'))
  await mediator.stop(1_000)
})

test('L-14 L-23 the bounds of Programs and lists are those of the configuration, and metrics show when they are hit', async () => {
  const sink = await new TcpSink().listen()
  const limits = { listDepth: 2, listElements: 3, compiledFields: 0, compileAfterRecords: 0 }
  const { mediator, receiver } = setUp([destinationOf({ id: 'a', type: 'ipfix', url: sink.url })], undefined, limits)
  await mediator.start(never)
  const lists = [
    '08ff00040001060606',
    '09ff0004000106060606',
    '0bff0123ffff05ff0123ffff',
    '11ff0123ffff0bff0123ffff05ff0123ffff'
  ]
  const records = lists.map(list => Uint8Array.from(Buffer.from(list, 'hex')))
  receiver.onBatch!(batchOf([{ layout: layoutOf('291:65535'), source: sourceOf(), records }]))
  await sink.until(() => sink.records.length === lists.length)
  const text = await mediatorText(mediator)
  assert.match(text, /^weir_mediator_malformed_lists_total 2$/m)
  assert.match(text, /^weir_mediator_compiled_programs_total 0$/m)
  assert.match(text, /^weir_mediator_uncompilable_programs_total 1$/m)
  await mediator.stop(2_000)
  await sink.close()
})

test('F-40 it stops when the collector has said that nothing more comes, and delivers everything before', async () => {
  const sink = await new TcpSink().listen()
  const { mediator, receiver } = setUp([destinationOf({ id: 'a', type: 'ipfix', url: sink.url })])
  await mediator.start(never)
  receiver.openSenders = 1
  receiver.onBatch!(flowBatch(sourceOf(), 100))
  const stopped = mediator.stop(25_000)
  // Still taken: the collector is not done.
  receiver.onBatch!(flowBatch(sourceOf(), 100, 100))
  receiver.endOfStream()
  await stopped
  await sink.until(() => sink.ended === 1)
  assert.equal(sink.records.length, 200)
  assert.equal(receiver.isStopped, true)
  assert.deepEqual(mediator.checkLedger(), [])
  await sink.close()
})

test('F-40 it does not wait for a collector that was killed once the link holds it for dead', async () => {
  const clock = new FakeClock()
  const { mediator, receiver } = setUp([], clock)
  await mediator.start(never)
  receiver.openSenders = 1
  let isStopped = false
  const stopped = mediator.stop(25_000).then(() => (isStopped = true))
  await clock.advanceAsync(1_000, 250)
  assert.equal(isStopped, false)
  receiver.openSenders = 0
  await clock.advanceAsync(250, 250)
  await stopped
  assert.equal(receiver.isStopped, true)
})

test('F-43 what cannot be delivered in time is dropped as shutdown, and what comes then is left to the collector', async () => {
  const clock = new FakeClock()
  const sink = await new TcpSink().listen()
  const { url } = sink
  await sink.close()
  const { mediator, receiver } = setUp([destinationOf({ id: 'a', type: 'ipfix', url })], clock)
  await mediator.start(never)
  receiver.onBatch!(flowBatch(sourceOf(), 100))
  const stopped = mediator.stop(5_000)
  await new Promise(resolve => setImmediate(resolve))
  const late = flowBatch(sourceOf(), 100)
  receiver.onBatch!(late)
  await clock.advanceAsync(5_000, 250)
  await stopped
  assert.equal(late.isSettled, false)
  assert.equal(mediator.ledger.destinations.a!.dropped.shutdown, 100)
  assert.deepEqual(mediator.checkLedger(), [])
})

test('the control methods add, change and remove destinations, and ask for templates', async () => {
  const sink = await new TcpSink().listen()
  const { mediator, receiver, control } = setUp([])
  await mediator.start(never)
  const destination = destinationOf({ id: 'b', type: 'ipfix', url: sink.url })
  const added = await control.ask('destinations.add', { destination: destination as never })
  assert.equal(added.id, 'b')
  receiver.onBatch!(flowBatch(sourceOf(), 10))
  await sink.until(() => sink.records.length === 10)
  const patched = await control.ask('destinations.patch', {
    id: 'b',
    destination: { ...destination, queue: { octets: 65_536, policy: 'drop-newest' } } as never
  })
  assert.deepEqual((patched.queue as { policy: string }).policy, 'drop-newest')
  const merged = await control.ask('destinations.patch', { id: 'b', change: { queue: { policy: 'block' } } })
  assert.deepEqual(merged.queue, { records: 0, octets: 0, batches: 0, limitOctets: 65_536, policy: 'block' })
  await control.ask('destinations.resendTemplates', { id: 'b' })
  await sink.until(() => sink.sessions[0]!.messages.length === 2)
  await control.ask('destinations.remove', { id: 'b' })
  await sink.until(() => sink.ended === 1)
  assert.deepEqual((await control.ask('mediator.state')).destinations, [])
  await assert.rejects(control.ask('destinations.remove', { id: 'b' }), { code: 'DESTINATION_UNKNOWN' })
  await mediator.stop(1_000)
  await sink.close()
})

test('a Layout and a source that have ended are forgotten', async () => {
  const sink = await new TcpSink().listen()
  const { mediator, receiver } = setUp([destinationOf({ id: 'a', type: 'ipfix', url: sink.url })])
  await mediator.start(never)
  const source = sourceOf()
  const batch = flowBatch(source, 10)
  receiver.onBatch!(batch)
  await batch.settled
  assert.equal(mediator.state.sources, 1)
  batch.entries.reset()
  batch.entries.next()
  receiver.deps.onLayoutReleased!(batch.entries.layout)
  receiver.deps.onSourceReleased!(source)
  assert.equal(mediator.state.sources, 0)
  assert.equal(mediator.state.programs.size, 0)
  await mediator.stop(1_000)
  await sink.close()
})
