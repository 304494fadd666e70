import { Readable } from 'node:stream'
import { HttpProblem } from '@weir/http/problem'
import type { Clock, Timer } from '@weir/runtime'
import { hasEnded } from './job.ts'
import type { Job } from './job.ts'
import type { JobQueue } from './job-queue.ts'
import { answerOf } from './job-shapes.ts'

export interface JobStreamLimits {
  readonly eventSubscribers: number
  readonly connectionTimeoutMs: number
}

/** Why the front ended a stream. */
const closings = {
  too_slow: 'You read too slowly. Come back: the job is told as it is then.',
  key_revoked: 'The key that you read with was revoked.',
  token_expired: 'The token that you read with has ended.',
  stopping: 'The front is stopping. Come back.'
} as const
export type JobClosing = keyof typeof closings

const HEARTBEAT_MS = 15_000
/** What may wait for a reader; a job is some KiB. */
const BUFFER_OCTETS = 1_048_576

/** Who reads. */
export interface JobReader {
  /** Id of the key, or of the bearer of the token. */
  readonly id: string
  /** When the token ends, milliseconds since 1970 UTC; undefined: a key. */
  readonly untilMs?: number
}

interface Reader {
  readonly stream: Readable
  readonly by: JobReader
  readonly follower: Follower
  readonly unwatch: () => void
}

/**
 * The life of one job as server-sent events, for each reader: `state` when it comes and when its state changes, `progress`
 * while it runs, and the end of the stream when it has ended. Who comes back is told the job as it is then; nothing is missed.
 */
export class JobStreams {
  readonly #queue: JobQueue
  readonly #limits: JobStreamLimits
  readonly #clock: Clock
  readonly #readers = new Set<Reader>()
  #heartbeat: Timer | undefined

  constructor(queue: JobQueue, limits: JobStreamLimits, clock: Clock) {
    this.#queue = queue
    this.#limits = limits
    this.#clock = clock
  }

  get size(): number {
    return this.#readers.size
  }

  start(): void {
    const everyMs = Math.min(HEARTBEAT_MS, this.#limits.connectionTimeoutMs / 3)
    this.#heartbeat = this.#clock.setPeriodic(everyMs, () => this.#beat())
  }

  /** Open a stream. @throws HttpProblem 503 if as many are open as may be. */
  open(job: Job, by: JobReader): Readable {
    const { eventSubscribers } = this.#limits
    if (this.#readers.size >= eventSubscribers) {
      const detail = `${eventSubscribers} read the events of jobs already (front.jobs.limits.eventSubscribers); ask for the job itself now and then.`
      throw new HttpProblem(503, 'SUBSCRIBERS_LIMIT', detail)
    }
    const stream = new Readable({ highWaterMark: BUFFER_OCTETS, read() {} })
    const follower = new Follower(job.id, this.#queue, (type, data) => {
      // Its answer may come when the stream has ended.
      if (!this.#readers.has(reader)) return
      stream.push(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
      if (type === 'end') this.#forget(reader)
      else if (stream.readableLength > BUFFER_OCTETS) this.#end(reader, 'too_slow')
    })
    const unwatch = this.#queue.watch(job.id, () => follower.look())
    const reader: Reader = { stream, by, follower, unwatch }
    this.#readers.add(reader)
    stream.once('close', () => this.#forget(reader))
    // A reader that goes away is no error of ours.
    stream.on('error', () => {})
    stream.push('retry: 2000\n\n')
    follower.tell(job)
    // It may have changed between the question and the watch.
    follower.look()
    return stream
  }

  /** End the streams of one key, or all. */
  close(reason: JobClosing, key?: string): void {
    if (key === undefined) this.#heartbeat?.cancel()
    for (const reader of this.#readers) if (key === undefined || reader.by.id === key) this.#end(reader, reason)
  }

  /**
   * So that both sides see that the other one lives; no token is read with for longer than it is good, and what was not told while the
   * queue was away is asked for.
   */
  #beat(): void {
    for (const reader of this.#readers) {
      const { stream, by, follower } = reader
      if (by.untilMs !== undefined && by.untilMs <= this.#clock.nowMs()) {
        this.#end(reader, 'token_expired')
        continue
      }
      if (stream.readableLength === 0) stream.push(': heartbeat\n\n')
      follower.look()
    }
  }

  #end(reader: Reader, reason: JobClosing): void {
    reader.stream.push(`event: closed\ndata: ${JSON.stringify({ reason: closings[reason] })}\n\n`)
    this.#forget(reader)
  }

  #forget(reader: Reader): void {
    reader.unwatch()
    if (this.#readers.delete(reader)) reader.stream.push(null)
  }
}

/** Asks for a job when it may have changed, once at a time, and tells what has. */
class Follower {
  readonly #id: string
  readonly #queue: JobQueue
  readonly #tell: (type: 'state' | 'progress' | 'end', data: object) => void
  #state = ''
  #progress = ''
  #isLooking = false
  #isDue = false
  #isOver = false

  constructor(id: string, queue: JobQueue, tell: (type: 'state' | 'progress' | 'end', data: object) => void) {
    this.#id = id
    this.#queue = queue
    this.#tell = tell
  }

  look(): void {
    this.#isDue = true
    if (this.#isLooking) return
    this.#isLooking = true
    void this.#lookAgain().finally(() => (this.#isLooking = false))
  }

  tell(job: Job | undefined): void {
    if (this.#isOver) return
    if (job === undefined) return this.#over({ reason: 'The job was deleted.' })
    const state = `${job.state} ${job.position} ${job.attempts} ${job.isCancelAsked}`
    const progress = JSON.stringify(job.progress)
    if (state !== this.#state) this.#tell('state', answerOf(job))
    else if (progress !== this.#progress && job.progress !== null) this.#tell('progress', job.progress)
    this.#state = state
    this.#progress = progress
    if (hasEnded(job.state)) this.#over({ reason: `The job has ended: ${job.state}.` })
  }

  async #lookAgain(): Promise<void> {
    while (this.#isDue && !this.#isOver) {
      this.#isDue = false
      // What keeps the jobs is away: it is looked at again with the next change.
      const found = await this.#queue.get(this.#id).then(
        job => ({ job }),
        () => undefined
      )
      if (found !== undefined) this.tell(found.job)
    }
  }

  #over(data: object): void {
    this.#isOver = true
    this.#tell('end', data)
  }
}
