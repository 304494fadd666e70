import {
  definitionHash,
  entryField,
  MAX_VERSIONS_PER_PLACE,
  placeKey,
  seenMsOf,
  type Place,
  type StoredEntry,
  type StoredPlace,
  type StoredTemplate,
  type TemplateVersion
} from './stored-entry.ts'
import { emptyStats, LIST_BATCH_PLACES, type TemplateStore } from './template-store.ts'

interface KnownPlace {
  readonly place: Place
  readonly entries: Map<string, StoredEntry>
  readonly versions: TemplateVersion[]
}

/** Places of which only the history is known; those that ended first go first. */
const MAX_ENDED_PLACES = 10_000

/** A store that ends with its process: for tests, and for `templateStore: memory`. */
export function createMemoryTemplateStore(): TemplateStore {
  const places = new Map<string, KnownPlace>()
  /** Keys of places without entries, in the order they ended. */
  const ended = new Set<string>()
  const stats = emptyStats()

  function noteEnded(key: string): void {
    ended.add(key)
    if (ended.size <= MAX_ENDED_PLACES) return
    const first = ended.values().next().value!
    ended.delete(first)
    places.delete(first)
  }

  function placeOf(place: Place): KnownPlace {
    const key = placeKey(place)
    let known = places.get(key)
    if (known === undefined) {
      known = { place: { scope: place.scope, odid: place.odid }, entries: new Map(), versions: [] }
      places.set(key, known)
    }
    return known
  }

  function read(place: Place): StoredPlace {
    const known = places.get(placeKey(place))
    const entries = known === undefined ? [] : [...known.entries.values()]
    stats.readPlaces++
    if (entries.length > 0) stats.hits++
    else stats.misses++
    return { place, entries }
  }

  return {
    stats,
    shelf: undefined,
    health: 'up',
    start: async () => {},
    async read(asked) {
      stats.reads++
      return asked.map(read)
    },
    async *list(options = {}) {
      const seenSinceMs = options.seenSinceMs ?? -Infinity
      const found: { seenMs: number; stored: StoredPlace }[] = []
      for (const { place, entries } of places.values()) {
        let seenMs = -Infinity
        for (const entry of entries.values()) seenMs = Math.max(seenMs, seenMsOf(entry))
        if (entries.size > 0 && seenMs >= seenSinceMs)
          found.push({ seenMs, stored: { place, entries: [...entries.values()] } })
      }
      found.sort((a, b) => b.seenMs - a.seenMs)
      for (let from = 0; from < found.length; from += LIST_BATCH_PLACES) {
        yield found.slice(from, from + LIST_BATCH_PLACES).map(({ stored }) => stored)
      }
    },
    put(entries) {
      for (const entry of entries) {
        const known = placeOf(entry)
        if (known.entries.size === 0) ended.delete(placeKey(entry))
        const field = entryField(entry)
        if (!known.entries.has(field)) stats.entries++
        known.entries.set(field, entry)
        if (entry.kind === 'template') noteVersion(known.versions, entry)
      }
      stats.writes += entries.length
    },
    remove(keys, reason) {
      for (const key of keys) {
        const known = places.get(placeKey(key))
        const entry = known?.entries.get(key.field)
        if (known === undefined || entry === undefined) continue
        known.entries.delete(key.field)
        if (known.entries.size === 0) noteEnded(placeKey(key))
        if (reason === 'withdrawn' && entry.kind === 'template') endVersion(known.versions, entry.templateId, reason)
        stats.removals++
        stats.entries--
      }
    },
    watch: () => () => {},
    onLost: () => () => {},
    async history(place, templateId) {
      const versions = places.get(placeKey(place))?.versions ?? []
      return versions.filter(version => templateId === undefined || version.templateId === templateId)
    },
    flush: async () => {},
    close: async () => {}
  }
}

function noteVersion(versions: TemplateVersion[], template: StoredTemplate): void {
  const { templateId, scopeCount, fields, firstSeenMs, lastSeenMs, session } = template
  const hash = definitionHash(fields, scopeCount)
  const open = versions.findLastIndex(version => version.templateId === templateId && version.ended === undefined)
  if (open >= 0 && versions[open].hash === hash) {
    versions[open] = { ...versions[open], lastSeenMs, session }
    return
  }
  endVersion(versions, templateId, 'redefined')
  versions.push({ templateId, scopeCount, fields, hash, firstSeenMs, lastSeenMs, session })
  if (versions.length > MAX_VERSIONS_PER_PLACE) versions.shift()
}

function endVersion(versions: TemplateVersion[], templateId: number, ended: 'redefined' | 'withdrawn'): void {
  const open = versions.findLastIndex(version => version.templateId === templateId && version.ended === undefined)
  if (open >= 0) versions[open] = { ...versions[open], ended }
}
