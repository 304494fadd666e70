import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { keyOf, type StoredEntry } from '../src/index.ts'
import { WriteBehind, type PlaceChanges } from '../src/write-behind.ts'
import { storedOptions, storedTemplate } from './support/entries.ts'

const entriesOf = (taken: readonly PlaceChanges[]): (StoredEntry | 'removed')[] =>
  taken.flatMap(({ changes }) =>
    [...changes.values()].map(change => (change.kind === 'put' ? change.entry : ('removed' as const)))
  )

test('keeps the newest change of each entry, gathered by place', () => {
  const waiting = new WriteBehind(new FakeClock())
  waiting.put([storedTemplate(), storedTemplate({ odid: 2 }), storedOptions()])
  waiting.put([storedTemplate({ announcements: 9 })])
  const taken = waiting.next(10)
  assert.deepEqual(
    taken.map(({ place }) => place.odid),
    [1, 2]
  )
  assert.deepEqual(entriesOf(taken), [
    storedTemplate({ announcements: 9 }),
    storedOptions(),
    storedTemplate({ odid: 2 })
  ])
  assert.equal(waiting.size, 3)
})

test('forgets what was written, but not what was changed meanwhile', () => {
  const waiting = new WriteBehind(new FakeClock())
  waiting.put([storedTemplate(), storedOptions()])
  const [taken] = waiting.next(1)
  waiting.put([storedTemplate({ announcements: 9 })])
  waiting.written(taken)
  assert.deepEqual(entriesOf(waiting.next(1)), [storedTemplate({ announcements: 9 })])
  assert.equal(waiting.size, 1)
})

test('keeps what was not written, the refused behind the others', () => {
  const waiting = new WriteBehind(new FakeClock())
  waiting.put([storedTemplate(), storedTemplate({ odid: 2 })])
  const [refused] = waiting.next(1)
  waiting.refused(refused)
  assert.deepEqual(
    waiting.next(2).map(({ place }) => place.odid),
    [2, 1]
  )
  assert.equal(waiting.size, 2)
})

test('removes what waits, unless that is newer than what is removed', () => {
  const waiting = new WriteBehind(new FakeClock())
  waiting.put([storedTemplate(), storedOptions()])
  waiting.remove([{ ...keyOf(storedTemplate()), exportTimeSec: storedTemplate().exportTimeSec - 1 }])
  waiting.remove([keyOf(storedOptions())])
  assert.deepEqual(entriesOf(waiting.next(1)), [storedTemplate(), 'removed'])
  waiting.put([storedOptions()])
  assert.deepEqual(entriesOf(waiting.next(1)), [storedTemplate(), storedOptions()])
})

test('gives up the place that waits longest when too much waits, and counts', () => {
  const waiting = new WriteBehind(new FakeClock(), 3)
  waiting.put([storedTemplate(), storedTemplate({ templateId: 257 }), storedTemplate({ odid: 2 })])
  waiting.put([storedTemplate({ odid: 3 })])
  assert.deepEqual(
    waiting.next(9).map(({ place }) => place.odid),
    [2, 3]
  )
  assert.equal(waiting.dropped, 2)
  assert.equal(waiting.size, 2)
})

test('gives up places when what waits is too much memory, however few changes it is', () => {
  const waiting = new WriteBehind(new FakeClock(), 100, 10_000)
  const large = (odid: number, octets: number) => storedOptions({ odid, octets: new Uint8Array(octets) })
  waiting.put([large(1, 4_000), large(2, 4_000)])
  waiting.put([large(1, 3_000)])
  assert.equal(waiting.dropped, 0)
  waiting.put([large(3, 4_000)])
  assert.deepEqual(
    waiting.next(9).map(({ place }) => place.odid),
    [2, 3]
  )
  for (const taken of waiting.next(9)) waiting.written(taken)
  waiting.put([large(4, 9_000)])
  assert.deepEqual([waiting.size, waiting.dropped], [1, 1])
  waiting.put([large(5, 10_000)])
  assert.deepEqual([waiting.size, waiting.dropped], [0, 3])
})

test('gives a part of a place that has many changes, and the rest the next time', () => {
  const waiting = new WriteBehind(new FakeClock())
  waiting.put(Array.from({ length: 10 }, (_, index) => storedTemplate({ templateId: 256 + index })))
  waiting.put([storedTemplate({ odid: 2 })])
  const sizes: number[][] = []
  while (waiting.size > 0) {
    const taken = waiting.next(9, 4)
    sizes.push(taken.map(({ changes }) => changes.size))
    for (const each of taken) waiting.written(each)
  }
  assert.deepEqual(sizes, [[4], [1, 3], [3]])
})

test('says how long the first place waits', () => {
  const clock = new FakeClock()
  const waiting = new WriteBehind(clock)
  assert.equal(waiting.lagMs, 0)
  waiting.put([storedTemplate()])
  clock.advance(700)
  waiting.put([storedTemplate({ odid: 2 })])
  assert.equal(waiting.lagMs, 700)
  waiting.written(waiting.next(1)[0])
  assert.equal(waiting.lagMs, 0)
})
