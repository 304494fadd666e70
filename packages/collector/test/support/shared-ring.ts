import {
  emptyStats,
  entryField,
  LIST_BATCH_PLACES,
  placeKey,
  supersedes,
  type Place,
  type StoredEntry,
  type StoredPlace,
  type StoreHealth,
  type TemplateStore
} from '@weir/templates'

/** A shared store in memory, with as many rings on it as there are pods. It can be away, slow, emptied, and lie. */
export class SharedRing {
  health: StoreHealth = 'up'
  /** Reads wait for it. */
  gate: Promise<void> | undefined
  /** What is told of a place instead of what is stored. */
  lie: ((place: Place) => readonly StoredEntry[]) | undefined
  /** What is stored is not what this ring would have stored: nothing of it is believed. */
  isForged = false
  /** Places of each read, and of each batch of a list. */
  readonly reads: number[] = []
  lists = 0
  readonly #places = new Map<string, { readonly place: Place; readonly entries: Map<string, StoredEntry> }>()
  readonly #watchers = new Map<(changed: readonly Place[]) => void, object>()
  readonly #missed = new Set<() => void>()
  readonly #lost = new Set<() => void>()

  /** Everything that is stored. */
  get entries(): StoredEntry[] {
    return [...this.#places.values()].flatMap(({ entries }) => [...entries.values()])
  }

  get templates(): (StoredEntry & { kind: 'template' })[] {
    return this.entries.filter(entry => entry.kind === 'template')
  }

  /** As FLUSHALL does. */
  flush(): void {
    this.#places.clear()
    for (const listener of this.#lost) listener()
  }

  /** Put as another pod does while nobody can be told of it; then pods are told that they may have missed something. */
  putUnheard(...entries: StoredEntry[]): void {
    this.#put(entries, undefined)
    for (const listener of this.#missed) listener()
  }

  /** Put as another pod does. */
  put(...entries: StoredEntry[]): void {
    this.#put(entries, this)
  }

  ring(): TemplateStore {
    const stats = emptyStats()
    const own = {}
    const read = (place: Place): StoredPlace => ({
      place,
      entries: this.lie?.(place) ?? [...(this.#places.get(placeKey(place))?.entries.values() ?? [])]
    })
    const health = (): StoreHealth => this.health
    return {
      stats,
      get health() {
        return health()
      },
      shelf: undefined,
      start: async () => {},
      read: async places => {
        this.reads.push(places.length)
        stats.reads++
        await this.gate
        if (this.health !== 'up') {
          stats.backendErrors++
          return places.map(place => ({ place, entries: [] }))
        }
        if (!this.isForged) return places.map(read)
        stats.rejected += places.length
        return places.map(place => ({ place, entries: [] }))
      },
      list: () => this.#list(),
      put: entries => this.#put(entries, own),
      remove: (keys, reason) => {
        if (reason === 'expired') return
        for (const key of keys) this.#places.get(placeKey(key))?.entries.delete(key.field)
      },
      watch: (listener, onMissed) => {
        this.#watchers.set(listener, own)
        if (onMissed !== undefined) this.#missed.add(onMissed)
        return () => this.#watchers.delete(listener)
      },
      onLost: listener => {
        this.#lost.add(listener)
        return () => this.#lost.delete(listener)
      },
      history: async () => [],
      flush: async () => {},
      close: async () => {}
    }
  }

  async *#list(): AsyncGenerator<readonly StoredPlace[]> {
    this.lists++
    const all = [...this.#places.values()].map(({ place, entries }) => ({ place, entries: [...entries.values()] }))
    for (let from = 0; from < all.length; from += LIST_BATCH_PLACES) {
      await this.gate
      yield all.slice(from, from + LIST_BATCH_PLACES)
    }
  }

  /** @param writer - undefined: nobody is told. */
  #put(entries: readonly StoredEntry[], writer: object | undefined): void {
    if (this.health !== 'up') return
    const changed = new Map<string, Place>()
    for (const entry of entries) {
      const key = placeKey(entry)
      let known = this.#places.get(key)
      if (known === undefined) {
        known = { place: { scope: entry.scope, odid: entry.odid }, entries: new Map() }
        this.#places.set(key, known)
      }
      const field = entryField(entry)
      const former = known.entries.get(field)
      if (former !== undefined && !supersedes(entry, former)) continue
      known.entries.set(field, entry)
      changed.set(key, known.place)
    }
    if (writer === undefined) return
    for (const [listener, own] of this.#watchers) if (own !== writer) listener([...changed.values()])
  }
}
