import type { WeirConfig } from '@weir/config'
import { createLog, runProcess } from '@weir/runtime'
import { createJobWorker } from './job-worker.ts'

/** Run a job worker until it is told to stop. */
export function runJobWorker(config: WeirConfig): Promise<number> {
  const log = createLog({ name: 'job-worker', level: config.log.level })
  return runProcess('job-worker', [createJobWorker(config, { log })], { log })
}
