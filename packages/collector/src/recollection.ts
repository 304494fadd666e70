import { delay, type Clock, type Log } from '@weir/runtime'
import {
  isRestorable,
  keyOf,
  placeKey,
  seenMsOf,
  type EntryKey,
  type OptionsRecord,
  type Place,
  type StoredEntry,
  type StoredPlace,
  type StoredTemplate,
  type TemplateStore
} from '@weir/templates'
import type { Domain } from './domain.ts'
import type { ExporterPolicies } from './exporter-policies.ts'
import { FewMap } from './few-map.ts'
import { RateGate } from './rate-gate.ts'
import { addressPlaceOf, isMemorable, lastPlaceOf, placeOf } from './recollection/places.ts'
import type { Publisher } from './recollection/publisher.ts'
import { Remembered } from './recollection/remembered.ts'
import type { Restorer } from './recollection/restorer.ts'
import { Rotation } from './recollection/rotation.ts'
import { StoreReader } from './recollection/store-reader.ts'
import { StoreRewriter } from './recollection/store-rewriter.ts'
import { WarmMemory } from './recollection/warm-memory.ts'

export interface RecollectionLimits {
  /** Memory of what is remembered and not asked for. */
  readonly rememberedOctetsTotal: number
  /** Questions that sessions not verified may cause in a second. */
  readonly unverifiedReadsPerSec: number
  /** Templates last seen longer ago are of no use. */
  readonly templateLifetimeMaxMs: number
}

export interface WarmUp {
  /** Longest time that readiness waits for it. */
  readonly timeoutMs: number
  readonly seenWithinMs: number
}

export interface RecollectionDeps {
  /** Of this worker alone. */
  readonly local: TemplateStore
  /** Of all pods. */
  readonly shared: TemplateStore | undefined
  readonly publisher: Publisher
  readonly restorer: Restorer
  readonly policies: ExporterPolicies
  readonly clock: Clock
  readonly log: Log
  /** Domains of verified UDP sessions. */
  readonly domains: () => Iterable<Domain>
  /** Domains of TCP sessions. */
  readonly connections: () => Iterable<Domain>
  readonly optionsOf: (domain: Domain) => Iterable<OptionsRecord>
  /** Whether what was found of its exporter's source ports matters for a domain (policy `auto`). */
  readonly isGrouped: (domain: Domain) => boolean
  /** What was found of its exporter's source ports, here before or by another pod. */
  readonly onGroup: (domain: Domain, remembered: Remembered) => void
}

/** A start waits so long to know whether the shared store is there, and not longer. */
const CONNECT_LOOK_MS = 200
/** Places taken into memory between two looks at the sockets. */
const WARM_SLICE = 50
/** A domain that the store had nothing for, or not enough, is asked for again so much later. */
const ASK_AGAIN_MS = 30_000
/**
 * Domains are looked at again so often, those that live by what only a store said and the others: a push may have been lost,
 * and what is announced to another pod would expire here.
 */
const AUDIT_RESTORED_MS = 300_000
const AUDIT_MS = 900_000
/** Where something was not believed, what is known here is put again, and not sooner again: pods with different keys never agree. */
const HEAL_AGAIN_MS = 5_000
/** Places that the store had nothing for, of sessions that may be gone and come again. */
const MAX_NOTHING = 8_192
/** Places of ended sessions that are read of the local ring at once. */
const KEPT_AT_ONCE = 500
/** Domains looked at in a second, and of these written and asked for at most. */
const LOOKED_AT = 20_000
const WRITTEN = 1_000
const ASKED = 200
/** What a TCP session has said is kept as that of the exporter's last one so often. */
const KEEP_LAST_MS = 3_600_000

/**
 * What stores remember of exporters: the local ring is read at the start, the shared one too, in slices; a domain whose place
 * is in neither memory is asked for, many in one read. Nothing of it is on the path of Messages: a domain begins with what is
 * in memory, its Data Sets without a template wait as they would anyway, and an answer lets them go on.
 *
 * TCP sessions get nothing from a store (RFC 7011 §8), but for exporters whose policy says so.
 */
export class Recollection {
  /** Questions not asked, because sessions that are not verified caused too many. */
  refusedReads = 0
  readonly #deps: RecollectionDeps
  readonly #limits: RecollectionLimits
  readonly #warmUp: WarmUp
  readonly #memory: WarmMemory
  readonly #reader: StoreReader | undefined
  readonly #rewriter: StoreRewriter
  readonly #gate: RateGate
  readonly #rotation: Rotation<Domain>
  readonly #connections: Rotation<Domain>
  /** Domains by the keys of their places, for pushes. */
  readonly #live = new Map<string, FewMap<Domain, Domain>>()
  /** Places that the shared store had nothing for, and until when that is believed (monotonic). */
  readonly #nothing = new Map<string, number>()
  /** Places changed elsewhere while they may be on their way into memory. */
  #changed: Set<string> | undefined
  #epoch = 0
  #isWarm = false
  /** The shared store was there to be read; one that was away at the start is read when it comes. */
  #isListed = false
  #isListing = false
  #startedMs: number | undefined
  #isClosed = false
  #endWatch: (() => void)[] = []

  constructor(limits: RecollectionLimits, warmUp: WarmUp, deps: RecollectionDeps) {
    this.#limits = limits
    this.#warmUp = warmUp
    this.#deps = deps
    this.#memory = new WarmMemory(() => limits.rememberedOctetsTotal)
    this.#gate = new RateGate(() => limits.unverifiedReadsPerSec)
    this.#rewriter = new StoreRewriter(deps)
    this.#rotation = new Rotation(deps.domains)
    this.#connections = new Rotation(deps.connections)
    const { shared, clock } = deps
    this.#reader = shared && new StoreReader(shared, clock, (...answer) => this.#onAnswer(...answer))
  }

  /** Templates taken up again from a store. */
  get restored(): number {
    const { file, store, session } = this.#deps.restorer.templates
    return file + store + session
  }

  /** Entries of sessions that have not been seen again yet. */
  get waiting(): number {
    return this.#memory.entries
  }

  /** Times that everything was put again. */
  get rewrites(): number {
    return this.#rewriter.rewrites
  }

  get rememberedPlaces(): number {
    return this.#memory.size
  }

  get rememberedOctets(): number {
    return this.#memory.octets
  }

  /** Domains that wait for their turn to be asked for, or for an answer. */
  get asked(): number {
    return this.#reader === undefined ? 0 : this.#reader.waiting
  }

  /** Places that did not fit into memory, questions that did not fit into the queue. */
  get limited(): { readonly places: number; readonly reads: number } {
    return { places: this.#memory.refused, reads: this.#reader?.overflowed ?? 0 }
  }

  /** What the shared store knows has been taken up, or has taken too long. */
  get isWarm(): boolean {
    if (this.#isWarm || this.#deps.shared === undefined) return true
    return this.#warmingMs >= this.#warmUp.timeoutMs
  }

  /** Read the local ring, begin to read the shared one. Resolves when sessions may begin. */
  async start(): Promise<void> {
    const { local, shared, clock } = this.#deps
    await local.start()
    for await (const places of local.list()) this.#load(places)
    if (shared === undefined) return this.#memory.settle()
    this.#startedMs = clock.monotonicMs()
    this.#endWatch = [
      shared.watch(
        changed => this.#onChanged(changed),
        () => this.#onMissed()
      ),
      shared.onLost(() => this.#onLost())
    ]
    const started = shared.start()
    void started.then(() => this.#warm())
    await Promise.race([started, delay(clock, CONNECT_LOOK_MS)])
  }

  /** Nothing is restored any more. The stores are closed by who owns them. */
  close(): void {
    this.#isClosed = true
    this.#reader?.close()
    this.#rewriter.close()
    for (const end of this.#endWatch) end()
  }

  /** What is remembered of sessions that have not been seen again yet. */
  places(): Generator<Place & Pick<Remembered, 'templates' | 'options'>> {
    return this.#memory.places()
  }

  /** One remembered template is not to be known again, here and in the stores. */
  forgetRemembered(template: StoredTemplate): void {
    this.#memory.forget(placeKey(template), template.templateId)
    this.#deps.local.remove([keyOf(template)], 'withdrawn')
    this.#deps.shared?.remove([keyOf(template)], 'withdrawn')
  }

  /** What is known of a domain that has just been made; the domain has it, until it is {@link giveBack}. */
  take(domain: Domain): void {
    if (this.#memory.size === 0 || domain.session.transport !== 'udp' || !isMemorable(domain)) return
    const remembered = this.#memory.take(placeKey(placeOf(domain)))
    if (remembered === undefined) return
    domain.remembered = remembered
    domain.isStored = true
    if (!this.#isDoubtful(remembered)) this.#apply(domain, remembered, remembered.epoch < 0 ? 'file' : 'store')
  }

  /** What is known of the source ports of a domain's exporter; the domain is one of its group by now. */
  takeGroup(domain: Domain): void {
    if (this.#memory.size === 0 || !this.#deps.isGrouped(domain)) return
    const remembered = this.#memory.peek(placeKey(addressPlaceOf(domain)))
    if (remembered?.decision !== undefined) this.#deps.onGroup(domain, remembered)
  }

  /**
   * The sessions of these domains end, and may come back before their exporters announce anything again: what the local ring has
   * of them is kept in memory, within its bound.
   */
  async keep(domains: readonly Domain[]): Promise<void> {
    const stored = domains.filter(({ isStored }) => isStored).flatMap(domain => this.#placesOf(domain))
    const places = [...new Map(stored.map(place => [placeKey(place), place])).values()]
    for (let at = 0; at < places.length; at += KEPT_AT_ONCE) {
      this.#load(await this.#deps.local.read(places.slice(at, at + KEPT_AT_ONCE)))
    }
    if (this.isWarm) this.#memory.settle()
  }

  /** The domain came to nothing, because its first Message was malformed: what was remembered waits on. */
  giveBack(domain: Domain): void {
    const { remembered } = domain
    if (remembered !== undefined) this.#memory.giveBack(placeKey(placeOf(domain)), remembered)
    domain.remembered = undefined
  }

  /** The first Message of a domain was valid: now it is worth a question, where memory has no answer. */
  begin(domain: Domain, nowMs: number): void {
    const { remembered, session } = domain
    if (session.transport === 'tcp' && session.hasPending) return this.#resume(domain, nowMs)
    if (this.#reader === undefined || session.transport !== 'udp' || !isMemorable(domain)) {
      domain.remembered = undefined
      return
    }
    if (remembered?.isApplied === true) domain.remembered = undefined
    if (remembered?.isApplied === true && remembered.epoch === this.#epoch) {
      domain.recall = 'known'
      domain.recalledMs = nowMs
      this.#watch(domain)
    } else if (!this.#ask(domain, nowMs)) this.#fallBack(domain)
  }

  /** The session is no spoofed one-off: it is asked for if it was not. */
  onVerified(domain: Domain, nowMs: number): void {
    if (this.#reader !== undefined && domain.recall === 'none' && domain.session.transport === 'udp') {
      this.#ask(domain, nowMs)
    }
  }

  /** Data came for an id that has no template. */
  onMissing(domain: Domain, nowMs: number): void {
    if (domain.recall === 'asked') return
    if (domain.session.transport === 'tcp') return this.#resume(domain, nowMs)
    if (this.#reader === undefined || !isMemorable(domain)) return
    if (domain.recall === 'known' && nowMs - domain.recalledMs < ASK_AGAIN_MS) return
    this.#ask(domain, nowMs)
  }

  /** The domain is no more. */
  onEnded(domain: Domain): void {
    domain.isEnded = true
    if (domain.remembered?.isApplied === false) this.giveBack(domain)
    const { watched } = domain
    if (watched === undefined) return
    domain.watched = undefined
    for (const key of watched) {
      const domains = this.#live.get(key)
      domains?.delete(domain)
      if (domains?.size === 0) this.#live.delete(key)
    }
  }

  /** Once a second: sequence numbers are written, what only a store said is looked at again. */
  tick(nowMs: number): void {
    this.#lookAtHealth()
    const { publisher } = this.#deps
    const isUp = this.#isUp
    let written = 0
    let asked = 0
    this.#rotation.visit(LOOKED_AT, domain => {
      if (written < WRITTEN && publisher.putSequence(domain)) written++
      if (!isUp || asked >= ASKED || domain.recall === 'asked' || !isMemorable(domain)) return
      const auditMs = domain.isRestored ? AUDIT_RESTORED_MS : AUDIT_MS
      const isDue = domain.recall === 'none' || nowMs - domain.recalledMs >= auditMs
      if (isDue && this.#ask(domain, nowMs)) asked++
    })
    if (this.#deps.policies.mayResume) this.#keepLast(nowMs)
  }

  /** TCP exporters announce once: what may be needed by a later session is kept from growing old. */
  #keepLast(nowMs: number): void {
    const { publisher, optionsOf } = this.#deps
    this.#connections.visit(LOOKED_AT, domain => {
      if (nowMs - domain.keptMs >= KEEP_LAST_MS) publisher.keepLast(domain, optionsOf(domain), nowMs)
    })
  }

  /** The process ends: where the sequence numbers stand. */
  putSequences(): void {
    for (const domain of this.#deps.domains()) this.#deps.publisher.putSequence(domain)
  }

  /** How long it has been taking up what others know; before the start, not at all. */
  get #warmingMs(): number {
    return this.#startedMs === undefined ? -1 : this.#deps.clock.monotonicMs() - this.#startedMs
  }

  get #isUp(): boolean {
    return this.#deps.shared?.health === 'up'
  }

  /** The shared store may know better, and can be asked. */
  #isDoubtful(remembered: Remembered): boolean {
    return this.#isUp && remembered.epoch !== this.#epoch
  }

  #load(places: readonly StoredPlace[]): void {
    const oldestMs = this.#deps.clock.nowMs() - this.#limits.templateLifetimeMaxMs
    const useless: EntryKey[] = []
    for (const { place, entries } of places) {
      const useful: StoredEntry[] = []
      for (const entry of entries) {
        // Options records are as old as they are: they end with the templates.
        const isOld = entry.kind !== 'options' && seenMsOf(entry) <= oldestMs
        if (isOld || !(isRestorable(place.scope) || place.scope.startsWith('last/'))) useless.push(keyOf(entry))
        else useful.push(entry)
      }
      const hasTemplates = useful.some(({ kind }) => kind === 'template' || kind === 'decision')
      if (!hasTemplates) for (const entry of useful) if (entry.kind === 'options') useless.push(keyOf(entry))
      if (!isRestorable(place.scope)) continue
      const kept = hasTemplates ? useful : useful.filter(({ kind }) => kind !== 'options')
      this.#memory.add({ place, entries: kept }, -1)
    }
    if (useless.length > 0) this.#deps.local.remove(useless, 'expired')
  }

  /** Take up what the shared store knows of exporters seen lately. */
  async #warm(): Promise<void> {
    const { shared, clock, log } = this.#deps
    const { timeoutMs, seenWithinMs } = this.#warmUp
    const epoch = this.#epoch
    const startMs = clock.monotonicMs()
    const { rejected } = shared!.stats
    this.#changed = new Set()
    this.#isListing = true
    try {
      if (timeoutMs > 0 && this.#isUp) {
        this.#isListed = true
        listing: for await (const places of shared!.list({ seenSinceMs: clock.nowMs() - seenWithinMs })) {
          for (let from = 0; from < places.length; from += WARM_SLICE) {
            if (this.#isClosed || clock.monotonicMs() - startMs > timeoutMs) break listing
            for (const stored of places.slice(from, from + WARM_SLICE)) {
              // What is not believed may hide what would be: such places are asked for when they are needed.
              this.#warmPlace(stored, shared!.stats.rejected === rejected ? epoch : -1)
            }
            await new Promise(resolve => setImmediate(resolve))
          }
        }
      }
    } catch (error) {
      log.warn('warm_up_failed', 'the shared store could not be read at the start: it is asked as exporters come', {
        error
      })
    }
    this.#changed = undefined
    this.#isListing = false
    this.#memory.settle()
    this.#isWarm = true
    if (!this.#isListed) return
    log.info('warm', 'what other pods know of exporters was taken up', {
      places: this.#memory.size,
      entries: this.#memory.entries,
      ms: Math.round(clock.monotonicMs() - startMs)
    })
  }

  #warmPlace(stored: StoredPlace, epoch: number): void {
    const { place, entries } = stored
    const key = placeKey(place)
    if (!isRestorable(place.scope) || this.#live.has(key)) return
    const own = entries.filter(({ scope, odid }) => scope === place.scope && odid === place.odid)
    this.#memory.add({ place, entries: own }, this.#changed?.has(key) === true ? -1 : epoch)
  }

  /** @returns false if nobody was asked. */
  #ask(domain: Domain, nowMs: number): boolean {
    if (domain.recall === 'asked') return true
    if (!this.#isUp) return false
    if (!domain.session.isVerified) {
      const nothingUntilMs = this.#nothing.size === 0 ? undefined : this.#nothing.get(placeKey(placeOf(domain)))
      if (nothingUntilMs !== undefined && nothingUntilMs > nowMs) return false
      if (!this.#gate.pass(nowMs)) {
        this.refusedReads++
        return false
      }
    }
    if (!this.#reader!.ask(domain, this.#placesOf(domain))) return false
    domain.recall = 'asked'
    this.#watch(domain)
    return true
  }

  #placesOf(domain: Domain): Place[] {
    return this.#deps.isGrouped(domain) ? [placeOf(domain), addressPlaceOf(domain)] : [placeOf(domain)]
  }

  #onAnswer(domain: Domain, stored: readonly StoredPlace[], isSure: boolean, isDoubted: boolean): void {
    const nowMs = this.#deps.clock.monotonicMs()
    const entries = stored[0]?.entries ?? []
    const group = new Remembered()
    group.add(stored[1]?.entries ?? [])
    // Before anything goes on that waited: its sampling rate may be there.
    if (group.decision !== undefined) this.#deps.onGroup(domain, group)
    const remembered = domain.remembered ?? new Remembered()
    domain.remembered = undefined
    domain.recall = isSure ? 'known' : 'none'
    domain.recalledMs = nowMs
    const hadNothing = entries.length === 0
    remembered.add(entries)
    if (hadNothing && isSure && !domain.session.isVerified) this.#noteNothing(stored, nowMs)
    const source = domain.session.transport === 'tcp' ? 'session' : hadNothing ? 'file' : 'store'
    if (!remembered.isEmpty) this.#apply(domain, remembered, source)
    if (isDoubted) this.#heal(domain, nowMs)
    if (!domain.mustRecall) return
    domain.mustRecall = false
    this.#askAgain(domain, nowMs)
  }

  /** What the store has of the domain is another thing now. */
  #askAgain(domain: Domain, nowMs: number): void {
    if (domain.session.transport === 'udp') return void this.#ask(domain, nowMs)
    domain.recall = 'none'
    if (domain.session.hasPending) this.#resume(domain, nowMs)
  }

  /** What stands in the shared store cannot be believed: what is known here is put in its place, for the others. */
  #heal(domain: Domain, nowMs: number): void {
    if (nowMs - domain.healedMs < HEAL_AGAIN_MS) return
    domain.healedMs = nowMs
    this.#deps.publisher.rewrite(domain, this.#deps.optionsOf(domain), nowMs)
  }

  #apply(domain: Domain, remembered: Remembered, source: 'file' | 'store' | 'session'): void {
    remembered.isApplied = true
    if (this.#deps.restorer.apply(domain, remembered, source)) domain.isRestored = true
    domain.storedSequence = remembered.sequence?.nextSequence ?? domain.storedSequence
  }

  /** The shared store cannot be asked: what the local ring said is better than nothing. */
  #fallBack(domain: Domain): void {
    const { remembered } = domain
    domain.remembered = undefined
    if (remembered !== undefined && !remembered.isApplied) {
      this.#apply(domain, remembered, remembered.epoch < 0 ? 'file' : 'store')
    }
  }

  #noteNothing(stored: readonly StoredPlace[], nowMs: number): void {
    for (const { place } of stored) {
      const key = placeKey(place)
      this.#nothing.delete(key)
      if (this.#nothing.size >= MAX_NOTHING) this.#nothing.delete(this.#nothing.keys().next().value!)
      this.#nothing.set(key, nowMs + ASK_AGAIN_MS)
    }
  }

  /** A TCP exporter that sends no templates, and may be decoded by those of its last session. */
  #resume(domain: Domain, nowMs: number): void {
    if (!this.#deps.policies.policyFor(domain.session.exporter.id).resumeTemplates) return
    if (domain.recall === 'known' && nowMs - domain.recalledMs < ASK_AGAIN_MS) return
    domain.recall = 'asked'
    const place = lastPlaceOf(domain)
    // The pod of that session may not have written it yet.
    this.#watch(domain, [place])
    void this.#deps.local.read([place]).then(([stored]) => {
      if (this.#isClosed || domain.isEnded) return
      domain.remembered = new Remembered()
      domain.remembered.add(stored?.entries ?? [])
      if (this.#isUp && this.#reader!.ask(domain, [place])) return
      // A shared store that is away may know: it is asked with the next data that has no template.
      this.#onAnswer(domain, [], this.#deps.shared === undefined, false)
    })
  }

  #watch(domain: Domain, places: readonly Place[] = this.#placesOf(domain)): void {
    if (domain.watched !== undefined) return
    domain.watched = places.map(placeKey)
    for (const key of domain.watched) {
      let domains = this.#live.get(key)
      if (domains === undefined) this.#live.set(key, (domains = new FewMap()))
      domains.set(domain, domain)
    }
  }

  /** Another pod wrote something. */
  #onChanged(places: readonly Place[]): void {
    const nowMs = this.#deps.clock.monotonicMs()
    for (const place of places) {
      const key = placeKey(place)
      this.#changed?.add(key)
      this.#nothing.delete(key)
      this.#memory.invalidate(key)
      for (const domain of this.#live.get(key)?.values() ?? []) {
        if (domain.recall === 'asked') domain.mustRecall = true
        else this.#askAgain(domain, nowMs)
      }
    }
  }

  #lookAtHealth(): void {
    if (this.#deps.shared === undefined) return
    if (!this.#isUp) this.#epoch++
    else if (this.#isWarm && !this.#isListed && !this.#isListing && this.#warmUp.timeoutMs > 0) void this.#warm()
  }

  /** What is in memory may have been changed elsewhere. */
  #onMissed(): void {
    this.#epoch++
    this.#nothing.clear()
  }

  /** What was put may be gone, and pushes may have been missed. */
  #onLost(): void {
    this.#epoch++
    if (!this.#isClosed) this.#rewriter.onLost()
  }
}
