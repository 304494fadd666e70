import { errorCode } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import type { EmbeddedJobQueue } from './embedded-job-queue.ts'
import type { AttemptEnd, Job, JobOutcome, RunJob } from './job.ts'
import type { JobWork } from './job-queue.ts'
import { ownWorkerName } from './worker-name.ts'

interface Running {
  readonly controller: AbortController
  readonly ended: Promise<void>
}

/** How often it looks for jobs whose worker is gone. */
const RESCUE_MS = 500

let count = 0

/** One worker of the embedded queue: takes jobs while it has threads for them. */
export class EmbeddedJobWork implements JobWork {
  /** Its own, so that two of one process are two. */
  readonly #name = `${ownWorkerName()}.${count++}`
  readonly #queue: EmbeddedJobQueue
  readonly #run: RunJob
  readonly #threads: number
  readonly #lockMs: number
  readonly #clock: Clock
  readonly #onStopped: () => void
  readonly #running = new Map<string, Running>()
  /** How attempts ended that could not be written down yet. */
  readonly #unsaid = new Map<string, JobOutcome>()
  #livedAtMs = -Infinity
  #rescuedAtMs = -Infinity
  #isStopping = false

  constructor(
    queue: EmbeddedJobQueue,
    run: RunJob,
    threads: number,
    lockMs: number,
    clock: Clock,
    onStopped: () => void
  ) {
    this.#queue = queue
    this.#run = run
    this.#threads = threads
    this.#lockMs = lockMs
    this.#clock = clock
    this.#onStopped = onStopped
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const { controller } of this.#running.values()) end(controller, 'stopping')
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    this.#onStopped()
  }

  /** Called often: says that it lives when that is due, and finds the jobs of those that do not. */
  beat(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#livedAtMs >= this.#lockMs / 3) {
      this.#livedAtMs = nowMs
      this.#queue.live(this.#name)
    }
    if (nowMs - this.#rescuedAtMs < RESCUE_MS) return
    this.#rescuedAtMs = nowMs
    for (const [id, outcome] of this.#unsaid) {
      this.#queue.finish(this.#name, id, outcome)
      this.#unsaid.delete(id)
    }
    this.#queue.rescue(this.#name)
    this.look()
  }

  /** Something has changed. */
  look(): void {
    if (this.#running.size > 0) this.#mind()
    while (!this.#isStopping && this.#running.size < this.#threads) {
      const job = this.#queue.take(this.#name)
      if (job === undefined) return
      // It was lost to another worker, which gave it back before we were done with it.
      if (this.#running.has(job.id)) return this.#queue.finish(this.#name, job.id, { kind: 'returned' })
      this.#begin(job)
    }
  }

  #mind(): void {
    const held = this.#queue.heldBy(this.#name)
    for (const [id, { controller }] of this.#running) {
      const job = held.get(id)
      if (job === undefined) end(controller, 'lost')
      else if (job.isCancelAsked) end(controller, 'cancelled')
    }
  }

  #begin(job: Job): void {
    const controller = new AbortController()
    const { signal } = controller
    const attempt = {
      job,
      signal,
      progress: (now: Job['progress']) => {
        if (!signal.aborted) this.#say(() => this.#queue.progress(this.#name, job.id, now))
      }
    }
    const ended = this.#run(attempt).then(outcome => {
      this.#running.delete(job.id)
      this.#say(
        () => this.#queue.finish(this.#name, job.id, outcome),
        () => this.#unsaid.set(job.id, outcome)
      )
    })
    this.#running.set(job.id, { controller, ended })
  }

  /** Nobody waits for it: where the file cannot be written, a job goes on. */
  #say(write: () => void, onFailure: () => void = () => {}): void {
    try {
      write()
    } catch (error) {
      if (errorCode(error) !== 'ERR_SQLITE_ERROR') throw error
      onFailure()
    }
  }
}

const end = (controller: AbortController, why: AttemptEnd): void => {
  if (!controller.signal.aborted) controller.abort(why)
}
