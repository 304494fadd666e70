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
  undecoded
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
