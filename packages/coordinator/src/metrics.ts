import type { ControlServer } from '@weir/link'
import { createMetrics, defineMetrics } from '@weir/runtime'
import type { Metrics } from '@weir/runtime'
import { podProcesses } from './pod.ts'
import type { RequestCounters } from './request-counters.ts'

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
  }
})

export function createCoordinatorMetrics(
  counters: RequestCounters,
  control: ControlServer,
  registrations: ReadonlyMap<string, number>
): Metrics {
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
    }
  })
}
