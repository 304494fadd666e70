import type { MessageHeader } from './message-visitor.ts'

/** What one Message's sequence number meant; see {@link SequenceTracker.update}. */
export type SequenceStep =
  /** The first Message. */
  | 'first'
  | 'next'
  /** Something is missing before it: `lost` went up. */
  | 'gap'
  /** It goes on behind octets that could not be decoded: `undecoded` went up. */
  | 'undecoded'
  /** It came late: if it fills a gap, `reordered` went up and `lost` down. */
  | 'late'
  | 'duplicate'
  /** A number far off; counted only if the next ones go on from it (R7011-11.6-1). */
  | 'suspect'
  /** The exporter restarted or set its clock: its templates are to be marked stale (D15). */
  | 'restart'

/** Messages that may come late (TH-19), and gaps that late ones may fill. */
const windowMessages = 64
const gapsKept = 64
/** Messages that must agree before numbers far off, or another boot time, are believed (R7011-11.6-1). */
const messagesToAgree = 3
/** A boot time that moves by more is another clock (R3954-9-3); sysUpTime wraps after 2^32 ms. */
const clockStepMs = 60_000
const uptimeWrapMs = 2 ** 32
/** A confirmed jump forward up to here is loss, beyond it a new count. */
const farthestLoss = 2 ** 30
/** A count that has come so far and goes on is that of the same run, whatever its clock says. */
const oldCount = 65_536
/** What one Message far off weighs against one in order, and from where on the numbers mean nothing. */
const strangeWeight = 4
const strangeFrom = 16
const strangest = 64
/** A Message that comes late was sent so much earlier at most; an older one is of another clock. */
const latestSec = 60

/**
 * Follows the sequence numbers of one (Transport Session, Observation Domain) and counts what is missing. The unit is the
 * version's: IPFIX Data Records, v9 packets, v5 and v7 flows; v1 has no numbers. Allocates nothing after it is made but for
 * its first gap: of the many that a flood of forged sources makes, most never have one.
 *
 * @see RFC 7011 §3.1, §11.6; RFC 3954 §5.1
 */
export class SequenceTracker {
  /** Units missing. Goes down when late ones come. */
  lost = 0
  /** Messages that came twice. */
  duplicated = 0
  /** Messages that came late, within the window. */
  reordered = 0
  /** Restarts of the exporter, confirmed by three Messages that agree. */
  restarts = 0
  /** Messages whose number was far off and that no others followed. */
  suspect = 0
  /** Units in Sets or Messages that could not be decoded, as far as the numbers show. Never in `lost`. */
  undecoded = 0

  #version = 0
  #expected = 0
  #largestStep = 1
  #isUncertain = false
  /** Number and Export Time of the last Messages, in turn. */
  readonly #seen = new Uint32Array(2 * windowMessages)
  #seenAt = 0
  #seenCount = 0
  /** Start and length of the last gaps, in turn; a length of 0 is none. */
  #gaps: Uint32Array | undefined
  #gapAt = 0
  #candidateFirst = 0
  #candidateNext = 0
  #candidateCount = 0
  #bootTimeMs = Number.NaN
  #otherBootTimeMs = Number.NaN
  #otherBootTimes = 0
  /** Of the last Message that went on, or came late, and the newest Export Time of these. */
  #last = 0
  #newestSec = 0
  /** A number that had moved was the one that was to come: the exporter counts as it should. */
  #isSteady = false
  /** Goes up with Messages far off, down with those in order. */
  #strange = 0

  /** The number that the next Message should carry. */
  get next(): number {
    return this.#expected
  }

  /** Whether most Messages go on from each other: not where a number never moves, counts Messages, or is of many counters. */
  get isOrderly(): boolean {
    return this.#strange < strangeFrom
  }

  /** When the exporter's clock began, as it says; NaN where the protocol has none. */
  get bootTimeMs(): number {
    return this.#bootTimeMs
  }

  /** Newest Export Time of the Messages of this count. */
  get newestSec(): number {
    return this.#newestSec
  }

  /**
   * Whether a Message, before it is decoded, looks as if its exporter had begun anew since the last one (D15): its boot time
   * is another one, or its number goes back (or far off) behind Messages that were in order, and its Export Time has moved on
   * (or back to another clock). {@link update} believes it after three; templates are to be doubted at once. Changes nothing.
   */
  looksAnew(header: MessageHeader): boolean {
    const { version, sequence, exportTimeSec } = header
    if (version !== this.#version) return false
    const ahead = (sequence - this.#expected) | 0
    if (version === 9 && this.#isOtherBoot(header.bootTimeMs)) {
      // Its clock was set: what boots counts from the beginning again.
      return !(ahead >= 0 && ahead <= windowMessages && this.#expected >= oldCount)
    }
    if (ahead === 0 || !this.#isSteady) return false
    const olderSec = this.#newestSec - exportTimeSec
    // A late Message fills a gap, and is not of a later time than those that came before it.
    if (olderSec >= 0 && olderSec <= latestSec) return false
    return ahead > 0 ? ahead > farthestLoss : ((sequence - this.#last) | 0) < 0
  }

  /** Whether a Message goes on from the others, so that {@link looksAnew} need not be asked. */
  isUsual(header: MessageHeader): boolean {
    return header.sequence === this.#expected && !(header.version === 9 && this.#isOtherBoot(header.bootTimeMs))
  }

  /**
   * Take one Message, after it was decoded.
   *
   * @param header - as `onMessage` gave it.
   * @param units - IPFIX: Data Records decoded, options records too; v5, v7: records; v9: not used (one packet).
   * @param isComplete - false if a Data Set of it could not be decoded, so that `units` is not all (IPFIX).
   */
  update(header: MessageHeader, units: number, isComplete: boolean): SequenceStep {
    const { version, sequence } = header
    if (version === 1) return 'next'
    const step = version === 9 ? 1 : units
    const isUncertain = version === 10 && !isComplete
    if (step > this.#largestStep) this.#largestStep = step
    const isOtherClock = version !== 10 && this.#isOtherClock(header.bootTimeMs)
    if (version !== this.#version) {
      this.#version = version
      return this.#resume(header, step, isUncertain, 'first')
    }
    if (isOtherClock) {
      this.suspect -= this.#candidateCount
      this.restarts++
      return this.#resume(header, step, isUncertain, 'restart')
    }
    const ahead = (sequence - this.#expected) | 0
    const near = windowMessages * this.#largestStep
    if (ahead === 0) return this.#advance(header, step, isUncertain, 'next')
    if (ahead > 0 && ahead <= near) return this.#skip(header, step, isUncertain, ahead)
    if (ahead < 0) {
      if (this.#fillGap(sequence, step)) {
        this.reordered++
        if (header.exportTimeSec > this.#newestSec) this.#newestSec = header.exportTimeSec
        this.#remember(header, step)
        return 'late'
      }
      if (step > 0 && this.#wasSeen(header)) {
        this.duplicated++
        return 'duplicate'
      }
      // Without records nothing tells a late Message from a Message that came twice, and nothing is missing.
      if (step === 0 && !isUncertain && ahead >= -near) return 'late'
    }
    return this.#doubt(header, step, isUncertain, near)
  }

  /** A Message of this domain was discarded: what it held is to count as undecoded, not as lost. */
  noteDiscarded(): void {
    this.#isUncertain = true
  }

  #advance(header: MessageHeader, step: number, isUncertain: boolean, result: SequenceStep): SequenceStep {
    this.#expected = (header.sequence + step) >>> 0
    this.#isUncertain = isUncertain
    this.#candidateCount = 0
    if (this.#strange > 0) this.#strange--
    if (result === 'next' && header.sequence !== this.#last) this.#isSteady = true
    this.#last = header.sequence
    if (header.exportTimeSec > this.#newestSec) this.#newestSec = header.exportTimeSec
    this.#remember(header, step)
    return result
  }

  #skip(header: MessageHeader, step: number, isUncertain: boolean, missing: number): SequenceStep {
    if (this.#isUncertain) {
      this.undecoded += missing
      return this.#advance(header, step, isUncertain, 'undecoded')
    }
    this.#miss(missing)
    return this.#advance(header, step, isUncertain, 'gap')
  }

  #miss(missing: number): void {
    this.lost += missing
    this.#noteGap((this.#gaps ??= new Uint32Array(2 * gapsKept)), this.#expected, missing)
  }

  #noteGap(gaps: Uint32Array, start: number, length: number): void {
    gaps[2 * this.#gapAt] = start
    gaps[2 * this.#gapAt + 1] = length
    this.#gapAt = (this.#gapAt + 1) % gapsKept
  }

  /** Start anew from this Message. */
  #resume(header: MessageHeader, step: number, isUncertain: boolean, result: SequenceStep): SequenceStep {
    this.#gaps?.fill(0)
    this.#seenAt = 0
    this.#seenCount = 0
    this.#bootTimeMs = header.bootTimeMs
    this.#otherBootTimes = 0
    this.#newestSec = header.exportTimeSec
    return this.#advance(header, step, isUncertain, result)
  }

  #remember(header: MessageHeader, step: number): void {
    if (step === 0) return
    this.#seen[2 * this.#seenAt] = header.sequence
    this.#seen[2 * this.#seenAt + 1] = header.exportTimeSec
    this.#seenAt = (this.#seenAt + 1) % windowMessages
    if (this.#seenCount < windowMessages) this.#seenCount++
  }

  /** The Export Time must be the same too: after a restart the numbers come again. */
  #wasSeen(header: MessageHeader): boolean {
    const end = 2 * this.#seenCount
    for (let at = 0; at < end; at += 2) {
      if (this.#seen[at] === header.sequence && this.#seen[at + 1] === header.exportTimeSec) return true
    }
    return false
  }

  #isOtherBoot(bootTimeMs: number): boolean {
    const moved = Math.abs(bootTimeMs - this.#bootTimeMs)
    return moved > clockStepMs && Math.abs(moved - uptimeWrapMs) > clockStepMs
  }

  #fillGap(sequence: number, step: number): boolean {
    const gaps = this.#gaps
    if (step === 0 || gaps === undefined) return false
    for (let at = 0; at < gaps.length; at += 2) {
      const length = gaps[at + 1]
      const into = (sequence - gaps[at]) >>> 0
      if (into >= length) continue
      const filled = Math.min(step, length - into)
      this.lost -= filled
      gaps[at + 1] = into
      const rest = length - into - filled
      if (rest > 0) this.#noteGap(gaps, (sequence + filled) >>> 0, rest)
      return true
    }
    return false
  }

  /** Far off: believed when {@link messagesToAgree} in a row go on from each other. */
  #doubt(header: MessageHeader, step: number, isUncertain: boolean, near: number): SequenceStep {
    const { sequence } = header
    const onward = (sequence - this.#candidateNext) | 0
    const agrees = this.#candidateCount > 0 && onward >= 0 && onward <= near
    this.#candidateNext = (sequence + step) >>> 0
    if (!agrees) {
      this.#candidateFirst = sequence
      this.#candidateCount = 0
    }
    this.#candidateCount++
    if (this.#candidateCount < messagesToAgree) {
      this.suspect++
      this.#strange = Math.min(strangest, this.#strange + strangeWeight)
      return 'suspect'
    }
    this.suspect -= messagesToAgree - 1
    const missing = (this.#candidateFirst - this.#expected) | 0
    if (missing > 0 && missing <= farthestLoss) {
      if (this.#isUncertain) this.undecoded += missing
      else this.#miss(missing)
      return this.#advance(header, step, isUncertain, 'gap')
    }
    this.restarts++
    return this.#resume(header, step, isUncertain, 'restart')
  }

  /** Whether the boot time has moved and stays there (R3954-9-3). */
  #isOtherClock(bootTimeMs: number): boolean {
    const moved = Math.abs(bootTimeMs - this.#bootTimeMs)
    if (!(moved > clockStepMs) || Math.abs(moved - uptimeWrapMs) <= clockStepMs) {
      this.#bootTimeMs = bootTimeMs
      this.#otherBootTimes = 0
      return false
    }
    if (Math.abs(bootTimeMs - this.#otherBootTimeMs) <= clockStepMs) this.#otherBootTimes++
    else this.#otherBootTimes = 1
    this.#otherBootTimeMs = bootTimeMs
    return this.#otherBootTimes >= messagesToAgree
  }
}
