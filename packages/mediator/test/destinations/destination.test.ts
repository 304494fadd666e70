import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ProgramCache } from '@weir/mediation'
import { FakeClock, silentLog } from '@weir/runtime'
import { Destination } from '../../src/destinations/destination.ts'
import { IpfixEncoder } from '../../src/destinations/ipfix/ipfix-encoder.ts'
import { Intake } from '../../src/intake.ts'
import { destinationDropReasons } from '../../src/ledger.ts'
import { programsOf } from '../../src/programs.ts'
import { batchOf, flowLayout, flows, layoutOf, sourceOf } from '../support/batches.ts'
import { fullPlan } from '../support/encoding.ts'
import { FakeOutput } from '../support/fake-output.ts'
import { registry } from '../support/rig.ts'
import { StrictReader, numberOf } from '../support/strict-reader.ts'
import type { QueuePolicy } from '../../src/input-queue.ts'
import type { TestBatch } from '../support/batches.ts'

const programs = new ProgramCache({ registry, compileAfterRecords: 0 })
const otherLayout = layoutOf('12:4 8:4 32473.1:8 7:2')
const options = layoutOf('302:8 305:4 306:4', 1)

/** A destination with an output in hand, and chunks that few records fill. */
function setUp(
  policy: QueuePolicy,
  queueOctets = 1_000_000
): {
  readonly destination: Destination
  readonly intake: Intake
  /** The newest: one that was drained gets another. */
  readonly output: () => FakeOutput
  readonly outputs: readonly FakeOutput[]
  readonly clock: FakeClock
} {
  const clock = new FakeClock()
  let output!: FakeOutput
  const outputs: FakeOutput[] = []
  const destination: Destination = new Destination(
    { id: 'd', type: 'ipfix', queue: { octets: queueOctets, policy }, chunkOctets: 66_000 },
    events => {
      output = new FakeOutput(events)
      outputs.push(output)
      const config = {
        transport: 'tcp',
        observationDomainId: 0,
        maxMessageOctets: 2_000,
        longestMessageOctets: 65_535,
        templateCopies: 1,
        templateRefreshMs: 600_000,
        optionsRefreshMs: 600_000,
        templateIdleMs: 60_000,
        maxTemplates: 100
      } as const
      return {
        encoder: new IpfixEncoder(config, programsOf(programs, fullPlan), clock, error => assert.fail(String(error))),
        output
      }
    },
    { clock, log: silentLog(), optionsSnapshot: () => intake.optionsSnapshot() }
  )
  const intake = new Intake(held => destination.offer(held))
  destination.open()
  return { destination, intake, output: () => output, outputs, clock }
}

/** The account closes. */
function check(destination: Destination): void {
  const { matched, sent, queued, dropped } = destination.ledger
  let sum = 0
  for (const reason of destinationDropReasons) sum += dropped[reason]
  assert.equal(matched, sent + queued + sum)
}

/** Serial numbers of the chunks that were written, each read as if alone: templates of all sessions are known beforehand. */
function writtenSerials(output: FakeOutput): number[] {
  const serials: number[] = []
  for (const session of output.sessions) assert.ok(session instanceof StrictReader)
  for (const octets of output.written) {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    for (let at = 0; at < octets.length; at += view.getUint16(at + 2)) {
      for (let set = at + 16; set < at + view.getUint16(at + 2); set += view.getUint16(set + 2)) {
        if (view.getUint16(set) < 256) continue
        // Serial numbers carry a mark that nothing else in these records has.
        for (let place = set + 4; place + 8 <= set + view.getUint16(set + 2); place++) {
          if (view.getUint32(place) === MARK) serials.push(view.getUint32(place + 4))
        }
      }
    }
  }
  return serials
}

const MARK = 0xfeedface

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('whatever happens to its sessions: the account closes, and what is written is written once, in order, decodable', async () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        what: fc.constant('offer' as const),
        records: fc.integer({ min: 1, max: 900 }),
        isOther: fc.boolean()
      })
    },
    { weight: 5, arbitrary: fc.record({ what: fc.constant('confirm' as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('options' as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('lose' as const) }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('ready' as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('rotate' as const) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('tick' as const), afterMs: fc.nat(70_000) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('forget' as const), isOther: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant('mode' as const),
        mode: fc.constantFrom('running' as const, 'paused' as const, 'draining' as const)
      })
    }
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom<QueuePolicy>('block', 'drop-oldest', 'drop-newest'),
      async (steps, policy) => {
        const { destination, intake, output, outputs, clock } = setUp(policy, 60_000)
        const source = sourceOf()
        const batches: TestBatch[] = []
        let serial = 0
        for (const action of steps) {
          if (action.what === 'offer') {
            const layout = action.isOther ? otherLayout : flowLayout
            const records = flows(action.records, serial).map(flow => {
              const record = new Uint8Array(layout.recordLength)
              const view = new DataView(record.buffer)
              const at = action.isOther ? 8 : 16
              view.setUint32(at, MARK)
              view.setUint32(at + 4, new DataView(flow.buffer).getUint32(20))
              return record
            })
            serial += action.records
            const batch = batchOf([{ layout, source, records }])
            batches.push(batch)
            intake.onBatch(batch)
          } else if (action.what === 'options') {
            const batch = batchOf([{ layout: options, source, records: [new Uint8Array(16)] }])
            batches.push(batch)
            intake.onBatch(batch)
          } else if (action.what === 'confirm') output().confirm()
          else if (action.what === 'lose') output().lose()
          else if (action.what === 'ready') output().becomeReady()
          else if (action.what === 'rotate') output().wantsNewSession = true
          else if (action.what === 'tick') {
            clock.advance(action.afterMs)
            destination.tick()
          } else if (action.what === 'mode') {
            const { sent } = destination.ledger
            destination.setMode(action.mode)
            // The end of a session, and the begin of another, follow.
            await turn()
            if (destination.mode === 'paused') assert.equal(destination.ledger.sent, sent)
          } else destination.forgetLayout(action.isOther ? otherLayout : flowLayout)
          check(destination)
        }
        destination.setMode('running')
        await turn()
        output().becomeReady()
        while (output().confirm());
        check(destination)
        const { sent, queued, matched, dropped } = destination.ledger
        assert.equal(queued, 0)
        assert.ok(batches.every(({ isSettled }) => isSettled))
        assert.equal(matched, sent + dropped.queue_oldest + dropped.queue_newest + dropped.drained)
        if (policy === 'block') assert.equal(matched, sent + dropped.drained)
        const serials = outputs.flatMap(writtenSerials)
        for (let index = 1; index < serials.length; index++) assert.ok(serials[index]! > serials[index - 1]!)
        const optionsSent = batches.reduce((sum, batch) => sum + batch.records, 0) - serial
        assert.ok(Math.abs(serials.length - sent) <= optionsSent)
        await destination.stop(0)
      }
    ),
    { numRuns: 150 }
  )
})

test('paused: nothing is sent and the queue keeps to its policy; drained: what waited leaves, and what comes is counted', async () => {
  const { destination, intake, output, outputs } = setUp('drop-oldest', 30_000)
  const offer = (): void => {
    for (let round = 0; round < 10; round++) {
      intake.onBatch(batchOf([{ layout: flowLayout, source: sourceOf(), records: flows(500) }]))
    }
  }
  output().becomeReady()
  destination.setMode('paused')
  offer()
  const { dropped, queued } = destination.ledger
  assert.deepEqual([dropped.queue_oldest, queued, output().sessions[0]!.records.length], [4_000, 1_000, 0])
  destination.setMode('draining')
  offer()
  assert.equal(destination.ledger.dropped.drained, 5_000)
  assert.equal(destination.mode, 'draining')
  while (output().confirm());
  await turn()
  assert.deepEqual([destination.mode, destination.ledger.sent, output().isReady], ['drained', 1_000, false])
  destination.setMode('paused')
  await turn()
  assert.equal(outputs.length, 2, 'another session, in which nothing goes yet')
  output().becomeReady()
  offer()
  assert.equal(destination.ledger.sent, 1_000)
  await destination.stop(0)
  check(destination)
  assert.equal(destination.ledger.dropped.shutdown, 1_000)
})

test('drained, resumed and drained again while its session ends: what came in between is sent before it is drained', async () => {
  const { destination, intake, output, outputs } = setUp('block')
  output().becomeReady()
  destination.setMode('draining')
  destination.setMode('running')
  intake.onBatch(batchOf([{ layout: flowLayout, source: sourceOf(), records: flows(500) }]))
  destination.setMode('draining')
  await turn()
  assert.deepEqual([destination.mode, outputs.length, destination.ledger.queued], ['draining', 2, 500])
  output().becomeReady()
  while (output().confirm());
  await turn()
  assert.deepEqual([destination.mode, destination.ledger.sent, destination.ledger.queued], ['drained', 500, 0])
  check(destination)
  await destination.stop(0)
})

test('a session that is lost goes back to the oldest chunk that was not written', () => {
  const { destination, intake, output } = setUp('block')
  const source = sourceOf()
  for (let round = 0; round < 10; round++) {
    intake.onBatch(batchOf([{ layout: flowLayout, source, records: flows(500, round * 500) }]))
  }
  output().becomeReady()
  output().confirm()
  const { sent } = destination.ledger
  assert.ok(sent > 0 && sent < 5_000)
  output().lose()
  const { uncertain, redelivered } = destination.ledger
  assert.ok(uncertain > 0)
  assert.equal(redelivered, uncertain)
  output().becomeReady()
  while (output().confirm());
  assert.equal(destination.ledger.sent, 5_000)
  const again = output().sessions[1]!.records.map(record => numberOf(record, '32473.1'))
  assert.deepEqual(
    again,
    Array.from({ length: 5_000 - sent }, (_, index) => sent + index)
  )
})

test('nothing is encoded before the output can take it', () => {
  const { destination, intake, output } = setUp('drop-oldest', 30_000)
  const source = sourceOf()
  for (let round = 0; round < 10; round++) {
    intake.onBatch(batchOf([{ layout: flowLayout, source, records: flows(500, round * 500) }]))
  }
  assert.equal(destination.ledger.dropped.queue_oldest, 4_000)
  output().becomeReady()
  const [session] = output().sessions
  assert.equal(session!.messages[0]!.sequence, 0)
  assert.equal(numberOf(session!.records[0]!, '32473.1'), 4_000)
})

test('the collector waits for a destination that takes output, and not for one that is away or slow', () => {
  const { destination, intake, output, clock } = setUp('drop-oldest')
  const source = sourceOf()
  let serial = 0
  const offer = (): TestBatch => {
    const batch = batchOf([{ layout: flowLayout, source, records: flows(500, (serial += 500)) }])
    intake.onBatch(batch)
    return batch
  }
  // Away: the queue alone holds it.
  assert.equal(offer().isCreditReleased, true)
  output().becomeReady()
  while (output().confirm());
  // Taking: what has to wait keeps the collector waiting.
  let waiting = offer()
  for (let n = 0; n < 14; n++) waiting = offer()
  assert.equal(waiting.isCreditReleased, false)
  while (output().confirm());
  assert.equal(waiting.isCreditReleased, true)
  // Slow: nothing taken for a while.
  for (let n = 0; n < 15; n++) waiting = offer()
  assert.equal(waiting.isCreditReleased, false)
  clock.advance(250)
  destination.tick()
  assert.equal(waiting.isCreditReleased, true)
  assert.equal(waiting.isSettled, false)
  assert.equal(offer().isCreditReleased, true)
  // And it takes output again.
  while (output().confirm());
  for (let n = 0; n < 15; n++) waiting = offer()
  assert.equal(waiting.isCreditReleased, false)
  output().lose()
  destination.tick()
  assert.equal(waiting.isCreditReleased, true)
  check(destination)
})

test('a destination that changes its target does not hold the collector back while the old output closes', async () => {
  const { destination, intake, output } = setUp('drop-oldest')
  output().becomeReady()
  const source = sourceOf()
  let waiting = batchOf([])
  for (let n = 0; n < 15; n++) {
    waiting = batchOf([{ layout: flowLayout, source, records: flows(500) }])
    intake.onBatch(waiting)
  }
  assert.equal(waiting.isCreditReleased, false)
  const old = output()
  const changed = destination.reopen(() => assert.fail('not asked'), 1_000).catch(() => undefined)
  await Promise.resolve()
  assert.equal(waiting.isCreditReleased, true)
  assert.equal(output(), old)
  await changed
})

test('what was under way when it was stopped is uncertain and dropped, not redelivered', async () => {
  const { destination, intake, output, clock } = setUp('drop-oldest')
  output().becomeReady()
  intake.onBatch(batchOf([{ layout: flowLayout, source: sourceOf(), records: flows(500) }]))
  output().close = () => Promise.resolve()
  const stopped = destination.stop(1_000)
  await Promise.resolve()
  clock.advance(1_000)
  await stopped
  const { uncertain, redelivered, dropped, sent } = destination.ledger
  assert.deepEqual({ uncertain, redelivered, sent }, { uncertain: 500, redelivered: 0, sent: 0 })
  assert.equal(dropped.shutdown, 500)
  check(destination)
})

test('options that the queue dropped before the first session are told in it', () => {
  const { intake, output } = setUp('drop-oldest', 30_000)
  const source = sourceOf()
  intake.onBatch(batchOf([{ layout: options, source, records: [new Uint8Array(16)] }]))
  for (let round = 0; round < 10; round++) {
    intake.onBatch(batchOf([{ layout: flowLayout, source, records: flows(500) }]))
  }
  output().becomeReady()
  assert.equal(output().sessions[0]!.records[0]!.isOptions, true)
})
