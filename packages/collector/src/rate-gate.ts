/** Lets so many through in a second, and so many at once after a quiet time (token bucket). Monotonic milliseconds. */
export class RateGate {
  readonly #perSecond: number
  readonly #atOnce: number
  #tokens: number
  #lastMs: number | undefined

  constructor(perSecond: number, atOnce: number = perSecond) {
    this.#perSecond = perSecond
    this.#atOnce = atOnce
    this.#tokens = atOnce
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
    this.#tokens = Math.min(this.#atOnce, this.#tokens + (elapsedMs * this.#perSecond) / 1000)
    return this.#tokens >= 1
  }
}
