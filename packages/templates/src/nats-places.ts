import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '@weir/runtime'
import { decodeEntry, encodeEntry, MAX_ENTRY_OCTETS } from './entry-codec.ts'
import type { EntrySeal } from './entry-seal.ts'
import { NatsRefusal, type BucketValue, type NatsBucket } from './nats-bucket.ts'
import { noteVersions, readVersions, versionOf, type EndedTemplate } from './nats-history.ts'
import { historyKey, partKey, partNames, partOfField, placeHash, SEEN_HEADER, type PartName } from './nats-key.ts'
import { decodePart, encodePart, partOctets, type Part } from './nats-part.ts'
import {
  entryField,
  seenMsOf,
  supersedes,
  type Place,
  type StoredEntry,
  type StoredTemplate,
  type TemplateVersion
} from './stored-entry.ts'
import type { TemplateStoreStats } from './template-store.ts'
import { TurnBudget } from './turn-budget.ts'
import type { Change, PlaceChanges } from './write-behind.ts'

export interface NatsPlacesOptions {
  readonly seal: EntrySeal
  readonly clock: Clock
  /** `rejected` and `codecErrors` are counted here. */
  readonly stats: TemplateStoreStats
  /** Values that are not written for so long go. */
  readonly ttlMs: number
}

/** What is not put again for so long goes, but for templates: these have a lifetime of their own (D8). */
const ENTRY_TTL_MS = 259_200_000
/** Octets of values that are read or merged in one turn of the event loop: about a millisecond. */
const TURN_OCTETS = 16_384
/** What an entry counts for besides its octets. */
const ENTRY_OCTETS = 64
/** What a change counts for; values are not encoded to know it. */
const CHANGE_OCTETS = 256
/** Times that a value is merged and written anew because another pod was faster. */
const MAX_TRIES = 8
const LONGEST_PAUSE_MS = 20

/** What a merge means for the history of templates, and for others. */
interface MergeEvents {
  readonly ended: EndedTemplate[]
  readonly begun: StoredTemplate[]
  isNews: boolean
}

/** Reads and writes the places of a bucket. What is read is checked as if it came from the wire. */
export class NatsPlaces {
  /** Entries given up because the value of their place would be too long. */
  dropped = 0
  readonly #options: NatsPlacesOptions
  readonly #budget = new TurnBudget(TURN_OCTETS)

  constructor(options: NatsPlacesOptions) {
    this.#options = options
  }

  /**
   * Everything that is stored of a place, in one round of requests.
   *
   * @param place - its hash.
   * @returns entries, all of one place, that may be used.
   */
  async read(bucket: NatsBucket, place: string): Promise<StoredEntry[]> {
    const values = await Promise.all(partNames.map(part => bucket.get(partKey(part, place))))
    const total = values.reduce((sum, value) => sum + (value?.octets.length ?? 0), 0)
    await this.#budget.take(Math.min(total, TURN_OCTETS))
    let octets = 0
    const nowMs = this.#options.clock.nowMs()
    const entries: StoredEntry[] = []
    for (const [index, value] of values.entries()) {
      if (value === undefined) continue
      const part = partNames[index]!
      for (const [field, { endsMs, sealed }] of this.#partOf(value)) {
        octets += sealed.length + ENTRY_OCTETS
        // One value may be long too: an honest one with thousands of options, or a forged one.
        if (octets > TURN_OCTETS) {
          await this.#budget.take(octets)
          octets = 0
        }
        const entry = endsMs < nowMs ? undefined : this.#open(place, part, field, sealed)
        if (entry !== undefined && !isOver(entry, nowMs)) entries.push(entry)
      }
    }
    return entries
  }

  /** Definitions that the ids of a place had; two requests. */
  async history(bucket: NatsBucket, place: Place): Promise<TemplateVersion[]> {
    const hash = placeHash(place)
    const [stored, live] = await Promise.all([bucket.get(historyKey(hash)), bucket.get(partKey('t', hash))])
    const templates = new Map<number, StoredTemplate>()
    for (const [field, { sealed }] of live === undefined ? [] : this.#partOf(live)) {
      const entry = this.#open(hash, 't', field, sealed)
      if (entry?.kind === 'template') templates.set(entry.templateId, entry)
    }
    const versions = stored === undefined ? new Map() : this.#partOf(stored)
    return readVersions(versions, templates, (field, sealed) => this.#openVersion(place, hash, field, sealed))
  }

  /**
   * Merge changes into a place: the latest Export Time wins, and removed is what is not newer.
   *
   * @returns true if others should know: something is new, different or gone, and not only seen again.
   * @throws NatsRefusal if the server has answered with no, else if it does not answer.
   */
  async write(bucket: NatsBucket, { place, changes }: PlaceChanges): Promise<boolean> {
    const byPart = new Map<PartName, [field: string, change: Change][]>()
    for (const [field, change] of changes) {
      const part = partOfField(field)
      const list = byPart.get(part)
      if (list === undefined) byPart.set(part, [[field, change]])
      else list.push([field, change])
    }
    const results = await Promise.allSettled(
      [...byPart].map(([part, list]) => this.#writePart(bucket, place, part, list))
    )
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return results.some(result => result.status === 'fulfilled' && result.value)
  }

  async #writePart(
    bucket: NatsBucket,
    place: Place,
    part: PartName,
    changes: readonly (readonly [field: string, change: Change])[]
  ): Promise<boolean> {
    const hash = placeHash(place)
    const key = partKey(part, hash)
    let isNews = false
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      // What was refused is looked up where that is decided; what may be lost although it was not, too.
      const stored = await (attempt === 0 ? bucket.get(key) : bucket.getFromLeader(key))
      await this.#budget.take((stored?.octets.length ?? 0) + changes.length * CHANGE_OCTETS)
      const entries = stored === undefined ? new Map() : this.#partOf(stored)
      const events: MergeEvents = { ended: [], begun: [], isNews: false }
      let isChanged = stored !== undefined && this.#isAging(stored)
      for (const [field, change] of changes) {
        if (this.#merge(entries, hash, part, field, change, events)) isChanged = true
      }
      if (!isChanged) return isNews
      this.#forgetOver(entries, hash, part, events)
      if (events.ended.length > 0 || events.begun.length > 0) await this.#writeHistory(bucket, place, hash, events)
      this.dropped += fit(entries, bucket.maxValueOctets)
      const headers = headersOf(stored, changes)
      const isWritten = (await bucket.write(key, encodePart(entries), stored?.revision ?? 0, headers)) !== undefined
      if (isWritten && events.isNews) isNews = true
      if (isWritten && !bucket.isWeak) return isNews
      await pause(Math.random() * LONGEST_PAUSE_MS)
    }
    throw new NatsRefusal(`${key} is written by others all the time`)
  }

  /** @returns true if `entries` changed. */
  #merge(entries: Part, hash: string, part: PartName, field: string, change: Change, events: MergeEvents): boolean {
    const { ended, begun } = events
    const known = entries.get(field)
    const old = known === undefined ? undefined : this.#open(hash, part, field, known.sealed)
    if (change.kind === 'remove') {
      if (known === undefined || (old !== undefined && old.exportTimeSec > change.key.exportTimeSec)) return false
      if (old?.kind === 'template') ended.push({ template: old, how: 'withdrawn' })
      entries.delete(field)
      events.isNews = true
      return true
    }
    const { entry } = change
    if (old !== undefined && !supersedes(entry, old)) return false
    const octets = encodeEntry(entry)
    if (octets.length > MAX_ENTRY_OCTETS) throw new NatsRefusal(`${field} has ${octets.length} octets`)
    const sealed = this.#options.seal.seal(partKey(part, hash), field, octets)
    const endsMs = this.#endsMsOf(entry)
    const isFresh = known !== undefined && known.endsMs > endsMs - ENTRY_TTL_MS / 2
    if (isFresh && Buffer.compare(known.sealed, sealed) === 0) return false
    // Behind the others: what was changed last is given up last.
    entries.delete(field)
    entries.set(field, { endsMs, sealed })
    const isNew = old === undefined || isOver(old, this.#options.clock.nowMs()) || isOther(entry, old)
    // How far the sequence numbers have come is asked for when it is needed.
    if (isNew && entry.kind !== 'sequence') events.isNews = true
    if (entry.kind === 'template') {
      const isKnown = old?.kind === 'template'
      const isSame = isKnown && versionOf(old) === versionOf(entry)
      if (isKnown && !isSame) ended.push({ template: old, how: 'redefined' })
      if (!isSame) begun.push(entry)
    }
    return true
  }

  /** Before the templates themselves: a version noted twice is one, one not noted would be missing. */
  async #writeHistory(bucket: NatsBucket, place: Place, hash: string, events: MergeEvents): Promise<void> {
    const key = historyKey(hash)
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const stored = await (attempt === 0 ? bucket.get(key) : bucket.getFromLeader(key))
      const versions = stored === undefined ? new Map() : this.#partOf(stored)
      noteVersions(versions, events.ended, events.begun, {
        endsMs: this.#options.clock.nowMs() + this.#options.ttlMs,
        open: (field, sealed) => this.#openVersion(place, hash, field, sealed),
        seal: (field, template) => this.#options.seal.seal(key, field, encodeEntry(template))
      })
      fit(versions, bucket.maxValueOctets)
      if ((await bucket.write(key, encodePart(versions), stored?.revision ?? 0)) !== undefined) return
      await pause(Math.random() * LONGEST_PAUSE_MS)
    }
    throw new NatsRefusal(`${key} is written by others all the time`)
  }

  /** Values that nobody writes go with time; what is put again and again lives on. */
  #isAging(stored: BucketValue): boolean {
    return this.#options.clock.nowMs() - stored.writtenMs > this.#options.ttlMs / 2
  }

  #endsMsOf(entry: StoredEntry): number {
    if (entry.kind === 'template') return entry.lastSeenMs + entry.lifetimeMs
    return this.#options.clock.nowMs() + ENTRY_TTL_MS
  }

  #forgetOver(entries: Part, hash: string, part: PartName, { ended }: MergeEvents): void {
    const nowMs = this.#options.clock.nowMs()
    for (const [field, { endsMs, sealed }] of entries) {
      if (endsMs >= nowMs) continue
      const entry = this.#open(hash, part, field, sealed)
      if (entry?.kind === 'template') ended.push({ template: entry, how: 'expired' })
      entries.delete(field)
    }
  }

  #partOf(value: BucketValue): Part {
    // An operator who deletes a key leaves an empty value.
    if (value.octets.length === 0) return new Map()
    const part = decodePart(value.octets)
    if (part !== undefined) return part
    this.#options.stats.rejected++
    this.#options.stats.codecErrors++
    return new Map()
  }

  /** @returns undefined, counted, unless it is an entry of this place, under its own name. */
  #open(hash: string, part: PartName, field: string, sealed: Uint8Array): StoredEntry | undefined {
    const entry = this.#decode(partKey(part, hash), field, sealed)
    if (entry === undefined) return undefined
    if (entryField(entry) === field && partOfField(field) === part && placeHash(entry) === hash) return entry
    this.#options.stats.rejected++
    return undefined
  }

  #openVersion(place: Place, hash: string, field: string, sealed: Uint8Array): StoredTemplate | undefined {
    const entry = this.#decode(historyKey(hash), field, sealed)
    if (entry === undefined) return undefined
    if (entry.kind === 'template' && entry.scope === place.scope && entry.odid === place.odid) return entry
    this.#options.stats.rejected++
    return undefined
  }

  #decode(storeKey: string, field: string, sealed: Uint8Array): StoredEntry | undefined {
    const { seal, stats } = this.#options
    const octets = seal.open(storeKey, field, sealed)
    if (octets === undefined || octets.length > MAX_ENTRY_OCTETS) {
      stats.rejected++
      return undefined
    }
    const entry = decodeEntry(octets)
    if (entry === undefined) {
      stats.rejected++
      stats.codecErrors++
    }
    return entry
  }
}

function headersOf(
  stored: BucketValue | undefined,
  changes: readonly (readonly [field: string, change: Change])[]
): Record<string, string> {
  let seenMs = Number(stored?.headers?.get(SEEN_HEADER) ?? 0) || 0
  for (const [, change] of changes) if (change.kind === 'put') seenMs = Math.max(seenMs, seenMsOf(change.entry))
  return { [SEEN_HEADER]: String(seenMs) }
}

/** @returns true if it says something else than what was known, and not only later. */
function isOther(entry: StoredEntry, known: StoredEntry): boolean {
  if (entry.kind === 'template') return known.kind !== 'template' || versionOf(entry) !== versionOf(known)
  if (entry.kind === 'options') return known.kind !== 'options' || Buffer.compare(entry.octets, known.octets) !== 0
  if (entry.kind === 'decision') return known.kind !== 'decision' || entry.decision !== known.decision
  return false
}

const isOver = (entry: StoredEntry, nowMs: number): boolean =>
  entry.kind === 'template' && entry.lastSeenMs + entry.lifetimeMs < nowMs

/**
 * What was changed longest ago goes where a value would be too long.
 *
 * @returns how many went.
 */
function fit(entries: Part, maxOctets: number): number {
  const before = entries.size
  let octets = partOctets(entries)
  for (const [field, entry] of entries) {
    if (octets <= maxOctets) break
    octets -= partOctets(new Map([[field, entry]])) - partOctets(new Map())
    entries.delete(field)
  }
  return before - entries.size
}
