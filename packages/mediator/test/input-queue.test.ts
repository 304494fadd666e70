import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeldBatch } from '../src/held-batch.ts'
import { InputQueue } from '../src/input-queue.ts'
import type { QueuePolicy } from '../src/input-queue.ts'
import { batchOf, flowLayout, flows, sourceOf } from './support/batches.ts'
import type { TestBatch } from './support/batches.ts'
import { SourceState } from '../src/source-state.ts'

const source = sourceOf()
const state = new SourceState(source)

function held(records: number): { held: HeldBatch; batch: TestBatch } {
  const batch = batchOf([{ layout: flowLayout, source, records: flows(records) }])
  const one = new HeldBatch()
  one.open(batch, batch.octets, batch.view, () => undefined)
  one.add(flowLayout, source, state, undefined, 0, 0, Number.NaN, records, 0, records * 24)
  return { held: one, batch }
}

/** Offer, then give up the intake's own reference. */
function offer(queue: InputQueue, records: number): TestBatch {
  const { held: one, batch } = held(records)
  queue.offer(one)
  one.releaseCredit()
  one.release()
  return batch
}

/** Read one batch whole into a chunk of this number. */
function read(queue: InputQueue, chunk: number): number {
  const records = queue.current()!.records
  queue.finishBatch(chunk)
  return records
}

test('a batch is settled when the chunk that holds its last record is written, not before', () => {
  const queue = new InputQueue({ octets: 1_000_000, policy: 'block' })
  const [one, two] = [offer(queue, 10), offer(queue, 20)]
  read(queue, 1)
  read(queue, 2)
  assert.equal(one.isSettled, false)
  queue.confirm(1, 10)
  assert.deepEqual([one.isSettled, two.isSettled], [true, false])
  queue.confirm(2, 20)
  assert.equal(two.isSettled, true)
  assert.equal(queue.isEmpty, true)
  assert.equal(queue.queuedOctets, 0)
})

test('block holds the credit, the other policies give it back at once', () => {
  for (const policy of ['block', 'drop-oldest', 'drop-newest'] as const) {
    const batch = offer(new InputQueue({ octets: 1_000_000, policy }), 10)
    assert.equal(batch.isCreditReleased, policy !== 'block', policy)
    assert.equal(batch.isSettled, false)
  }
})

test('the credit comes back when the last destination that blocks is done, though another still holds the batch', () => {
  const blocking = new InputQueue({ octets: 1_000_000, policy: 'block' })
  const patient = new InputQueue({ octets: 1_000_000, policy: 'drop-oldest' })
  const { held: one, batch } = held(10)
  blocking.offer(one)
  patient.offer(one)
  one.releaseCredit()
  one.release()
  assert.equal(batch.isCreditReleased, false)
  read(blocking, 1)
  blocking.confirm(1, 10)
  assert.deepEqual([batch.isCreditReleased, batch.isSettled], [true, false])
  patient.clear()
  assert.equal(batch.isSettled, true)
})

test('the credit comes back when the policy is changed from block', () => {
  const queue = new InputQueue({ octets: 1_000_000, policy: 'block' })
  const [begun, waiting] = [offer(queue, 10), offer(queue, 10)]
  queue.current()
  queue.configure({ octets: 1_000_000, policy: 'drop-newest' })
  assert.deepEqual([begun.isCreditReleased, waiting.isCreditReleased], [true, true])
})

test('drop-oldest gives up the batch that waited for longest, but none that was begun', () => {
  const queue = new InputQueue({ octets: 24 * 30, policy: 'drop-oldest' })
  const begun = offer(queue, 10)
  queue.current()
  const [oldest, next, newest] = [offer(queue, 10), offer(queue, 10), offer(queue, 10)]
  assert.deepEqual(
    [begun, oldest, next, newest].map(({ isSettled }) => isSettled),
    [false, true, false, false]
  )
  assert.equal(queue.droppedOldest, 10)
  assert.equal(queue.queuedRecords, 30)
})

test('drop-newest gives up what comes when the queue is full', () => {
  const queue = new InputQueue({ octets: 24 * 30, policy: 'drop-newest' })
  const kept = offer(queue, 30)
  const dropped = offer(queue, 1)
  assert.deepEqual([kept.isSettled, dropped.isSettled], [false, true])
  assert.equal(queue.droppedNewest, 1)
})

test('the bound counts records too', () => {
  const queue = new InputQueue({ octets: 1_000_000, records: 15, policy: 'drop-newest' })
  offer(queue, 10)
  offer(queue, 10)
  assert.equal(queue.droppedNewest, 10)
})

test('block drops nothing whatever its bound', () => {
  const queue = new InputQueue({ octets: 1, policy: 'block' })
  for (let index = 0; index < 10; index++) offer(queue, 10)
  assert.equal(queue.queuedRecords, 100)
})

test('rewind reads again from the chunk that was lost', () => {
  const queue = new InputQueue({ octets: 1_000_000, policy: 'block' })
  const batches = [offer(queue, 1), offer(queue, 2), offer(queue, 3)]
  read(queue, 1)
  const { slot, entry, offset } = queue.position
  read(queue, 2)
  read(queue, 3)
  queue.confirm(1, 1)
  queue.rewind({ slot, entry, offset })
  assert.deepEqual([read(queue, 4), read(queue, 5)], [2, 3])
  queue.confirm(5, 5)
  assert.ok(batches.every(({ isSettled }) => isSettled))
})

test('whatever happens, every record is written, dropped or queued, and every batch is settled in the end', () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('offer' as const), records: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ what: fc.constant('read' as const) }),
    fc.record({ what: fc.constant('confirm' as const) }),
    fc.record({ what: fc.constant('lose' as const) }),
    fc.record({
      what: fc.constant('configure' as const),
      policy: fc.constantFrom<QueuePolicy>('block', 'drop-oldest', 'drop-newest')
    })
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const queue = new InputQueue({ octets: 24 * 100, policy: 'drop-oldest' })
      const batches: TestBatch[] = []
      const inFlight: { chunk: number; records: number; start: { slot: number; entry: number; offset: number } }[] = []
      let matched = 0
      let sent = 0
      let chunk = 0
      for (const action of steps) {
        if (action.what === 'offer') {
          matched += action.records
          batches.push(offer(queue, action.records))
        } else if (action.what === 'read' && queue.current() !== undefined) {
          const start = { ...queue.position }
          inFlight.push({ chunk: ++chunk, records: read(queue, chunk), start })
        } else if (action.what === 'confirm' && inFlight.length > 0) {
          const done = inFlight.shift()!
          sent += done.records
          queue.confirm(done.chunk, done.records)
        } else if (action.what === 'lose' && inFlight.length > 0) {
          queue.rewind(inFlight[0]!.start)
          inFlight.length = 0
        } else if (action.what === 'configure') queue.configure({ octets: 24 * 60, policy: action.policy })
        assert.equal(matched, sent + queue.queuedRecords + queue.droppedOldest + queue.droppedNewest)
      }
      const rest = queue.clear()
      assert.equal(matched, sent + rest + queue.droppedOldest + queue.droppedNewest)
      assert.ok(batches.every(({ isSettled }) => isSettled))
      assert.equal(queue.queuedOctets, 0)
    }),
    { numRuns: 500 }
  )
})

test('a paced queue holds the credit whatever its policy, and gives it back when it is paced no longer', () => {
  const queue = new InputQueue({ octets: 1_000_000, policy: 'drop-oldest' })
  queue.pace(true)
  const [one, two] = [offer(queue, 10), offer(queue, 20)]
  read(queue, 1)
  assert.deepEqual([one.isCreditReleased, two.isCreditReleased], [false, false])
  queue.pace(false)
  assert.deepEqual([one.isCreditReleased, two.isCreditReleased], [true, true])
  queue.confirm(1, 10)
  assert.deepEqual([one.isSettled, two.isSettled], [true, false])
})
