import { SequenceTracker, type MessageHeader, type SequenceStep } from '@weir/ipfix'

/** What sequence numbers have shown; see `SequenceTracker`. */
export interface SequenceCounts {
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  readonly restarts: number
  readonly suspect: number
  readonly undecoded: number
}

/** The same as sums that are added to. */
export type SequenceSums = { -readonly [K in keyof SequenceCounts]: number }

export const noCounts = (): SequenceSums => ({
  lost: 0,
  duplicated: 0,
  reordered: 0,
  restarts: 0,
  suspect: 0,
  undecoded: 0
})

/** Add one domain's counts to a sum. */
export function addCounts(sums: SequenceSums, counts: SequenceCounts): void {
  sums.lost += counts.lost
  sums.duplicated += counts.duplicated
  sums.reordered += counts.reordered
  sums.restarts += counts.restarts
  sums.suspect += counts.suspect
  sums.undecoded += counts.undecoded
}

/** What a tracker looks at of the first Message. */
interface First extends Pick<MessageHeader, 'version' | 'sequence' | 'exportTimeSec' | 'bootTimeMs'> {
  readonly units: number
  readonly isComplete: boolean
  isDiscardedAfter: boolean
}

const nothing: SequenceCounts = Object.freeze(noCounts())

/**
 * Sequence accounting of one domain. A tracker remembers windows of numbers, some KiB; a spoofed source sends one Message
 * and is never heard again, so the tracker is made with the second one (TH-04).
 */
export class DomainSequence {
  #tracker: SequenceTracker | undefined
  #first: First | undefined

  get counts(): SequenceCounts {
    return this.#tracker ?? nothing
  }

  /** As `SequenceTracker.update`. */
  update(header: MessageHeader, units: number, isComplete: boolean): SequenceStep {
    return this.#tracker === undefined
      ? this.#begin(header, units, isComplete)
      : this.#tracker.update(header, units, isComplete)
  }

  /** As `SequenceTracker.noteDiscarded`. */
  noteDiscarded(): void {
    if (this.#first !== undefined) this.#first.isDiscardedAfter = true
    else this.#tracker?.noteDiscarded()
  }

  #begin(header: MessageHeader, units: number, isComplete: boolean): SequenceStep {
    const first = this.#first
    if (first === undefined) {
      const { version, sequence, exportTimeSec, bootTimeMs } = header
      this.#first = { version, sequence, exportTimeSec, bootTimeMs, units, isComplete, isDiscardedAfter: false }
      return 'first'
    }
    const tracker = (this.#tracker = new SequenceTracker())
    this.#first = undefined
    tracker.update({ ...header, ...first }, first.units, first.isComplete)
    if (first.isDiscardedAfter) tracker.noteDiscarded()
    return tracker.update(header, units, isComplete)
  }
}
