import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SequenceTracker } from '@weir/ipfix'
import type { SequenceStep } from '@weir/ipfix'

interface Sent {
  readonly sequence: number
  readonly units?: number
  readonly timeSec?: number
  readonly bootTimeMs?: number
  readonly isComplete?: boolean
}

function follow(
  version: number,
  sent: readonly (Sent | number)[],
  units = 5
): { tracker: SequenceTracker; steps: SequenceStep[] } {
  const tracker = new SequenceTracker()
  const steps = sent.map(one => {
    const message = typeof one === 'number' ? { sequence: one } : one
    const header = {
      version,
      lengthOctets: 100,
      exportTimeSec: message.timeSec ?? 100,
      sequence: message.sequence >>> 0,
      odid: 1,
      bootTimeMs: version === 10 ? Number.NaN : (message.bootTimeMs ?? 5e11),
      v5Sampling: -1
    }
    return tracker.update(header, message.units ?? units, message.isComplete ?? true)
  })
  return { tracker, steps }
}

function counts({
  lost,
  duplicated,
  reordered,
  restarts,
  suspect,
  undecoded
}: SequenceTracker): Record<string, number> {
  const all = { lost, duplicated, reordered, restarts, suspect, undecoded }
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0))
}

describe('SequenceTracker', () => {
  test('R7011-9-3 counts gaps, late Messages and duplicates by records', () => {
    const { tracker, steps } = follow(10, [0, 5, 20, 15, 20])
    assert.deepEqual(steps, ['first', 'next', 'gap', 'late', 'duplicate'])
    assert.deepEqual(counts(tracker), { lost: 5, reordered: 1, duplicated: 1 })
  })

  test('R3954-seq-1 counts lost packets of v9, whatever they carry', () => {
    assert.deepEqual(counts(follow(9, [5, 7]).tracker), { lost: 1 })
  })

  test('RV5-2 counts lost flows of v5 and v7', () => {
    assert.deepEqual(counts(follow(5, [1000, 1030, 1063], 30).tracker), { lost: 3 })
    assert.deepEqual(counts(follow(7, [1000, 1030, 1063], 30).tracker), { lost: 3 })
  })

  test('has nothing to say of v1', () => {
    assert.deepEqual(counts(follow(1, [0, 0, 0]).tracker), {})
  })

  test('TH-19 goes on over 2^32 without a loss', () => {
    const { tracker, steps } = follow(10, [0xfffffff6, 0xfffffffb, 0, 5])
    assert.deepEqual(steps, ['first', 'next', 'next', 'next'])
    assert.deepEqual(counts(tracker), {})
  })

  test('TH-19 takes a gap over 2^32 and fills it', () => {
    const { tracker } = follow(10, [0xfffffff6, 5, 0xfffffffb, 0])
    assert.deepEqual(counts(tracker), { reordered: 2 })
  })

  test('TH-19 fills one gap in any order, and counts each Message once', () => {
    const { tracker, steps } = follow(10, [0, 5, 30, 20, 10, 25, 10, 15])
    assert.deepEqual(steps, ['first', 'next', 'gap', 'late', 'late', 'late', 'duplicate', 'late'])
    assert.deepEqual(counts(tracker), { reordered: 4, duplicated: 1 })
  })

  test('TH-19 sees no loss when Messages are shuffled within the window', () => {
    const order = Array.from({ length: 1000 }, (_, at) => at).flatMap((at, _index) =>
      at % 10 === 3 ? [] : at % 10 === 8 ? [at, at - 5] : [at]
    )
    const { tracker } = follow(
      10,
      order.map(at => 5 * at)
    )
    assert.deepEqual(counts(tracker), { reordered: 100 })
  })

  test('TH-19 counts exactly what was dropped', () => {
    const dropped = new Set([10, 11, 300, 500, 501, 502, 900])
    const order = Array.from({ length: 1000 }, (_, at) => at).filter(at => !dropped.has(at))
    assert.deepEqual(
      counts(
        follow(
          10,
          order.map(at => 7 * at),
          7
        ).tracker
      ),
      { lost: 49 }
    )
  })

  test('R7011-11.6-1 is not blinded by one number of the far future', () => {
    const order = [...Array.from({ length: 20 }, (_, at) => 5 * at), 2 ** 31, 100, 105]
    const { tracker, steps } = follow(10, order)
    assert.equal(steps[20], 'suspect')
    assert.deepEqual(counts(tracker), { suspect: 1 })
  })

  test('TH-03 counts no loss for one forged Message in a hundred', () => {
    let seed = 1
    const order: (Sent | number)[] = []
    for (let at = 0; at < 5000; at++) {
      order.push(5 * at)
      seed = (seed * 1_103_515_245 + 12_345) >>> 0
      if (at % 100 === 50) order.push({ sequence: 100_000 + seed / 2 })
    }
    const { tracker } = follow(10, order)
    assert.deepEqual(counts(tracker), { suspect: 50 })
  })

  test('believes a long outage when three Messages agree, and counts it', () => {
    const { tracker, steps } = follow(10, [0, 5, 100_010, 100_015, 100_020, 100_025])
    assert.deepEqual(steps, ['first', 'next', 'suspect', 'suspect', 'gap', 'next'])
    assert.deepEqual(counts(tracker), { lost: 100_000 })
  })

  test('D15 sees a restart when the numbers begin again, though they were all seen before', () => {
    const { tracker, steps } = follow(10, [
      0,
      5,
      10,
      15,
      { sequence: 0, timeSec: 200 },
      { sequence: 5, timeSec: 200 },
      { sequence: 10, timeSec: 201 },
      { sequence: 15, timeSec: 201 }
    ])
    assert.deepEqual(steps.slice(4), ['suspect', 'suspect', 'restart', 'next'])
    assert.deepEqual(counts(tracker), { restarts: 1 })
  })

  test('R3954-9-3 sees a restart when the boot time moves and stays, not when one packet says so', () => {
    const later = 5e11 + 61_000
    const { tracker, steps } = follow(9, [
      1,
      2,
      { sequence: 3, bootTimeMs: later },
      4,
      { sequence: 0, bootTimeMs: later },
      { sequence: 1, bootTimeMs: later },
      { sequence: 2, bootTimeMs: later },
      { sequence: 3, bootTimeMs: later }
    ])
    assert.deepEqual(steps, ['first', 'next', 'next', 'next', 'suspect', 'duplicate', 'restart', 'next'])
    assert.equal(tracker.restarts, 1)
    assert.equal(tracker.lost, 0)
  })

  test('sees no restart when sysUpTime wraps after 49.7 days', () => {
    const { tracker } = follow(9, [1, 2, ...[3, 4, 5, 6].map(sequence => ({ sequence, bootTimeMs: 5e11 + 2 ** 32 }))])
    assert.deepEqual(counts(tracker), {})
  })

  test('gives to undecoded what follows a Message with an unknown Set, never to lost', () => {
    const { tracker, steps } = follow(10, [0, { sequence: 5, units: 0, isComplete: false }, 12, 17])
    assert.deepEqual(steps, ['first', 'next', 'undecoded', 'next'])
    assert.deepEqual(counts(tracker), { undecoded: 7 })
  })

  test('gives to undecoded what a discarded Message held', () => {
    const tracker = follow(10, [0]).tracker
    tracker.noteDiscarded()
    const header = {
      version: 10,
      lengthOctets: 1,
      exportTimeSec: 100,
      sequence: 30,
      odid: 1,
      bootTimeMs: Number.NaN,
      v5Sampling: -1
    }
    assert.equal(tracker.update(header, 5, true), 'undecoded')
    assert.deepEqual(counts(tracker), { undecoded: 25 })
  })

  test('takes Messages without records as they come', () => {
    const { tracker, steps } = follow(10, [
      0,
      { sequence: 5, units: 0 },
      { sequence: 5, units: 0 },
      5,
      { sequence: 5, units: 0 }
    ])
    assert.deepEqual(steps, ['first', 'next', 'next', 'next', 'late'])
    assert.deepEqual(counts(tracker), {})
  })
})

describe('a Message looks as if its exporter had begun anew', () => {
  const header = (version: number, sequence: number, exportTimeSec: number, bootTimeMs = 5e11) => ({
    version,
    lengthOctets: 100,
    exportTimeSec,
    sequence: sequence >>> 0,
    odid: 1,
    bootTimeMs: version === 10 ? Number.NaN : bootTimeMs,
    v5Sampling: -1
  })
  const cases: readonly [string, number, readonly number[], ReturnType<typeof header>, boolean][] = [
    ['when its number goes back and its time on', 10, [1000, 1005, 1010], header(10, 0, 101), true],
    ['when its clock is another one', 10, [1000, 1005], header(10, 0, 1), true],
    ['when its number is far ahead', 10, [1000, 1005], header(10, 2 ** 30 + 2000, 101), true],
    ['across the wrap', 10, [-10, -5], header(10, 2 ** 31 + 5, 101), true],
    ['not when it goes on', 10, [1000, 1005], header(10, 1010, 101), false],
    ['not when many are missing', 10, [1000, 1005], header(10, 1_000_000, 101), false],
    ['not when it wraps', 10, [-10, -5], header(10, 0, 101), false],
    ['not when it fills a gap', 10, [1000, 1005, 1020], header(10, 1010, 100), false],
    ['not when it is of the same second or a little older', 10, [1000, 1005], header(10, 10, 100), false],
    ['not behind numbers that were never in order', 10, [1000, 1001, 1002], header(10, 10, 101), false],
    ['not when numbers count something else', 10, [1000, 1005, 1006, 1007], header(10, 1008, 101), false],
    ['of v9 by its boot time', 9, [1, 2], header(9, 3, 101, 5e11 + 61_000), true],
    [
      'of v9 not by a boot time that is a little off, or that wrapped',
      9,
      [1, 2],
      header(9, 3, 101, 5e11 + 59_000),
      false
    ],
    [
      'of v9 not by its clock alone, when its numbers go on from many',
      9,
      [99_999, 100_000],
      header(9, 100_001, 101, 5e11 + 3_600_000),
      false
    ],
    [
      'of v9 by its boot time, when its numbers do not go on',
      9,
      [99_999, 100_000],
      header(9, 0, 101, 5e11 + 3_600_000),
      true
    ],
    ['of another version not', 9, [1, 2], header(10, 0, 101), false]
  ]
  for (const [what, version, sent, next, expected] of cases) {
    test(what, () => {
      const { tracker } = follow(version, sent)
      assert.equal(tracker.looksAnew(next), expected)
      if (expected) assert.equal(tracker.isUsual(next), false)
    })
  }
})

describe('numbers that mean what they should', () => {
  const cases: readonly [string, number, (index: number) => number, boolean][] = [
    ['go on', 10, index => index * 5, true],
    ['go on with gaps', 10, index => index * 5 + 15 * Math.floor(index / 4), true],
    ['do not when they never move', 10, () => 0, false],
    ['do not when they count Messages', 10, index => index, false],
    ['do not when two counters are mixed', 10, index => (index % 2) * 1e6 + Math.floor(index / 2) * 5, false],
    ['do not when three counters are mixed', 10, index => (index % 3) * 1e6 + Math.floor(index / 3) * 5, false]
  ]
  for (const [what, version, sequenceOf, expected] of cases) {
    test(what, () => {
      const { tracker } = follow(
        version,
        Array.from({ length: 60 }, (_, index) => ({ sequence: sequenceOf(index), timeSec: 100 + index }))
      )
      assert.equal(tracker.isOrderly, expected)
    })
  }
})
