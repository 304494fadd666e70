import type { Clock } from '@weir/runtime'
import { entryField, placeKey, type EntryKey, type Place, type StoredEntry } from './stored-entry.ts'

/** What waits for one entry: it is put, or removed if nothing newer is stored. */
export type Change =
  | { readonly kind: 'put'; readonly entry: StoredEntry; readonly sinceMs: number }
  | { readonly kind: 'remove'; readonly key: EntryKey; readonly sinceMs: number }

/** What waits for one place: the newest change of each field, as it was when this was taken. */
export interface PlaceChanges {
  readonly place: Place
  readonly changes: ReadonlyMap<string, Change>
}

interface WaitingPlace {
  readonly place: Place
  readonly changes: Map<string, Change>
}

/** Changes kept while a server is away. */
const MAX_CHANGES = 500_000
/** Memory of them, estimated: 500,000 templates, but not as many options records of a whole Message each. */
const MAX_OCTETS = 268_435_456
const CHANGE_OCTETS = 200
const FIELD_OCTETS = 8

/**
 * Changes of a shared ring on their way to it: the newest per entry, gathered by place, the place that waits longest
 * first. Bounded: when too many wait, the place that waits longest is given up; what holds it puts it again later.
 */
export class WriteBehind {
  /** Changes given up because too many waited. */
  dropped = 0
  readonly #places = new Map<string, WaitingPlace>()
  readonly #clock: Clock
  readonly #maxChanges: number
  readonly #maxOctets: number
  #size = 0
  #octets = 0

  constructor(clock: Clock, maxChanges = MAX_CHANGES, maxOctets = MAX_OCTETS) {
    this.#clock = clock
    this.#maxChanges = maxChanges
    this.#maxOctets = maxOctets
  }

  /** Changes that wait, those being written among them. */
  get size(): number {
    return this.#size
  }

  /** Places that have changes waiting. */
  get places(): number {
    return this.#places.size
  }

  /** Milliseconds that the first place waits; 0 if none does. */
  get lagMs(): number {
    let sinceMs = Infinity
    const first = this.#places.values().next().value
    for (const change of first?.changes.values() ?? []) sinceMs = Math.min(sinceMs, change.sinceMs)
    return sinceMs === Infinity ? 0 : this.#clock.monotonicMs() - sinceMs
  }

  put(entries: readonly StoredEntry[]): void {
    const sinceMs = this.#clock.monotonicMs()
    for (const entry of entries) this.#set(entry, entryField(entry), { kind: 'put', entry, sinceMs })
  }

  /** A put that still waits and is newer than what is removed stays. */
  remove(keys: readonly EntryKey[]): void {
    const sinceMs = this.#clock.monotonicMs()
    for (const key of keys) {
      const waiting = this.#places.get(placeKey(key))?.changes.get(key.field)
      if (waiting?.kind === 'put' && waiting.entry.exportTimeSec > key.exportTimeSec) continue
      this.#set(key, key.field, { kind: 'remove', key, sinceMs })
    }
  }

  /**
   * The changes of the places that wait longest. They wait on until they are told to be {@link written}.
   *
   * @param maxChanges - of all of these places; the rest of the last one is left for the next time.
   */
  next(maxPlaces: number, maxChanges = Infinity): PlaceChanges[] {
    const taken: PlaceChanges[] = []
    let left = maxChanges
    for (const { place, changes } of this.#places.values()) {
      if (taken.length === maxPlaces || left <= 0) break
      taken.push({ place, changes: new Map(changes.size <= left ? changes : changes.entries().take(left)) })
      left -= changes.size
    }
    return taken
  }

  /** These are stored; what was changed meanwhile waits on. */
  written({ place, changes }: PlaceChanges): void {
    const key = placeKey(place)
    const waiting = this.#places.get(key)
    if (waiting === undefined) return
    for (const [field, change] of changes) {
      if (waiting.changes.get(field) !== change) continue
      waiting.changes.delete(field)
      this.#size--
      this.#octets -= octetsOf(change)
    }
    this.#places.delete(key)
    // It waits from now on: others are not kept back by a place that changes all the time.
    if (waiting.changes.size > 0) this.#places.set(key, waiting)
  }

  /** These were refused: the other places go first. */
  refused({ place }: PlaceChanges): void {
    const key = placeKey(place)
    const waiting = this.#places.get(key)
    if (waiting === undefined) return
    this.#places.delete(key)
    this.#places.set(key, waiting)
  }

  #set(place: Place, field: string, change: Change): void {
    const key = placeKey(place)
    let waiting = this.#places.get(key)
    if (waiting === undefined) {
      waiting = { place: { scope: place.scope, odid: place.odid }, changes: new Map() }
      this.#places.set(key, waiting)
    }
    const before = waiting.changes.get(field)
    if (before === undefined) this.#size++
    else this.#octets -= octetsOf(before)
    waiting.changes.set(field, change)
    this.#octets += octetsOf(change)
    while (this.#size > this.#maxChanges || this.#octets > this.#maxOctets) this.#dropFirst()
  }

  #dropFirst(): void {
    const [key, { changes }] = this.#places.entries().next().value!
    this.#places.delete(key)
    this.#size -= changes.size
    for (const change of changes.values()) this.#octets -= octetsOf(change)
    this.dropped += changes.size
  }
}

function octetsOf(change: Change): number {
  if (change.kind === 'remove') return CHANGE_OCTETS
  const { entry } = change
  if (entry.kind === 'template') return CHANGE_OCTETS + entry.fields.length * FIELD_OCTETS
  return entry.kind === 'options' ? CHANGE_OCTETS + entry.octets.length : CHANGE_OCTETS
}
