import type { RequestCounters } from '@weir/http'
import { createMetrics, defineMetrics } from '@weir/runtime'
import type { MetricReaders, Metrics, Report } from '@weir/runtime'
import type { Gate } from './auth/gate.ts'
import type { AnswerCache } from './fleet/answer-cache.ts'
import type { TokenVerifier } from './auth/token-verifier.ts'
import type { EventStreams } from './fleet/event-streams.ts'
import type { TapStreams } from './fleet/tap-streams.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { QueueStats } from './jobs/job-queue.ts'

/** The metrics of the front. */
export const frontMetrics = defineMetrics({
  requests: {
    name: 'weir_front_http_requests_total',
    help: 'Requests answered, by method, route and status.',
    type: 'counter',
    labels: ['method', 'route', 'status']
  },
  refused: {
    name: 'weir_front_refused_total',
    help: 'Requests refused, by reason: no key, a wrong one, a wrong token, a role too low, too many (front.limits), or an issuer that is away.',
    type: 'counter',
    labels: ['reason']
  },
  issuerFailures: {
    name: 'weir_front_issuer_failures_total',
    help: 'Questions to the issuer of tokens that got no keys (front.oidc).',
    type: 'counter'
  },
  podFailures: {
    name: 'weir_front_pod_failures_total',
    help: 'Requests that a pod did not answer, or not in time (front.limits.podTimeoutMs).',
    type: 'counter',
    labels: ['pod']
  },
  workers: {
    name: 'weir_front_workers',
    help: 'HTTP processes that serve (front.workers); the other metrics are of all of them together.',
    type: 'gauge'
  },
  workerRestarts: {
    name: 'weir_front_worker_restarts_total',
    help: 'HTTP processes that ended by themselves, and were begun anew.',
    type: 'counter'
  },
  cachedAnswers: {
    name: 'weir_front_cached_answers_total',
    help: 'Answers of the fleet, by whether they were fresh, stale (a new one was asked for meanwhile) or asked for first (front.cache).',
    type: 'counter',
    labels: ['use']
  },
  cacheOctets: {
    name: 'weir_front_cache_octets',
    help: 'Octets of the answers that are kept (front.limits.cacheOctets).',
    type: 'gauge'
  },
  tapStreams: {
    name: 'weir_front_tap_streams',
    help: 'Open streams of /api/v1/tap (front.limits.eventSubscribers).',
    type: 'gauge'
  },
  tapStreamsClosed: {
    name: 'weir_front_tap_streams_closed_total',
    help: 'Streams of /api/v1/tap that the front ended, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  eventSubscribers: {
    name: 'weir_front_event_subscribers',
    help: 'Open streams of /api/v1/events (front.limits.eventSubscribers).',
    type: 'gauge'
  },
  eventStreamsClosed: {
    name: 'weir_front_event_streams_closed_total',
    help: 'Streams of /api/v1/events that the front ended, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  jobs: {
    name: 'weir_front_jobs',
    help: 'Jobs that wait (queued; front.jobs.limits.queuedJobs) and that run, in the queue that this front shares with others.',
    type: 'gauge',
    together: 'max',
    labels: ['state']
  },
  jobsEnded: {
    name: 'weir_front_jobs_ended_total',
    help: 'Jobs that ended since the queue was made, by type and result.',
    type: 'counter',
    together: 'max',
    labels: ['type', 'result']
  },
  jobSeconds: {
    name: 'weir_front_job_seconds_total',
    help: 'Time that these jobs ran, the last attempt of each.',
    type: 'counter',
    together: 'max',
    labels: ['type', 'result']
  },
  jobWorkers: {
    name: 'weir_front_job_workers',
    help: 'Job workers that were heard of within front.jobs.limits.lockMs; none: jobs wait.',
    type: 'gauge',
    together: 'max'
  },
  jobQueueUp: {
    name: 'weir_front_job_queue_up',
    help: '1 if the queue of jobs answers.',
    type: 'gauge',
    together: 'max'
  },
  jobSubscribers: {
    name: 'weir_front_job_subscribers',
    help: 'Open streams of the events of jobs (front.jobs.limits.eventSubscribers).',
    type: 'gauge'
  }
})

/** What the metrics are read from. */
export interface FrontMeters {
  readonly counters: RequestCounters
  readonly gate: Gate
  readonly fleet: Fleet
  readonly streams: EventStreams
  readonly taps: TapStreams
  readonly cache: AnswerCache
  readonly tokens: TokenVerifier | undefined
  /** undefined: this front takes none. */
  readonly jobs: Jobs | undefined
}

export function createFrontMetrics({
  counters,
  gate,
  fleet,
  streams,
  taps,
  cache,
  tokens,
  jobs
}: FrontMeters): Metrics {
  let queue: QueueStats | undefined
  const metrics = createMetrics(frontMetrics, {
    requests: report => {
      for (const { method, route, status, count } of counters.values()) report(count, { method, route, status })
    },
    refused: report => {
      for (const [reason, count] of Object.entries(gate.refused)) report(count, { reason })
    },
    issuerFailures: report => report(tokens?.failures ?? 0),
    podFailures: report => {
      for (const [pod, count] of fleet.failures) report(count, { pod })
    },
    workers: report => report(1),
    workerRestarts: report => report(0),
    cachedAnswers: report => {
      for (const [use, count] of Object.entries(cache.uses)) report(count, { use })
    },
    cacheOctets: report => report(cache.octets),
    tapStreams: report => report(taps.size),
    tapStreamsClosed: report => {
      for (const [reason, count] of Object.entries(taps.closed)) report(count, { reason })
    },
    eventSubscribers: report => report(streams.size),
    eventStreamsClosed: report => {
      for (const [reason, count] of Object.entries(streams.closed)) report(count, { reason })
    },
    jobs: report => {
      if (queue === undefined) return
      report(queue.queued, { state: 'queued' })
      report(queue.running, { state: 'running' })
    },
    jobsEnded: report => {
      for (const { type, result, count } of queue?.totals ?? []) report(count, { type, result })
    },
    jobSeconds: report => {
      for (const { type, result, seconds } of queue?.totals ?? []) report(seconds, { type, result })
    },
    jobWorkers: report => {
      if (queue !== undefined) report(queue.workers)
    },
    jobQueueUp: report => {
      if (jobs !== undefined) report(queue === undefined ? 0 : 1)
    },
    jobSubscribers: report => {
      if (jobs !== undefined) report(jobs.streams.size)
    }
  })
  // Whoever keeps the jobs is asked at each scrape; while it does not answer there are no figures of it.
  const ask = async (): Promise<void> => void (queue = await jobs?.queue.stats().catch(() => undefined))
  return {
    contentType: metrics.contentType,
    text: () => ask().then(() => metrics.text()),
    snapshot: () => ask().then(() => metrics.snapshot())
  }
}

/** For a process of the front that serves nothing: all metrics, with nothing but these in them. */
export function silentFrontMetrics(
  values: Partial<Record<keyof typeof frontMetrics, () => number>>
): [typeof frontMetrics, MetricReaders<typeof frontMetrics>] {
  const readers = Object.keys(frontMetrics).map(key => {
    const value = values[key as keyof typeof frontMetrics]
    return [key, (report: Report) => (value === undefined ? undefined : report(value()))]
  })
  return [frontMetrics, Object.fromEntries(readers) as MetricReaders<typeof frontMetrics>]
}
