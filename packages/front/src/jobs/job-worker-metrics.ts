import { createMetrics, defineMetrics } from '@weir/runtime'
import type { Metrics } from '@weir/runtime'
import type { JobRunner } from './job-runner.ts'

/** What a job worker counts of itself; the front has those of the queue, which all of them share. */
export const jobWorkerMetrics = defineMetrics({
  running: {
    name: 'weir_job_worker_running',
    help: 'Jobs that this worker runs (front.jobs.limits.threads).',
    type: 'gauge'
  },
  attempts: {
    name: 'weir_job_worker_attempts_total',
    help: 'Attempts at jobs by how they ended: succeeded, failed, cancelled, or returned to the queue because the worker was stopped.',
    type: 'counter',
    labels: ['outcome']
  },
  queueConnected: {
    name: 'weir_job_worker_queue_connected',
    help: '1 if the queue of jobs is connected, or open where it is a file.',
    type: 'gauge'
  }
})

export function createJobWorkerMetrics(runner: JobRunner, isConnected: () => boolean): Metrics {
  return createMetrics(jobWorkerMetrics, {
    running: report => report(runner.running),
    attempts: report => {
      for (const [outcome, count] of Object.entries(runner.outcomes)) report(count, { outcome })
    },
    queueConnected: report => report(isConnected() ? 1 : 0)
  })
}
