/** A small, fast generator of numbers that depend on the seed alone (xorshift32). Not for secrets. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0 || 1
  }

  /** The next u32. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return this.#state
  }

  /** The next of 0..limit-1. */
  below(limit: number): number {
    return this.next() % limit
  }
}
