import { randomBytes } from 'node:crypto'
import { Queue, QueueEvents } from 'bullmq'
import { HttpProblem } from '@weir/http/problem'
import { delay, errorMessage } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import { BullMqJobWork } from './bullmq-job-work.ts'
import { BullMqKeys } from './bullmq-keys.ts'
import type { Job, JobOrder, JobResult, RunJob } from './job.ts'
import { noJob, tooManyWait, wrongState } from './job-queue.ts'
import type { JobQueue, JobTotal, JobWork, QueueLimits, QueueStats } from './job-queue.ts'
import type { ClientKind, RedisClient } from './redis-clients.ts'
import { isOurs, jobOfStored, readCancelled, readName, writeCancelled, writeName } from './stored-job.ts'
import type { JobData, StoredJob } from './stored-job.ts'

/** Longer than anybody adds a job; after it, whoever had the lock is dead. */
const LOCK_MS = 5_000
/** What of BullMQ has not ended by then is cut off. */
const STOP_MS = 2_000
const LOCK_LOOK_MS = 10

interface Listed {
  readonly id: string
  readonly kind: 'waiting' | 'active' | 'ended'
  /** From 1 among those that wait. */
  readonly position: number | null
}

/**
 * Jobs in a BullMQ queue, which fronts and job workers of many machines share. BullMQ has jobs, locks, attempts and lost
 * workers; beside its keys, with the same hash tag so that a Cluster has them in one place, are jobs that were cancelled while
 * they waited, and counts.
 */
export class BullMqJobQueue implements JobQueue {
  readonly #makeClient: (kind: ClientKind) => RedisClient
  readonly #limits: QueueLimits
  readonly #connectTimeoutMs: number
  readonly #clock: Clock
  readonly #log: Log
  readonly #keys: BullMqKeys
  readonly #client: RedisClient
  readonly #clients: RedisClient[] = []
  readonly #queue: Queue<JobData, JobResult, string, JobData, JobResult, string>
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #works = new Set<BullMqJobWork>()
  #events: QueueEvents | undefined
  #listening: Promise<void> | undefined
  #isAway = false

  constructor(
    makeClient: (kind: ClientKind) => RedisClient,
    options: { readonly prefix: string; readonly connectTimeoutMs: number },
    limits: QueueLimits,
    clock: Clock,
    log: Log
  ) {
    this.#makeClient = makeClient
    this.#limits = limits
    this.#connectTimeoutMs = options.connectTimeoutMs
    this.#clock = clock
    this.#log = log
    this.#keys = new BullMqKeys(options.prefix)
    this.#client = this.#open('asking')
    const { name, prefix } = this.#keys
    this.#queue = new Queue(name, {
      connection: this.#client,
      prefix,
      skipVersionCheck: true,
      skipWaitingForReady: true,
      skipMetasUpdate: true,
      streams: { events: { maxLen: 10_000 } }
    })
    this.#queue.on('error', error => this.#failed(error))
  }

  get unready(): string | undefined {
    if (this.#client.status === 'ready') return undefined
    return 'The Redis of the jobs (stores.jobs) cannot be reached.'
  }

  /** Resolves when it is connected, or was not in time: then it goes on trying. */
  async start(): Promise<void> {
    const late = new AbortController()
    await Promise.race([
      connected(this.#client),
      delay(this.#clock, this.#connectTimeoutMs, late.signal).catch(() => undefined)
    ])
    late.abort()
    void this.#checkEviction()
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#works].map(work => work.stop()))
    const late = new AbortController()
    // While Redis is away, BullMQ waits for it for as long as that takes.
    await Promise.race([this.#close(), delay(this.#clock, STOP_MS, late.signal).catch(() => undefined)])
    late.abort()
    for (const client of this.#clients) client.disconnect()
  }

  async #close(): Promise<void> {
    await this.#listening?.catch(() => undefined)
    await this.#events?.close().catch(() => undefined)
    await this.#queue.close().catch(() => undefined)
  }

  add(order: JobOrder): Promise<{ job: Job; isNew: boolean }> {
    return this.#asked(() =>
      this.#alone(async () => {
        const known = await this.#find(order.id)
        if (known !== undefined) return { job: known, isNew: false }
        await this.#checkRoom(order.author)
        await this.#put(order, this.#clock.nowMs())
        return { job: (await this.#find(order.id))!, isNew: true }
      })
    )
  }

  get(id: string): Promise<Job | undefined> {
    return this.#asked(() => this.#find(id))
  }

  list(): Promise<Job[]> {
    return this.#asked(async () => {
      const [listed, tombstones] = await Promise.all([this.#listed(), this.#client.hgetall(this.#keys.cancelled)])
      const jobs = new Map<string, Job>()
      for (const [id, text] of Object.entries(tombstones)) {
        const job = readCancelled(text)
        if (job !== undefined) jobs.set(id, job)
      }
      const stored = await Promise.all(listed.map(({ id }) => this.#stored(id)))
      for (const [index, { id, kind, position }] of listed.entries()) {
        const job = stored[index]
        if (job !== undefined) jobs.set(id, jobOfStored(job, kind === 'active', position))
      }
      return [...jobs.values()]
    })
  }

  cancel(id: string): Promise<void> {
    return this.#asked(async () => {
      const job = (await this.#find(id)) ?? missing(id)
      if (job.state === 'queued') await this.#bury(job)
      else if (job.state === 'running') {
        const stored = await this.#stored(id)
        await stored?.updateData({ ...stored.data, isCancelAsked: true })
      }
      this.#tell()
    })
  }

  retry(id: string): Promise<void> {
    return this.#asked(() =>
      this.#alone(async () => {
        const job = (await this.#find(id)) ?? missing(id)
        if (job.state !== 'failed' && job.state !== 'cancelled')
          throw wrongState(job.state, 'only one that failed or was cancelled can be tried again')
        await this.#checkRoom(job.author)
        // It is in one of the two places at any time, whoever dies here.
        await this.#client.hset(this.#keys.cancelled, id, writeCancelled(job))
        await (await this.#stored(id))?.remove()
        await this.#put(job, job.createdAtMs)
        await this.#client.hdel(this.#keys.cancelled, id)
      })
    )
  }

  remove(id: string): Promise<void> {
    return this.#asked(async () => {
      const job = (await this.#find(id)) ?? missing(id)
      if (job.state === 'running') throw wrongState(job.state, 'cancel it first')
      const stored = await this.#stored(id)
      await stored?.remove().catch((error: unknown) => {
        if (/lock/i.test(errorMessage(error))) throw wrongState('running', 'cancel it first')
        throw error
      })
      await this.#client.hdel(this.#keys.cancelled, id)
    })
  }

  watch(id: string, listener: () => void): () => void {
    const listeners = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, listeners.add(listener))
    this.#listening ??= this.#listen()
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#watchers.delete(id)
    }
  }

  work(run: RunJob, threads: number): JobWork {
    const clients = { asking: this.#client, waiting: this.#open('waiting') }
    const work = new BullMqJobWork({
      clients,
      keys: this.#keys,
      limits: this.#limits,
      clock: this.#clock,
      run,
      threads,
      onError: error => this.#failed(error),
      onStopped: () => this.#works.delete(work)
    })
    this.#works.add(work)
    return work
  }

  stats(): Promise<QueueStats> {
    return this.#asked(async () => {
      const keys = this.#keys
      const [counts, totals, workers] = await Promise.all([
        this.#queue.getJobCounts('waiting', 'delayed', 'active'),
        this.#client.hgetall(keys.totals),
        this.#countWorkers()
      ])
      return {
        queued: (counts.waiting ?? 0) + (counts.delayed ?? 0),
        running: counts.active ?? 0,
        totals: Object.entries(totals).map(totalOf),
        workers
      }
    })
  }

  workers(): Promise<number> {
    return this.#asked(() => this.#countWorkers())
  }

  #countWorkers(): Promise<number> {
    return this.#client.zcount(this.#keys.workers, this.#clock.nowMs() - this.#limits.lockMs, '+inf')
  }

  /** A job that waits becomes one that was cancelled; it may have begun meanwhile. */
  async #bury(job: Job): Promise<void> {
    const { cancelled } = this.#keys
    const ended = { ...job, state: 'cancelled', position: null, finishedAtMs: this.#clock.nowMs() } satisfies Job
    await this.#client.hset(cancelled, job.id, writeCancelled(ended))
    const stored = await this.#stored(job.id)
    try {
      await stored?.remove()
      await this.#keys.count(this.#client, job.type, 'cancelled', 0)
    } catch (error) {
      await this.#client.hdel(cancelled, job.id)
      if (!/lock/i.test(errorMessage(error))) throw error
      await stored?.updateData({ ...stored.data, isCancelAsked: true })
    }
  }

  async #put(order: JobOrder, timestamp: number): Promise<void> {
    const { uploads, params, requestHash, id } = order
    const data = { uploads, params, requestHash, isCancelAsked: false }
    const { attempts } = this.#limits
    await this.#queue.add(writeName(order), data, { jobId: id, timestamp, attempts, stackTraceLimit: 0 })
  }

  /** What BullMQ has of a job, if it is one of ours. */
  async #stored(id: string): Promise<StoredJob | undefined> {
    const job = (await this.#queue.getJob(id)) as StoredJob | undefined
    return job !== undefined && isOurs(job) ? job : undefined
  }

  async #find(id: string): Promise<Job | undefined> {
    const stored = await this.#stored(id)
    if (stored === undefined) {
      return readCancelled(await this.#client.hget(this.#keys.cancelled, id))
    }
    if (stored.finishedOn !== undefined) return jobOfStored(stored, false, null)
    const [state, waiting, length, position] = await Promise.all([
      this.#queue.getJobState(id),
      this.#client.lpos(this.#keys.waiting, id),
      this.#client.llen(this.#keys.waiting),
      this.#client.zrank(this.#keys.delayed, id)
    ])
    // It has ended since: what was read is of before.
    if (state === 'completed' || state === 'failed' || state === 'unknown') {
      const again = await this.#stored(id)
      return again === undefined ? undefined : jobOfStored(again, false, null)
    }
    const place = waiting === null ? length + 1 + (position ?? 0) : length - waiting
    return jobOfStored(stored, state === 'active', place)
  }

  /** All ids as they are at one moment. */
  async #listed(): Promise<Listed[]> {
    const { waiting, delayed, active, completed, failed } = this.#keys
    const replies = await this.#client
      .multi()
      .lrange(waiting, 0, -1)
      .zrange(delayed, 0, '-1')
      .lrange(active, 0, -1)
      .zrange(completed, 0, '-1')
      .zrange(failed, 0, '-1')
      .exec()
    const [wait = [], later = [], now = [], done = [], broken = []] = (replies ?? []).map(
      ([, ids]) => (ids ?? []) as string[]
    )
    // What waits is put in at the one end of the list and taken out at the other.
    const queued = [...wait.toReversed(), ...later].map((id, index) => ({
      id,
      kind: 'waiting' as const,
      position: index + 1
    }))
    return [
      ...queued,
      ...now.map(id => ({ id, kind: 'active' as const, position: null })),
      ...[...done, ...broken].map(id => ({ id, kind: 'ended' as const, position: null }))
    ]
  }

  async #checkRoom(author: string): Promise<void> {
    const { queuedJobs, queuedPerKey } = this.#limits
    const ids = (await this.#listed()).filter(({ kind }) => kind === 'waiting').map(({ id }) => id)
    if (ids.length >= queuedJobs) throw tooManyWait(queuedJobs, 'queuedJobs')
    if (ids.length < queuedPerKey) return
    const pipeline = this.#client.pipeline()
    for (const id of ids) pipeline.hget(this.#keys.job(id), 'name')
    const names = ((await pipeline.exec()) ?? []).map(([, name]) => readName(String(name ?? '')))
    if (names.filter(each => each.author === author).length >= queuedPerKey)
      throw tooManyWait(queuedPerKey, 'queuedPerKey')
  }

  /** One after the other, whichever front it is: else two would both find room for one. */
  async #alone<T>(change: () => Promise<T>): Promise<T> {
    const { adding } = this.#keys
    const token = randomBytes(16).toString('hex')
    const untilMs = this.#clock.monotonicMs() + LOCK_MS
    while ((await this.#client.set(adding, token, 'PX', LOCK_MS, 'NX')) === null) {
      if (this.#clock.monotonicMs() > untilMs) throw new Error('too many add jobs at once')
      await delay(this.#clock, LOCK_LOOK_MS)
    }
    try {
      return await change()
    } finally {
      await this.#keys.release(this.#client, token).catch(() => undefined)
    }
  }

  /** @throws HttpProblem 503 if Redis does not answer. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      if (this.#client.status !== 'ready') throw new Error('there is no connection')
      const answer = await ask()
      this.#isAway = false
      return answer
    } catch (error) {
      if (error instanceof HttpProblem) throw error
      this.#failed(error as Error)
      const detail = 'The Redis of the jobs (stores.jobs) does not answer; come back in a moment.'
      throw new HttpProblem(503, 'QUEUE_AWAY', detail, undefined, { 'retry-after': '2' })
    }
  }

  #failed(error: Error): void {
    if (this.#isAway) return
    this.#isAway = true
    this.#log.warn('job_queue_away', `the Redis of the jobs does not answer: ${errorMessage(error)}`)
  }

  #open(kind: ClientKind): RedisClient {
    const client = this.#makeClient(kind)
    client.on('error', (error: Error) => this.#failed(error))
    this.#clients.push(client)
    return client
  }

  async #listen(): Promise<void> {
    const { name, prefix, events } = this.#keys
    // From what was last: what happens until the first question is not missed.
    const last = await this.#client.xrevrange(events, '+', '-', 'COUNT', 1).catch(() => [])
    const listening = new QueueEvents(name, {
      connection: this.#open('waiting'),
      prefix,
      skipVersionCheck: true,
      autorun: false,
      lastEventId: last[0]?.[0] ?? '0-0'
    })
    this.#events = listening
    listening.on('error', error => this.#failed(error))
    listening.on('progress', ({ jobId }) => this.#tell(jobId))
    // Whoever comes or goes moves those behind.
    for (const each of ['added', 'waiting', 'active', 'completed', 'failed', 'delayed', 'removed', 'stalled'] as const)
      listening.on(each, () => this.#tell())
    void listening.run().catch((error: Error) => this.#failed(error))
    this.#tell()
  }

  #tell(id?: string): void {
    for (const [watched, listeners] of this.#watchers) {
      if (id === undefined || watched === id) for (const listener of listeners) listener()
    }
  }

  /** A Redis that evicts loses jobs. */
  async #checkEviction(): Promise<void> {
    const text = await this.#client.info('memory').catch(() => '')
    const [, policy] = /^maxmemory_policy:(\S+)/m.exec(text) ?? []
    if (policy === undefined || policy === 'noeviction') return
    this.#log.warn(
      'job_queue_evicts',
      `the Redis of the jobs has maxmemory-policy ${policy} and may lose jobs; set it to noeviction`
    )
  }
}

/** Resolves when it is; whoever makes a queue over a connection begins to connect it too. */
async function connected(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return
  const ready = new Promise<void>(resolve => client.once('ready', () => resolve()))
  if (client.status === 'wait') client.connect().catch(() => undefined)
  await ready
}

function totalOf([name, text]: [string, string]): JobTotal {
  const [result, type] = name.split(' ') as [JobTotal['result'], string]
  const [count, seconds] = text.split(' ').map(Number)
  return { type, result, count: count || 0, seconds: seconds || 0 }
}

function missing(id: string): never {
  throw noJob(id)
}
