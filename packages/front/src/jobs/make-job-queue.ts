import { join } from 'node:path'
import type { JobsConfig, WeirConfig } from '@weir/config'
import type { Clock, Log } from '@weir/runtime'
import { EmbeddedJobQueue } from './embedded-job-queue.ts'
import { JobFolders } from './job-folders.ts'
import type { JobQueue } from './job-queue.ts'

/** Where the files of jobs are. */
export const jobFoldersOf = ({ stateDir }: WeirConfig, { folder }: JobsConfig): JobFolders =>
  new JobFolders(folder ?? join(stateDir, 'jobs'))

/**
 * The queue that the configuration names. Redis' client is loaded only where it is used.
 *
 * @throws ConfigError if a file of a password or a certificate cannot be read.
 */
export async function makeJobQueue(
  { stores }: WeirConfig,
  { limits }: JobsConfig,
  folders: JobFolders,
  clock: Clock,
  log: Log
): Promise<JobQueue> {
  if (stores.jobs.type === 'embedded') return new EmbeddedJobQueue(folders.queue, limits, clock, log)
  const { BullMqJobQueue } = await import('./bullmq-job-queue.ts')
  const { redisClients } = await import('./redis-clients.ts')
  return new BullMqJobQueue(redisClients(stores.jobs), stores.jobs, limits, clock, log)
}
