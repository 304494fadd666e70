import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { entryKey, type StoredEntry } from './stored-entry.ts'
import { emptyStats, type TemplateStore } from './template-store.ts'

export interface FileTemplateStoreOptions {
  /** The database file; its folder is made. Two more files stand beside it (`-wal`, `-shm`). */
  readonly path: string
  /** Longest time a change waits in memory, milliseconds. What is older than this survives kill -9. */
  readonly flushMs?: number
  /** Told once for a damaged file, with the name it has now. */
  readonly onQuarantine?: (path: string, reason: string) => void
  /** Told for each failed flush; the changes stay and are tried again. */
  readonly onFailure?: (error: Error) => void
}

const SCHEMA_VERSION = 1
/** A slice of this many rows holds the event loop for some milliseconds. */
const SLICE_ROWS = 1000
/** Changes kept while the file cannot be written; the oldest go first. */
const MAX_UNFLUSHED = 500_000

interface Statements {
  readonly put: StatementSync
  readonly remove: StatementSync
  readonly get: StatementSync
  readonly all: StatementSync
  readonly byScope: StatementSync
  readonly count: StatementSync
}

/**
 * The store in one SQLite file (write-ahead log). Changes gather in memory, the newest per key, and are written in one
 * transaction at most `flushMs` later, so the data path only touches a Map. A file that is damaged or of another
 * version is renamed aside, counted, and a new one begun: templates come again, records wait for no file.
 */
export function createFileTemplateStore(options: FileTemplateStoreOptions): TemplateStore {
  const { path, flushMs = 250 } = options
  const stats = emptyStats()
  /** undefined = remove. Insertion order is the order of age. */
  const changes = new Map<string, StoredEntry | undefined>()
  let database: DatabaseSync | undefined
  let statements: Statements | undefined
  let timer: NodeJS.Timeout | undefined

  function open(): void {
    mkdirSync(dirname(path), { recursive: true })
    try {
      database = openDatabase(path)
    } catch (error) {
      quarantine(error as Error)
      database = openDatabase(path)
    }
    statements = prepare(database)
    stats.entries = countOf(statements)
  }

  function quarantine(error: Error): void {
    const aside = `${path}.damaged-${Date.now()}`
    renameSync(path, aside)
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    stats.quarantined++
    options.onQuarantine?.(aside, error.message)
  }

  function change(key: string, entry: StoredEntry | undefined): void {
    changes.delete(key)
    changes.set(key, entry)
    if (changes.size > MAX_UNFLUSHED) changes.delete(changes.keys().next().value!)
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
    let rows = 0
    const written: string[] = []
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const [key, entry] of changes) {
        if (entry === undefined) statements.remove.run(key)
        else statements.put.run(key, entry.scope, encodeEntry(entry))
        written.push(key)
        if (++rows === SLICE_ROWS) break
      }
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      stats.failures++
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

  /** Reads see what was put before, so what waits goes first. */
  function read(row: unknown): StoredEntry | undefined {
    const value = (row as { value?: unknown } | undefined)?.value
    if (value === undefined) return undefined
    const entry = value instanceof Uint8Array ? decodeEntry(value) : undefined
    // The key is part of what is believed: a value moved under another key is not taken.
    if (entry !== undefined && entryKey(entry) === (row as { key?: unknown }).key) return entry
    stats.rejected++
    return undefined
  }

  return {
    stats,
    async start() {
      if (database === undefined) open()
    },
    async get(keys) {
      flushAll()
      return keys.map(key => read(statements?.get.get(key)))
    },
    async list(scope) {
      flushAll()
      const entries: StoredEntry[] = []
      if (statements === undefined) return entries
      const rows = scope === undefined ? statements.all.iterate() : statements.byScope.iterate(scope)
      for (const row of rows) {
        const entry = read(row)
        if (entry !== undefined) entries.push(entry)
      }
      return entries
    },
    put(entries) {
      for (const entry of entries) change(entryKey(entry), entry)
      stats.writes += entries.length
    },
    remove(keys) {
      for (const key of keys) change(key, undefined)
      stats.removals += keys.length
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

/** @throws whatever SQLite says of a file that is not one of ours, whole and of this version. */
function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 100 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    const check = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (check.quick_check !== 'ok') throw new Error(check.quick_check)
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version !== 0 && version !== SCHEMA_VERSION) throw new Error(`schema version ${version}`)
    database.exec(`
      CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, scope TEXT NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS entries_by_scope ON entries (scope);
      PRAGMA user_version = ${SCHEMA_VERSION}`)
    prepare(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepare(database: DatabaseSync): Statements {
  return {
    put: database.prepare('INSERT OR REPLACE INTO entries (key, scope, value) VALUES (?, ?, ?)'),
    remove: database.prepare('DELETE FROM entries WHERE key = ?'),
    get: database.prepare('SELECT key, value FROM entries WHERE key = ?'),
    all: database.prepare('SELECT key, value FROM entries'),
    byScope: database.prepare('SELECT key, value FROM entries WHERE scope = ?'),
    count: database.prepare('SELECT count(*) AS entries FROM entries')
  }
}

const countOf = (statements: Statements): number => Number((statements.count.get() as { entries: number }).entries)
