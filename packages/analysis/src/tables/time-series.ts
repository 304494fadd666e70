/** Sums of one stretch of time. */
export interface TimeBin {
  /** Its beginning, milliseconds since 1970 UTC. */
  readonly startMs: number
  readonly octets: number
  readonly packets: number
  readonly flows: number
}

const COLUMNS = 3
const OCTETS = 0
const PACKETS = 1
const FLOWS = 2
/** Widths of bins that people can read: seconds up to days; beyond, days double. */
const WIDTHS_SEC = [1, 2, 4, 12, 60, 120, 240, 720, 3600, 7200, 14_400, 43_200, 86_400]
const DAY_SEC = 86_400

/**
 * Octets, packets and flows over time, in a fixed number of bins: when what comes does not fit between the first and the
 * last one, neighbours are joined.
 *
 * Octets and packets of a flow are spread evenly from its start to its end, in O(1) whatever its length: kept are the
 * differences from bin to bin. The flow itself is counted where it starts.
 */
export class TimeSeries {
  readonly #bins: number
  /** What a bin has by itself. */
  #own: Float64Array
  /** By how much what all bins from here on have in common changes. */
  #steps: Float64Array
  #widthIndex = 0
  #widthMs = WIDTHS_SEC[0] * 1000
  /** Of the first bin, in widths since 1970. */
  #first = 0
  #least = Infinity
  #most = -Infinity

  /** @param bins - at least 4. */
  constructor(bins: number) {
    this.#bins = bins
    this.#own = new Float64Array(bins * COLUMNS)
    this.#steps = new Float64Array((bins + 1) * COLUMNS)
  }

  get binMs(): number {
    return this.#widthMs
  }

  /** Of all times that were added; Infinity and -Infinity while there is none. */
  get firstMs(): number {
    return this.#least
  }

  get lastMs(): number {
    return this.#most
  }

  /** Another one with the same in it. */
  copy(): TimeSeries {
    const copy = new TimeSeries(this.#bins)
    copy.#own.set(this.#own)
    copy.#steps.set(this.#steps)
    copy.#widthIndex = this.#widthIndex
    copy.#widthMs = this.#widthMs
    copy.#first = this.#first
    copy.#least = this.#least
    copy.#most = this.#most
    return copy
  }

  /**
   * @param startMs - finite; milliseconds since 1970 UTC.
   * @param endMs - finite; taken as the start if it is before it.
   */
  add(startMs: number, endMs: number, octets: number, packets: number, flows: number): void {
    const lastMs = endMs > startMs ? endMs : startMs
    if (startMs < this.#least || lastMs > this.#most) this.#cover(startMs, lastMs)
    const width = this.#widthMs
    const own = this.#own
    const from = Math.floor(startMs / width) - this.#first
    const to = Math.floor(lastMs / width) - this.#first
    const at = from * COLUMNS
    own[at + FLOWS] += flows
    if (from === to) {
      own[at + OCTETS] += octets
      own[at + PACKETS] += packets
      return
    }
    const lengthMs = lastMs - startMs
    const share = width / lengthMs
    // Differences of whole milliseconds: quotients of times since 1970 would lose what short flows are made of.
    const head = ((this.#first + from + 1) * width - startMs) / lengthMs
    const tail = (lastMs - (this.#first + to) * width) / lengthMs
    own[at + OCTETS] += octets * head
    own[at + PACKETS] += packets * head
    own[to * COLUMNS + OCTETS] += octets * tail
    own[to * COLUMNS + PACKETS] += packets * tail
    const steps = this.#steps
    steps[at + COLUMNS + OCTETS] += octets * share
    steps[at + COLUMNS + PACKETS] += packets * share
    steps[to * COLUMNS + OCTETS] -= octets * share
    steps[to * COLUMNS + PACKETS] -= packets * share
  }

  /** The bins from the first to the last that has anything, each of {@link binMs}; sums rounded to whole numbers. */
  bins(): TimeBin[] {
    if (this.#most < this.#least) return []
    this.#settle()
    const from = Math.floor(this.#least / this.#widthMs) - this.#first
    const to = Math.floor(this.#most / this.#widthMs) - this.#first
    return Array.from({ length: to - from + 1 }, (_, n) => {
      const at = (from + n) * COLUMNS
      return {
        startMs: (this.#first + from + n) * this.#widthMs,
        octets: Math.max(0, Math.round(this.#own[at + OCTETS])),
        packets: Math.max(0, Math.round(this.#own[at + PACKETS])),
        flows: Math.round(this.#own[at + FLOWS])
      }
    })
  }

  /** Make room for a stretch of time. */
  #cover(startMs: number, lastMs: number): void {
    const isFirst = this.#most < this.#least
    const least = Math.min(this.#least, startMs)
    const most = Math.max(this.#most, lastMs)
    const oldWidth = this.#widthMs
    const oldFirst = this.#first
    while (Math.floor(most / this.#widthMs) - Math.floor(least / this.#widthMs) >= this.#bins) this.#widen()
    const binOf = (timeMs: number): number => Math.floor(timeMs / this.#widthMs)
    const isInside = binOf(least) >= oldFirst && binOf(most) < oldFirst + this.#bins
    if (isFirst || this.#widthMs !== oldWidth || !isInside) {
      // The room that is left goes to both sides: what comes next is mostly later, but not all of it.
      const room = this.#bins - (binOf(most) - binOf(least) + 1)
      this.#first = binOf(least) - Math.floor(room / 4)
      if (!isFirst) this.#move(oldWidth, oldFirst)
    }
    this.#least = least
    this.#most = most
  }

  #widen(): void {
    this.#widthIndex++
    const { length } = WIDTHS_SEC
    const widthSec =
      this.#widthIndex < length ? WIDTHS_SEC[this.#widthIndex] : DAY_SEC * 2 ** (this.#widthIndex - length + 1)
    this.#widthMs = widthSec * 1000
  }

  #settle(): void {
    const steps = this.#steps
    for (let column = 0; column < FLOWS; column++) {
      let level = 0
      for (let bin = 0; bin < this.#bins; bin++) {
        level += steps[bin * COLUMNS + column]
        this.#own[bin * COLUMNS + column] += level
      }
    }
    steps.fill(0)
  }

  #move(oldWidth: number, oldFirst: number): void {
    this.#settle()
    const moved = new Float64Array(this.#own.length)
    for (let bin = 0; bin < this.#bins; bin++) {
      const at = bin * COLUMNS
      if (this.#own[at + OCTETS] === 0 && this.#own[at + PACKETS] === 0 && this.#own[at + FLOWS] === 0) continue
      const to = Math.floor(((oldFirst + bin) * oldWidth) / this.#widthMs) - this.#first
      // Rounding may leave traces of what was spread in bins that nothing is in.
      if (to < 0 || to >= this.#bins) continue
      for (let column = 0; column < COLUMNS; column++) moved[to * COLUMNS + column] += this.#own[at + column]
    }
    this.#own = moved
  }
}
