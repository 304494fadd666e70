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
  #size = 0

  constructor(clock: Clock, maxChanges = MAX_CHANGES) {
    this.#clock = clock
    this.#maxChanges = maxChanges
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

  /** The changes of the places that wait longest. They wait on until they are told to be {@link written}. */
  next(maxPlaces: number): PlaceChanges[] {
    const taken: PlaceChanges[] = []
    for (const { place, changes } of this.#places.values()) {
      if (taken.length === maxPlaces) break
      taken.push({ place, changes: new Map(changes) })
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
    if (!waiting.changes.has(field)) this.#size++
    waiting.changes.set(field, change)
    if (this.#size > this.#maxChanges) this.#dropFirst()
  }

  #dropFirst(): void {
    const [key, { changes }] = this.#places.entries().next().value!
    this.#places.delete(key)
    this.#size -= changes.size
    this.dropped += changes.size
  }
}
