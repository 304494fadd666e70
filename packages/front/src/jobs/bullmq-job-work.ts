import { DelayedError, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { TaskProgress } from '@weir/analysis'
import { delay } from '@weir/runtime'
import type { Clock, Timer } from '@weir/runtime'
import type { BullMqKeys } from './bullmq-keys.ts'
import type { AttemptEnd, JobOutcome, JobResult, RunJob } from './job.ts'
import type { JobWork, QueueLimits } from './job-queue.ts'
import { workerLost } from './job-queue.ts'
import type { RedisClient } from './redis-clients.ts'
import { attemptsOf, isOurs, jobOfStored, readName, writeFailure } from './stored-job.ts'
import type { JobData, StoredJob } from './stored-job.ts'
import { ownWorkerName } from './worker-name.ts'

export interface BullMqWorkParts {
  readonly clients: { readonly asking: RedisClient; readonly waiting: RedisClient }
  readonly keys: BullMqKeys
  readonly limits: QueueLimits
  readonly clock: Clock
  readonly run: RunJob
  readonly threads: number
  onError(error: Error): void
  onStopped(): void
}

/** How often it looks whether one of its jobs is to end. */
const CANCEL_LOOK_MS = 250
/** A job whose author has all that may run waits so long before it is looked at again. */
const LATER_MS = 500
/** Jobs are given back within this, or, where Redis does not answer, found by their locks. */
const STOP_MS = 5_000

let count = 0

/** One worker of the BullMQ queue. */
export class BullMqJobWork implements JobWork {
  readonly #name = `${ownWorkerName()}.${count++}`
  readonly #parts: BullMqWorkParts
  readonly #worker: Worker<JobData, JobResult>
  readonly #running = new Map<string, { readonly author: string; readonly controller: AbortController }>()
  readonly #looking: Timer
  readonly #living: Timer
  #isStopping = false

  constructor(parts: BullMqWorkParts) {
    this.#parts = parts
    const { clients, keys, limits, clock, threads, onError } = parts
    this.#worker = new Worker<JobData, JobResult>(keys.name, (job, token) => this.#process(job as StoredJob, token!), {
      connection: clients.waiting,
      prefix: keys.prefix,
      concurrency: threads,
      lockDuration: limits.lockMs,
      stalledInterval: limits.lockMs,
      // A worker that is lost was an attempt.
      maxStalledCount: limits.attempts - 1,
      skipVersionCheck: true
    })
    this.#worker.on('error', onError)
    this.#worker.on('lockRenewalFailed', ids => {
      for (const id of ids) this.#end(id, 'lost')
    })
    this.#worker.on('completed', job => this.#count(job as StoredJob, 'succeeded'))
    this.#worker.on('failed', job => {
      if (job?.finishedOn !== undefined) this.#count(job as StoredJob, job.data.isCancelAsked ? 'cancelled' : 'failed')
    })
    this.#looking = clock.setPeriodic(CANCEL_LOOK_MS, () => void this.#lookForCancels().catch(onError))
    this.#living = clock.setPeriodic(limits.lockMs / 3, () => void this.#live().catch(onError))
    void this.#live().catch(onError)
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    const { clients, keys, clock, onStopped, onError } = this.#parts
    const late = new AbortController()
    // While Redis is away, or comes back at this very moment, BullMQ waits for it for as long as that takes.
    await Promise.race([this.#giveAllBack().catch(onError), delay(clock, STOP_MS, late.signal).catch(() => undefined)])
    late.abort()
    this.#looking.cancel()
    this.#living.cancel()
    await clients.asking.zrem(keys.workers, this.#name).catch(onError)
    onStopped()
  }

  async #giveAllBack(): Promise<void> {
    await this.#worker.pause(true)
    for (const id of this.#running.keys()) this.#end(id, 'stopping')
    await this.#worker.close()
  }

  async #process(stored: StoredJob, token: string): Promise<JobResult> {
    if (!isOurs(stored)) {
      const detail = 'What Redis has of this job is not what a front has written; make it anew.'
      throw new UnrecoverableError(writeFailure({ code: 'JOB_DATA', detail }))
    }
    const { limits, run } = this.#parts
    const { id, author } = { id: stored.id!, ...readName(stored.name) }
    if (attemptsOf(stored, true) > limits.attempts) {
      throw new UnrecoverableError(writeFailure(workerLost(limits.attempts)))
    }
    if (this.#isStopping) return this.#giveBack(stored, token)
    if (!(await this.#takeSlot(id, author))) {
      await stored.moveToDelayed(Date.now() + LATER_MS, token)
      throw new DelayedError()
    }
    const controller = new AbortController()
    this.#running.set(id, { author, controller })
    try {
      const progress = (now: TaskProgress): void => {
        if (!controller.signal.aborted) void stored.updateProgress(now).catch(this.#parts.onError)
      }
      // It may have been asked to end before it began, or stopped while it got its slot.
      if (stored.data.isCancelAsked) this.#end(id, 'cancelled')
      if (this.#isStopping) this.#end(id, 'stopping')
      const job = jobOfStored(stored, true, null)
      return await this.#settle(stored, token, await run({ job, signal: controller.signal, progress }))
    } finally {
      this.#running.delete(id)
      await this.#parts.keys.giveSlot(this.#parts.clients.asking, author, id).catch(this.#parts.onError)
    }
  }

  /** Tell BullMQ how an attempt ended. */
  async #settle(stored: StoredJob, token: string, outcome: JobOutcome): Promise<JobResult> {
    switch (outcome.kind) {
      case 'succeeded':
        return outcome.result
      case 'cancelled':
        throw new UnrecoverableError('cancelled')
      case 'returned':
        return this.#giveBack(stored, token)
      default: {
        const isLast = outcome.isFinal || attemptsOf(stored, true) >= this.#parts.limits.attempts
        const reason = writeFailure(outcome.error)
        throw isLast ? new UnrecoverableError(reason) : new Error(reason)
      }
    }
  }

  async #giveBack(stored: StoredJob, token: string): Promise<never> {
    await stored.moveToWait(token)
    throw new WaitingError()
  }

  #takeSlot(id: string, author: string): Promise<boolean> {
    const { keys, clients, limits, clock } = this.#parts
    const nowMs = clock.nowMs()
    return keys.takeSlot(clients.asking, author, id, limits.runningPerKey, nowMs, nowMs + limits.lockMs)
  }

  #end(id: string, why: AttemptEnd): void {
    const { controller } = this.#running.get(id) ?? {}
    if (controller?.signal.aborted === false) controller.abort(why)
  }

  async #lookForCancels(): Promise<void> {
    if (this.#running.size === 0) return
    const { clients, keys } = this.#parts
    const ids = [...this.#running.keys()]
    const pipeline = clients.asking.pipeline()
    for (const id of ids) pipeline.hget(keys.job(id), 'data')
    const replies = (await pipeline.exec()) ?? []
    for (const [index, [, text]] of replies.entries()) {
      if (typeof text === 'string' && (JSON.parse(text) as JobData).isCancelAsked) this.#end(ids[index]!, 'cancelled')
    }
  }

  /** It lives, and so do the slots of its jobs. */
  async #live(): Promise<void> {
    const { clients, keys, clock, limits } = this.#parts
    const nowMs = clock.nowMs()
    await clients.asking.zadd(keys.workers, nowMs, this.#name)
    await clients.asking.zremrangebyscore(keys.workers, '-inf', nowMs - 10 * limits.lockMs)
    for (const [id, { author }] of this.#running) await this.#takeSlot(id, author)
  }

  #count(
    { name, finishedOn = 0, processedOn = finishedOn }: StoredJob,
    result: 'succeeded' | 'failed' | 'cancelled'
  ): void {
    const { keys, clients, onError } = this.#parts
    const seconds = Math.max(0, finishedOn - processedOn) / 1_000
    void keys.count(clients.asking, readName(name).type, result, seconds).catch(onError)
  }
}
