import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import { silentLog, systemClock } from '@weir/runtime'
import { Child } from '../../../../../test/support/child.ts'
import type { Job, JobOrder } from '../../../src/jobs/job.ts'
import type { JobFolders } from '../../../src/jobs/job-folders.ts'
import type { JobQueue } from '../../../src/jobs/job-queue.ts'
import { jobFoldersOf, makeJobQueue } from '../../../src/jobs/make-job-queue.ts'
import { until } from '../../../../../test/support/until.ts'
import { order } from './job-queue-contract.ts'

const script = fileURLToPath(new URL('./worker-process.ts', import.meta.url))

/** A queue as a front has it, and workers that are processes of their own. */
export class JobProcesses {
  readonly document: object
  readonly folders: JobFolders
  readonly queue: JobQueue
  readonly workers: Child[] = []

  private constructor(document: object, folders: JobFolders, queue: JobQueue) {
    this.document = document
    this.folders = folders
    this.queue = queue
  }

  /** @param document - of the configuration. */
  static async open(t: TestContext, document: object): Promise<JobProcesses> {
    const { config } = resolveConfig(document)
    const jobs = config.front!.jobs!
    const folders = jobFoldersOf(config, jobs)
    const queue = await makeJobQueue(config, jobs, folders, systemClock, silentLog())
    const made = new JobProcesses(document, folders, queue)
    await made.folders.make()
    await made.queue.start()
    t.after(async () => {
      for (const worker of made.workers) worker.kill('SIGKILL')
      await made.queue.stop()
    })
    return made
  }

  /** Start a worker; resolves when it takes jobs. */
  async startWorker(): Promise<Child> {
    const worker = new Child('job-worker', process.execPath, [script, JSON.stringify(this.document)])
    this.workers.push(worker)
    await worker.waitForText('process_ready', 40_000)
    return worker
  }

  async add(type: string, params: unknown = {}, keys: Partial<JobOrder> = {}): Promise<string> {
    const { job } = await this.queue.add(order({ type, params, ...keys }))
    return job.id
  }

  async untilState(id: string, state: Job['state'], deadlineMs = 30_000): Promise<Job> {
    return until(
      `job ${id} is ${state}`,
      async () => {
        const job = await this.queue.get(id)
        if (job?.state === state) return job
        throw new Error(`it is ${JSON.stringify(job)}; ${this.workers.map(({ said }) => said).join('\n')}`)
      },
      deadlineMs
    )
  }

  /** Names in the folder of results, with what is in each. */
  get results(): string[] {
    return readdirSync(this.folders.results)
      .flatMap(job => readdirSync(`${this.folders.results}/${job}`).map(file => `${job}/${file}`))
      .toSorted()
  }
}

/** CPU time of a process that is not our own, all of its threads, in milliseconds (Linux). */
export function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
