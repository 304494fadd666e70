import { networkInterfaces } from 'node:os'
import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { formatHostPort, parseEndpoint } from './endpoint.ts'
import { pathOf } from './check-value.ts'
import { filterIssues } from './filter-issue.ts'
import { exporterAddress, scopeIssues } from './exporter-override.ts'
import type { ConfigIssue } from '@weir/runtime'
import type { Listener } from './schema/collector.ts'
import type { Destination } from './schema/destination.ts'
import type { WeirConfig } from './schema/document.ts'
import type { JobStoreConfig, KeyStoreConfig, RevisionStoreConfig, TemplateStoreConfig } from './schema/stores.ts'

/** The addresses of this machine. */
export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address))

/**
 * What one key alone cannot say: names are unique, ports free of each other, no destination is a listener of our own (TH-29).
 *
 * @param localAddresses - the addresses of this machine.
 * @param elementFiles - those whose names filters may use; they are read.
 */
export function crossCheck(
  config: WeirConfig,
  localAddresses: readonly string[],
  elementFiles: readonly string[] = config.collector.elementFiles
): ConfigIssue[] {
  const { collector, shutdown } = config
  const issues: ConfigIssue[] = [
    ...repeated(
      collector.listeners.map(({ name }) => name),
      'collector.listeners',
      'name'
    ),
    ...repeated(
      config.destinations.map(({ id }) => id),
      'destinations',
      'id'
    ),
    ...repeated(
      collector.exporters.map(({ match }) => match),
      'collector.exporters',
      'match'
    ),
    ...repeated(
      collector.exporterOverrides.map(({ address }) => exporterAddress(address) ?? address),
      'collector.exporterOverrides',
      'address'
    ),
    ...repeated(
      config.coordinator.webhooks.map(({ id }) => id),
      'coordinator.webhooks',
      'id'
    ),
    ...portIssues(config)
  ]
  for (const [index, { scope }] of collector.exporters.entries()) {
    issues.push(
      ...scopeIssues(scope).map(issue => ({ ...issue, path: pathOf(pathOf('collector.exporters', index), issue.path) }))
    )
  }
  for (const [index, { scope }] of collector.exporterOverrides.entries()) {
    if (scope === undefined) continue
    issues.push(
      ...scopeIssues(scope).map(issue => ({
        ...issue,
        path: pathOf(pathOf('collector.exporterOverrides', index), issue.path)
      }))
    )
  }
  if (collector.allow.length === 0 && !collector.allowAny) {
    issues.push({
      path: 'collector.allow',
      message: 'is empty and allowAny is false: nobody could send',
      allowed: 'CIDR blocks in allow, or allowAny: true'
    })
  }
  if (collector.allow.length > 0 && collector.allowAny) {
    issues.push({
      path: 'collector.allowAny',
      message: 'is true, and allow is not empty: only one can hold',
      allowed: 'leave allowAny out, or empty allow'
    })
  }
  if (shutdown.tcpReadMs + shutdown.drainMs > 25_000) {
    issues.push({
      path: 'shutdown',
      message: `tcpReadMs and drainMs are ${shutdown.tcpReadMs + shutdown.drainMs} ms together`,
      allowed: 'at most 25000 ms, so that a stop takes less than 30 s'
    })
  }
  for (const [index, { url, urlFile }] of config.coordinator.webhooks.entries()) {
    if ((url === null) !== (urlFile === null)) continue
    issues.push({
      path: pathOf(pathOf('coordinator.webhooks', index), url === null ? 'url' : 'urlFile'),
      message: url === null ? 'is missing, and so is urlFile' : 'is there beside url: only one can hold',
      allowed: 'url or urlFile'
    })
  }
  issues.push(...storeIssues(config.stores.templates, 'stores.templates'))
  issues.push(...storeIssues(config.stores.revisions, 'stores.revisions'))
  issues.push(...storeIssues(config.stores.jobs, 'stores.jobs'))
  issues.push(...storeIssues(config.stores.keys, 'stores.keys'))
  issues.push(...pairIssues(config.front?.podTls ?? null, 'front.podTls'))
  config.destinations.forEach((destination, index) =>
    issues.push(...destinationIssues(destination, config, localAddresses, pathOf('destinations', index), elementFiles))
  )
  return [...issues, ...orderIssues(config)]
}

/** What is wrong with one destination in the light of the others: loops to our own listeners, two writers of one file. */
export function destinationIssues(
  destination: Destination,
  config: WeirConfig,
  localAddresses: readonly string[],
  path: string,
  elementFiles: readonly string[] = config.collector.elementFiles
): ConfigIssue[] {
  const issues: ConfigIssue[] = []
  if ('reconnectMinMs' in destination && destination.reconnectMinMs > destination.reconnectMaxMs) {
    issues.push({
      path: pathOf(path, 'reconnectMinMs'),
      message: `${destination.reconnectMinMs} is more than reconnectMaxMs, which is ${destination.reconnectMaxMs}`,
      allowed: `at most ${destination.reconnectMaxMs} ms, or a longer reconnectMaxMs`
    })
  }
  if (destination.filter !== null) {
    issues.push(...filterIssues(destination.filter, pathOf(path, 'filter'), elementFiles))
  }
  const sink = fileOf(destination)
  const other = config.destinations.find(
    each => each.id !== destination.id && sink !== undefined && fileOf(each) === sink
  )
  if (other !== undefined) {
    issues.push({
      path: pathOf(path, destination.type === 'json' ? 'target' : 'path'),
      message: `destination ${other.id} writes there too`,
      allowed: 'a path of its own'
    })
  }
  if (destination.type !== 'ipfix') return issues
  const endpoint = parseEndpoint(destination.url, ['udp', 'tcp'], 4739)
  if (typeof endpoint === 'string') return issues
  const loop = config.collector.listeners.find(
    listener =>
      listener.transport === endpoint.scheme &&
      listener.port === endpoint.port &&
      reaches(endpoint.host, listener, localAddresses)
  )
  if (loop !== undefined) {
    issues.push({
      path: pathOf(path, 'url'),
      message: `is our own listener ${loop.name}: records would go in a circle`,
      allowed: 'a collector that is not this one'
    })
  }
  return issues
}

const fileOf = (destination: Destination): string | undefined => {
  if (destination.type === 'ipfix-file') return resolve(destination.path)
  if (destination.type !== 'json' || destination.target.startsWith('tcp:')) return undefined
  return destination.target === 'stdout' ? 'stdout' : resolve(destination.target.replace(/^file:/, ''))
}

function reaches(host: string, listener: Listener, localAddresses: readonly string[]): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:/, '')
  if (plain === listener.address) return true
  const isLocal =
    plain === 'localhost' ||
    plain.endsWith('.localhost') ||
    plain === '::1' ||
    plain.startsWith('127.') ||
    localAddresses.includes(plain)
  if (!isLocal) return false
  if (plain === 'localhost')
    return ['::', '0.0.0.0', '::1'].includes(listener.address) || listener.address.startsWith('127.')
  return listener.address === '::' || (listener.address === '0.0.0.0' && !isIPv6(plain))
}

/** What the keys of a shared store have to do with each other. */
function storeIssues(
  store: TemplateStoreConfig | RevisionStoreConfig | JobStoreConfig | KeyStoreConfig,
  path: string
): ConfigIssue[] {
  if (store.type === 'none' || store.type === 'embedded') return []
  const issues: ConfigIssue[] = []
  const check = (isRight: boolean, key: string, message: string, allowed: string): void => {
    if (!isRight) issues.push({ path: pathOf(path, key), message, allowed })
  }
  issues.push(...pairIssues(store.tls, pathOf(path, 'tls')))
  if ('shelfOctetsTotal' in store) {
    const { shelfOctetsPerPlace, shelfOctetsTotal } = store
    check(
      shelfOctetsPerPlace <= shelfOctetsTotal,
      'shelfOctetsPerPlace',
      `${shelfOctetsPerPlace} is more than shelfOctetsTotal, which is ${shelfOctetsTotal}`,
      `at most ${shelfOctetsTotal}`
    )
  }
  if (store.type === 'nats') return issues
  const { mode, nodes, sentinelName, database } = store
  check(
    mode !== 'sentinel' || sentinelName !== null,
    'sentinelName',
    'is null, and mode is sentinel',
    'the name of the master'
  )
  check(
    mode === 'sentinel' || sentinelName === null,
    'sentinelName',
    `is of no use: mode is ${mode}`,
    'null, or mode: sentinel'
  )
  check(
    mode !== 'single' || nodes.length === 1,
    'nodes',
    `has ${nodes.length} entries, and mode is single`,
    'one server, or mode: sentinel | cluster'
  )
  check(
    mode !== 'cluster' || database === 0,
    'database',
    `is ${database}, and mode is cluster`,
    '0: a Cluster has no other'
  )
  return issues
}

/** A certificate wants its key, and a key its certificate. */
function pairIssues(tls: { certFile: string | null; keyFile: string | null } | null, path: string): ConfigIssue[] {
  if (tls === null || (tls.certFile === null) === (tls.keyFile === null)) return []
  const [lacking, other, what] =
    tls.keyFile === null ? ['keyFile', 'certFile', 'key'] : ['certFile', 'keyFile', 'certificate']
  return [{ path: pathOf(path, lacking!), message: `is null, and ${other} is not`, allowed: `the ${what} of ${other}` }]
}

function repeated(values: readonly string[], path: string, key: string): ConfigIssue[] {
  return values.flatMap((value, index) => {
    const first = values.indexOf(value)
    if (first === index) return []
    return [
      {
        path: pathOf(pathOf(path, index), key),
        message: `${value} is already the ${key} of ${path}[${first}]`,
        allowed: 'a name used once'
      }
    ]
  })
}

interface Bound {
  readonly path: string
  readonly transport: 'udp' | 'tcp'
  readonly address: string
  readonly port: number
}

const overlaps = (one: string, other: string): boolean =>
  one === other ||
  one === '::' ||
  other === '::' ||
  (one === '0.0.0.0' && !isIPv6(other)) ||
  (other === '0.0.0.0' && !isIPv6(one))

function portIssues(config: WeirConfig): ConfigIssue[] {
  const { collector, mediator, coordinator, front } = config
  const bound: Bound[] = collector.listeners.map((listener, index) => ({
    ...listener,
    path: `collector.listeners[${index}].port`
  }))
  if (collector.http !== null) bound.push({ ...collector.http, transport: 'tcp', path: 'collector.http.port' })
  if (mediator.http !== null) bound.push({ ...mediator.http, transport: 'tcp', path: 'mediator.http.port' })
  bound.push({ ...coordinator, transport: 'tcp', path: 'coordinator.port' })
  if (front !== null) bound.push({ ...front, transport: 'tcp', path: 'front.port' })
  const jobs = front?.jobs?.http ?? null
  if (jobs !== null) bound.push({ ...jobs, transport: 'tcp', path: 'front.jobs.http.port' })
  return bound.flatMap((each, index) => {
    const taken = bound
      .slice(0, index)
      .find(
        other =>
          each.port !== 0 &&
          other.port === each.port &&
          other.transport === each.transport &&
          overlaps(other.address, each.address)
      )
    if (taken === undefined) return []
    const where = `${each.transport} ${formatHostPort(each.address, each.port)}`
    return [{ path: each.path, message: `${where} is already taken by ${taken.path}`, allowed: 'a port used once' }]
  })
}

function orderIssues({ collector, link }: WeirConfig): ConfigIssue[] {
  const { limits } = collector
  const pairs: [string, number, string, number][] = [
    [
      'collector.limits.templateLifetimeMinMs',
      limits.templateLifetimeMinMs,
      'templateLifetimeMaxMs',
      limits.templateLifetimeMaxMs
    ],
    ['collector.limits.udpUnverifiedSessions', limits.udpUnverifiedSessions, 'udpSessions', limits.udpSessions],
    ['link.heartbeatMs', link.heartbeatMs, 'heartbeatTimeoutMs', link.heartbeatTimeoutMs],
    ['link.batchOctets', link.batchOctets, 'maxFrameOctets', link.maxFrameOctets],
    ['link.batchOctets', link.batchOctets, 'a quarter of bufferOctets', Math.floor(link.bufferOctets / 4)]
  ]
  return pairs
    .filter(([, low, , high]) => low > high)
    .map(([path, low, name, high]) => ({
      path,
      message: `${low} is more than ${name}, which is ${high}`,
      allowed: `at most ${high}`
    }))
}
