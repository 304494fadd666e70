/** When to try again (RFC 7011 §10.4.4, D6): never sooner than the least time after the last attempt, then twice that, … */
export class BackOff {
  readonly #minMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #failures = 0
  #lastAttemptMs = Number.NEGATIVE_INFINITY

  /** @param random - 0..1, for the jitter: a sixth of the least time, at most 10 s. */
  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.#minMs = minMs
    this.#maxMs = Math.max(minMs, maxMs)
    this.#random = random
  }

  attempted(nowMs: number): void {
    this.#lastAttemptMs = nowMs
    this.#failures++
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Milliseconds to wait from now, whole ones: a part of one more would be lost in rounding. 0 before the first attempt. */
  delayMs(nowMs: number): number {
    if (this.#lastAttemptMs === Number.NEGATIVE_INFINITY) return 0
    const intervalMs = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(30, Math.max(0, this.#failures - 1)))
    const jitterMs = this.#random() * Math.min(10_000, this.#minMs / 6)
    return Math.max(0, Math.ceil(this.#lastAttemptMs + intervalMs + jitterMs - nowMs))
  }
}
