import { defaultLimits } from './limits.ts'
import { templateHeapOctets } from './template-budget.ts'
import { TemplateSlot, TemplateUseOrder } from './template-use-order.ts'
import type { TemplateBudget } from './template-budget.ts'
import type { Layout, LayoutTable } from './layout.ts'
import type { ProtocolLimits } from './limits.ts'
import type { TemplateChange, TemplateEvent } from './message-visitor.ts'

/** How Messages came: the rules of template life differ (RFC 7011 §8.1 to §8.4). */
export type Transport = 'udp' | 'tcp' | 'file'

/** Where a template was learned; `sibling`: from another source port of the same exporter. */
export type TemplateSource = 'wire' | 'store' | 'file' | 'sibling'

/** Live templates of many tables, by where they were learned. */
export type TemplateSourceCounts = Record<TemplateSource, number>

/** One live template, owned by its table: read only for others; copy the fields that are kept. */
export interface TemplateEntry {
  readonly templateId: number
  layout: Layout
  firstSeenMs: number
  /** Last announcement. */
  lastSeenMs: number
  /** Last Data Set; when it was learned or announced, if there was none. */
  lastUsedMs: number
  source: TemplateSource
  announcements: number
  /** Data Records decoded with it. */
  records: number
  /** Longest interval between two announcements, 0 until there were two. */
  longestIntervalMs: number
  /** Not used from then on; Infinity where the session keeps it (TCP, files). */
  expiresAtMs: number
  /** Kept from before a restart of the exporter, or from a store: a hint that its data may contradict (D15). */
  isHint: boolean
  /** The {@link TemplateTable.epoch} of its last announcement; another one (-1: its data did not fit) holds its data. */
  epoch: number
  /** Announced again although data had not fitted: remainders of its Sets are padding, whatever they are. */
  isBelieved: boolean
  /** It has replaced another definition of the exporter. */
  isRedefined: boolean
  /** The Message that defined it as it is, or of the Set that did not fit: in a guarded table earlier ones do not change it. */
  sinceSequence: number
  sinceExportTimeSec: number
}

/** Why a Data Set is not decoded although there is a template of its id. */
export type TemplateDoubt =
  /** The exporter has begun anew and has not announced the id since. */
  | 'restart'
  /** It does not fit the template, or an earlier Set of the id did not. */
  | 'misfit'
  /** It was sent before the definition that the id has now. */
  | 'outdated'

const MISFIT_EPOCH = -1
const HELD_EPOCH = -2
/** A Message may come so much later than those sent after it; what is older yet has another clock. */
const LATEST_SEC = 60
const CLOCKS_APART_MS = 5_000

/** What a {@link TemplateTable} is made with. */
export interface TemplateTableOptions {
  readonly odid: number
  readonly transport: Transport
  /** Retains the Layouts of live templates. */
  readonly layouts: LayoutTable
  readonly limits?: ProtocolLimits
  /** Shared upwards: the exporter's budget, whose parent is the process's. */
  readonly budget?: TemplateBudget
  /** Shared by tables: kept up to date. */
  readonly sources?: TemplateSourceCounts
  /** Told when another table's need ended a template of this one. */
  readonly onEvicted?: (event: TemplateEvent) => void
  /** Data of templates in doubt is not decoded (D15); see {@link TemplateTable.isGuarded}. */
  readonly isGuarded?: boolean
}

/** Told of a template that ended. */
export type OnTemplateEnd = (change: TemplateChange, entry: TemplateEntry) => void

/**
 * The live templates of one Transport Session and Observation Domain; Templates and Options Templates share its ids
 * (RFC 7011 §3.4.1, §8). Times are parameters, in milliseconds of any clock that does not step.
 */
export class TemplateTable {
  readonly odid: number
  readonly transport: Transport
  /** Whether the session has proven itself (L-02); templates of those that have not are evicted first. */
  isVerified = false
  /**
   * Whether data is held back while its template is in doubt: after the exporter has begun anew ({@link beginEpoch}), after a
   * Set that did not fit, or of Messages sent before a definition. An announcement ends the doubt.
   */
  isGuarded: boolean
  /** Something in this table may be in doubt: else nothing is asked for a Data Set. */
  isDoubtful = false
  /** The Message in hand was sent before the exporter began anew: it defines nothing. Set for each such Message. */
  isOutdated = false
  readonly #layouts: LayoutTable
  readonly #limits: ProtocolLimits
  readonly #budget: TemplateBudget | undefined
  readonly #sources: TemplateSourceCounts | undefined
  readonly #onEvicted: ((event: TemplateEvent) => void) | undefined
  readonly #entries = new Map<number, TemplateSlot>()
  /** Templates that no data came for yet, and the others. */
  readonly #unused = new TemplateUseOrder()
  readonly #used = new TemplateUseOrder()
  /** Made when first needed: most tables never have one. */
  #rejected: Set<number> | undefined
  #options = 0
  #octets = 0
  #evicted = 0
  #generation = 0
  #epoch = 0
  #epochBeganMs = -Infinity

  constructor(options: TemplateTableOptions) {
    this.odid = options.odid
    this.transport = options.transport
    this.#layouts = options.layouts
    this.#limits = options.limits ?? defaultLimits
    this.#budget = options.budget
    this.#sources = options.sources
    this.#onEvicted = options.onEvicted
    this.isGuarded = options.isGuarded ?? false
  }

  get size(): number {
    return this.#entries.size
  }

  /** Octets of the live templates' records on the wire (L-13). */
  get octets(): number {
    return this.#octets
  }

  /** Templates ended by a limit. */
  get evicted(): number {
    return this.#evicted
  }

  /** Counts up with every change of a definition: equal numbers mean that the same ids name the same Layouts. */
  get generation(): number {
    return this.#generation
  }

  /** The Layout a live template has. An expired one counts until {@link expire} or the decoder ends it. */
  get(templateId: number): Layout | undefined {
    return this.#entries.get(templateId)?.layout
  }

  entry(templateId: number): TemplateEntry | undefined {
    return this.#entries.get(templateId)
  }

  /** The live templates in order of their first definition; do not change the table meanwhile. */
  entries(): IterableIterator<TemplateEntry> {
    return this.#entries.values()
  }

  /** Whether the last definition of this id was rejected and none is live. */
  isRejected(templateId: number): boolean {
    return this.#rejected?.has(templateId) ?? false
  }

  /** Remember that a definition of this id was rejected; a live one stays as it is (TH-10). */
  reject(templateId: number): void {
    if (this.#entries.has(templateId)) return
    this.#rejected ??= new Set()
    if (this.#rejected.size < this.#limits.templatesPerDomain) this.#rejected.add(templateId)
  }

  /**
   * An announcement from the exporter.
   *
   * @param onEnd - called for templates that this one ends: evicted by L-10, or hints it contradicts (D15).
   * @returns what changed, or undefined if a limit refuses it (then nothing changed).
   * @see RFC 7011 §8.1 (TCP: redefinition replaces, D4), §8.4 (UDP: different replaces, identical refreshes)
   */
  define(templateId: number, layout: Layout, nowMs: number, onEnd?: OnTemplateEnd): TemplateChange | undefined {
    let known = this.#entries.get(templateId)
    if (known !== undefined && known.expiresAtMs <= nowMs) {
      this.#remove(known)
      onEnd?.('expired', known)
      known = undefined
    }
    if (known === undefined) return this.#learn(templateId, layout, nowMs, this.#announcedBy, nowMs, onEnd) && 'learned'
    if (known.layout === layout) {
      this.#refresh(known, nowMs)
      return 'refreshed'
    }
    return this.#redefine(known, layout, nowMs, onEnd)
  }

  /**
   * A template from a store: a hint until the exporter announces it. What the wire said wins, always. For UDP sessions:
   * a connection's templates end with it (RFC 7011 §8), unless the operator says otherwise for a faulty exporter.
   *
   * @param lastSeenMs - when the exporter announced it last, in this table's clock; decides how long it lives.
   * @param lifetimeMs - how long after that, if who has stored it knew; within the limits all the same.
   * @returns whether it was taken.
   */
  restore(
    templateId: number,
    layout: Layout,
    lastSeenMs: number,
    nowMs: number,
    source: TemplateSource = 'store',
    lifetimeMs?: number
  ): boolean {
    const expiresAtMs = lastSeenMs + this.#restoredLifetimeMs(lifetimeMs)
    if (this.#entries.has(templateId) || expiresAtMs <= nowMs) return false
    const slot = this.#learn(templateId, layout, lastSeenMs, source, nowMs)
    if (slot === undefined) return false
    slot.isHint = true
    slot.expiresAtMs = expiresAtMs
    // A connection has no hints but those that the operator allows (D7): they are to be doubted.
    if (this.transport === 'tcp') this.isGuarded = true
    // The clocks of those who share a store are not quite the same.
    if (lastSeenMs < this.#epochBeganMs + (source === 'sibling' ? 0 : CLOCKS_APART_MS)) this.#hold(slot, HELD_EPOCH)
    return true
  }

  /** Somebody else has seen it announced again, the same definition: it lives on. It is no more sure than it was. */
  renew(entry: TemplateEntry, lastSeenMs: number, lifetimeMs?: number): void {
    if (this.transport !== 'udp' || lastSeenMs <= entry.lastSeenMs) return
    entry.lastSeenMs = lastSeenMs
    if (entry.source === 'sibling' && entry.epoch !== MISFIT_EPOCH && lastSeenMs >= this.#epochBeganMs) {
      entry.epoch = this.#epoch
    }
    entry.expiresAtMs = Math.max(entry.expiresAtMs, lastSeenMs + this.#restoredLifetimeMs(lifetimeMs))
  }

  /** End one template (withdrawal). @returns the entry it had. */
  withdraw(templateId: number): TemplateEntry | undefined {
    this.#rejected?.delete(templateId)
    const slot = this.#entries.get(templateId)
    if (slot !== undefined) this.#remove(slot)
    return slot
  }

  /** End all Templates, or all Options Templates (RFC 7011 §8.1). */
  withdrawAll(isOptions: boolean, onEnd?: OnTemplateEnd): number {
    // Asked thousands of times in one Message, it looks at the table only if it will find something.
    if ((isOptions ? this.#options : this.#entries.size - this.#options) === 0) return 0
    let ended = 0
    for (const entry of this.#entries.values()) {
      if (entry.layout.scopeCount > 0 !== isOptions) continue
      this.#remove(entry)
      onEnd?.('withdrawn', entry)
      ended++
    }
    return ended
  }

  /** End what has outlived its lifetime (D8). @returns how many. */
  expire(nowMs: number, onEnd?: OnTemplateEnd): number {
    let ended = 0
    let isDoubtful = false
    for (const entry of this.#entries.values()) {
      if (entry.expiresAtMs > nowMs) {
        isDoubtful ||=
          entry.epoch !== this.#epoch || (entry.isRedefined && nowMs - entry.firstSeenMs < LATEST_SEC * 1000)
        continue
      }
      this.#remove(entry)
      onEnd?.('expired', entry)
      ended++
    }
    this.isDoubtful &&= isDoubtful
    return ended
  }

  /** Whether an entry is still one of this table. */
  isLive(entry: TemplateEntry): boolean {
    return (entry as TemplateSlot).isLive
  }

  /** End one template that has expired or that its data contradicts. @returns whether it was still live. */
  drop(entry: TemplateEntry): boolean {
    const slot = this.#entries.get(entry.templateId)
    if (slot === undefined || slot !== entry) return false
    this.#remove(slot)
    return true
  }

  /**
   * The exporter restarted: keep its templates as hints, for three of their intervals at most (D15). A definition that
   * differs from a hint ends all hints.
   *
   * @param sinceEpoch - those announced since {@link beginEpoch} are no hints.
   */
  markStale(nowMs: number, sinceEpoch = false): void {
    if (this.transport !== 'udp') return
    for (const entry of this.#entries.values()) {
      if (sinceEpoch && (entry.epoch === this.#epoch || entry.epoch === MISFIT_EPOCH)) continue
      entry.isHint = true
      const interval = entry.longestIntervalMs > 0 ? entry.longestIntervalMs : this.#limits.templateLifetimeLeastMs / 3
      entry.expiresAtMs = Math.min(entry.expiresAtMs, nowMs + 3 * interval)
    }
  }

  /** Counts the times that the exporter began anew, as far as the owner of this table has said. */
  get epoch(): number {
    return this.#epoch
  }

  /**
   * The exporter has begun anew, or may have: data of templates not announced since is held back.
   *
   * @param sinceMs - now; or earlier, if a sibling session has shown it first: its templates since then are not in doubt.
   */
  beginEpoch(sinceMs: number): void {
    this.#epoch++
    this.#epochBeganMs = sinceMs
    this.isDoubtful = this.#entries.size > 0
    for (const slot of this.#entries.values()) {
      if (slot.epoch === MISFIT_EPOCH) slot.epoch = HELD_EPOCH
      if (slot.source === 'sibling' && slot.lastSeenMs >= sinceMs) slot.epoch = this.#epoch
    }
  }

  /** It has not: what was announced before the last {@link beginEpoch} is as good as before. */
  undoEpoch(): void {
    const before = --this.#epoch
    this.#epochBeganMs = -Infinity
    for (const slot of this.#entries.values()) {
      if (slot.epoch > before) slot.epoch = before
      if (slot.source === this.#announcedBy) slot.isHint = false
    }
  }

  /**
   * A Data Set did not fit the template: its data is held back until it is announced again.
   *
   * @param sequence - of the Message, with its Export Time: earlier announcements do not end the doubt.
   */
  hold(entry: TemplateEntry, sequence: number, exportTimeSec: number): void {
    const slot = this.#entries.get(entry.templateId)
    if (slot === undefined || slot !== entry) return
    this.#hold(slot, MISFIT_EPOCH)
    // A Set that waited may be older than the definition.
    if (this.isReplaced(slot, sequence, exportTimeSec) || isBefore(slot, sequence, exportTimeSec)) return
    slot.sinceSequence = sequence
    slot.sinceExportTimeSec = exportTimeSec
  }

  /** Hints that nobody has announced in this session are in doubt: the exporter has begun anew since they were. */
  holdHints(): void {
    for (const slot of this.#entries.values()) if (slot.isHint) this.#hold(slot, HELD_EPOCH)
  }

  /** Whether the data of a live template is held back. */
  isHeld(entry: TemplateEntry): boolean {
    return entry.epoch !== this.#epoch
  }

  /** Whether somebody has heard it since there was a doubt: the exporter told us, or a sibling, or who shares its memory. */
  isConfirmed(entry: TemplateEntry): boolean {
    return !entry.isHint || (this.#epoch > 0 && entry.lastSeenMs >= this.#epochBeganMs)
  }

  /** Why a Data Set of a Message is not to be decoded by a template, if it is not. */
  doubtOf(entry: TemplateEntry, sequence: number, exportTimeSec: number): TemplateDoubt | undefined {
    // Of a Message of before, what has not been announced since is as it was.
    if (this.isOutdated) return entry.epoch === this.#epoch - 1 ? undefined : 'outdated'
    if (entry.epoch !== this.#epoch) return entry.epoch === MISFIT_EPOCH ? 'misfit' : 'restart'
    return entry.isRedefined && isBefore(entry, sequence, exportTimeSec) ? 'outdated' : undefined
  }

  /** Whether a Data Set that waited was sent before the exporter replaced a definition by the one that its id has now. */
  isReplaced(entry: TemplateEntry, sequence: number, exportTimeSec: number): boolean {
    if (!entry.isRedefined) return false
    const olderSec = entry.sinceExportTimeSec - exportTimeSec
    return olderSec > 0 || (olderSec === 0 && ((sequence - entry.sinceSequence) | 0) < 0)
  }

  /** Whether a definition comes too late to count: the exporter has said something else of the id since. */
  isLate(templateId: number, layout: Layout, sequence: number, exportTimeSec: number): boolean {
    if (this.isOutdated) return true
    const slot = this.#entries.get(templateId)
    if (slot === undefined || (slot.layout === layout && slot.epoch !== MISFIT_EPOCH)) return false
    return (!slot.isHint || slot.epoch === MISFIT_EPOCH) && isBefore(slot, sequence, exportTimeSec)
  }

  /** The Message in hand gave an id the definition that it has. */
  noteDefined(templateId: number, sequence: number, exportTimeSec: number): void {
    const slot = this.#entries.get(templateId)
    if (slot === undefined) return
    slot.sinceSequence = sequence
    slot.sinceExportTimeSec = exportTimeSec
  }

  /** Note a Data Set of this template (LRU, counters). Allocates nothing. */
  use(entry: TemplateEntry, records: number, nowMs: number): void {
    const slot = entry as TemplateSlot
    if (!slot.isLive) return
    if (!slot.isUsed) {
      slot.isUsed = true
      this.#unused.remove(slot)
    }
    slot.records += records
    slot.lastUsedMs = nowMs
    this.#used.touch(slot)
  }

  /**
   * End one template that another one needs the room of: one without data for a while, else (`isOwn`) the oldest that
   * no data came for yet. Told through `onEvicted`.
   *
   * @returns whether one was found.
   */
  evictIdle(nowMs: number, isOwn: boolean): boolean {
    const slot = this.#idle(nowMs, isOwn)
    if (slot === undefined) return false
    this.#evict(slot)
    this.#onEvicted?.({ change: 'evicted', odid: this.odid, templateId: slot.templateId, layout: slot.layout })
    return true
  }

  /** The session ended: end all templates without a word and give everything back (RFC 7011 §8.1). */
  close(): void {
    for (const entry of this.#entries.values()) this.#remove(entry)
    this.#rejected = undefined
  }

  get #announcedBy(): TemplateSource {
    return this.transport === 'file' ? 'file' : 'wire'
  }

  /** Whether {@link evictIdle} for another table would find one. */
  hasIdle(nowMs: number): boolean {
    return this.#idle(nowMs, false) !== undefined
  }

  #learn(
    templateId: number,
    layout: Layout,
    seenMs: number,
    source: TemplateSource,
    nowMs: number,
    onEnd?: OnTemplateEnd
  ): TemplateSlot | undefined {
    if (!this.#makeRoom(1, layout.templateOctets, nowMs, undefined, onEnd)) return undefined
    if (this.#budget !== undefined && !this.#budget.take(templateHeapOctets(layout), this, nowMs)) return undefined
    this.#rejected?.delete(templateId)
    if (layout.scopeCount > 0) this.#options++
    this.#octets += layout.templateOctets
    this.#generation++
    this.#layouts.retain(layout)
    const slot = new TemplateSlot(templateId, layout, seenMs, source)
    if (this.#sources !== undefined) this.#sources[source]++
    slot.lastUsedMs = nowMs
    slot.expiresAtMs = seenMs + this.#lifetimeMs(0, 1)
    slot.epoch = this.#epoch
    this.#entries.set(templateId, slot)
    this.#unused.touch(slot)
    return slot
  }

  #refresh(slot: TemplateSlot, nowMs: number): void {
    // A hint's own age says nothing about the exporter's interval.
    if (slot.epoch === MISFIT_EPOCH) slot.isBelieved = true
    if (!slot.isHint) slot.longestIntervalMs = Math.max(slot.longestIntervalMs, nowMs - slot.lastSeenMs)
    this.#announced(slot, nowMs)
  }

  #announced(slot: TemplateSlot, nowMs: number): void {
    slot.announcements++
    slot.lastSeenMs = nowMs
    this.#setSource(slot, this.#announcedBy)
    slot.isHint = false
    slot.epoch = this.#epoch
    slot.expiresAtMs = nowMs + this.#lifetimeMs(slot.longestIntervalMs, slot.announcements)
    if (slot.isUsed) return
    slot.lastUsedMs = nowMs
    this.#unused.touch(slot)
  }

  #setSource(slot: TemplateSlot, source: TemplateSource): void {
    if (slot.source === source) return
    if (this.#sources !== undefined) {
      this.#sources[slot.source]--
      this.#sources[source]++
    }
    slot.source = source
  }

  #redefine(slot: TemplateSlot, layout: Layout, nowMs: number, onEnd?: OnTemplateEnd): TemplateChange | undefined {
    const wasHint = slot.isHint
    // Announced since the exporter began, not before: then what was sent until now is of the former definition.
    const isOfThisEpoch = slot.epoch === this.#epoch || slot.epoch === MISFIT_EPOCH
    const room = layout.templateOctets - slot.layout.templateOctets
    if (room > 0 && !this.#makeRoom(0, room, nowMs, slot, onEnd)) return undefined
    const octets = templateHeapOctets(layout)
    const formerOctets = templateHeapOctets(slot.layout)
    if (this.#budget !== undefined && !this.#budget.exchange(formerOctets, octets, this, nowMs)) return undefined
    if (layout.scopeCount > 0) this.#options++
    if (slot.layout.scopeCount > 0) this.#options--
    this.#octets += room
    this.#generation++
    this.#layouts.retain(layout)
    this.#layouts.release(slot.layout)
    slot.layout = layout
    slot.firstSeenMs = nowMs
    slot.records = 0
    slot.announcements = 0
    slot.longestIntervalMs = 0
    slot.isBelieved = false
    slot.isRedefined = this.isGuarded && !wasHint && isOfThisEpoch
    if (slot.isRedefined) this.isDoubtful = true
    this.#announced(slot, nowMs)
    if (wasHint) this.#endHints(onEnd)
    return 'redefined'
  }

  /** One hint was wrong, so the exporter has given its ids anew (D15). */
  #endHints(onEnd?: OnTemplateEnd): void {
    for (const slot of this.#entries.values()) {
      if (!slot.isHint) continue
      if (this.isGuarded) {
        this.#hold(slot, HELD_EPOCH)
        continue
      }
      this.#remove(slot)
      onEnd?.('expired', slot)
    }
  }

  #hold(slot: TemplateSlot, epoch: number): void {
    slot.epoch = epoch
    this.isDoubtful = true
  }

  /** Make room for `templates` more (0 or 1) and `octets` more of them, without ending `kept`. */
  #makeRoom(
    templates: number,
    octets: number,
    nowMs: number,
    kept: TemplateSlot | undefined,
    onEnd?: OnTemplateEnd
  ): boolean {
    const { templatesPerDomain, templateOctetsPerDomain } = this.#limits
    while (this.#entries.size + templates > templatesPerDomain || this.#octets + octets > templateOctetsPerDomain) {
      const slot = this.#idle(nowMs, true)
      if (slot === undefined || slot === kept) return false
      this.#evict(slot)
      onEnd?.('evicted', slot)
    }
    return true
  }

  /** The template to end first: long without data, else (for this table's own need) the oldest that none came for. */
  #idle(nowMs: number, isOwn: boolean): TemplateSlot | undefined {
    const { templateIdleMs } = this.#limits
    const used = this.#used.oldest
    if (used !== undefined && nowMs - used.lastUsedMs >= templateIdleMs) return used
    const unused = this.#unused.oldest
    return unused !== undefined && (isOwn || nowMs - unused.lastUsedMs >= templateIdleMs) ? unused : undefined
  }

  #evict(slot: TemplateSlot): void {
    this.#evicted++
    this.#remove(slot)
  }

  #remove(slot: TemplateSlot): void {
    this.#entries.delete(slot.templateId)
    slot.isLive = false
    if (this.#sources !== undefined) this.#sources[slot.source]--
    if (slot.isUsed) this.#used.remove(slot)
    else this.#unused.remove(slot)
    if (slot.layout.scopeCount > 0) this.#options--
    this.#octets -= slot.layout.templateOctets
    this.#generation++
    this.#budget?.give(templateHeapOctets(slot.layout), this)
    this.#layouts.release(slot.layout)
  }

  #restoredLifetimeMs(lifetimeMs: number | undefined): number {
    if (lifetimeMs === undefined || this.transport !== 'udp') return this.#lifetimeMs(0, 1)
    const { templateLifetimeFixedMs, templateLifetimeMinMs, templateLifetimeMaxMs } = this.#limits
    if (templateLifetimeFixedMs > 0) return templateLifetimeFixedMs
    return Math.min(templateLifetimeMaxMs, Math.max(templateLifetimeMinMs, lifetimeMs))
  }

  /** D8: the initial lifetime, then three times the longest interval seen; RFC 7011 §8.4. */
  #lifetimeMs(longestIntervalMs: number, announcements: number): number {
    if (this.transport !== 'udp') return Infinity
    const limits = this.#limits
    if (limits.templateLifetimeFixedMs > 0) return limits.templateLifetimeFixedMs
    const lifetimeMs =
      announcements < 3 ? limits.templateLifetimeMs : Math.max(limits.templateLifetimeLeastMs, 3 * longestIntervalMs)
    return Math.min(limits.templateLifetimeMaxMs, Math.max(limits.templateLifetimeMinMs, lifetimeMs))
  }
}

/** By the exporter's own numbers, as long as its clock says that it may be: the numbers wrap. */
function isBefore(entry: TemplateEntry, sequence: number, exportTimeSec: number): boolean {
  const olderSec = entry.sinceExportTimeSec - exportTimeSec
  return olderSec >= 0 && olderSec <= LATEST_SEC && ((sequence - entry.sinceSequence) | 0) < 0
}
