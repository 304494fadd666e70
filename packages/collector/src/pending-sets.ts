import type { DropReason } from '@weir/ipfix'
import type { Domain } from './domain.ts'
import type { Ledger } from './ledger.ts'
import type { Session } from './session.ts'

/** A Data Set that waits for its template. */
export interface PendingSet {
  readonly domain: Domain
  readonly templateId: number
  /** The body of the Set, a copy. */
  readonly octets: Uint8Array
  readonly exportTimeSec: number
  readonly sequence: number
  readonly receivedAtMs: number
  readonly bootTimeMs: number
  /** Monotonic. */
  readonly sinceMs: number
}

/** L-30 to L-33. */
export interface PendingLimits {
  readonly pendingMs: number
  readonly pendingSetsPerSession: number
  readonly pendingOctetsTotal: number
  readonly pendingTemplateIdsPerSession: number
}

/** Memory of one entry beyond its octets, estimated. */
const ENTRY_OVERHEAD_OCTETS = 200

/**
 * Data Sets whose template is not known yet (RFC 7011 §8: it may arrive later). Bounded in time, per session and in all;
 * what leaves it other than by its template is counted, with the reason.
 */
export class PendingSets {
  /** All of them, oldest first. */
  readonly #all = new Set<PendingSet>()
  readonly #limits: PendingLimits
  readonly #ledger: Ledger
  readonly #onDrop: (pending: PendingSet, reason: DropReason) => void
  #octets = 0

  constructor(
    limits: PendingLimits,
    ledger: Ledger,
    onDrop: (pending: PendingSet, reason: DropReason) => void = () => {}
  ) {
    this.#limits = limits
    this.#ledger = ledger
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#all.size
  }

  get octets(): number {
    return this.#octets
  }

  /** Keep one, at the cost of older ones. The Data Set was counted as received; here it becomes pending or dropped. */
  add(pending: PendingSet): void {
    const { session } = pending.domain
    const cost = pending.octets.length + ENTRY_OVERHEAD_OCTETS
    const { pendingSetsPerSession, pendingOctetsTotal, pendingTemplateIdsPerSession, pendingMs } = this.#limits
    this.#ledger.dataSets.pending++
    this.#all.add(pending)
    session.pending.add(pending)
    this.#octets += cost
    if (pendingMs === 0) return this.drop(pending, 'unknown_template')
    // There are never more ids than Sets, so they are counted only where fewer are allowed.
    if (pendingTemplateIdsPerSession < pendingSetsPerSession) {
      while (idsOf(session) > pendingTemplateIdsPerSession) this.#dropOldest(session.pending)
    }
    while (session.pending.size > pendingSetsPerSession) this.#dropOldest(session.pending)
    while (this.#octets > pendingOctetsTotal) this.#dropOldest(this.#all)
  }

  /** Different ids that Sets of a domain wait for. */
  idsOf(domain: Domain): Set<number> {
    const ids = new Set<number>()
    for (const pending of domain.session.pending) if (pending.domain === domain) ids.add(pending.templateId)
    return ids
  }

  /**
   * Take out what waited for this template, in order of Export Time, then sequence number, then arrival; the caller counts
   * what becomes of each.
   */
  take(domain: Domain, templateId: number): PendingSet[] {
    const taken: PendingSet[] = []
    for (const pending of domain.session.pending) {
      if (pending.domain === domain && pending.templateId === templateId) taken.push(pending)
    }
    for (const pending of taken) this.#remove(pending)
    return taken.toSorted(inOrder)
  }

  /** Drop what has waited too long (L-30). */
  expire(nowMs: number): void {
    for (const pending of this.#all) {
      if (nowMs - pending.sinceMs < this.#limits.pendingMs) return
      this.drop(pending, 'pending_expired')
    }
  }

  /** The session ended: its templates will not come any more. */
  dropSession(session: Session, reason: DropReason = 'unknown_template'): void {
    if (!session.hasPending) return
    for (const pending of session.pending) this.drop(pending, reason)
  }

  dropAll(reason: DropReason): void {
    for (const pending of this.#all) this.drop(pending, reason)
  }

  drop(pending: PendingSet, reason: DropReason): void {
    this.#remove(pending)
    this.#ledger.dataSets.dropped[reason]++
    pending.domain.session.exporter.droppedSets++
    this.#onDrop(pending, reason)
  }

  #dropOldest(sets: Set<PendingSet>): void {
    const oldest = sets.values().next().value
    if (oldest !== undefined) this.drop(oldest, 'pending_evicted')
  }

  #remove(pending: PendingSet): void {
    if (!this.#all.delete(pending)) return
    pending.domain.session.pending.delete(pending)
    this.#octets -= pending.octets.length + ENTRY_OVERHEAD_OCTETS
    this.#ledger.dataSets.pending--
  }
}

/** Sorting is stable, so that arrival decides between equals. Sequence numbers wrap. */
function inOrder(a: PendingSet, b: PendingSet): number {
  return a.exportTimeSec - b.exportTimeSec || (a.sequence - b.sequence) | 0
}

/** Different ids a session waits for. */
function idsOf(session: Session): number {
  const ids = new Set<number>()
  for (const { domain, templateId } of session.pending) ids.add(domain.odid * 65_536 + templateId)
  return ids.size
}
