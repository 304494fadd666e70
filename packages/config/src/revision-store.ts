import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PeerError } from '@weir/runtime'
import { hashOf } from './resolve-config.ts'
import type { WeirConfig } from './schema/document.ts'

/** One state of the whole document, without the document. */
export interface RevisionInfo {
  /** From 0, without gaps, never used again. */
  readonly number: number
  /** `file`: file and environment; else who was given as the author of the change. */
  readonly author: string
  readonly atMs: number
  readonly reason: string
  /** Content hash of the document. */
  readonly hash: string
  /** `ResolvedConfig.baseHash` of the file and environment that were there when it was made. */
  readonly baseHash: string
}

export interface Revision extends RevisionInfo {
  /** Every default in place; checked when it was made, and to be checked again when it is taken up. */
  readonly document: WeirConfig
}

/** What is said of a revision that is to be made. */
export interface NewRevision {
  readonly author: string
  readonly atMs: number
  readonly reason: string
  readonly baseHash: string
  readonly document: WeirConfig
}

/** All revisions of one pod's document, newest last. */
export interface RevisionStore {
  /** The newest; undefined if there is none. */
  head(): Promise<Revision | undefined>
  get(number: number): Promise<Revision | undefined>
  /** Newest first. */
  list(offset: number, limit: number): Promise<{ readonly items: readonly RevisionInfo[]; readonly total: number }>
  /**
   * Add one, whole or not at all.
   *
   * @param after - number of the newest as the caller knows it; -1 = there is none.
   * @throws PeerError REVISION_CONFLICT if that is not so any more; the system's or SQLite's error if it cannot be written.
   */
  append(revision: NewRevision, after: number): Promise<Revision>
  close(): Promise<void>
}

/** One state of the document that the pods of a fleet have in common. */
export interface FleetRevision extends Revision {
  /** Names the fleet. */
  readonly fleet: string
}

/** What a pod keeps of its fleet, for when the store of the fleet is away. */
export interface FleetRecord {
  /** The last revision that was taken here. */
  readonly revision: FleetRevision
  /** `fleetHash` of what this pod's file and environment said then. */
  readonly baseHash: string
}

/** The revisions of a pod in its own folder, and what it keeps of its fleet. */
export interface LocalRevisions extends RevisionStore {
  /** Made at the first call, and never another: the name of the machine and chance. */
  podId(): string
  /** undefined: nothing was taken from a fleet yet. */
  fleetRecord(): FleetRecord | undefined
  /** @throws the system's error, or SQLite's. */
  keepFleetRecord(record: FleetRecord): void
}

/** Where it stands. */
export const revisionsPath = (stateDir: string): string => join(stateDir, 'revisions.db')

/** So many are kept, and of documents so many octets together; the newest always. */
const MAX_REVISIONS = 10_000
const MAX_DOCUMENT_OCTETS = 64 * 1024 * 1024
const LOCK_WAIT_MS = 1_000

interface Row {
  readonly number: number
  readonly author: string
  readonly at_ms: number
  readonly reason: string
  readonly hash: string
  readonly base_hash: string
  readonly document: string
}

const infoOf = ({ number, author, at_ms, reason, hash, base_hash }: Omit<Row, 'document'>): RevisionInfo => ({
  number,
  author,
  atMs: at_ms,
  reason,
  hash,
  baseHash: base_hash
})

const revisionOf = (row: Row): Revision => ({ ...infoOf(row), document: JSON.parse(row.document) as WeirConfig })

/** True if there are revisions to open. */
export const hasRevisions = (stateDir: string): boolean => existsSync(revisionsPath(stateDir))

/**
 * The revisions in `revisions.db` below a folder, which is made if it is not there. Several processes may have it open.
 *
 * @throws the error of the system or of SQLite, for a folder that cannot be written or a file that is damaged.
 */
export function openRevisions(stateDir: string): LocalRevisions {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(revisionsPath(stateDir), { timeout: LOCK_WAIT_MS })
  try {
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL')
    const check = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (check.quick_check !== 'ok') throw new Error(check.quick_check)
    database.exec(`
      CREATE TABLE IF NOT EXISTS revisions (
        number INTEGER PRIMARY KEY, author TEXT NOT NULL, at_ms REAL NOT NULL, reason TEXT NOT NULL, hash TEXT NOT NULL,
        base_hash TEXT NOT NULL, document TEXT NOT NULL
      );
      CREATE TABLE IF NOT EXISTS pod (name TEXT PRIMARY KEY, value TEXT NOT NULL)`)
    return new SqliteRevisions(database)
  } catch (error) {
    database.close()
    throw error
  }
}

class SqliteRevisions implements LocalRevisions {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async head(): Promise<Revision | undefined> {
    return this.#one('SELECT * FROM revisions ORDER BY number DESC LIMIT 1')
  }

  async get(number: number): Promise<Revision | undefined> {
    return this.#one('SELECT * FROM revisions WHERE number = ?', number)
  }

  async list(offset: number, limit: number): Promise<{ items: RevisionInfo[]; total: number }> {
    const rows = this.#database
      .prepare(
        'SELECT number, author, at_ms, reason, hash, base_hash FROM revisions ORDER BY number DESC LIMIT ? OFFSET ?'
      )
      .all(limit, offset) as unknown as Omit<Row, 'document'>[]
    const { total } = this.#database.prepare('SELECT count(*) AS total FROM revisions').get() as { total: number }
    return { items: rows.map(infoOf), total }
  }

  async append({ author, atMs, reason, baseHash, document }: NewRevision, after: number): Promise<Revision> {
    const database = this.#database
    database.exec('BEGIN IMMEDIATE')
    try {
      const { newest } = database.prepare('SELECT coalesce(max(number), -1) AS newest FROM revisions').get() as {
        newest: number
      }
      if (newest !== after) {
        throw new PeerError('REVISION_CONFLICT', `revision ${newest} has been made meanwhile`, { newest })
      }
      const revision = { number: newest + 1, author, atMs, reason, hash: hashOf(document), baseHash, document }
      database
        .prepare('INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(revision.number, author, atMs, reason, revision.hash, baseHash, JSON.stringify(document))
      this.#forgetOld(revision.number)
      database.exec('COMMIT')
      return revision
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  podId(): string {
    const made = `${hostname()}-${randomBytes(4).toString('hex')}`
    this.#database.prepare('INSERT OR IGNORE INTO pod VALUES (?, ?)').run('id', made)
    return this.#kept('id')!
  }

  fleetRecord(): FleetRecord | undefined {
    const text = this.#kept('fleet')
    return text === undefined ? undefined : (JSON.parse(text) as FleetRecord)
  }

  keepFleetRecord(record: FleetRecord): void {
    this.#database.prepare('INSERT OR REPLACE INTO pod VALUES (?, ?)').run('fleet', JSON.stringify(record))
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }

  #kept(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM pod WHERE name = ?').get(name)
    return row?.value as string | undefined
  }

  #forgetOld(newest: number): void {
    this.#database.prepare('DELETE FROM revisions WHERE number <= ?').run(newest - MAX_REVISIONS)
    this.#database
      .prepare(
        `DELETE FROM revisions WHERE number < ?1 AND number IN (
          SELECT number FROM (
            SELECT number, sum(length(document)) OVER (ORDER BY number DESC) AS octets FROM revisions
          ) WHERE octets > ?2)`
      )
      .run(newest, MAX_DOCUMENT_OCTETS)
  }

  #one(query: string, ...values: number[]): Revision | undefined {
    const row = this.#database.prepare(query).get(...values) as unknown as Row | undefined
    return row === undefined ? undefined : revisionOf(row)
  }
}
