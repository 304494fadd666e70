import type { DropReason } from '@weir/ipfix'
import { costOf, inOrder, type HeldReason } from '@weir/templates'
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
  readonly held: HeldReason
  /** The table's, at the Message: what came before its exporter began anew is not decoded by later templates. */
  epoch: number
}

/** Takes Data Sets elsewhere when memory is short. */
export interface PendingOutlet {
  accepts(pending: PendingSet): boolean
  urge(): void
}

/** L-30 to L-33. */
export interface PendingLimits {
  readonly pendingMs: number
  readonly pendingSetsPerSession: number
  readonly pendingOctetsTotal: number
  readonly pendingTemplateIdsPerSession: number
}

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
  #heldSets = 0
  #heldOctets = 0
  #outlet: PendingOutlet | undefined

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

  /** Of these in quarantine. */
  get heldSets(): number {
    return this.#heldSets
  }

  get heldOctets(): number {
    return this.#heldOctets
  }

  values(): SetIterator<PendingSet> {
    return this.#all.values()
  }

  /** With it, sessions that may use it keep what they have beyond the bounds of a session until it is taken from here. */
  moveTo(outlet: PendingOutlet): void {
    this.#outlet = outlet
  }

  /** Keep one, at the cost of older ones. The Data Set was counted as received; here it becomes pending or dropped. */
  add(pending: PendingSet): void {
    const { session } = pending.domain
    const { pendingSetsPerSession, pendingOctetsTotal, pendingTemplateIdsPerSession, pendingMs } = this.#limits
    this.#ledger.dataSets.pending++
    this.#all.add(pending)
    session.pending.add(pending)
    this.#count(pending, 1)
    if (pendingMs === 0) return this.drop(pending, 'unknown_template')
    while (this.#octets > pendingOctetsTotal) this.#dropOldest(this.#all)
    const isMuch = session.pending.size > pendingSetsPerSession || this.#octets > pendingOctetsTotal / 2
    if (isMuch && this.#outlet?.accepts(pending) === true) return this.#outlet.urge()
    // There are never more ids than Sets, so they are counted only where fewer are allowed.
    if (pendingTemplateIdsPerSession < pendingSetsPerSession) {
      while (idsOf(session) > pendingTemplateIdsPerSession) this.#dropOldest(session.pending)
    }
    while (session.pending.size > pendingSetsPerSession) this.#dropOldest(session.pending)
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
   *
   * @param isAnnounced - those in quarantine too.
   */
  take(domain: Domain, templateId: number, isAnnounced: boolean): PendingSet[] {
    const taken: PendingSet[] = []
    for (const pending of domain.session.pending) {
      if (pending.domain !== domain || pending.templateId !== templateId) continue
      if (isAnnounced || pending.held === '') taken.push(pending)
    }
    for (const pending of taken) this.#remove(pending)
    return taken.toSorted(inOrder)
  }

  /** The oldest that have waited since `sinceMs` or longer and that `isWanted`; they stay. */
  ripe(sinceMs: number, limit: number, isWanted: (pending: PendingSet) => boolean): PendingSet[] {
    const ripe: PendingSet[] = []
    for (const pending of this.#all) {
      if (pending.sinceMs > sinceMs || ripe.length === limit) break
      if (isWanted(pending)) ripe.push(pending)
    }
    return ripe
  }

  /** It is elsewhere in this process now, and pending as before. */
  detach(pending: PendingSet): void {
    this.#remove(pending)
    this.#ledger.dataSets.pending++
  }

  /** What waits for templates of one domain waits for those of another one from now on. */
  rehome(from: Domain, to: Domain): void {
    if (!from.session.hasPending) return
    for (const pending of from.session.pending) {
      if (pending.domain !== from) continue
      this.#remove(pending)
      // What came before the exporter began anew stays what it is.
      const epoch = pending.epoch < from.table.epoch ? -1 : to.table.epoch
      this.add({ ...pending, domain: to, epoch })
    }
  }

  /** The exporter of a domain has not begun anew after all: what came since is as what came before. */
  undoEpoch(domain: Domain): void {
    if (!domain.session.hasPending) return
    const { epoch } = domain.table
    for (const pending of domain.session.pending) {
      if (pending.domain === domain && pending.epoch > epoch) pending.epoch = epoch
    }
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
    this.#count(pending, -1)
    this.#ledger.dataSets.pending--
  }

  #count(pending: PendingSet, by: 1 | -1): void {
    const octets = by * costOf(pending)
    this.#octets += octets
    if (pending.held === '') return
    this.#heldSets += by
    this.#heldOctets += octets
  }
}

/** Different ids a session waits for. */
function idsOf(session: Session): number {
  const ids = new Set<number>()
  for (const { domain, templateId } of session.pending) ids.add(domain.odid * 65_536 + templateId)
  return ids.size
}
