const WINDOW_MS = 200
/** Share of a second's records that may come at once. */
const BURST = 0.2

/**
 * Chooses which records are shown: at most so many a second, spread over all that go by. It looks at how many went by in the
 * last moments and takes one in so many of the next.
 */
export class RecordSampler {
  readonly #ratePerSec: number
  #tokens: number
  #filledAtMs: number
  #windowAtMs: number
  #inWindow = 0
  /** One in so many is taken. */
  #step = 1
  #phase = 0

  constructor(ratePerSec: number, nowMs: number) {
    this.#ratePerSec = ratePerSec
    this.#tokens = Math.max(1, ratePerSec * BURST)
    this.#filledAtMs = nowMs
    this.#windowAtMs = nowMs
  }

  /** One record goes by: true if it is to be shown. */
  take(nowMs: number): boolean {
    this.#roll(nowMs)
    this.#inWindow++
    this.#phase++
    if (this.#phase < this.#step) return false
    this.#phase -= this.#step
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** So many records go by; true if none of them is to be shown, and then they are counted. */
  passAll(records: number, nowMs: number): boolean {
    this.#roll(nowMs)
    if (this.#phase + records >= this.#step && this.#tokens >= 1) return false
    this.#inWindow += records
    this.#phase = (this.#phase + records) % this.#step
    return true
  }

  #roll(nowMs: number): void {
    const most = Math.max(1, this.#ratePerSec * BURST)
    this.#tokens = Math.min(most, this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#ratePerSec)
    this.#filledAtMs = nowMs
    const sinceMs = nowMs - this.#windowAtMs
    if (sinceMs < WINDOW_MS) return
    this.#step = Math.max(1, ((this.#inWindow / sinceMs) * 1000) / this.#ratePerSec)
    this.#phase = Math.min(this.#phase, this.#step)
    this.#inWindow = 0
    this.#windowAtMs = nowMs
  }
}
