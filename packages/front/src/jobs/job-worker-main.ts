import type { WeirConfig } from '@weir/config'
import type { Component } from '@weir/runtime'
import { createHttpHealth, createLog, runProcess } from '@weir/runtime'
import { createJobWorker } from './job-worker.ts'
import type { JobWorkerDeps } from './job-worker.ts'
import { Modesty } from './modesty.ts'

export type JobWorkerSettings = Pick<JobWorkerDeps, 'base' | 'weir'>

/** Run a job worker until it is told to stop. */
export function runJobWorker(config: WeirConfig, { base, weir }: JobWorkerSettings = {}): Promise<number> {
  const log = createLog({ name: 'job-worker', level: config.log.level })
  const modesty = config.front?.jobs?.priority === 'idle' ? new Modesty(log) : undefined
  const worker = createJobWorker(config, { log, base, weir, onThread: modesty?.apply })
  const components: Component[] = [worker]
  const http = config.front?.jobs?.http ?? null
  if (http !== null) {
    components.unshift(createHttpHealth(http, { log, metrics: worker.metrics, readiness: () => worker.readiness }))
  }
  if (modesty !== undefined) components.push(modesty)
  return runProcess('job-worker', components, { log })
}
