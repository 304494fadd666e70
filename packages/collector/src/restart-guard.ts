import type { MessageHeader } from '@weir/ipfix'
import type { Domain } from './domain.ts'

/** An exporter that seems to have begun anew: what is remembered of the time before, as long as Messages of it may come. */
export interface Suspicion {
  /** Export Time of the first Message after it. */
  readonly sinceSec: number
  /** What the next Message should have carried if there was no restart. */
  readonly formerNext: number
  readonly formerBootTimeMs: number
  /** Of the Message with which it began. */
  readonly bootTimeMs: number
  /** Newest Export Time before it. */
  readonly formerSec: number
  readonly formerEpochAtMs: number
  /** When it began, monotonic. */
  readonly sinceMs: number
  /** Number of the last Message after it. */
  last: number
  /** The numbers go on from the new ones: a restart is counted. */
  isConfirmed: boolean
  /** It began with the Message in hand, which may be malformed yet. */
  isFresh: boolean
}

/** So long after it Messages of before may come. */
const LATEST_SEC = 60
/** So many Data Records (packets, for v9) may be missing between two Messages of one count that is not known well. */
const NEAR = 1024
/** And between Messages of before and what was to come next. */
const FAR = 65_536
/** A boot time that moves by more is another clock (R3954-9-3). */
const CLOCK_STEP_MS = 60_000
/** So often a suspicion may prove false; then the numbers of the domain mean nothing (several counters behind one session). */
const FALSE_SUSPICIONS = 8

/**
 * Looks at Messages that do not simply go on from the one before, before they are decoded (D15). When its exporter seems to
 * have begun anew, a domain's templates are in doubt at once, not only when three Messages have confirmed it: else the data
 * of the first ones would be decoded by templates that are not theirs. When the former numbers go on after all, the doubt
 * is taken back.
 */
export class RestartGuard {
  readonly #onFalse: (domain: Domain) => void

  /** @param onFalse - told when a domain's templates are not in doubt any more, because there was no restart. */
  constructor(onFalse: (domain: Domain) => void) {
    this.#onFalse = onFalse
  }

  /** Look at a Message of a guarded domain that is not usual, or while there is a suspicion. */
  look(domain: Domain, header: MessageHeader, nowMs: number, receivedAtMs: number): void {
    const suspicion = domain.suspicion
    if (suspicion === undefined) {
      if (domain.falseSuspicions < FALSE_SUSPICIONS && domain.sequence.looksAnew(header)) {
        this.#begin(domain, header, nowMs, receivedAtMs)
      }
      return
    }
    const { sequence, exportTimeSec } = header
    const { sinceSec, formerNext, formerSec, formerBootTimeMs } = suspicion
    const isNext = suspicion.isConfirmed && sequence === domain.sequence.next
    const isNew = isNext || isNear(sequence, suspicion.last)
    // Until a restart is confirmed, the former numbers go on being followed.
    const fromFormer = Math.abs((sequence - (suspicion.isConfirmed ? formerNext : domain.sequence.next)) | 0)
    if (!isNext && isSameBoot(header, formerBootTimeMs)) {
      // Where its clock tells before from after, it decides: the numbers of a young count may be anybody's.
      const isOld = exportTimeSec <= formerSec && (formerSec < sinceSec || !isNew)
      if (isOld && (fromFormer <= FAR || !isNew)) {
        domain.table.isOutdated = true
        return
      }
      if (!isNew && fromFormer === 0 && exportTimeSec > sinceSec) return this.#undo(domain, suspicion)
    }
    const isOver = exportTimeSec - sinceSec > LATEST_SEC
    if (isOver) domain.suspicion = undefined
    const mayBeAnother = isOver || suspicion.isConfirmed || !isSameBoot(header, suspicion.bootTimeMs)
    if (mayBeAnother && domain.falseSuspicions < FALSE_SUSPICIONS && domain.sequence.looksAnew(header)) {
      return this.#begin(domain, header, nowMs, receivedAtMs)
    }
    if (isNew || fromFormer > 0) suspicion.last = sequence
  }

  /** The Message with which a suspicion began was malformed: it says nothing. */
  forgetFresh(domain: Domain): void {
    const { suspicion } = domain
    if (suspicion?.isFresh !== true) return
    domain.suspicion = undefined
    domain.epochAtMs = suspicion.formerEpochAtMs
    domain.table.undoEpoch()
  }

  #begin(domain: Domain, header: MessageHeader, nowMs: number, receivedAtMs: number): void {
    // Ports that count together begin anew together: what one of them has announced since is not in doubt for the others.
    let sinceMs = nowMs
    for (const { domain: sibling } of domain.member?.space ?? []) {
      sinceMs = Math.min(sinceMs, sibling.suspicion?.sinceMs ?? sinceMs)
    }
    domain.suspicion = {
      sinceMs,
      sinceSec: header.exportTimeSec,
      formerNext: domain.sequence.next,
      formerBootTimeMs: domain.sequence.bootTimeMs,
      formerSec: domain.sequence.newestSec,
      bootTimeMs: header.bootTimeMs,
      formerEpochAtMs: domain.epochAtMs,
      last: header.sequence,
      isConfirmed: false,
      isFresh: true
    }
    domain.epochAtMs = receivedAtMs
    domain.table.beginEpoch(sinceMs)
  }

  #undo(domain: Domain, suspicion: Suspicion): void {
    domain.suspicion = undefined
    domain.falseSuspicions++
    domain.epochAtMs = suspicion.formerEpochAtMs
    domain.table.undoEpoch()
    this.#onFalse(domain)
  }
}

const isNear = (sequence: number, from: number): boolean => {
  const ahead = (sequence - from) | 0
  return ahead >= 0 && ahead <= NEAR
}

const isSameBoot = ({ version, bootTimeMs }: MessageHeader, formerBootTimeMs: number): boolean =>
  version !== 9 || Math.abs(bootTimeMs - formerBootTimeMs) <= CLOCK_STEP_MS
