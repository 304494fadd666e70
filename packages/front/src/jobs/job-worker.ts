import type { WeirConfig } from '@weir/config'
import { ConfigError, systemClock } from '@weir/runtime'
import type { Clock, Component, Log, Metrics, Readiness } from '@weir/runtime'
import type { JobQueue, JobWork } from './job-queue.ts'
import { JobRunner } from './job-runner.ts'
import { createJobWorkerMetrics } from './job-worker-metrics.ts'
import { JobSweeper } from './job-sweeper.ts'
import { jobFoldersOf, makeJobQueue } from './make-job-queue.ts'
import { TaskPool } from './task-pool.ts'
import { surroundingsOf } from './task-surroundings.ts'
import { Uploads } from './uploads.ts'

export interface JobWorkerDeps {
  readonly log: Log
  readonly clock?: Clock
  /** Url of a module that exports `tasks`, instead of those there are. */
  readonly tasks?: string
  /** The document of file and environment, where that in force is a later revision of it. */
  readonly base?: WeirConfig | undefined
  /** Program and first arguments of the `weir` command; without it, no job has a pipeline of its own. */
  readonly weir?: readonly string[] | undefined
  /** Called when a thread has begun with a job; it may be a new one. */
  readonly onThread?: (() => void) | undefined
}

export interface JobWorker extends Component {
  readonly metrics: Metrics
  /** Not ready while its queue is away: it would do nothing. */
  readonly readiness: Readiness
}

const ownTasks = import.meta.resolve('./own-tasks.ts')

/** Does the jobs that fronts have taken: takes them from the queue, and runs their tasks in threads. Needs no port. */
export function createJobWorker(
  config: WeirConfig,
  { log, clock = systemClock, tasks = ownTasks, base = config, weir, onThread }: JobWorkerDeps
): JobWorker {
  const jobs = config.front?.jobs ?? null
  if (jobs === null) {
    const message = 'is null: there are no jobs to do'
    throw new ConfigError([{ path: config.front === null ? 'front' : 'front.jobs', message, allowed: 'a section' }])
  }
  const { limits } = jobs
  const folders = jobFoldersOf(config, jobs)
  const uploads = new Uploads(folders, limits, clock)
  const pool = new TaskPool({ module: tasks, surroundings: surroundingsOf(config, base, weir) }, limits, {
    clock,
    log,
    onThread
  })
  const runner = new JobRunner({ folders, uploads, pool, limits, clock, log })
  let queue: JobQueue | undefined
  let sweeper: JobSweeper | undefined
  let work: JobWork | undefined
  const unready = (): string | undefined => (work === undefined ? 'it has not begun' : queue?.unready)
  return {
    name: 'job worker',
    metrics: createJobWorkerMetrics(runner, () => unready() === undefined),
    get readiness() {
      const reason = unready()
      return { isReady: reason === undefined, reasons: reason === undefined ? [] : [reason] }
    },
    async start() {
      await folders.make()
      queue = await makeJobQueue(config, jobs, folders, clock, log)
      await queue.start()
      sweeper = new JobSweeper({ queue, uploads, folders, limits, clock, log })
      sweeper.start()
      work = queue.work(runner.run, limits.threads)
    },
    async stop() {
      await work?.stop()
      work = undefined
      await sweeper?.stop()
      await pool.close()
      await queue?.stop()
    }
  }
}
