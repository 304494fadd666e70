import type { Log, Clock } from '@weir/runtime'
import {
  placeKey,
  type OnWaitingDrop,
  type PendingSpool,
  type Place,
  type TemplateStore,
  type WaitingSet
} from '@weir/templates'
import type { Domain } from './domain.ts'
import type { Forwarder } from './forwarder.ts'
import type { Ledger } from './ledger.ts'
import { placeOf, type LiveDomains } from './live-domains.ts'

export interface PendingDrainDeps {
  readonly spool: PendingSpool
  readonly store: TemplateStore
  readonly live: LiveDomains
  readonly forwarder: Forwarder
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Log
  /** Names this process to the operator of a shared store. */
  readonly claimer: string
  /** Whether the domain knows the template for sure; undefined if it does not know it. */
  readonly isAnnounced: (domain: Domain, templateId: number) => boolean | undefined
  /** Decode and hand on one Data Set, counted as pending until then. False if it does not fit: it stays pending. */
  readonly deliver: (domain: Domain, set: WaitingSet) => boolean
  /** Told of a Data Set that waits on in quarantine. */
  readonly onHeld: (domain: Domain, set: WaitingSet) => void
  /** Everything older has been delivered: what waits in memory may go on. */
  readonly onDrained: (domain: Domain, templateId: number, sets: number) => void
  readonly onDrop: OnWaitingDrop
}

/** What of one template is on its way from the spool to the link. */
interface Job {
  readonly domain: Domain
  readonly templateId: number
  hand: WaitingSet[]
  delivered: number
}

interface Wanted {
  readonly domain: Domain
  readonly templateId: number
}

/** A slice holds the event loop for a millisecond or two. */
const SLICE_SETS = 64
/** Claims asked for at once. */
const CLAIMS = 4
const AGAIN_MS = 5_000

/**
 * Takes back what waits outside of memory, once its template is known: from the spool in slices, from the shelf of a shared
 * store by claims. Nothing waits for it but the Data Sets of the same template of the same domain that come meanwhile.
 *
 * A claimed Data Set is written to the spool first and delivered from there: so there is one order, and one place that is
 * bounded. While the link has no room, nothing is taken.
 */
export class PendingDrain {
  readonly #deps: PendingDrainDeps
  readonly #jobs: Job[] = []
  readonly #wanted = new Map<string, Wanted>()
  readonly #endWatch: () => void
  #claiming = 0
  #isScheduled = false
  #isStopped = false

  constructor(deps: PendingDrainDeps) {
    this.#deps = deps
    const { store } = deps
    this.#endWatch = store.shelf === undefined ? () => {} : store.watch(changed => this.#onPush(changed))
  }

  /** Templates whose Data Sets are on their way. */
  get jobs(): number {
    return this.#jobs.length
  }

  /** The spool has something in quarantine, perhaps of an earlier process. */
  get hasHeld(): boolean {
    return this.#deps.spool.stats.heldSets > 0
  }

  /**
   * Begin to deliver what the spool has for a template.
   *
   * @returns false if it has nothing; else what is in memory must wait until `onDrained`.
   */
  begin(domain: Domain, templateId: number, isAnnounced: boolean): boolean {
    if (domain.draining?.has(templateId) === true) return true
    const { spool } = this.#deps
    if (spool.stats.sets === 0 || !domain.session.isVerified || this.#isStopped) return false
    if (!spool.index.has(domain.session.identity.scope, domain.odid, templateId, isAnnounced)) return false
    domain.draining ??= new Set()
    domain.draining.add(templateId)
    this.#jobs.push({ domain, templateId, hand: [], delivered: 0 })
    this.#schedule()
    return true
  }

  /** Ask the shelf for what waits for a template, if there is a shelf. Returns at once. */
  claim(domain: Domain, templateId: number): void {
    const { session } = domain
    if (this.#deps.store.shelf === undefined || session.transport !== 'udp' || !session.isVerified) return
    if (this.#isStopped) return
    this.#wanted.set(`${templateId}|${placeKey(placeOf(domain))}`, { domain, templateId })
    this.#pump()
  }

  /** The link has room again. */
  resume(): void {
    if (this.#jobs.length > 0) this.#schedule()
  }

  /** What is in hand goes back to the spool. */
  stop(): void {
    this.#isStopped = true
    this.#endWatch()
    this.#wanted.clear()
    for (const job of this.#jobs.splice(0)) this.#giveBack(job)
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (!this.#isStopped) this.#slice()
    })
  }

  #slice(): void {
    const job = this.#jobs[0]
    if (job === undefined || !this.#deps.forwarder.isWritable) return
    const { domain, templateId } = job
    const { spool, live, isAnnounced, deliver, onHeld, onDrained, forwarder } = this.#deps
    const isSure = live.has(domain) ? isAnnounced(domain, templateId) : undefined
    if (isSure === undefined) {
      this.#jobs.shift()
      this.#giveBack(job)
      return this.#schedule()
    }
    if (job.hand.length === 0) {
      job.hand = spool.take(domain.session.identity.scope, domain.odid, templateId, isSure, SLICE_SETS)
    }
    if (job.hand.length === 0) {
      this.#jobs.shift()
      domain.draining!.delete(templateId)
      onDrained(domain, templateId, job.delivered)
      return this.#schedule()
    }
    let at = 0
    const misfits: WaitingSet[] = []
    while (at < job.hand.length && forwarder.isWritable) {
      const set = job.hand[at++]
      if (deliver(domain, set)) job.delivered++
      else misfits.push({ ...set, held: set.held === '' ? 'misfit' : set.held })
    }
    job.hand = job.hand.slice(at)
    for (const set of misfits) onHeld(domain, set)
    if (misfits.length > 0) this.#keep(misfits)
    this.#schedule()
  }

  #giveBack({ domain, templateId, hand }: Job): void {
    domain.draining?.delete(templateId)
    if (hand.length > 0) this.#keep(hand)
  }

  /** Counted as pending already. */
  #keep(sets: readonly WaitingSet[]): void {
    const { spool, onDrop } = this.#deps
    const taken = spool.write(sets)
    for (const [at, { address }] of sets.entries()) if (!taken[at]) onDrop(address, 'pending_evicted')
  }

  #onPush(changed: readonly Place[]): void {
    for (const place of changed) {
      const domain = this.#deps.live.get(place)
      if (domain === undefined) continue
      for (const { templateId } of domain.table.entries()) this.claim(domain, templateId)
    }
  }

  #pump(): void {
    while (this.#claiming < CLAIMS && this.#wanted.size > 0) {
      const [key, wanted] = this.#wanted.entries().next().value!
      this.#wanted.delete(key)
      this.#claiming++
      void this.#claimAll(wanted)
        .catch(error => this.#deps.log.error('internal_error', 'Data Sets could not be claimed', { error }))
        .finally(() => {
          this.#claiming--
          this.#pump()
        })
    }
  }

  async #claimAll(wanted: Wanted): Promise<void> {
    const { store, claimer, live, clock, isAnnounced, ledger } = this.#deps
    const { domain, templateId } = wanted
    const isUseful = (): boolean =>
      !this.#isStopped && live.has(domain) && isAnnounced(domain, templateId) !== undefined
    while (isUseful()) {
      const claim = await store.shelf!.claim(placeOf(domain), templateId, claimer)
      if (claim.sets.length === 0) {
        if (store.health !== 'up') clock.setTimer(AGAIN_MS, () => this.claim(domain, templateId)).unref()
        return
      }
      // Not confirmed, they go back to the shelf by themselves when the lease is over.
      if (!isUseful() || !((await claim.done()) || (await claim.done()))) return
      ledger.dataSets.takenOver += claim.sets.length
      ledger.dataSets.pending += claim.sets.length
      for (let at = 0; at < claim.sets.length; at += SLICE_SETS) {
        this.#keep(claim.sets.slice(at, at + SLICE_SETS).map(set => ({ ...set, held: '' as const })))
        await new Promise(resolve => setImmediate(resolve))
      }
      if (isUseful()) this.begin(domain, templateId, isAnnounced(domain, templateId) === true)
    }
  }
}
