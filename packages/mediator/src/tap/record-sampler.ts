const WINDOW_MS = 200
/** Share of a second's records that may come at once. */
const BURST = 0.2
/** So many may come at once anyway. */
const FEW = 10

/**
 * Chooses which records are shown: at most so many a second, spread over all that go by. It looks at how many went by in the
 * last moments and takes one in so many of the next, at distances that are not always equal, so that no rhythm of the input hides some.
 */
export class RecordSampler {
  readonly #ratePerSec: number
  #tokens: number
  #filledAtMs: number
  #windowAtMs: number
  #inWindow = 0
  /** One in so many is taken. */
  #step = 1
  /** Records until the next that is taken, itself included. */
  #gap = 1
  #random = 12_345

  constructor(ratePerSec: number, nowMs: number) {
    this.#ratePerSec = ratePerSec
    this.#tokens = this.#mostTokens
    this.#filledAtMs = nowMs
    this.#windowAtMs = nowMs
  }

  /** One record goes by: true if it is to be shown. */
  take(nowMs: number): boolean {
    this.#roll(nowMs)
    this.#inWindow++
    if (--this.#gap > 0) return false
    this.#gap = this.#nextGap()
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** So many records go by; true if none of them is to be shown, and then they are counted. */
  passAll(records: number, nowMs: number): boolean {
    this.#roll(nowMs)
    if (records >= this.#gap && this.#tokens >= 1) return false
    this.#inWindow += records
    this.#gap = Math.max(1, this.#gap - records)
    return true
  }

  get #mostTokens(): number {
    return Math.max(Math.min(FEW, this.#ratePerSec), this.#ratePerSec * BURST)
  }

  #roll(nowMs: number): void {
    if (nowMs === this.#filledAtMs) return
    this.#tokens = Math.min(this.#mostTokens, this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#ratePerSec)
    this.#filledAtMs = nowMs
    const sinceMs = nowMs - this.#windowAtMs
    if (sinceMs < WINDOW_MS) return
    this.#step = Math.max(1, ((this.#inWindow / sinceMs) * 1000) / this.#ratePerSec)
    this.#gap = Math.min(this.#gap, this.#nextGap())
    this.#inWindow = 0
    this.#windowAtMs = nowMs
  }

  /** Between 1 and twice the step, its mean the step. */
  #nextGap(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0
    return 1 + Math.floor((this.#random / 4_294_967_296) * (2 * this.#step - 1))
  }
}
