import { join } from 'node:path'
import type { JobsConfig, WeirConfig } from '@weir/config'
import type { Clock } from '@weir/runtime'
import { EmbeddedJobQueue } from './embedded-job-queue.ts'
import { JobFolders } from './job-folders.ts'
import type { JobQueue } from './job-queue.ts'

/** Where the files of jobs are. */
export const jobFoldersOf = ({ stateDir }: WeirConfig, { folder }: JobsConfig): JobFolders =>
  new JobFolders(folder ?? join(stateDir, 'jobs'))

/** The queue that the configuration names. */
export const makeJobQueue = (_config: WeirConfig, jobs: JobsConfig, folders: JobFolders, clock: Clock): JobQueue =>
  new EmbeddedJobQueue(folders.queue, jobs.limits, clock)
