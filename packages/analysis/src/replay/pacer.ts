/** How much is due at a rate, in small bursts: nothing that was missed is made up for in more than `burstMs`. */
export class Pacer {
  readonly #perMs: number
  readonly #burstMs: number
  #originMs: number
  #taken = 0

  /** @param perSecond - units a second; 0 = without limit. */
  constructor(perSecond: number, nowMs: number, burstMs = 50) {
    this.#perMs = perSecond / 1000
    this.#originMs = nowMs
    this.#burstMs = burstMs
  }

  /** Units that may go now. */
  due(nowMs: number): number {
    if (this.#perMs === 0) return Number.POSITIVE_INFINITY
    const due = Math.floor((nowMs - this.#originMs) * this.#perMs) - this.#taken
    const most = Math.max(1, Math.ceil(this.#burstMs * this.#perMs))
    if (due <= most) return due
    // Held up from outside: go on at the rate instead of flooding.
    this.#originMs = nowMs - most / this.#perMs
    this.#taken = 0
    return most
  }

  take(units: number): void {
    this.#taken += units
  }
}
