import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HttpProblem } from '@weir/http/problem'
import { UnavailableError, errorCode, errorMessage } from '@weir/runtime'
import type { Clock, Log, Timer } from '@weir/runtime'
import { hasEnded } from './job.ts'
import type { Job, JobFailure, JobOrder, JobOutcome, JobResult, JobState, RunJob } from './job.ts'
import { jobOf, jobSchema } from './embedded-job-rows.ts'
import type { JobRow } from './embedded-job-rows.ts'
import { EmbeddedJobWork } from './embedded-job-work.ts'
import { noJob, tooManyWait, workerLost, wrongState } from './job-queue.ts'
import type { JobQueue, JobTotal, JobWork, QueueLimits, QueueStats } from './job-queue.ts'
import { isGone } from './worker-name.ts'

/** How often a process looks whether another one has changed something, while somebody wants to know. */
const LOOK_MS = 100

type Value = string | number | null

/**
 * Jobs in one file of SQLite, which the processes of one machine share: nothing else is between them. Each sees what the others
 * have changed by asking the file for its version, ten times a second while anybody waits for it. It outlives every process.
 */
export class EmbeddedJobQueue implements JobQueue {
  readonly #path: string
  readonly #limits: QueueLimits
  readonly #clock: Clock
  readonly #log: Log | undefined
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #works = new Set<EmbeddedJobWork>()
  #db: DatabaseSync | undefined
  #version = 0
  #look: Timer | undefined
  /** Why the file could not be written by itself, if it was so the last time. */
  #failure: string | undefined

  /** @param path - of the file; its folder is made. */
  constructor(path: string, limits: QueueLimits, clock: Clock, log?: Log) {
    this.#path = path
    this.#limits = limits
    this.#clock = clock
    this.#log = log
  }

  get unready(): string | undefined {
    return this.#failure === undefined ? undefined : `The queue of the jobs cannot be written: ${this.#failure}.`
  }

  /** @throws UnavailableError if the file cannot be written, or is damaged. */
  async start(): Promise<void> {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
      this.#db = new DatabaseSync(this.#path, { timeout: 5_000 })
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
      this.#db.exec(jobSchema)
    } catch (error) {
      const why = `the queue of jobs ${this.#path} cannot be opened: ${errorMessage(error)}; move it away to begin a new one`
      throw new UnavailableError('JOB_QUEUE', why, {}, error)
    }
    this.#version = this.#dataVersion()
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#works].map(work => work.stop()))
    this.#look?.cancel()
    this.#look = undefined
    this.#db?.close()
    this.#db = undefined
  }

  async add(order: JobOrder): Promise<{ job: Job; isNew: boolean }> {
    const isNew = this.#asked(() => {
      if (this.#row(order.id) !== undefined) return false
      this.#checkRoom(order.author)
      const { id, type, author, uploads, params, requestHash } = order
      this.#run(
        `INSERT INTO jobs (id, place, type, author, state, uploads, params, requestHash, createdAtMs)
         VALUES (?, (SELECT coalesce(max(place), 0) + 1 FROM jobs), ?, ?, 'queued', ?, ?, ?, ?)`,
        [id, type, author, JSON.stringify(uploads), JSON.stringify(params), requestHash, this.#clock.nowMs()]
      )
      return true
    })
    if (isNew) this.#changed()
    return { job: (await this.get(order.id))!, isNew }
  }

  async get(id: string): Promise<Job | undefined> {
    const row = this.#row(id)
    if (row === undefined) return undefined
    if (row.state !== 'queued') return jobOf(row, null)
    return jobOf(row, 1 + this.#count(`state = 'queued' AND place < ?`, [row.place]))
  }

  async list(): Promise<Job[]> {
    let position = 0
    return this.#rows('SELECT * FROM jobs ORDER BY place', []).map(row =>
      jobOf(row, row.state === 'queued' ? ++position : null)
    )
  }

  async cancel(id: string): Promise<void> {
    this.#asked(() => {
      const { state, type } = this.#row(id) ?? missing(id)
      if (state === 'running') this.#run('UPDATE jobs SET isCancelAsked = 1 WHERE id = ?', [id])
      if (state !== 'queued') return
      this.#run(`UPDATE jobs SET state = 'cancelled', finishedAtMs = ? WHERE id = ?`, [this.#clock.nowMs(), id])
      this.#total(type, 'cancelled', 0)
    })
    this.#changed()
  }

  async retry(id: string): Promise<void> {
    this.#asked(() => {
      const { state, author } = this.#row(id) ?? missing(id)
      if (state !== 'failed' && state !== 'cancelled')
        throw wrongState(state, 'only one that failed or was cancelled can be tried again')
      this.#checkRoom(author)
      this.#run(
        `UPDATE jobs SET state = 'queued', place = (SELECT max(place) + 1 FROM jobs), attempts = 0, isCancelAsked = 0,
         startedAtMs = NULL, finishedAtMs = NULL, progress = NULL, error = NULL WHERE id = ?`,
        [id]
      )
    })
    this.#changed()
  }

  async remove(id: string): Promise<void> {
    this.#asked(() => {
      const { state } = this.#row(id) ?? missing(id)
      if (state === 'running') throw wrongState(state, 'cancel it first')
      this.#run('DELETE FROM jobs WHERE id = ?', [id])
    })
    this.#changed()
  }

  watch(id: string, listener: () => void): () => void {
    const listeners = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, listeners.add(listener))
    this.#lookOn()
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#watchers.delete(id)
    }
  }

  work(run: RunJob, threads: number): JobWork {
    const work = new EmbeddedJobWork(this, run, threads, this.#limits.lockMs, this.#clock, () =>
      this.#works.delete(work)
    )
    this.#works.add(work)
    this.#lookOn()
    this.#byItself(() => work.beat())
    return work
  }

  async stats(): Promise<QueueStats> {
    return {
      queued: this.#count(`state = 'queued'`, []),
      running: this.#count(`state = 'running'`, []),
      totals: this.#rows<JobTotal>('SELECT type, result, count, seconds FROM totals', []),
      workers: await this.workers()
    }
  }

  async workers(): Promise<number> {
    const heardAfterMs = this.#clock.nowMs() - this.#limits.lockMs
    const workers = this.#rows<{ name: string }>('SELECT name FROM workers WHERE seenAtMs > ?', [heardAfterMs])
    return workers.filter(({ name }) => !isGone(name)).length
  }

  /** The next one to be done, now of this worker. */
  take(worker: string): Job | undefined {
    const nowMs = this.#clock.nowMs()
    const [row] = this.#rows(
      `UPDATE jobs SET state = 'running', attempts = attempts + 1, startedAtMs = ?, worker = ?, leaseUntilMs = ?, progress = NULL
       WHERE id = (
         SELECT id FROM jobs AS next WHERE state = 'queued' AND ? >
           (SELECT count(*) FROM jobs AS mine WHERE mine.state = 'running' AND mine.author = next.author)
         ORDER BY place LIMIT 1)
       RETURNING *`,
      [nowMs, worker, nowMs + this.#limits.lockMs, this.#limits.runningPerKey]
    )
    if (row === undefined) return undefined
    this.#changed()
    return jobOf(row, null)
  }

  /** What this worker has, and whether somebody wants it to end. */
  heldBy(worker: string): ReadonlyMap<string, { readonly isCancelAsked: boolean }> {
    const rows = this.#rows(`SELECT * FROM jobs WHERE state = 'running' AND worker = ?`, [worker])
    return new Map(rows.map(({ id, isCancelAsked }) => [id, { isCancelAsked: isCancelAsked !== 0 }]))
  }

  /** It lives, and so do its jobs. */
  live(worker: string): void {
    const nowMs = this.#clock.nowMs()
    const { lockMs } = this.#limits
    this.#together(() => {
      this.#run('INSERT INTO workers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seenAtMs = excluded.seenAtMs', [
        worker,
        nowMs
      ])
      this.#run('DELETE FROM workers WHERE seenAtMs < ?', [nowMs - 10 * lockMs])
      this.#run(`UPDATE jobs SET leaseUntilMs = ? WHERE state = 'running' AND worker = ?`, [nowMs + lockMs, worker])
    })
    this.#failure = undefined
  }

  /** Jobs of workers that live no more are put back, or are failed. @param worker - who asks; its own are not meant. */
  rescue(worker: string): void {
    if (this.#lostTo(worker).length === 0) return
    this.#together(() => {
      for (const row of this.#lostTo(worker)) {
        const { id, attempts } = row
        if (row.isCancelAsked !== 0) this.#end(row, { kind: 'cancelled' })
        else if (attempts < this.#limits.attempts) this.#requeue(id)
        else this.#end(row, { kind: 'failed', error: workerLost(attempts), isFinal: true })
      }
    })
    this.#changed()
  }

  #lostTo(worker: string): JobRow[] {
    const nowMs = this.#clock.nowMs()
    const others = this.#rows(`SELECT * FROM jobs WHERE state = 'running' AND worker <> ?`, [worker])
    return others.filter(row => row.leaseUntilMs! < nowMs || isGone(row.worker!))
  }

  progress(worker: string, id: string, progress: Job['progress']): void {
    this.#run(`UPDATE jobs SET progress = ? WHERE id = ? AND state = 'running' AND worker = ?`, [
      JSON.stringify(progress),
      id,
      worker
    ])
    this.#changed()
  }

  /** An attempt is over; nothing if the job is another worker's by now. */
  finish(worker: string, id: string, outcome: JobOutcome): void {
    this.#together(() => {
      const row = this.#row(id)
      if (row === undefined || row.state !== 'running' || row.worker !== worker) return
      if (row.isCancelAsked !== 0 && outcome.kind !== 'succeeded') this.#end(row, { kind: 'cancelled' })
      else if (outcome.kind === 'returned') this.#giveBack(id)
      else if (outcome.kind === 'failed' && !outcome.isFinal && row.attempts < this.#limits.attempts) this.#requeue(id)
      else this.#end(row, outcome)
    })
    this.#changed()
  }

  #requeue(id: string): void {
    this.#run(`UPDATE jobs SET state = 'queued', worker = NULL, leaseUntilMs = NULL, progress = NULL WHERE id = ?`, [
      id
    ])
  }

  #giveBack(id: string): void {
    this.#requeue(id)
    this.#run('UPDATE jobs SET attempts = attempts - 1, startedAtMs = NULL WHERE id = ?', [id])
  }

  #end(row: JobRow, outcome: Exclude<JobOutcome, { kind: 'returned' }>): void {
    const nowMs = this.#clock.nowMs()
    const result: JobResult | null = outcome.kind === 'succeeded' ? outcome.result : null
    const error: JobFailure | null = outcome.kind === 'failed' ? outcome.error : null
    this.#run(
      `UPDATE jobs SET state = ?, finishedAtMs = ?, result = ?, error = ?, worker = NULL, leaseUntilMs = NULL,
       isCancelAsked = 0 WHERE id = ?`,
      [outcome.kind, nowMs, jsonOrNull(result), jsonOrNull(error), row.id]
    )
    this.#total(row.type, outcome.kind, Math.max(0, nowMs - (row.startedAtMs ?? nowMs)) / 1_000)
  }

  #total(type: string, result: JobState, seconds: number): void {
    if (!hasEnded(result)) return
    this.#run(
      `INSERT INTO totals VALUES (?, ?, 1, ?)
       ON CONFLICT (type, result) DO UPDATE SET count = count + 1, seconds = seconds + excluded.seconds`,
      [type, result, seconds]
    )
  }

  #checkRoom(author: string): void {
    const { queuedJobs, queuedPerKey } = this.#limits
    if (this.#count(`state = 'queued' AND author = ?`, [author]) >= queuedPerKey)
      throw tooManyWait(queuedPerKey, 'queuedPerKey')
    if (this.#count(`state = 'queued'`, []) >= queuedJobs) throw tooManyWait(queuedJobs, 'queuedJobs')
  }

  /** Somebody here wants to know what the other processes do. */
  #lookOn(): void {
    this.#look ??= this.#clock.setPeriodic(LOOK_MS, () => this.#lookAround())
  }

  #lookAround(): void {
    if (this.#watchers.size === 0 && this.#works.size === 0) {
      this.#look?.cancel()
      this.#look = undefined
      return
    }
    this.#byItself(() => {
      const version = this.#dataVersion()
      if (version !== this.#version) this.#tell()
      this.#version = version
      for (const work of this.#works) work.beat()
    })
  }

  /** What is done with nobody waiting for it ends no process: a volume that is full is tried again with the next look. */
  #byItself(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!isOfSqlite(error)) throw error
      if (this.#failure === undefined) {
        this.#log?.warn('job_queue_failed', `${this.#path} cannot be used: ${errorMessage(error)}`)
      }
      this.#failure = errorMessage(error)
    }
  }

  /** This process has changed something: the version does not tell it. */
  #changed(): void {
    queueMicrotask(() => this.#byItself(() => this.#tell()))
  }

  #tell(): void {
    if (this.#db === undefined) return
    for (const work of this.#works) work.look()
    for (const listeners of this.#watchers.values()) for (const listener of listeners) listener()
  }

  #dataVersion(): number {
    return (this.#open.prepare('PRAGMA data_version').get() as { data_version: number }).data_version
  }

  get #open(): DatabaseSync {
    if (this.#db === undefined) throw new Error('the queue of jobs is not open')
    return this.#db
  }

  /** A change that somebody waits for. @throws HttpProblem 507 if the volume is full, 503 if the file cannot be used otherwise. */
  #asked<T>(change: () => T): T {
    try {
      return this.#together(change)
    } catch (error) {
      if (!isOfSqlite(error)) throw error
      this.#log?.warn('job_queue_failed', `${this.#path} cannot be used: ${errorMessage(error)}`)
      throw error.errcode === SQLITE_FULL ? volumeFull() : queueAway()
    }
  }

  #together<T>(change: () => T): T {
    const db = this.#open
    db.exec('BEGIN IMMEDIATE')
    try {
      const done = change()
      db.exec('COMMIT')
      return done
    } catch (error) {
      // Where the volume is full SQLite has taken it back itself.
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  #run(sql: string, values: Value[]): void {
    this.#open.prepare(sql).run(...values)
  }

  #rows<T = JobRow>(sql: string, values: Value[]): T[] {
    return this.#open.prepare(sql).all(...values) as T[]
  }

  #row(id: string): JobRow | undefined {
    return this.#rows('SELECT * FROM jobs WHERE id = ?', [id])[0]
  }

  #count(condition: string, values: Value[]): number {
    return this.#rows<{ count: number }>(`SELECT count(*) AS count FROM jobs WHERE ${condition}`, values)[0]!.count
  }
}

/** Result code of SQLite: there is no room. */
const SQLITE_FULL = 13

const isOfSqlite = (error: unknown): error is Error & { readonly errcode: number } =>
  errorCode(error) === 'ERR_SQLITE_ERROR'

const volumeFull = (): HttpProblem =>
  new HttpProblem(507, 'DISK_FULL', 'The volume of the jobs is full; delete uploads that nobody needs, or make room.')

const queueAway = (): HttpProblem =>
  new HttpProblem(503, 'QUEUE_AWAY', 'The file of the jobs cannot be used; the log says more.', undefined, {
    'retry-after': '2'
  })

const jsonOrNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value))

function missing(id: string): never {
  throw noJob(id)
}
