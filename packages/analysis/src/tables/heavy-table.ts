import { randomFillSync } from 'node:crypto'

/** What a table counts, and by what its entries are weighed against each other when there is no room for all. */
export interface HeavyTableShape {
  /** 32-bit words of a key: 1, or a multiple of 4. */
  readonly keyWords: number
  /** Keys are octets as they stand in memory, not numbers; decides the order of equal entries only. */
  readonly isKeyOfOctets: boolean
  /** Sums of an entry. */
  readonly columns: number
  /** Each measure is the sum of some columns; an entry goes only if it is light by all of them. One to four. */
  readonly measures: readonly (readonly number[])[]
  /** Entries that may be held; at least {@link LEAST_ENTRIES}. */
  readonly capacity: number
}

/** Keys that can be looked up at once. */
export const MOST_KEYS = 2048

/** Room for what stays and for one look-up of new keys alone. */
export const LEAST_ENTRIES = 2 * MOST_KEYS

/** Share of the entries that each measure keeps when room is made, by number of measures; the others go. */
const KEPT_BY_MEASURE = [0.6, 0.3, 0.2, 0.15]
/** Entries that are looked at to find what weighs too little; all of them, if by these too few would go. */
const SAMPLE = 4096
const LEAST_GONE = 0.2

type Sizes = Pick<HeavyTableShape, 'keyWords' | 'columns'>

/** Words of 64 bits of one entry: sums, key, when it came in. */
const strideOf = ({ keyWords, columns }: Sizes): number => columns + ((keyWords + 2) >> 1)

/** Octets that one entry takes, its share of the index included. */
export const entryOctets = (sizes: Sizes): number => 8 * strideOf(sizes) + 4 * 4

/**
 * Sums by key in bounded memory: exact as long as the keys fit, afterwards the heavy ones with a bound of the error.
 *
 * When it is full the light entries go, and the floor of each measure rises to the heaviest that went. Whatever is not in
 * the table weighs no more than the floor; an entry may have missed as much as the floor was when it came in
 * ({@link missed}), and not more. This is Space-Saving with many evictions at once, so that a record costs O(1).
 *
 * No object per entry: keys and sums of an entry stand together in one buffer. Keys are looked up many at a time, so that
 * the memory is asked for several at once. Hashes are keyed at random: nobody can choose addresses that collide, and
 * nothing of the result depends on them.
 *
 * @see Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data streams", 2005;
 * Anderson et al., "A high-performance algorithm for identifying frequent items in data streams", 2017
 */
export class HeavyTable {
  readonly shape: HeavyTableShape
  /** From the sums of one entry to those of the next. */
  readonly stride: number
  /** Entries held. */
  size = 0
  /** Sums of entry n begin at n * {@link stride}. Replaced by {@link find}. */
  sums: Float64Array
  /** Times that entries had to go. */
  purges = 0
  /** The same memory as the sums: keys and births. */
  #words: Uint32Array
  readonly #floors: Float64Array
  /** The floors of each time, by number of purges. */
  #pastFloors: Float64Array
  /** Entry + 1, or 0. */
  #index: Uint32Array
  #room: number
  readonly #hashes = new Uint32Array(MOST_KEYS)
  readonly #secrets = randomFillSync(new Int32Array(8))

  constructor(shape: HeavyTableShape) {
    this.shape = shape
    this.stride = strideOf(shape)
    this.#floors = new Float64Array(shape.measures.length)
    this.#pastFloors = new Float64Array(8 * shape.measures.length)
    this.#room = LEAST_ENTRIES
    this.sums = new Float64Array(this.#room * this.stride)
    this.#words = new Uint32Array(this.sums.buffer)
    this.#index = new Uint32Array(indexSize(this.#room))
    for (let at = 0; at < this.#secrets.length; at++) this.#secrets[at] |= 1
  }

  /** Whether every key that was ever added is held, with all that belongs to it. */
  get isComplete(): boolean {
    return this.purges === 0
  }

  /** The most that a key can have that is not in the table. */
  floor(measure: number): number {
    return this.#floors[measure]
  }

  /** The most that an entry can have had before it came in; 0 = it is exact. */
  missed(entry: number, measure: number): number {
    return this.#pastFloors[this.#words[this.#bornAt(entry)] * this.shape.measures.length + measure]
  }

  /** The sum of a measure's columns. */
  weight(entry: number, measure: number): number {
    let sum = 0
    for (const column of this.shape.measures[measure]) sum += this.sums[entry * this.stride + column]
    return sum
  }

  /** The key's words, aliased. */
  key(entry: number): Uint32Array {
    const at = this.#keyAt(entry)
    return this.#words.subarray(at, at + this.shape.keyWords)
  }

  /**
   * The entries of some keys; made, with sums of 0, where there are none. Others may go to make room for them: numbers of
   * entries hold until the next call.
   *
   * @param keys - one after the other; copied.
   * @param isWanted - 0 = this one is not to be looked up.
   * @param count - at most {@link MOST_KEYS}.
   * @param entries - is written: the entry of each key, or -1 of one that is not wanted.
   */
  find(keys: Uint32Array, isWanted: Uint8Array, count: number, entries: Int32Array): void {
    while (this.size + count > this.#room) this.#makeRoom()
    const hashes = this.#hashes
    const mask = this.#index.length - 1
    this.#hash(keys, count, mask)
    const index = this.#index
    // What is nearly always right is found for all first: memory is asked without waiting for the answer before.
    for (let n = 0; n < count; n++) entries[n] = index[hashes[n]] - 1
    const { keyWords } = this.shape
    for (let n = 0; n < count; n++) {
      if (isWanted[n] === 0) entries[n] = -1
      else if (entries[n] < 0 || !this.#isKeyOf(entries[n], keys, n * keyWords)) {
        entries[n] = this.#probe(keys, n * keyWords, hashes[n], mask)
      }
    }
  }

  /** The heaviest entries by one measure, heaviest first; of equal weight those with the lesser key. */
  top(measure: number, count: number): number[] {
    const weights = this.#weights(measure)
    const byWeight = (left: number, right: number): number =>
      weights[right] - weights[left] || this.#compareKeys(left, right)
    let heavy: number[] = []
    let least = Number.MIN_VALUE
    for (let entry = 0; entry < this.size; entry++) {
      if (weights[entry] < least) continue
      heavy.push(entry)
      if (heavy.length < 4 * count + 64) continue
      heavy = heavy.toSorted(byWeight).slice(0, count)
      least = weights[heavy[count - 1]]
    }
    return heavy.toSorted(byWeight).slice(0, count)
  }

  #weights(measure: number): Float64Array {
    const { size, stride, sums } = this
    const weights = new Float64Array(size)
    for (const column of this.shape.measures[measure]) {
      for (let entry = 0, at = column; entry < size; entry++, at += stride) weights[entry] += sums[at]
    }
    return weights
  }

  #keyAt(entry: number): number {
    return 2 * (entry * this.stride + this.shape.columns)
  }

  #bornAt(entry: number): number {
    return 2 * (entry * this.stride + this.shape.columns) + this.shape.keyWords
  }

  #compareKeys(left: number, right: number): number {
    if (!this.shape.isKeyOfOctets) return this.key(left)[0] - this.key(right)[0]
    const octetsOf = (entry: number): Uint8Array => new Uint8Array(this.key(entry).slice().buffer)
    return Buffer.compare(octetsOf(left), octetsOf(right))
  }

  /** The slot of each key, into #hashes. */
  #hash(keys: Uint32Array, count: number, mask: number): void {
    const hashes = this.#hashes
    const [first, second, third, fourth, last] = this.#secrets
    const { keyWords } = this.shape
    if (keyWords === 1) {
      for (let n = 0; n < count; n++) hashes[n] = mixed(Math.imul(keys[n] ^ last, first)) & mask
      return
    }
    for (let n = 0; n < count; n++) {
      let hash = last
      for (let at = n * keyWords; at < (n + 1) * keyWords; at += 4) {
        hash = Math.imul(hash ^ keys[at], first)
        hash = Math.imul((hash ^ (hash >>> 15)) + keys[at + 1], second)
        hash = Math.imul((hash ^ (hash >>> 13)) + keys[at + 2], third)
        hash = Math.imul((hash ^ (hash >>> 16)) + keys[at + 3], fourth)
        hash ^= hash >>> 14
      }
      hashes[n] = mixed(hash) & mask
    }
  }

  #isKeyOf(entry: number, keys: Uint32Array, at: number): boolean {
    const words = this.#words
    const { keyWords } = this.shape
    const from = this.#keyAt(entry)
    if (words[from] !== keys[at]) return false
    for (let word = 1; word < keyWords; word++) if (words[from + word] !== keys[at + word]) return false
    return true
  }

  #probe(keys: Uint32Array, at: number, first: number, mask: number): number {
    const index = this.#index
    let slot = first
    for (;;) {
      const held = index[slot]
      if (held === 0) break
      if (this.#isKeyOf(held - 1, keys, at)) return held - 1
      slot = (slot + 1) & mask
    }
    const entry = this.size++
    this.sums.fill(0, entry * this.stride, entry * this.stride + this.shape.columns)
    const from = this.#keyAt(entry)
    const { keyWords } = this.shape
    for (let word = 0; word < keyWords; word++) this.#words[from + word] = keys[at + word]
    this.#words[from + keyWords] = this.purges
    index[slot] = entry + 1
    return entry
  }

  #makeRoom(): void {
    const { capacity } = this.shape
    if (this.#room >= capacity) return this.#purge()
    this.#room = Math.min(2 * this.#room, capacity)
    const larger = new Float64Array(this.#room * this.stride)
    larger.set(this.sums.subarray(0, this.size * this.stride))
    this.sums = larger
    this.#words = new Uint32Array(larger.buffer)
    if (this.#index.length < indexSize(this.#room)) this.#index = new Uint32Array(indexSize(this.#room))
    this.#reindex()
  }

  #reindex(): void {
    const { keyWords } = this.shape
    const index = this.#index.fill(0)
    const mask = index.length - 1
    const keys = new Uint32Array(MOST_KEYS * keyWords)
    for (let from = 0; from < this.size; from += MOST_KEYS) {
      const count = Math.min(MOST_KEYS, this.size - from)
      for (let n = 0; n < count; n++) {
        const at = this.#keyAt(from + n)
        for (let word = 0; word < keyWords; word++) keys[n * keyWords + word] = this.#words[at + word]
      }
      this.#hash(keys, count, mask)
      for (let n = 0; n < count; n++) {
        let slot = this.#hashes[n]
        while (index[slot] !== 0) slot = (slot + 1) & mask
        index[slot] = from + n + 1
      }
    }
  }

  #purge(): void {
    const measures = this.shape.measures.length
    const mosts = Array.from({ length: measures }, (_, measure) => this.#mosts(measure))
    let isKept = this.#raiseFloors(mosts, SAMPLE)
    if (isKept === undefined) isKept = this.#raiseFloors(mosts, this.size)!
    const { stride } = this
    let kept = 0
    for (let entry = 0; entry < this.size; entry++) {
      if (isKept[entry] === 0) continue
      if (kept !== entry) this.sums.copyWithin(kept * stride, entry * stride, (entry + 1) * stride)
      kept++
    }
    this.size = kept
    this.purges++
    const at = this.purges * measures
    if (at + measures > this.#pastFloors.length) {
      const longer = new Float64Array(2 * this.#pastFloors.length)
      longer.set(this.#pastFloors)
      this.#pastFloors = longer
    }
    this.#pastFloors.set(this.#floors, at)
    this.#reindex()
  }

  /** What each entry can have at most. */
  #mosts(measure: number): Float64Array {
    const mosts = this.#weights(measure)
    for (let entry = 0; entry < this.size; entry++) mosts[entry] += this.missed(entry, measure)
    return mosts
  }

  /**
   * To what all but the heaviest have at most, by so many of the entries.
   *
   * @returns 0 for each entry that is by no measure above the floor; undefined if these are too few.
   */
  #raiseFloors(mosts: readonly Float64Array[], sampled: number): Uint8Array | undefined {
    const isKept = new Uint8Array(this.size)
    const count = Math.min(this.size, sampled)
    const at = Math.floor(count * (1 - KEPT_BY_MEASURE[mosts.length - 1]))
    for (const [measure, most] of mosts.entries()) {
      const sample = new Float64Array(count)
      for (let n = 0; n < count; n++) sample[n] = most[Math.floor((n * this.size) / count)]
      const floor = Math.max(this.#floors[measure], sample.toSorted()[at])
      this.#floors[measure] = floor
      for (let entry = 0; entry < this.size; entry++) isKept[entry] |= most[entry] > floor ? 1 : 0
    }
    let kept = 0
    for (let entry = 0; entry < this.size; entry++) kept += isKept[entry]
    return kept > this.size * (1 - LEAST_GONE) && count < this.size ? undefined : isKept
  }
}

function mixed(hash: number): number {
  const mix = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  return mix ^ (mix >>> 15)
}

function indexSize(entries: number): number {
  let size = 2
  while (size < 2 * entries) size *= 2
  return size
}
