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
/** A batch that the shelf did not say it took is put again after so long, and no other one of its place meanwhile. */
const AGAIN_MS = 2_000
/** Batches that the shelf has not said it took: with so many, no other one is begun. */
const OPEN_BATCHES = 8

/**
 * Takes what has waited in memory to disk, and from there to the shelf of a shared store, where any pod can have it. Always
 * in this order, so that a process that is killed has lost at most what came in the last second, and so that what was on its
 * way to the shelf is told apart from what is there (by the token of its batch).
 */
export class PendingMover {
  readonly #deps: PendingMoverDeps
  /** By token: begun, here or by a process that was killed, and not ended. */
  #open = new Map<string, readonly WaitingSet[]>()
  /** When the shelf is asked again for a place. */
  readonly #againMs = new Map<string, number>()
  #timer: Timer | undefined
  #urgent: Timer | undefined
  #shelving: Promise<void> | undefined
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
    this.#open = spool.openBatches()
    if (store.shelf === undefined) {
      for (const token of this.#open.keys()) spool.endBatch(token, 0)
      this.#open.clear()
    }
    this.#dropStale()
    this.#timer = clock.setPeriodic(MOVE_MS, () => this.#onTimer())
  }

  /** A shelf knows a batch again only as long as it is worth anything: an older one could come to be there twice. */
  #dropStale(): void {
    const { spool, clock } = this.#deps
    const nowMs = clock.nowMs()
    let isStale = false
    for (const [token, sets] of this.#open) {
      if (sets[0].receivedAtMs > nowMs - spool.keepMs) continue
      spool.endBatch(token, 0)
      this.#open.delete(token)
      isStale = true
    }
    if (isStale) while (spool.expire(nowMs, EXPIRE_ROWS) > 0);
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
    await this.#shelving
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
    if (this.#deps.spool.stats.sets === 0) this.#againMs.clear()
    this.#shelving ??= this.#shelveAll().finally(() => (this.#shelving = undefined))
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
    try {
      while (!this.#isStopped && (await this.#toShelf()));
    } catch (error) {
      this.#deps.log.error('internal_error', 'Data Sets could not be moved to the shelf', { error })
    }
  }

  /** Move one batch. @returns whether there may be more. */
  async #toShelf(): Promise<boolean> {
    const { spool, store } = this.#deps
    const { shelf } = store
    if (shelf === undefined || store.health !== 'up' || spool.stats.sets === spool.stats.heldSets) return false
    const nowMs = this.#deps.clock.monotonicMs()
    const isDue = (set: WaitingSet): boolean => (this.#againMs.get(placeKey(set)) ?? -Infinity) <= nowMs
    // First what was on its way when a process was killed, or when an answer was lost.
    for (const [token, sets] of this.#open) if (isDue(sets[0])) return this.#put(token, sets)
    if (this.#open.size >= OPEN_BATCHES) return false
    for (const group of spool.index.groups()) {
      const key = placeKey(group)
      if (group.held !== '' || (this.#againMs.get(key) ?? -Infinity) > nowMs) continue
      const token = randomBytes(8).toString('hex')
      const sets = spool.beginBatch(group.scope, group.odid, token, SLICE_SETS)
      if (sets.length === 0) continue
      this.#open.set(token, sets)
      return this.#put(token, sets)
    }
    return false
  }

  async #put(token: string, sets: readonly WaitingSet[]): Promise<boolean> {
    const { spool, store, ledger, clock, onShelved } = this.#deps
    const key = placeKey(sets[0])
    const taken = await store.shelf!.put(sets, token)
    if (taken < sets.length) this.#againMs.set(key, clock.monotonicMs() + AGAIN_MS)
    else this.#againMs.delete(key)
    // None may mean no room, or no answer; then nobody knows where they are: the same batch is put again.
    if (taken === 0) return store.health === 'up'
    this.#open.delete(token)
    spool.endBatch(token, taken)
    ledger.dataSets.pending -= taken
    ledger.dataSets.handedOver += taken
    onShelved(sets.slice(0, taken))
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
