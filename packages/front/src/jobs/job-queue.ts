import { HttpProblem, notFound } from '@weir/http/problem'
import type { Job, JobOrder, JobState, RunJob } from './job.ts'

/** Bounds that the queue itself keeps (L-81, L-82). */
export interface QueueLimits {
  readonly queuedJobs: number
  readonly queuedPerKey: number
  readonly runningPerKey: number
  readonly attempts: number
  readonly lockMs: number
}

/** Jobs that have ended, since the queue was made. */
export interface JobTotal {
  readonly type: string
  readonly result: Exclude<JobState, 'queued' | 'running'>
  readonly count: number
  /** Of their last attempts together. */
  readonly seconds: number
}

export interface QueueStats {
  readonly queued: number
  readonly running: number
  readonly totals: readonly JobTotal[]
  /** Job workers heard of within `lockMs`. */
  readonly workers: number
}

/** Takes jobs and has them done until it is stopped. */
export interface JobWork {
  /** Take no more; what runs goes back to the queue. */
  stop(): Promise<void>
}

/**
 * Jobs between those who want them and those who do them, in as many processes as there are. Each job ends once, whoever dies:
 * a job whose worker is gone is begun again, `attempts` times at most.
 *
 * Routes await these; what cannot be done is an HttpProblem. QUEUE_AWAY (503) = what keeps the jobs does not answer.
 */
export interface JobQueue {
  start(): Promise<void>
  stop(): Promise<void>
  /** @returns the job, or the one there is with this id. @throws HttpProblem 429 if too many wait. */
  add(order: JobOrder): Promise<{ readonly job: Job; readonly isNew: boolean }>
  get(id: string): Promise<Job | undefined>
  /** All there are, in no order; positions too. */
  list(): Promise<Job[]>
  /** One that waits ends now; one that runs is told to. Nothing if it has ended. @throws HttpProblem 404 */
  cancel(id: string): Promise<void>
  /** One that failed or was cancelled waits again, at the end, as if it were new. @throws HttpProblem 404, 409, 429 */
  retry(id: string): Promise<void>
  /** Forget one that does not run. @throws HttpProblem 404, 409 */
  remove(id: string): Promise<void>
  /** Told when the job may be another than before. @returns ends it. */
  watch(id: string, listener: () => void): () => void
  /** Do jobs, `threads` at once. */
  work(run: RunJob, threads: number): JobWork
  stats(): Promise<QueueStats>
  /** Job workers heard of within `lockMs`. */
  workers(): Promise<number>
  /** Why it cannot be used now, a sentence; undefined: it can. */
  readonly unready: string | undefined
}

/** Of a job that is not there. */
export const noJob = (id: string): HttpProblem => notFound('job', id, 'GET /api/v1/jobs lists them')

/** Seconds after which it is worth to ask again whether there is room. */
const RETRY_AFTER_SEC = '10'

/** There is no room for one more that waits. */
export function tooManyWait(count: number, key: 'queuedJobs' | 'queuedPerKey'): HttpProblem {
  const whose = key === 'queuedPerKey' ? ' of yours' : ''
  const detail = `${count} jobs${whose} wait already (front.jobs.limits.${key}); cancel one, or come back when one has begun.`
  return new HttpProblem(429, key === 'queuedPerKey' ? 'JOBS_PER_KEY_LIMIT' : 'JOBS_LIMIT', detail, undefined, {
    'retry-after': RETRY_AFTER_SEC
  })
}

/** Of something that cannot be done to a job as it is now. */
export const wrongState = (state: JobState, what: string): HttpProblem =>
  new HttpProblem(409, 'JOB_STATE', `The job is ${state}: ${what}.`)

/** What is said of a job whose workers died, every time. */
export const workerLost = (attempts: number) => ({
  code: 'WORKER_LOST',
  detail: `The worker that ran it died, ${attempts} ${attempts === 1 ? 'time' : 'times'}; the log of the job worker may say why.`
})
