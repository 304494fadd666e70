import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { SpoolIndex } from './spool-index.ts'
import { placeKey } from './stored-entry.ts'
import { costOf, SET_OVERHEAD_OCTETS, type HeldReason, type OnWaitingDrop, type WaitingSet } from './waiting-set.ts'

export interface PendingSpoolOptions {
  /**
   * The database file; its folder is made. Two more files stand beside it (`-wal`, `-shm`). `:memory:` for none: then it
   * ends with the process.
   */
  readonly path: string
  /** Bound of all that waits in it. */
  readonly octets: number
  /** Bound of what waits for one Observation Domain, so that one exporter does not take the room of all. */
  readonly octetsPerPlace: number
  /** What is older is dropped (pending_expired). */
  readonly keepMs: number
  /** Told for each damaged file, with the name it has now. */
  readonly onDamaged?: (path: string, reason: string) => void
  /** Told for each failure to write or read. */
  readonly onFailure?: (error: Error) => void
}

export interface PendingSpoolStats {
  /** Data Sets in it now, and what they cost. */
  sets: number
  octets: number
  /** Of these in quarantine. */
  heldSets: number
  heldOctets: number
  written: number
  /** Writes and reads that failed. */
  failures: number
  /** Whole files set aside as damaged. */
  damaged: number
}

const SCHEMA_VERSION = 1
const COLUMNS =
  'scope, odid, template_id, version, export_time, sequence, received_at_ms, boot_time_ms, octets, transport, address, port, listener, held, crc'

interface Statements {
  readonly put: StatementSync
  readonly take: StatementSync
  readonly takeFree: StatementSync
  readonly first: StatementSync
  readonly oldest: StatementSync
  readonly ofPlace: StatementSync
  readonly ofBatch: StatementSync
  readonly mark: StatementSync
  readonly remove: StatementSync
}

/**
 * Data Sets that wait for their template, on disk: one SQLite file (write-ahead log), so that what is in it survives
 * kill -9. It does not survive a power failure for certain: nothing is ever synchronised, because that would hold the
 * event loop. Every call is synchronous and as long as the slice it is given; the caller keeps slices small.
 *
 * What is taken is gone from the file before the caller has it: a process that is killed may lose what it had in hand,
 * and never delivers a Data Set twice.
 */
export class PendingSpool {
  readonly stats: PendingSpoolStats = {
    sets: 0,
    octets: 0,
    heldSets: 0,
    heldOctets: 0,
    written: 0,
    failures: 0,
    damaged: 0
  }
  readonly index = new SpoolIndex()
  readonly #options: PendingSpoolOptions
  readonly #onDrop: OnWaitingDrop
  #database: DatabaseSync | undefined
  #statements: Statements | undefined

  /** @param onDrop - told of what ends in the spool: expired, or not readable any more. */
  constructor(options: PendingSpoolOptions, onDrop: OnWaitingDrop) {
    this.#options = options
    this.#onDrop = onDrop
  }

  /**
   * Open the file and learn what is in it. One that is damaged is renamed aside.
   *
   * @returns how many Data Sets of an earlier process it has.
   * @throws if there can be no such file.
   */
  open(): number {
    if (this.#database !== undefined) return 0
    if (this.isPersistent) mkdirSync(dirname(this.#options.path), { recursive: true })
    try {
      this.#begin()
    } catch (error) {
      this.#setAside(error as Error)
      this.#begin()
    }
    return this.stats.sets
  }

  /** What is older is dropped. */
  get keepMs(): number {
    return this.#options.keepMs
  }

  get isPersistent(): boolean {
    return this.#options.path !== ':memory:'
  }

  get isOpen(): boolean {
    return this.#database !== undefined
  }

  /** Whether there is room for this many octets more of a place. */
  hasRoom(scope: string, odid: number, octets: number): boolean {
    const ofPlace = this.index.place(scope, odid)?.octets ?? 0
    return this.stats.octets + octets <= this.#options.octets && ofPlace + octets <= this.#options.octetsPerPlace
  }

  /**
   * Take over Data Sets, in one transaction.
   *
   * @returns one boolean for each: whether it is in the file now. All false if the file cannot be written.
   */
  write(sets: readonly WaitingSet[]): boolean[] {
    const taken = sets.map(() => false)
    const { index, stats } = this
    const fits: number[] = []
    const planned = new Map<string, number>()
    let plannedOctets = 0
    for (const [at, set] of sets.entries()) {
      const cost = costOf(set)
      const key = placeKey(set)
      const ofPlace = planned.get(key) ?? 0
      if (!this.hasRoom(set.scope, set.odid, ofPlace + cost)) continue
      if (stats.octets + plannedOctets + cost > this.#options.octets) continue
      planned.set(key, ofPlace + cost)
      plannedOctets += cost
      fits.push(at)
    }
    if (fits.length === 0) return taken
    const isWritten = this.#transaction(({ put }) => {
      for (const at of fits) put.run(...rowOf(sets[at]))
    })
    if (!isWritten) return taken
    for (const at of fits) {
      taken[at] = true
      const set = sets[at]
      index.add(set, 1, costOf(set), set.receivedAtMs)
      this.#count(set.held, 1, costOf(set))
      stats.written++
    }
    return taken
  }

  /**
   * Take out the next Data Sets of a template, in order of Export Time, then sequence number, then arrival.
   *
   * @param isAnnounced - those in quarantine too.
   * @returns fewer than `limit` when there are no more.
   */
  take(scope: string, odid: number, templateId: number, isAnnounced: boolean, limit: number): WaitingSet[] {
    const rows: unknown[] = []
    const isTaken = this.#transaction(({ take, takeFree, remove }) => {
      for (const row of (isAnnounced ? take : takeFree).all(scope, odid, templateId, limit)) rows.push(row)
      for (const row of rows) remove.run((row as { id: number }).id)
    })
    return isTaken ? this.#leave(rows) : []
  }

  /**
   * Begin to give Data Sets of one place away: until {@link endBatch} they stay in the file, under the batch's token, and
   * are not to be had otherwise. A process that is killed meanwhile finds them as {@link openBatches}.
   *
   * @returns the oldest that are not in quarantine, none if there are none.
   */
  beginBatch(scope: string, odid: number, token: string, limit: number): WaitingSet[] {
    const rows: Row[] = []
    const isMarked = this.#transaction(({ ofPlace, mark }) => {
      for (const row of ofPlace.all(scope, odid, limit)) rows.push(row as unknown as Row)
      for (const { id } of rows) mark.run(token, id)
    })
    return isMarked ? rows.map(setOf) : []
  }

  /** Batches that were begun and not ended: by token, in their order. */
  openBatches(): Map<string, WaitingSet[]> {
    const batches = new Map<string, WaitingSet[]>()
    const rows = this.#database
      ?.prepare(`SELECT id, batch, ${COLUMNS} FROM sets WHERE batch IS NOT NULL ORDER BY batch, id`)
      .all() as unknown as (Row & { batch: string })[] | undefined
    for (const row of rows ?? []) {
      const batch = batches.get(row.batch)
      if (batch === undefined) batches.set(row.batch, [setOf(row)])
      else batch.push(setOf(row))
    }
    return batches
  }

  /** The first `taken` of a batch are elsewhere now; the others wait here again. */
  endBatch(token: string, taken: number): void {
    const gone: Row[] = []
    const isDone = this.#transaction(({ ofBatch, mark, remove }) => {
      for (const [at, each] of ofBatch.all(token).entries()) {
        const row = each as unknown as Row
        if (at >= taken) {
          mark.run(null, row.id)
          continue
        }
        gone.push(row)
        remove.run(row.id)
      }
    })
    if (isDone) for (const row of gone) this.#forget(setOf(row))
  }

  /** Drop what is too old, `limit` of them at most. @returns how many. */
  expire(nowAtMs: number, limit: number): number {
    if (this.stats.sets === 0 || !this.#isAnyOlder(nowAtMs - this.#options.keepMs)) return 0
    const rows: { id: number; received_at_ms: number }[] = []
    const isDone = this.#transaction(({ oldest, remove }) => {
      for (const row of oldest.all(limit) as typeof rows) {
        if (row.received_at_ms > nowAtMs - this.#options.keepMs) break
        rows.push(row)
        remove.run(row.id)
      }
    })
    if (!isDone) return 0
    for (const { address } of this.#leave(rows)) this.#onDrop(address, 'pending_expired')
    return rows.length
  }

  close(): void {
    this.#database?.close()
    this.#database = undefined
    this.#statements = undefined
  }

  #begin(): void {
    const database = openDatabase(this.#options.path)
    this.#database = database
    this.#statements = prepare(database)
    const { index, stats } = this
    index.clear()
    Object.assign(stats, { sets: 0, octets: 0, heldSets: 0, heldOctets: 0 })
    const groups = database.prepare(
      `SELECT scope, odid, template_id, version, transport, address, port, listener, held, count(*) AS sets,
              sum(length(octets)) + ${SET_OVERHEAD_OCTETS} * count(*) AS cost, min(received_at_ms) AS since
       FROM sets GROUP BY scope, odid, template_id, held`
    )
    for (const row of groups.iterate()) {
      const group = row as unknown as Row & { sets: number; cost: number; since: number }
      index.add(whoOf(group), group.sets, group.cost, group.since)
      this.#count(group.held as HeldReason, group.sets, group.cost)
    }
  }

  /** Out of the index; those that are not what was written are dropped. */
  #leave(rows: readonly unknown[]): WaitingSet[] {
    const sets: WaitingSet[] = []
    for (const each of rows) {
      const row = each as Row
      const set = setOf(row)
      this.#forget(set)
      if (checksum(set) === row.crc) sets.push(set)
      else this.#onDrop(set.address, 'spool_corrupt')
    }
    return sets
  }

  /** Asked often, so only the first row is looked at: they are in order of arrival, nearly. */
  #isAnyOlder(receivedAtMs: number): boolean {
    try {
      const first = this.#statements?.first.get() as { received_at_ms: number } | undefined
      return first !== undefined && first.received_at_ms <= receivedAtMs
    } catch (error) {
      if (this.#database !== undefined) this.#fail(this.#database, error as Error)
      return false
    }
  }

  #forget(set: WaitingSet): void {
    this.index.remove(set, 1, costOf(set))
    this.#count(set.held, -1, -costOf(set))
  }

  #count(held: HeldReason, sets: number, octets: number): void {
    this.stats.sets += sets
    this.stats.octets += octets
    if (held === '') return
    this.stats.heldSets += sets
    this.stats.heldOctets += octets
  }

  #transaction(work: (statements: Statements) => void): boolean {
    const database = this.#database
    const statements = this.#statements
    if (database === undefined || statements === undefined) return false
    try {
      database.exec('BEGIN IMMEDIATE')
      work(statements)
      database.exec('COMMIT')
      return true
    } catch (error) {
      this.#fail(database, error as Error)
      return false
    }
  }

  #fail(database: DatabaseSync, error: Error): void {
    this.stats.failures++
    this.#options.onFailure?.(error)
    try {
      if (database.isTransaction) database.exec('ROLLBACK')
    } catch {
      // The next transaction says what is wrong.
    }
    if (!isDamage(error)) return
    // What it held is lost with it, and counted.
    for (const { address, sets } of this.index.places()) {
      for (let set = 0; set < sets; set++) this.#onDrop(address, 'spool_corrupt')
    }
    try {
      database.close()
      this.#setAside(error)
      this.#begin()
    } catch (again) {
      this.#database = undefined
      this.#statements = undefined
      this.index.clear()
      Object.assign(this.stats, { sets: 0, octets: 0, heldSets: 0, heldOctets: 0 })
      this.#options.onFailure?.(again as Error)
    }
  }

  #setAside(error: Error): void {
    const { path, onDamaged } = this.#options
    const aside = `${path}.damaged-${Date.now()}`
    renameSync(path, aside)
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    this.stats.damaged++
    onDamaged?.(aside, error.message)
  }
}

interface Row {
  readonly id: number
  readonly scope: string
  readonly odid: number
  readonly template_id: number
  readonly version: number
  readonly export_time: number
  readonly sequence: number
  readonly received_at_ms: number
  readonly boot_time_ms: number | null
  readonly octets: Uint8Array
  readonly transport: string
  readonly address: string
  readonly port: number
  readonly listener: string
  readonly held: string
  readonly crc: number
}

const whoOf = (row: Row) => ({
  scope: row.scope,
  odid: row.odid,
  templateId: row.template_id,
  version: row.version,
  transport: row.transport === 'tcp' ? ('tcp' as const) : ('udp' as const),
  address: row.address,
  port: row.port,
  listener: row.listener,
  held: row.held as HeldReason
})

const whatOf = (row: Row) => ({
  exportTimeSec: row.export_time,
  sequence: row.sequence,
  receivedAtMs: row.received_at_ms,
  bootTimeMs: row.boot_time_ms ?? Number.NaN,
  octets: row.octets
})

const setOf = (row: Row): WaitingSet => ({ ...whoOf(row), ...whatOf(row) })

function rowOf(set: WaitingSet) {
  const { scope, odid, templateId, version, exportTimeSec, sequence, receivedAtMs, bootTimeMs } = set
  const { octets, transport, address, port, listener, held } = set
  const boot = Number.isNaN(bootTimeMs) ? null : bootTimeMs
  const times = [exportTimeSec, sequence, receivedAtMs, boot] as const
  return [scope, odid, templateId, version, ...times, octets, transport, address, port, listener, held, checksum(set)]
}

/** SQLite has no checksum of its own. */
function checksum(set: WaitingSet): number {
  const { scope, odid, templateId, version, exportTimeSec, sequence, bootTimeMs } = set
  const words = `${scope}|${odid}|${templateId}|${version}|${exportTimeSec}|${sequence}|${bootTimeMs}`
  return crc32(set.octets, crc32(words))
}

/** SQLITE_CORRUPT, SQLITE_NOTADB. */
const isDamage = (error: Error): boolean => [11, 26].includes((error as { errcode?: number }).errcode ?? 0)

/** @throws whatever SQLite says of a file that is not one of ours, whole and of this version. */
function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 100 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA journal_size_limit = 16777216')
    const check = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (check.quick_check !== 'ok') throw new Error(check.quick_check)
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version !== 0 && version !== SCHEMA_VERSION) throw new Error(`schema version ${version}`)
    database.exec(`
      CREATE TABLE IF NOT EXISTS sets (
        id INTEGER PRIMARY KEY, scope TEXT NOT NULL, odid INTEGER NOT NULL, template_id INTEGER NOT NULL,
        version INTEGER NOT NULL, export_time INTEGER NOT NULL, sequence INTEGER NOT NULL,
        received_at_ms REAL NOT NULL, boot_time_ms REAL, octets BLOB NOT NULL, transport TEXT NOT NULL,
        address TEXT NOT NULL, port INTEGER NOT NULL, listener TEXT NOT NULL, held TEXT NOT NULL, crc INTEGER NOT NULL,
        batch TEXT);
      CREATE INDEX IF NOT EXISTS sets_in_order ON sets (scope, odid, template_id, export_time, sequence, id);
      PRAGMA user_version = ${SCHEMA_VERSION}`)
    prepare(database)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepare(database: DatabaseSync): Statements {
  const ofTemplate = 'batch IS NULL AND scope = ? AND odid = ? AND template_id = ?'
  const ordered = 'ORDER BY export_time, sequence, id LIMIT ?'
  const values = COLUMNS.split(', ').map(() => '?')
  return {
    put: database.prepare(`INSERT INTO sets (${COLUMNS}) VALUES (${values.join(', ')})`),
    take: database.prepare(`SELECT id, ${COLUMNS} FROM sets WHERE ${ofTemplate} ${ordered}`),
    takeFree: database.prepare(`SELECT id, ${COLUMNS} FROM sets WHERE ${ofTemplate} AND held = '' ${ordered}`),
    first: database.prepare('SELECT received_at_ms FROM sets WHERE batch IS NULL ORDER BY id LIMIT 1'),
    oldest: database.prepare(`SELECT id, ${COLUMNS} FROM sets WHERE batch IS NULL ORDER BY id LIMIT ?`),
    ofPlace: database.prepare(
      `SELECT id, ${COLUMNS} FROM sets WHERE batch IS NULL AND held = '' AND scope = ? AND odid = ? ORDER BY id LIMIT ?`
    ),
    ofBatch: database.prepare(`SELECT id, ${COLUMNS} FROM sets WHERE batch = ? ORDER BY id`),
    mark: database.prepare('UPDATE sets SET batch = ? WHERE id = ?'),
    remove: database.prepare('DELETE FROM sets WHERE id = ?')
  }
}
