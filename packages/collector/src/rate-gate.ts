/** Lets so many through in a second, and so many at once after a quiet time (token bucket). Monotonic milliseconds. */
export class RateGate {
  readonly #perSecond: () => number
  readonly #atOnce: () => number
  #tokens: number
  #lastMs: number | undefined

  /** Numbers as functions are asked for each time, so that they may change. */
  constructor(perSecond: number | (() => number), atOnce: number | (() => number) = perSecond) {
    this.#perSecond = typeof perSecond === 'function' ? perSecond : () => perSecond
    this.#atOnce = typeof atOnce === 'function' ? atOnce : () => atOnce
    this.#tokens = this.#atOnce()
  }

  /** Take one place. @returns false if there is none now. */
  pass(nowMs: number): boolean {
    if (!this.hasRoom(nowMs)) return false
    this.#tokens--
    return true
  }

  hasRoom(nowMs: number): boolean {
    const elapsedMs = this.#lastMs === undefined ? 0 : nowMs - this.#lastMs
    this.#lastMs = nowMs
    this.#tokens = Math.min(this.#atOnce(), this.#tokens + (elapsedMs * this.#perSecond()) / 1000)
    return this.#tokens >= 1
  }
}
