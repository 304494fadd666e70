import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { layoutKey } from '@weir/ipfix'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { entryField, seenMsOf, type StoredEntry } from './stored-entry.ts'

const SCHEMA_VERSION = 2

/** The statements of the file ring, prepared once. */
export interface FileStatements {
  readonly put: StatementSync
  readonly remove: StatementSync
  readonly place: StatementSync
  readonly places: StatementSync
  readonly count: StatementSync
  readonly openVersion: StatementSync
  readonly addVersion: StatementSync
  readonly touchVersion: StatementSync
  readonly endVersion: StatementSync
  readonly pruneVersions: StatementSync
  readonly dropVersions: StatementSync
  readonly dropExcess: StatementSync
  readonly versions: StatementSync
}

/**
 * Open the file of this version, or bring one of version 1 up to it.
 *
 * @throws whatever SQLite says of a file that is not one of ours, whole and of a version that is known.
 */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 100 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    const check = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (check.quick_check !== 'ok') throw new Error(check.quick_check)
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version > SCHEMA_VERSION) throw new Error(`schema version ${version}`)
    database.exec('BEGIN IMMEDIATE')
    database.exec(`
      CREATE TABLE IF NOT EXISTS place_entries (
        scope TEXT NOT NULL, odid INTEGER NOT NULL, field TEXT NOT NULL, seen_ms REAL NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (scope, odid, field)
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS versions (
        id INTEGER PRIMARY KEY, scope TEXT NOT NULL, odid INTEGER NOT NULL, template_id INTEGER NOT NULL,
        hash TEXT NOT NULL, last_ms REAL NOT NULL, session TEXT NOT NULL, ended TEXT, value BLOB NOT NULL
      );
      CREATE INDEX IF NOT EXISTS versions_by_place ON versions (scope, odid, template_id)`)
    if (version === 1) migrate(database)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    prepareStatements(database)
    database.exec('COMMIT')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Entries of version 1 stand under a key of their own form; what does not stand under its own is left behind. */
function migrate(database: DatabaseSync): void {
  const put = database.prepare('INSERT OR REPLACE INTO place_entries VALUES (?, ?, ?, ?, ?)')
  for (const row of database.prepare('SELECT key, value FROM entries').all()) {
    const { key, value } = row as { key: unknown; value: unknown }
    const entry = value instanceof Uint8Array ? decodeEntry(value) : undefined
    if (entry === undefined || keyOfVersion1(entry) !== key) continue
    put.run(entry.scope, entry.odid, entryField(entry), seenMsOf(entry), encodeEntry(entry))
  }
  database.exec('DROP TABLE entries')
}

function keyOfVersion1(entry: StoredEntry): string | undefined {
  if (entry.kind === 'template') return `t|${entry.scope}|${entry.odid}|${entry.templateId}`
  if (entry.kind !== 'options') return undefined
  const scopeValue = Buffer.from(entry.octets.buffer, entry.octets.byteOffset, entry.scopeOctets).toString('hex')
  return `o|${entry.scope}|${entry.odid}|${layoutKey(entry.fields, entry.scopeCount)}|${scopeValue}`
}

export function prepareStatements(database: DatabaseSync): FileStatements {
  const ofPlace = 'scope = ? AND odid = ?'
  const open = `SELECT max(id) FROM versions WHERE ${ofPlace} AND template_id = ? AND ended IS NULL`
  return {
    put: database.prepare('INSERT OR REPLACE INTO place_entries VALUES (?, ?, ?, ?, ?)'),
    remove: database.prepare(`DELETE FROM place_entries WHERE ${ofPlace} AND field = ?`),
    place: database.prepare(`SELECT field, value FROM place_entries WHERE ${ofPlace}`),
    places: database.prepare(
      `SELECT scope, odid, max(seen_ms) AS seen FROM place_entries GROUP BY scope, odid HAVING seen >= ?
       ORDER BY seen DESC`
    ),
    count: database.prepare('SELECT count(*) AS entries FROM place_entries'),
    openVersion: database.prepare(`SELECT id, hash FROM versions WHERE id = (${open})`),
    addVersion: database.prepare(
      'INSERT INTO versions (scope, odid, template_id, hash, last_ms, session, value) VALUES (?, ?, ?, ?, ?, ?, ?)'
    ),
    touchVersion: database.prepare('UPDATE versions SET last_ms = ?, session = ? WHERE id = ?'),
    endVersion: database.prepare(
      `UPDATE versions SET ended = ? WHERE ${ofPlace} AND template_id = ? AND ended IS NULL`
    ),
    pruneVersions: database.prepare(
      `DELETE FROM versions WHERE ${ofPlace} AND id NOT IN
       (SELECT id FROM versions WHERE ${ofPlace} ORDER BY id DESC LIMIT ?)`
    ),
    dropVersions: database.prepare(
      'DELETE FROM versions WHERE last_ms < ? OR id <= (SELECT max(id) FROM versions) - ?'
    ),
    dropExcess: database.prepare('DELETE FROM versions WHERE id <= ?'),
    versions: database.prepare(
      `SELECT template_id AS templateId, hash, last_ms AS lastMs, session, ended, value FROM versions
       WHERE ${ofPlace} ORDER BY id`
    )
  }
}
