import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SequenceTracker, type MessageHeader } from '@weir/ipfix'
import { addCounts, DomainSequence, noCounts } from '../src/domain-sequence.ts'

const headerOf = (sequence: number): MessageHeader => ({
  version: 10,
  lengthOctets: 100,
  exportTimeSec: 1,
  sequence,
  odid: 1,
  bootTimeMs: NaN,
  v5Sampling: -1
})

const countsOf = ({ lost, duplicated, reordered, restarts, suspect, undecoded }: SequenceTracker) => ({
  lost,
  duplicated,
  reordered,
  restarts,
  suspect,
  undecoded,
  gap: 0
})

test('counts as a tracker that was there from the first Message', () => {
  const step = fc.record({
    sequence: fc.nat({ max: 40 }),
    units: fc.nat({ max: 5 }),
    isComplete: fc.boolean(),
    isDiscarded: fc.boolean()
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), steps => {
      const lazy = new DomainSequence()
      const tracker = new SequenceTracker()
      // The decoder uses one header again and again.
      const header = headerOf(0)
      for (const { sequence, units, isComplete, isDiscarded } of steps) {
        header.sequence = sequence
        assert.equal(lazy.update(header, units, isComplete), tracker.update(headerOf(sequence), units, isComplete))
        if (!isDiscarded) continue
        lazy.noteDiscarded()
        tracker.noteDiscarded()
      }
      const sums = noCounts()
      addCounts(sums, lazy.counts)
      assert.deepEqual(sums, steps.length < 2 ? noCounts() : countsOf(tracker))
    })
  )
})

const former = (nextSequence: number, more: object = {}) => ({
  version: 10,
  nextSequence,
  exportTimeSec: 1,
  bootTimeMs: NaN,
  ...more
})

const gapOf = (sequence: number, before: ReturnType<typeof former>, header: object = {}): number[] =>
  [0, 1, 2].map(messagesBefore => {
    const domain = new DomainSequence()
    for (let sent = 0; sent < messagesBefore; sent++) {
      domain.update({ ...headerOf(sequence + sent), ...header }, 1, true)
    }
    domain.takeOver(before)
    domain.takeOver(former(0))
    if (messagesBefore === 0) domain.update({ ...headerOf(sequence), ...header }, 1, true)
    return domain.counts.gap
  })

test('counts what is missing since another collector saw it, whenever that is told, once', () => {
  assert.deepEqual(gapOf(140, former(100)), [40, 40, 40])
  assert.deepEqual(gapOf(100, former(100)), [0, 0, 0])
  assert.deepEqual(gapOf(5, former(0xffff_fffe)), [7, 7, 7])
})

test('counts no gap where an exporter began anew, or numbers are of another kind', () => {
  assert.deepEqual(gapOf(10, former(100)), [0, 0, 0])
  assert.deepEqual(gapOf(140, former(100, { exportTimeSec: 2 })), [0, 0, 0])
  assert.deepEqual(gapOf(140, former(100, { version: 9 })), [0, 0, 0])
  const v9 = { version: 9, bootTimeMs: 1_000_000 }
  assert.deepEqual(gapOf(140, former(100, v9), v9), [40, 40, 40])
  assert.deepEqual(gapOf(140, former(100, v9), { ...v9, bootTimeMs: 2_000_000 }), [0, 0, 0])
})

test('says what the next Message should carry', () => {
  const domain = new DomainSequence()
  assert.equal(domain.next, -1)
  domain.update(headerOf(0xffff_ffff), 3, true)
  assert.equal(domain.next, 2)
  domain.update(headerOf(2), 4, true)
  assert.equal(domain.next, 6)
  const v9 = new DomainSequence()
  v9.update({ ...headerOf(7), version: 9, bootTimeMs: 1 }, 30, true)
  assert.equal(v9.next, 8)
})
