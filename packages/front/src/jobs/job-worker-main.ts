import type { WeirConfig } from '@weir/config'
import { createLog, runProcess } from '@weir/runtime'
import { createJobWorker } from './job-worker.ts'
import type { JobWorkerDeps } from './job-worker.ts'
import { modesty } from './modesty.ts'

export type JobWorkerSettings = Pick<JobWorkerDeps, 'base' | 'weir'>

/** Run a job worker until it is told to stop. */
export function runJobWorker(config: WeirConfig, { base, weir }: JobWorkerSettings = {}): Promise<number> {
  const log = createLog({ name: 'job-worker', level: config.log.level })
  return runProcess('job-worker', [createJobWorker(config, { log, base, weir }), modesty], { log })
}
