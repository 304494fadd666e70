const FIRST_MS = 100
const LONGEST_MS = 5_000
const STEADY_MS = 10_000

/** How long to wait before a child is started again: at once is 100 ms, then doubling to 5 s, forgotten after 10 s of life. */
export class BackOff {
  #nextMs = FIRST_MS

  /** @param lifeMs - how long it lived. */
  delayAfter(lifeMs: number): number {
    if (lifeMs >= STEADY_MS) this.#nextMs = FIRST_MS
    const delayMs = this.#nextMs
    this.#nextMs = Math.min(LONGEST_MS, delayMs * 2)
    return delayMs
  }
}
