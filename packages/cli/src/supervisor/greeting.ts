import { join } from 'node:path'
import { formatHostPort } from '@weir/config'
import type { WeirConfig } from '@weir/config'

const reachable = (address: string): string => (address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address)

/** What only the processes know. */
export interface GreetingFacts {
  readonly coordinatorUrl?: string
  /** undefined: there is none. */
  readonly frontUrl?: string
  /** Undefined unless this start made it. */
  readonly newAdminKey?: string
}

/** What runs where and what to do next, in five lines. */
export function greetingOf(config: WeirConfig, facts: GreetingFacts = {}): string[] {
  const { coordinatorUrl, frontUrl, newAdminKey } = facts
  const { listeners } = config.collector
  const where = listeners
    .map(({ transport, address, port }) => `${transport} ${formatHostPort(address, port)}`)
    .join(', ')
  const { address, port } = config.coordinator
  const api = coordinatorUrl ?? `http://${formatHostPort(reachable(address), port)}`
  const to = listeners.find(({ port }) => port !== 0)
  const target = to === undefined ? '' : `${to.transport}://${formatHostPort(reachable(to.address), to.port)}`
  const { length } = config.destinations
  const destinations =
    length === 0
      ? `none yet: add one with POST ${api}/v1/destinations, or in weir.yaml`
      : config.destinations.map(({ id, type }) => `${id} (${type})`).join(', ')
  const key = newAdminKey ?? `in ${join(config.stateDir, 'admin.key')}`
  const web = frontUrl === undefined ? '' : `   Web API: ${frontUrl}/docs (any name, password = admin key: ${key})`
  return [
    `Weir is ready. It listens on ${where} for NetFlow v1, v5, v7, v9 and IPFIX.`,
    `Destinations: ${destinations}`,
    `Control API:  ${api}/docs${web}   state is kept in ${config.stateDir}`,
    `Send it something:  npx weir generate --to ${target} --records 1000   or  npx weir replay capture.pcap --to ${target}`,
    `See what came:  curl ${api}/v1/exporters   (Ctrl-C stops in order, a second one at once)`
  ]
}
