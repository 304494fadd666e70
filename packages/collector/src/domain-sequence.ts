import { SequenceTracker, type MessageHeader, type SequenceStep } from '@weir/ipfix'

/** What sequence numbers have shown; see `SequenceTracker`. */
export interface SequenceCounts {
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  readonly restarts: number
  readonly suspect: number
  readonly undecoded: number
  /**
   * Units between what this or another collector saw last and the first Message seen here: lost at most, while nobody
   * listened. Never in `lost`.
   */
  readonly gap: number
}

/** The same as sums that are added to. */
export type SequenceSums = { -readonly [K in keyof SequenceCounts]: number }

export const noCounts = (): SequenceSums => ({
  lost: 0,
  duplicated: 0,
  reordered: 0,
  restarts: 0,
  suspect: 0,
  undecoded: 0,
  gap: 0
})

/** Add one domain's counts to a sum. */
export function addCounts(sums: SequenceSums, counts: SequenceCounts): void {
  sums.lost += counts.lost
  sums.duplicated += counts.duplicated
  sums.reordered += counts.reordered
  sums.restarts += counts.restarts
  sums.suspect += counts.suspect
  sums.undecoded += counts.undecoded
  sums.gap += counts.gap
}

/** What a tracker looks at of the first Message. */
interface First extends Pick<MessageHeader, 'version' | 'sequence' | 'exportTimeSec' | 'bootTimeMs'> {
  readonly units: number
  readonly isComplete: boolean
  isDiscardedAfter: boolean
}

/** Where the numbers of a domain stood when they were last seen, here or elsewhere. */
export interface FormerSequence extends Pick<MessageHeader, 'version' | 'exportTimeSec' | 'bootTimeMs'> {
  /** What the next Message should have carried. */
  readonly nextSequence: number
}

/** A boot time that differs by more is another run of the exporter (R3954-9-3). */
const CLOCK_STEP_MS = 60_000
/** A step beyond it is a new count, not loss. */
const FARTHEST_GAP = 2 ** 30

/**
 * Sequence accounting of one domain. A tracker remembers windows of numbers, some KiB; a spoofed source sends one Message
 * and is never heard again, so the tracker is made with the second one (TH-04).
 */
export class DomainSequence {
  #tracker: SequenceTracker | undefined
  #first: First | undefined
  #former: FormerSequence | undefined
  #gap = 0

  get counts(): SequenceCounts {
    const { lost, duplicated, reordered, restarts, suspect, undecoded } = this.#tracker ?? nothing
    return { lost, duplicated, reordered, restarts, suspect, undecoded, gap: this.#gap }
  }

  /** What the next Message should carry, or -1 before the first one. */
  get next(): number {
    if (this.#tracker !== undefined) return this.#tracker.next
    const first = this.#first
    if (first === undefined) return -1
    return (first.sequence + (first.version === 9 ? 1 : first.units)) >>> 0
  }

  /** Of the last Message, NaN where the protocol has none. */
  get bootTimeMs(): number {
    return this.#tracker?.bootTimeMs ?? this.#first?.bootTimeMs ?? Number.NaN
  }

  /** Newest Export Time of the Messages that went on from each other; 0 before the first. */
  get newestSec(): number {
    return this.#tracker?.newestSec ?? this.#first?.exportTimeSec ?? this.#former?.exportTimeSec ?? 0
  }

  /** As `SequenceTracker.isOrderly`. */
  get isOrderly(): boolean {
    return this.#tracker?.isOrderly ?? true
  }

  /** As `SequenceTracker.isUsual`. */
  isUsual(header: MessageHeader): boolean {
    return this.#tracker === undefined
      ? this.#first === undefined && this.#former === undefined
      : this.#tracker.isUsual(header)
  }

  /** As `SequenceTracker.looksAnew`; before the second Message, by the boot time or by what was told of the time before. */
  looksAnew(header: MessageHeader): boolean {
    if (this.#tracker !== undefined) return this.#tracker.looksAnew(header)
    if (this.#first !== undefined) return isOtherBoot(this.#first, header)
    return this.#former !== undefined && hasBegunAnew(this.#former, header)
  }

  /** As `SequenceTracker.update`. */
  update(header: MessageHeader, units: number, isComplete: boolean): SequenceStep {
    return this.#tracker === undefined
      ? this.#begin(header, units, isComplete)
      : this.#tracker.update(header, units, isComplete)
  }

  /** As `SequenceTracker.noteDiscarded`. */
  noteDiscarded(): void {
    if (this.#tracker !== undefined) this.#tracker.noteDiscarded()
    else if (this.#first !== undefined) this.#first.isDiscardedAfter = true
  }

  /**
   * Where the numbers stood before: told at any time, before the first Message or after it; only the first word counts.
   *
   * @returns whether the exporter has begun anew since, as far as its first Message shows; before it, `looksAnew` will say so.
   */
  takeOver(former: FormerSequence): boolean {
    if (this.#former !== undefined) return false
    this.#former = former
    if (this.#first === undefined) return false
    this.#gap = gapBetween(former, this.#first)
    return hasBegunAnew(former, this.#first)
  }

  #begin(header: MessageHeader, units: number, isComplete: boolean): SequenceStep {
    const first = this.#first
    if (first === undefined) {
      const { version, sequence, exportTimeSec, bootTimeMs } = header
      this.#first = { version, sequence, exportTimeSec, bootTimeMs, units, isComplete, isDiscardedAfter: false }
      if (this.#former !== undefined) this.#gap = gapBetween(this.#former, this.#first)
      return 'first'
    }
    const tracker = (this.#tracker = new SequenceTracker())
    tracker.update({ ...header, ...first }, first.units, first.isComplete)
    if (first.isDiscardedAfter) tracker.noteDiscarded()
    return tracker.update(header, units, isComplete)
  }
}

type Standing = Pick<MessageHeader, 'version' | 'bootTimeMs'>

const isOtherBoot = (former: Standing, header: Standing): boolean =>
  header.version === 9 && former.version === 9 && Math.abs(former.bootTimeMs - header.bootTimeMs) > CLOCK_STEP_MS

/** Since somebody saw it last: another boot time, or its clock has gone on and its numbers have gone back. */
function hasBegunAnew(
  former: FormerSequence,
  header: Pick<MessageHeader, 'version' | 'sequence' | 'exportTimeSec' | 'bootTimeMs'>
): boolean {
  if (former.version !== header.version) return false
  if (isOtherBoot(former, header)) return true
  const ahead = (header.sequence - former.nextSequence) | 0
  return header.exportTimeSec > former.exportTimeSec && (ahead < 0 || ahead > FARTHEST_GAP)
}

/** Nothing is said of an exporter that has begun anew meanwhile: its numbers do not go on from the former ones. */
function gapBetween(former: FormerSequence, first: First): number {
  if (former.version !== first.version || former.exportTimeSec > first.exportTimeSec) return 0
  if (first.version === 9 && Math.abs(former.bootTimeMs - first.bootTimeMs) > CLOCK_STEP_MS) return 0
  // Modulo 2^32; what went back is late, came twice or began anew.
  const ahead = (first.sequence - former.nextSequence) >>> 0
  return ahead <= FARTHEST_GAP ? ahead : 0
}

const nothing: SequenceCounts = Object.freeze(noCounts())
