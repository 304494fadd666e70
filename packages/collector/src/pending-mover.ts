import { randomBytes } from 'node:crypto'
import type { Clock, Log, Timer } from '@weir/runtime'
import { placeKey, type PendingSpool, type TemplateStore, type WaitingSet } from '@weir/templates'
import type { Ledger } from './ledger.ts'
import type { PendingSet, PendingSets } from './pending-sets.ts'

export interface PendingMoverDeps {
  readonly pending: PendingSets
  readonly spool: PendingSpool
  readonly store: TemplateStore
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Log
  /** Told when Data Sets of a place are on the shelf now: whoever knows their template may have come meanwhile. */
  readonly onShelved: (sets: readonly WaitingSet[]) => void
}

/** How often memory is looked through, and how long a Data Set stays there at least: its template may be next. */
const MOVE_MS = 250
const AGE_MS = 500
/** A slice holds the event loop for some milliseconds. */
const SLICE_SETS = 256
const EXPIRE_ROWS = 500
/** A place that the shelf has no room for is left in the spool for so long. */
const FULL_MS = 10_000

/**
 * Takes what has waited in memory to disk, and from there to the shelf of a shared store, where any pod can have it. Always
 * in this order, so that a process that is killed has lost at most what came in the last second, and so that what was on its
 * way to the shelf is told apart from what is there (by the token of its batch).
 */
export class PendingMover {
  readonly #deps: PendingMoverDeps
  readonly #fullUntilMs = new Map<string, number>()
  #timer: Timer | undefined
  #urgent: Timer | undefined
  #isShelving = false
  #isStopped = false

  constructor(deps: PendingMoverDeps) {
    this.#deps = deps
  }

  /** Take up what an earlier process left. @throws if the spool's file cannot be. */
  start(): void {
    const { spool, ledger, clock, store } = this.#deps
    const found = spool.open()
    ledger.dataSets.takenOver += found
    ledger.dataSets.pending += found
    if (store.shelf === undefined) for (const token of spool.openBatches().keys()) spool.endBatch(token, 0)
    this.#timer = clock.setPeriodic(MOVE_MS, () => this.#onTimer())
  }

  /** Whether the Data Sets of this one's session may be moved: then there is no need to drop any yet. */
  accepts({ domain, octets }: PendingSet): boolean {
    const { session, odid } = domain
    if (this.#isStopped || session.transport !== 'udp' || !session.isVerified) return false
    return this.#deps.spool.isOpen && this.#deps.spool.hasRoom(session.identity.scope, odid, octets.length)
  }

  /** There is much in memory: do not wait for the next look. */
  urge(): void {
    if (this.#urgent !== undefined || this.#isStopped) return
    this.#urgent = this.#deps.clock.setTimer(0, () => {
      this.#urgent = undefined
      this.#toSpool(0)
    })
  }

  /** Put everything that may be moved where it outlives this process. What is left in memory was not to be moved. */
  async stop(deadlineMs: number): Promise<void> {
    const { spool, ledger, clock } = this.#deps
    this.#timer?.cancel()
    this.#urgent?.cancel()
    while (this.#toSpool(-1));
    this.#isStopped = true
    const endMs = clock.monotonicMs() + deadlineMs
    while (spool.isOpen && clock.monotonicMs() < endMs && (await this.#toShelf()));
    if (!spool.isOpen) return
    const { sets } = spool.stats
    ledger.dataSets.pending -= sets
    if (spool.isPersistent) ledger.dataSets.handedOver += sets
    else ledger.dataSets.dropped.shutdown += sets
    spool.close()
  }

  #onTimer(): void {
    this.#toSpool(AGE_MS)
    this.#deps.spool.expire(this.#deps.clock.nowMs(), EXPIRE_ROWS)
    if (!this.#isShelving) void this.#shelveAll()
  }

  /** @returns whether there may be more. */
  #toSpool(ageMs: number): boolean {
    const { pending, spool, clock } = this.#deps
    if (!spool.isOpen || pending.size === 0) return false
    const ripe = pending.ripe(clock.monotonicMs() - ageMs, SLICE_SETS, waiting => this.accepts(waiting))
    if (ripe.length === 0) return false
    const taken = spool.write(ripe.map(waitingSetOf))
    let moved = 0
    for (const [at, waiting] of ripe.entries()) {
      if (!taken[at]) continue
      pending.detach(waiting)
      moved++
    }
    if (moved > 0 && ripe.length === SLICE_SETS && ageMs >= 0) this.urge()
    return moved > 0 && ripe.length === SLICE_SETS
  }

  async #shelveAll(): Promise<void> {
    this.#isShelving = true
    try {
      while (!this.#isStopped && (await this.#toShelf()));
    } catch (error) {
      this.#deps.log.error('internal_error', 'Data Sets could not be moved to the shelf', { error })
    }
    this.#isShelving = false
  }

  /** Move one batch. @returns whether there may be more. */
  async #toShelf(): Promise<boolean> {
    const { spool, store } = this.#deps
    const { shelf } = store
    if (shelf === undefined || store.health !== 'up' || spool.stats.sets === spool.stats.heldSets) return false
    // First what was on its way when a process was killed, or when an answer was lost.
    for (const [token, sets] of spool.openBatches()) return this.#put(token, sets)
    const nowMs = this.#deps.clock.monotonicMs()
    for (const group of spool.index.groups()) {
      const key = placeKey(group)
      if (group.held !== '' || (this.#fullUntilMs.get(key) ?? 0) > nowMs) continue
      this.#fullUntilMs.delete(key)
      const token = randomBytes(8).toString('hex')
      const sets = spool.beginBatch(group.scope, group.odid, token, SLICE_SETS)
      if (sets.length > 0) return this.#put(token, sets)
    }
    return false
  }

  async #put(token: string, sets: readonly WaitingSet[]): Promise<boolean> {
    const { spool, store, ledger, clock, onShelved } = this.#deps
    const taken = await store.shelf!.put(sets, token)
    // Without an answer nobody knows where they are: the batch stays open and is put again.
    if (taken === 0 && store.health !== 'up') return false
    spool.endBatch(token, taken)
    ledger.dataSets.pending -= taken
    ledger.dataSets.handedOver += taken
    if (taken < sets.length) this.#fullUntilMs.set(placeKey(sets[taken]), clock.monotonicMs() + FULL_MS)
    if (taken > 0) onShelved(sets.slice(0, taken))
    return true
  }
}

/** Out of the memory of this process, with all that another needs to know. */
function waitingSetOf(pending: PendingSet): WaitingSet {
  const { domain, templateId, octets, exportTimeSec, sequence, receivedAtMs, bootTimeMs, held } = pending
  const { identity, exporter, transport } = domain.session
  return {
    scope: identity.scope,
    odid: domain.odid,
    templateId,
    version: identity.version,
    exportTimeSec,
    sequence,
    receivedAtMs,
    bootTimeMs,
    octets,
    transport,
    address: exporter.id,
    port: identity.port,
    listener: identity.listener,
    held
  }
}
