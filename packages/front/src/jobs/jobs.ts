import { createHash, randomBytes } from 'node:crypto'
import type { Task } from '@weir/analysis'
import type { JobsConfig, WeirConfig } from '@weir/config'
import { HttpProblem } from '@weir/http'
import type { Clock, Log } from '@weir/runtime'
import type { Job, JobUpload } from './job.ts'
import type { JobFolders } from './job-folders.ts'
import type { JobQueue } from './job-queue.ts'
import type { JobRequest } from './job-shapes.ts'
import { JobRequests } from './job-shapes.ts'
import { JobStreams } from './job-streams.ts'
import { neededBy } from './job-sweeper.ts'
import { jobFoldersOf, makeJobQueue } from './make-job-queue.ts'
import { Uploads } from './uploads.ts'

interface JobsParts {
  readonly tasks: readonly Task[]
  readonly limits: JobsConfig['limits']
  readonly clock: Clock
  readonly log: Log
  readonly connectionTimeoutMs: number
}

/** What a front has of jobs: it takes and shows them, and does none. */
export class Jobs {
  readonly tasks: readonly Task[]
  readonly requests: JobRequests
  readonly folders: JobFolders
  readonly queue: JobQueue
  readonly uploads: Uploads
  readonly streams: JobStreams
  readonly #log: Log

  private constructor(
    { tasks, limits, clock, log, connectionTimeoutMs }: JobsParts,
    folders: JobFolders,
    queue: JobQueue
  ) {
    this.tasks = tasks
    this.requests = new JobRequests(tasks)
    this.folders = folders
    this.queue = queue
    this.#log = log
    this.uploads = new Uploads(folders, limits, clock)
    this.streams = new JobStreams(queue, { ...limits, connectionTimeoutMs }, clock)
  }

  /** @throws ConfigError if a file of a password or a certificate cannot be read. */
  static async make(config: WeirConfig, jobs: JobsConfig, parts: Omit<JobsParts, 'limits'>): Promise<Jobs> {
    const folders = jobFoldersOf(config, jobs)
    const queue = await makeJobQueue(config, jobs, folders, parts.clock, parts.log)
    return new Jobs({ ...parts, limits: jobs.limits }, folders, queue)
  }

  async start(): Promise<void> {
    await this.folders.make()
    await this.queue.start()
    this.streams.start()
  }

  async stop(): Promise<void> {
    this.streams.close('stopping')
    await this.queue.stop()
  }

  /**
   * Take a job.
   *
   * @param idempotencyKey - the same one with the same request means the same job, as long as that is kept.
   * @throws HttpProblem 422 if an upload is not there, or the key was used for another request; 429 if too many wait.
   */
  async add(
    { type, input, params }: JobRequest,
    author: string,
    idempotencyKey: string | undefined
  ): Promise<{ readonly job: Job; readonly isNew: boolean }> {
    const ids = input?.uploads ?? []
    const requestHash = hashOf(JSON.stringify([type, ids, params]))
    const id = `j${idempotencyKey === undefined ? randomBytes(16).toString('hex') : hashOf(`${author}\0${idempotencyKey}`).slice(0, 32)}`
    // It may be the answer to a request that was answered before its uploads were deleted.
    const known = idempotencyKey === undefined ? undefined : await this.queue.get(id)
    const added =
      known === undefined
        ? await this.queue.add({ id, type, author, uploads: await this.#uploadsOf(ids), params, requestHash })
        : { job: known, isNew: false }
    if (added.job.requestHash === requestHash) {
      if (added.isNew)
        this.#log.info('job_made', `job ${id} (${type}) was made`, { job: id, type, author, uploads: ids.length })
      return added
    }
    const detail = 'This Idempotency-Key was used for another request; give each request one of its own.'
    throw new HttpProblem(422, 'IDEMPOTENCY_KEY_REUSED', detail)
  }

  /** Ids of the uploads that jobs need that have not ended. */
  async neededUploads(): Promise<ReadonlySet<string>> {
    return neededBy(await this.queue.list())
  }

  async #uploadsOf(ids: readonly string[]): Promise<JobUpload[]> {
    const found: JobUpload[] = []
    for (const upload of ids) {
      const { id, name, octets, sha256 } = await this.uploads.get(upload).catch(() => {
        const detail = `There is no upload ${upload}; POST /api/v1/uploads brings one, and old ones are deleted.`
        throw new HttpProblem(422, 'UPLOAD_UNKNOWN', detail)
      })
      found.push({ id, name, octets, sha256 })
    }
    return found
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
