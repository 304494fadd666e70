import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskInput } from '@weir/analysis'
import { CodedError, errorCode, errorMessage, writeFileAtomic } from '@weir/runtime'
import type { Clock, Log } from '@weir/runtime'
import { octetsOf, removeAll } from './job-folders.ts'
import type { JobFolders } from './job-folders.ts'
import type { AttemptEnd, Job, JobAttempt, JobOutcome, JobResult } from './job.ts'
import type { TaskPool } from './task-pool.ts'
import type { Uploads } from './uploads.ts'

export interface RunnerLimits {
  readonly outputOctets: number
  readonly expansion: number
  readonly taskMemoryOctets: number
  readonly freeOctets: number
}

export interface JobRunnerParts {
  readonly folders: JobFolders
  readonly uploads: Uploads
  readonly pool: TaskPool
  readonly limits: RunnerLimits
  readonly clock: Clock
  readonly log: Log
}

/** What a result says of itself; no file of a task can be called so. */
const ABOUT = '.result.json'

/**
 * One attempt at a job: inputs are lent to it, the task runs in a thread and writes into a folder of this attempt, and that
 * folder becomes the result by one rename, under the name of the job. So a result is there whole or not at all, and once,
 * however many attempts there were.
 */
export class JobRunner {
  /** Attempts that have not ended. */
  running = 0
  /** Attempts that have, by how. */
  readonly outcomes: Record<JobOutcome['kind'], number> = { succeeded: 0, failed: 0, cancelled: 0, returned: 0 }
  readonly #parts: JobRunnerParts

  constructor(parts: JobRunnerParts) {
    this.#parts = parts
  }

  readonly run = async (attempt: JobAttempt): Promise<JobOutcome> => {
    const { log, clock } = this.#parts
    const { id, type, author, attempts } = attempt.job
    const beganAtMs = clock.monotonicMs()
    log.info('job_began', `job ${id} (${type}) began`, { job: id, type, author, attempt: attempts })
    this.running++
    const outcome = await this.#attempt(attempt).catch((error: unknown) => this.#outcomeOf(attempt.job, error))
    this.running--
    this.outcomes[outcome.kind]++
    const fields = { job: id, type, author, attempt: attempts, durationMs: Math.round(clock.monotonicMs() - beganAtMs) }
    if (outcome.kind === 'failed') {
      log.warn('job_failed', `job ${id} (${type}) failed: ${outcome.error.detail}`, {
        ...fields,
        error: outcome.error.code
      })
    } else log.info('job_ended', `job ${id} (${type}) ${outcome.kind}`, { ...fields, result: outcome.kind })
    return outcome
  }

  async #attempt({ job, signal, progress }: JobAttempt): Promise<JobOutcome> {
    const { folders, pool, limits } = this.#parts
    const before = await readResult(folders.resultOf(job.id), job)
    if (before !== undefined) return { kind: 'succeeded', result: before }
    const folder = join(folders.work, `${job.id}.${randomBytes(4).toString('hex')}`)
    const outputFolder = join(folder, 'out')
    try {
      await mkdir(folder, { mode: 0o700 })
      await mkdir(outputFolder, { mode: 0o700 })
      const inputs = await this.#lend(job, folder)
      const output = new OutputWatch(outputFolder, folders, limits)
      const answer = await pool.run({
        task: job.type,
        params: job.params,
        inputs,
        outputFolder,
        limits: {
          outputOctets: limits.outputOctets,
          expansion: limits.expansion,
          memoryOctets: Math.floor(limits.taskMemoryOctets / 2)
        },
        signal,
        onProgress: progress,
        excess: () => output.look()
      })
      if ('isAborted' in answer) return endedBy(signal)
      if (!answer.isDone && answer.defect !== undefined) this.#tellDefect(job, answer.defect)
      if (!answer.isDone) return { kind: 'failed', error: answer.error, isFinal: answer.isFinal }
      return { kind: 'succeeded', result: await this.#publish(job, outputFolder, answer.result) }
    } finally {
      await removeAll(folder)
    }
  }

  /** What went wrong outside the task. */
  #outcomeOf(job: Job, error: unknown): JobOutcome {
    if (error instanceof CodedError) {
      return { kind: 'failed', error: { code: error.code, detail: error.message }, isFinal: true }
    }
    this.#tellDefect(job, errorMessage(error))
    const isFull = ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')
    const detail = isFull
      ? 'The volume of the jobs is full.'
      : 'The files of the job could not be used; the log of the job worker says more.'
    return { kind: 'failed', error: { code: isFull ? 'DISK_FULL' : 'JOB_DEFECT', detail }, isFinal: false }
  }

  #tellDefect({ id, type }: Job, defect: string): void {
    this.#parts.log.error('task_defect', `job ${id} (${type}) ended by a defect: ${defect}`, { job: id, type })
  }

  async #lend(job: Job, folder: string): Promise<TaskInput[]> {
    const inputs: TaskInput[] = []
    for (const [index, upload] of job.uploads.entries()) {
      // The name at the end: some formats are told by it.
      const path = join(folder, `${index}-${upload.name}`)
      await this.#parts.uploads.lend(upload, path)
      inputs.push({ name: upload.name, path, octets: upload.octets })
    }
    return inputs
  }

  /** @returns the result that is there in the end: ours, or that of an attempt that was thought dead and was not. */
  async #publish(job: Job, outputFolder: string, result: JobResult): Promise<JobResult> {
    const place = this.#parts.folders.resultOf(job.id)
    await writeFileAtomic(join(outputFolder, ABOUT), JSON.stringify({ requestHash: job.requestHash, result }))
    try {
      await rename(outputFolder, place)
      return result
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error
    }
    const other = await readResult(place, job)
    if (other !== undefined) return other
    // Of a job that was forgotten and made anew before its files were deleted.
    await removeAll(place)
    await rename(outputFolder, place)
    return result
  }
}

/** Looks at what an attempt has written; an answer is that of the look before, so that nobody waits for a disk. */
class OutputWatch {
  readonly #folder: string
  readonly #folders: JobFolders
  readonly #limits: RunnerLimits
  #excess: string | undefined
  #isLooking = false

  constructor(folder: string, folders: JobFolders, limits: RunnerLimits) {
    this.#folder = folder
    this.#folders = folders
    this.#limits = limits
  }

  look(): string | undefined {
    if (!this.#isLooking) {
      this.#isLooking = true
      void this.#measure().finally(() => (this.#isLooking = false))
    }
    return this.#excess
  }

  async #measure(): Promise<void> {
    const { outputOctets, freeOctets } = this.#limits
    const [octets, free] = await Promise.all([octetsOf(this.#folder), this.#folders.freeOctets()])
    if (octets > outputOctets) {
      this.#excess = `The result has more than ${outputOctets} octets (front.jobs.limits.outputOctets).`
    } else if (free < freeOctets) {
      this.#excess = `The volume has less than ${freeOctets} octets left (front.jobs.limits.freeOctets); delete uploads or jobs that nobody needs.`
    }
  }
}

async function readResult(folder: string, job: Job): Promise<JobResult | undefined> {
  try {
    const about = JSON.parse(await readFile(join(folder, ABOUT), 'utf8')) as { requestHash: string; result: JobResult }
    return about.requestHash === job.requestHash ? about.result : undefined
  } catch {
    return undefined
  }
}

function endedBy({ reason }: AbortSignal): JobOutcome {
  return (reason as AttemptEnd) === 'cancelled' ? { kind: 'cancelled' } : { kind: 'returned' }
}
