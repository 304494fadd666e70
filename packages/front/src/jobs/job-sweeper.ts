import { join } from 'node:path'
import { HttpProblem } from '@weir/http/problem'
import type { Clock, Log, Timer } from '@weir/runtime'
import { errorMessage } from '@weir/runtime'
import { namesOlderThan, removeAll } from './job-folders.ts'
import type { JobFolders } from './job-folders.ts'
import { hasEnded } from './job.ts'
import type { Job } from './job.ts'
import type { JobQueue } from './job-queue.ts'
import type { Uploads } from './uploads.ts'

export interface SweeperLimits {
  readonly kept: number
  readonly keptMs: number
  readonly resultOctets: number
}

const SWEEP_MS = 60_000
/** What is younger may be of a job that is being made or forgotten just now. */
const YOUNG_MS = 120_000

/** Forgets jobs, results and uploads that are too old or too many, and removes what processes that died have left behind. */
export class JobSweeper {
  readonly #queue: JobQueue
  readonly #uploads: Uploads
  readonly #folders: JobFolders
  readonly #limits: SweeperLimits
  readonly #clock: Clock
  readonly #log: Log
  #timer: Timer | undefined
  #sweeping: Promise<void> = Promise.resolve()

  constructor(parts: {
    readonly queue: JobQueue
    readonly uploads: Uploads
    readonly folders: JobFolders
    readonly limits: SweeperLimits
    readonly clock: Clock
    readonly log: Log
  }) {
    this.#queue = parts.queue
    this.#uploads = parts.uploads
    this.#folders = parts.folders
    this.#limits = parts.limits
    this.#clock = parts.clock
    this.#log = parts.log
  }

  start(): void {
    this.#timer = this.#clock.setPeriodic(SWEEP_MS, () => this.#begin())
    this.#begin()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.#sweeping
  }

  /** All of it, once. */
  async sweep(): Promise<void> {
    const jobs = await this.#queue.list()
    const forgotten = new Set(this.#tooMany(jobs).map(({ id }) => id))
    for (const id of forgotten) {
      // Another worker may have forgotten it, or somebody has it tried again.
      await forgetJob(this.#queue, this.#folders, id).catch((error: unknown) => {
        if (!(error instanceof HttpProblem) || error.problem.status >= 500) throw error
      })
    }
    const kept = new Map(jobs.filter(({ id }) => !forgotten.has(id)).map(job => [job.id, job]))
    await this.#clear(this.#folders.results, name => !kept.has(name))
    await this.#clear(this.#folders.work, name => kept.get(name.split('.', 1)[0]!)?.state !== 'running')
    await this.#uploads.sweep(neededBy(kept.values()))
  }

  #begin(): void {
    this.#sweeping = this.sweep().catch((error: unknown) => {
      this.#log.warn('sweep_failed', `old jobs and uploads could not be removed: ${errorMessage(error)}`)
    })
  }

  /** Those that ended, beyond each bound, the first one first. */
  #tooMany(jobs: readonly Job[]): Job[] {
    const { kept, keptMs, resultOctets } = this.#limits
    const nowMs = this.#clock.nowMs()
    let octets = 0
    const newestFirst = jobs
      .filter(({ state }) => hasEnded(state))
      .toSorted((one, other) => other.finishedAtMs! - one.finishedAtMs!)
    return newestFirst.filter((job, index) => {
      octets += (job.result?.files ?? []).reduce((sum, file) => sum + file.octets, 0)
      return index >= kept || nowMs - job.finishedAtMs! > keptMs || octets > resultOctets
    })
  }

  async #clear(folder: string, isLeft: (name: string) => boolean): Promise<void> {
    for (const name of await namesOlderThan(folder, YOUNG_MS, this.#clock.nowMs())) {
      if (isLeft(name)) await removeAll(join(folder, name))
    }
  }
}

/** Ids of the uploads that jobs need that have not ended. */
export const neededBy = (jobs: Iterable<Job>): ReadonlySet<string> =>
  new Set([...jobs].filter(({ state }) => !hasEnded(state)).flatMap(({ uploads }) => uploads.map(({ id }) => id)))

/** Forget a job that does not run, and its result. @throws HttpProblem 404, 409 */
export async function forgetJob(queue: JobQueue, folders: JobFolders, id: string): Promise<void> {
  await queue.remove(id)
  await removeAll(folders.resultOf(id))
}
