import type { RequestCounters } from '@weir/http'
import type { ControlServer } from '@weir/link'
import { createMetrics, defineMetrics } from '@weir/runtime'
import type { Metrics } from '@weir/runtime'
import type { EventLog } from './event-log.ts'
import type { EventStreams } from './event-streams.ts'
import { podProcesses } from './pod.ts'
import { webhookOutcomes } from './webhooks/webhook.ts'
import type { Webhooks } from './webhooks/webhooks.ts'
import type { TapStreams } from './tap-streams.ts'
import type { ConfigBook } from './revisions/config-book.ts'

/** The metrics of the coordinator. */
export const coordinatorMetrics = defineMetrics({
  requests: {
    name: 'weir_coordinator_http_requests_total',
    help: 'Requests answered, by method, route and status.',
    type: 'counter',
    labels: ['method', 'route', 'status']
  },
  processes: {
    name: 'weir_coordinator_processes',
    help: 'Whether a process of the pod is connected to the coordinator: 1 or 0.',
    type: 'gauge',
    labels: ['process']
  },
  registrations: {
    name: 'weir_coordinator_registrations_total',
    help: 'Times a process has registered: one more than its restarts, as far as this coordinator has seen.',
    type: 'counter',
    labels: ['process']
  },
  events: {
    name: 'weir_coordinator_events_total',
    help: 'Events that the processes of the pod told, by type; `unknown` are of no type that this version knows.',
    type: 'counter',
    labels: ['type']
  },
  revision: {
    name: 'weir_coordinator_revision',
    help: 'Number of the revision in force.',
    type: 'gauge'
  },
  revisionBehind: {
    name: 'weir_coordinator_revision_behind',
    help: '1: the newest revision of the fleet is not in force here (GET /v1/config/status says why); else 0.',
    type: 'gauge'
  },
  revisionStoreUp: {
    name: 'weir_coordinator_revision_store_up',
    help: 'Whether the store of revisions (stores.revisions) answers: 1 or 0; absent without one.',
    type: 'gauge'
  },
  eventSubscribers: {
    name: 'weir_coordinator_event_subscribers',
    help: 'Open streams of /v1/events (coordinator.limits.eventSubscribers).',
    type: 'gauge'
  },
  tapStreams: {
    name: 'weir_coordinator_tap_streams',
    help: 'Open streams of /v1/tap (coordinator.limits.eventSubscribers).',
    type: 'gauge'
  },
  tapStreamsClosed: {
    name: 'weir_coordinator_tap_streams_closed_total',
    help: 'Streams of /v1/tap that the coordinator ended, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  eventStreamsClosed: {
    name: 'weir_coordinator_event_streams_closed_total',
    help: 'Streams of /v1/events that the coordinator ended, by reason.',
    type: 'counter',
    labels: ['reason']
  },
  webhooks: {
    name: 'weir_coordinator_webhook_events_total',
    help: 'Events for a webhook by what became of them: delivered, failed (given up), dropped (no room in its queue); retried counts the attempts that failed and were repeated.',
    type: 'counter',
    labels: ['webhook', 'outcome']
  },
  webhookQueue: {
    name: 'weir_coordinator_webhook_queue_events',
    help: 'Events that wait for a webhook, L-79.',
    type: 'gauge',
    labels: ['webhook']
  }
})

/** What the metrics are read from. */
export interface CoordinatorMeters {
  readonly counters: RequestCounters
  readonly control: ControlServer
  readonly registrations: ReadonlyMap<string, number>
  readonly events: EventLog
  readonly streams: EventStreams
  readonly webhooks: Webhooks
  readonly taps: TapStreams
  readonly book: ConfigBook
}

export function createCoordinatorMetrics(meters: CoordinatorMeters): Metrics {
  const { counters, control, registrations, events, streams, taps, webhooks, book } = meters
  return createMetrics(coordinatorMetrics, {
    requests: report => {
      for (const { method, route, status, count } of counters.values()) report(count, { method, route, status })
    },
    processes: report => {
      const connected = new Set(control.peers.filter(peer => peer.isConnected).map(peer => peer.name))
      for (const process of podProcesses) report(connected.has(process) ? 1 : 0, { process })
    },
    registrations: report => {
      for (const process of podProcesses) report(registrations.get(process) ?? 0, { process })
    },
    events: report => {
      for (const [type, count] of Object.entries(events.counts)) if (count > 0) report(count, { type })
    },
    revision: report => report(book.head.number),
    revisionBehind: report => report(book.standing?.isConverged === false ? 1 : 0),
    revisionStoreUp: report => {
      if (book.standing !== undefined) report(book.standing.store === 'up' ? 1 : 0)
    },
    eventSubscribers: report => report(streams.size),
    webhooks: report => {
      for (const { id, counts } of webhooks.all) {
        for (const outcome of webhookOutcomes) report(counts[outcome], { webhook: id, outcome })
      }
    },
    webhookQueue: report => {
      for (const { id, size } of webhooks.all) report(size, { webhook: id })
    },
    tapStreams: report => report(taps.size),
    tapStreamsClosed: report => {
      for (const [reason, count] of Object.entries(taps.closed)) report(count, { reason })
    },
    eventStreamsClosed: report => {
      for (const [reason, count] of Object.entries(streams.closed)) report(count, { reason })
    }
  })
}
