import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { HeavyTable, LEAST_ENTRIES, MOST_KEYS } from '../../src/tables/heavy-table.ts'

const isWanted = new Uint8Array(MOST_KEYS).fill(1)
const entries = new Int32Array(MOST_KEYS)

/** Counts keys by two columns, each of which is a measure, and beside it in a Map. */
class Counted {
  readonly truth = new Map<number, [number, number]>()
  readonly table: HeavyTable
  readonly #keyWords: number

  constructor(capacity: number, keyWords: number = 4) {
    this.#keyWords = keyWords
    const measures = [[0], [1]]
    this.table = new HeavyTable({ keyWords, isKeyOfOctets: keyWords > 1, columns: 2, measures, capacity })
  }

  add(keys: readonly number[], weightOf: (key: number) => number): void {
    for (let from = 0; from < keys.length; from += MOST_KEYS) {
      const some = keys.slice(from, from + MOST_KEYS)
      const words = new Uint32Array(some.length * this.#keyWords)
      for (const [n, key] of some.entries()) words[n * this.#keyWords + this.#keyWords - 1] = key
      this.table.find(words, isWanted, some.length, entries)
      for (const [n, key] of some.entries()) {
        this.table.sums[entries[n] * this.table.stride] += weightOf(key)
        this.table.sums[entries[n] * this.table.stride + 1] += 1
        const sums = this.truth.get(key) ?? [0, 0]
        this.truth.set(key, [sums[0] + weightOf(key), sums[1] + 1])
      }
    }
  }

  keyOf(entry: number): number {
    return this.table.key(entry).at(-1)!
  }

  /** What the table says lies within its own bounds, for every key that was ever added. */
  assertBounds(): void {
    const held = new Map(Array.from({ length: this.table.size }, (_, entry) => [this.keyOf(entry), entry]))
    assert.equal(held.size, this.table.size)
    for (const [key, sums] of this.truth) {
      const entry = held.get(key)
      for (const measure of [0, 1]) {
        if (entry === undefined) assert.ok(sums[measure] <= this.table.floor(measure))
        else {
          const weight = this.table.weight(entry, measure)
          assert.ok(weight <= sums[measure])
          assert.ok(sums[measure] <= weight + this.table.missed(entry, measure))
        }
      }
    }
  }
}

const range = (count: number, of: (n: number) => number = n => n): number[] =>
  Array.from({ length: count }, (_, n) => of(n))

describe('HeavyTable', () => {
  test('is exact while all keys fit, whatever their number and width', () => {
    for (const keyWords of [1, 4, 8]) {
      const counted = new Counted(100_000, keyWords)
      counted.add(range(50_000), key => key % 97)
      counted.add(
        range(50_000, n => n * 3),
        key => key % 97
      )
      assert.equal(counted.table.isComplete, true)
      assert.equal(counted.table.size, counted.truth.size)
      for (let entry = 0; entry < counted.table.size; entry++) {
        const sums = counted.truth.get(counted.keyOf(entry))!
        assert.deepEqual([counted.table.weight(entry, 0), counted.table.weight(entry, 1)], sums)
        assert.equal(counted.table.missed(entry, 0), 0)
      }
      assert.equal(counted.table.floor(0), 0)
    }
  })

  test('leaves out what is not wanted', () => {
    const { table } = new Counted(LEAST_ENTRIES, 1)
    table.find(new Uint32Array([7, 8, 7]), new Uint8Array([1, 0, 1]), 3, entries)
    assert.deepEqual([...entries.subarray(0, 3)], [0, -1, 0])
    assert.equal(table.size, 1)
  })

  test('keeps within its capacity, and its bounds are true, when keys come that do not fit', () => {
    const counted = new Counted(LEAST_ENTRIES)
    const heavy = [3, 5, 1_000_001]
    for (let round = 0; round < 40; round++) {
      counted.add([...range(1500, n => 10 + round * 1500 + n), ...heavy], key => (heavy.includes(key) ? 1000 : 1))
    }
    assert.ok(counted.table.purges > 1)
    assert.ok(counted.table.size <= LEAST_ENTRIES)
    counted.assertBounds()
    assert.deepEqual(new Set(counted.table.top(0, 3).map(entry => counted.keyOf(entry))), new Set(heavy))
    for (const entry of counted.table.top(0, 3)) assert.equal(counted.table.missed(entry, 0), 0)
  })

  test('keeps what is heavy by one measure only', () => {
    const counted = new Counted(LEAST_ENTRIES)
    counted.add([1], () => 1_000_000)
    counted.add(Array<number>(500).fill(2), () => 0)
    for (let round = 0; round < 30; round++)
      counted.add(
        range(2000, n => 10 + round * 2000 + n),
        () => 1
      )
    assert.ok(counted.table.purges > 0)
    assert.equal(counted.keyOf(counted.table.top(0, 1)[0]), 1)
    assert.equal(counted.keyOf(counted.table.top(1, 1)[0]), 2)
  })

  test('makes room even where what it looks at first tells too little', () => {
    const counted = new Counted(4 * LEAST_ENTRIES)
    for (let round = 0; round < 20; round++) {
      counted.add(
        range(2000, n => 10 + round * 2000 + n),
        key => (key % 4 === 0 ? 0 : 1_000_000 + key)
      )
    }
    assert.ok(counted.table.size <= 4 * LEAST_ENTRIES)
    counted.assertBounds()
  })

  test('orders equal entries by their key', () => {
    const counted = new Counted(LEAST_ENTRIES, 1)
    counted.add([9, 4, 70_000, 1, 5], key => (key === 5 ? 2 : 1))
    assert.deepEqual(
      counted.table.top(0, 4).map(entry => counted.keyOf(entry)),
      [5, 1, 4, 9]
    )
  })

  test('is within its bounds for any stream of keys', () => {
    const stream = fc.array(fc.record({ from: fc.nat(20_000), count: fc.nat(2048), weight: fc.nat(50) }), {
      minLength: 5,
      maxLength: 25
    })
    fc.assert(
      fc.property(stream, parts => {
        const counted = new Counted(LEAST_ENTRIES)
        for (const { from, count, weight } of parts)
          counted.add(
            range(count, n => from + n),
            key => weight + (key % 13)
          )
        assert.ok(counted.table.size <= LEAST_ENTRIES)
        counted.assertBounds()
      }),
      { numRuns: 30 }
    )
  })
})
