import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { systemClock, type Clock } from '@weir/runtime'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { dropOldVersions, readVersions, writeVersion } from './file-history.ts'
import { openDatabase, prepareStatements, type FileStatements } from './file-schema.ts'
import {
  entryField,
  placeKey,
  seenMsOf,
  type EntryKey,
  type Place,
  type StoredEntry,
  type StoredPlace
} from './stored-entry.ts'
import { emptyStats, LIST_BATCH_PLACES, type RemovalReason, type TemplateStore } from './template-store.ts'

export interface FileTemplateStoreOptions {
  /** The database file; its folder is made. Two more files stand beside it (`-wal`, `-shm`). */
  readonly path: string
  /** Longest time a change waits in memory, milliseconds. What is older than this survives kill -9. */
  readonly flushMs?: number
  /** Tells which definitions are too old to be known. */
  readonly clock?: Pick<Clock, 'nowMs'>
  /** Told once for a damaged file, with the name it has now. */
  readonly onQuarantine?: (path: string, reason: string) => void
  /** Told for each failed flush; the changes stay and are tried again. */
  readonly onFailure?: (error: Error) => void
}

/** A slice of this many rows holds the event loop for some milliseconds. */
const SLICE_ROWS = 1000
/** Changes kept while the file cannot be written; the oldest go first. */
const MAX_UNFLUSHED = 500_000

interface Removal extends EntryKey {
  readonly reason: RemovalReason
}
type Change = { readonly entry: StoredEntry } | { readonly removal: Removal }

/**
 * The store in one SQLite file (write-ahead log). Changes gather in memory, the newest per key, and are written in one
 * transaction at most `flushMs` later, so the data path only touches a Map. A file that is damaged or of a later version
 * is renamed aside, counted, and a new one begun: templates come again, records wait for no file.
 */
export function createFileTemplateStore(options: FileTemplateStoreOptions): TemplateStore {
  const { path, flushMs = 250, clock = systemClock } = options
  const stats = emptyStats()
  /** Insertion order is the order of age. */
  const changes = new Map<string, Change>()
  let database: DatabaseSync | undefined
  let statements: FileStatements | undefined
  let timer: NodeJS.Timeout | undefined

  function open(): void {
    mkdirSync(dirname(path), { recursive: true })
    try {
      database = openDatabase(path)
    } catch (error) {
      quarantine(error as Error)
      database = openDatabase(path)
    }
    statements = prepareStatements(database)
    dropOldVersions(statements, clock.nowMs())
    stats.entries = countOf(statements)
  }

  function quarantine(error: Error): void {
    const aside = `${path}.damaged-${Date.now()}`
    renameSync(path, aside)
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    stats.quarantined++
    options.onQuarantine?.(aside, error.message)
  }

  function change(key: string, change: Change): void {
    changes.delete(key)
    changes.set(key, change)
    if (changes.size > MAX_UNFLUSHED) {
      changes.delete(changes.keys().next().value!)
      stats.writesDropped++
    }
    stats.unflushed = changes.size
    if (timer === undefined && statements !== undefined) timer = setTimeout(onTimer, flushMs)
  }

  function onTimer(): void {
    timer = undefined
    const isWritten = writeSlice()
    if (changes.size > 0) timer = setTimeout(onTimer, isWritten ? 1 : flushMs * 4)
  }

  /** @returns false if nothing could be written. */
  function writeSlice(): boolean {
    if (database === undefined || statements === undefined || changes.size === 0) return true
    const written: string[] = []
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const [key, change] of changes) {
        write(statements, change)
        written.push(key)
        if (written.length === SLICE_ROWS) break
      }
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      stats.writeFailures++
      options.onFailure?.(error as Error)
      return false
    }
    for (const key of written) changes.delete(key)
    stats.unflushed = changes.size
    stats.entries = countOf(statements)
    return true
  }

  function flushAll(): void {
    while (changes.size > 0) if (!writeSlice()) return
  }

  /** The place and the field are part of what is believed: a value moved under another key is not taken. */
  function believe(place: Place, field: unknown, value: unknown): StoredEntry | undefined {
    const entry = value instanceof Uint8Array ? decodeEntry(value) : undefined
    if (
      entry !== undefined &&
      entry.scope === place.scope &&
      entry.odid === place.odid &&
      entryField(entry) === field
    ) {
      return entry
    }
    stats.rejected++
    if (entry === undefined) stats.codecErrors++
    return undefined
  }

  function readPlace(place: Place): StoredPlace {
    const entries: StoredEntry[] = []
    for (const row of statements?.place.iterate(place.scope, place.odid) ?? []) {
      const { field, value } = row as { field: unknown; value: unknown }
      const entry = believe(place, field, value)
      if (entry !== undefined) entries.push(entry)
    }
    return { place, entries }
  }

  return {
    stats,
    shelf: undefined,
    get health() {
      return statements === undefined ? 'down' : 'up'
    },
    async start() {
      if (database === undefined) open()
    },
    async read(places) {
      // Reads see what was put before, so what waits goes first.
      flushAll()
      const found = places.map(readPlace)
      stats.reads++
      stats.readPlaces += found.length
      for (const { entries } of found) stats[entries.length > 0 ? 'hits' : 'misses']++
      return found
    },
    async *list({ seenSinceMs = -Number.MAX_VALUE } = {}) {
      flushAll()
      const places = (statements?.places.all(seenSinceMs) ?? []) as unknown as Place[]
      for (let from = 0; from < places.length; from += LIST_BATCH_PLACES) {
        const batch = places.slice(from, from + LIST_BATCH_PLACES)
        yield batch.map(({ scope, odid }) => readPlace({ scope, odid })).filter(({ entries }) => entries.length > 0)
      }
    },
    put(entries) {
      for (const entry of entries) change(changeKey(entry, entryField(entry)), { entry })
      stats.writes += entries.length
    },
    remove(keys, reason) {
      for (const key of keys) change(changeKey(key, key.field), { removal: { ...key, reason } })
      stats.removals += keys.length
    },
    watch: () => () => {},
    onLost: () => () => {},
    async history(place, templateId) {
      flushAll()
      if (statements === undefined) return []
      return readVersions(statements, place, templateId, () => stats.rejected++)
    },
    async flush() {
      flushAll()
    },
    async close() {
      if (timer !== undefined) clearTimeout(timer)
      timer = undefined
      flushAll()
      database?.close()
      database = undefined
      statements = undefined
    }
  }
}

const changeKey = (place: Place, field: string): string => `${field}|${placeKey(place)}`

function write(statements: FileStatements, change: Change): void {
  if ('entry' in change) {
    const { entry } = change
    const value = encodeEntry(entry)
    statements.put.run(entry.scope, entry.odid, entryField(entry), seenMsOf(entry), value)
    if (entry.kind === 'template') writeVersion(statements, entry, value)
    return
  }
  const { scope, odid, field, reason } = change.removal
  statements.remove.run(scope, odid, field)
  if (reason === 'withdrawn' && field.startsWith('t')) {
    statements.endVersion.run('withdrawn', scope, odid, Number(field.slice(1)))
  }
}

const countOf = (statements: FileStatements): number => Number((statements.count.get() as { entries: number }).entries)
