import { constants, setPriority } from 'node:os'
import type { WeirConfig } from '@weir/config'
import { createLog, runProcess } from '@weir/runtime'
import type { Component } from '@weir/runtime'
import { createJobWorker } from './job-worker.ts'
import type { JobWorkerDeps } from './job-worker.ts'

/** Leaves the CPU to all others that want it, once it is there: threads that are made from now on inherit it. */
const modesty: Component = {
  name: 'modesty',
  async start() {
    try {
      setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
    } catch {
      // Where it is not allowed, jobs are as good as others.
    }
  },
  async stop() {}
}

export type JobWorkerSettings = Pick<JobWorkerDeps, 'base' | 'weir'>

/** Run a job worker until it is told to stop. */
export function runJobWorker(config: WeirConfig, { base, weir }: JobWorkerSettings = {}): Promise<number> {
  const log = createLog({ name: 'job-worker', level: config.log.level })
  return runProcess('job-worker', [createJobWorker(config, { log, base, weir }), modesty], { log })
}
