import { isIPv6 } from 'node:net'

/** A place in the network. */
export interface Endpoint {
  readonly scheme: string
  /** Name or address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

const endpointPattern = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(\[[^\]\s]*\]|[^[\]/:?#@\s]+)(?::(\d{1,5}))?\/?$/
const namePattern = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?$/

/**
 * Read `SCHEME://HOST[:PORT]`.
 *
 * @param schemes - the schemes that are allowed.
 * @param defaultPort - taken if there is none; undefined = a port is required.
 * @returns the endpoint, or a sentence that says what is wrong.
 */
export function parseEndpoint(url: string, schemes: readonly string[], defaultPort?: number): Endpoint | string {
  const match = endpointPattern.exec(url)
  if (match === null) return `${JSON.stringify(url)} is not SCHEME://HOST:PORT`
  const scheme = match[1]!.toLowerCase()
  if (!schemes.includes(scheme)) return `scheme ${scheme} is not known here`
  const isBracketed = match[2]!.startsWith('[')
  const host = isBracketed ? match[2]!.slice(1, -1) : match[2]!
  if (isBracketed ? !isIPv6(host) : !namePattern.test(host))
    return `${JSON.stringify(host)} is not a host name or address`
  const port = match[3] === undefined ? defaultPort : Number(match[3])
  if (port === undefined) return 'the port is missing'
  if (port < 1 || port > 65_535) return `port ${port} is out of range`
  return { scheme, host, port }
}

/** The pods behind a service of Kubernetes. */
export interface KubernetesService {
  readonly namespace: string
  readonly service: string
  readonly port: number
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const servicePattern = new RegExp(`^k8s://(${label})/(${label})(?::(\\d{1,5}))?$`)

/**
 * Read `k8s://NAMESPACE/SERVICE[:PORT]`.
 *
 * @returns undefined if it is none.
 */
export function parseKubernetesService(url: string, defaultPort: number): KubernetesService | undefined {
  const [, namespace, service, port = String(defaultPort)] = servicePattern.exec(url) ?? []
  if (namespace === undefined || service === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return { namespace, service, port: Number(port) }
}

/**
 * Read `HOST[:PORT]`, IPv6 in brackets.
 *
 * @returns host and port, or a sentence that says what is wrong.
 */
export function parseHostPort(text: string, defaultPort: number): Pick<Endpoint, 'host' | 'port'> | string {
  if (text.includes('/')) return `${JSON.stringify(text)} is not HOST:PORT`
  const endpoint = parseEndpoint(`tcp://${text}`, ['tcp'], defaultPort)
  if (typeof endpoint !== 'string') return { host: endpoint.host, port: endpoint.port }
  return endpoint.endsWith('SCHEME://HOST:PORT') ? `${JSON.stringify(text)} is not HOST:PORT` : endpoint
}

/** `HOST:PORT` with brackets around IPv6. */
export const formatHostPort = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** Addresses of a Redis; what is no address has been refused with the configuration. */
export function redisNodes({ mode, nodes }: RedisNodes): Pick<Endpoint, 'host' | 'port'>[] {
  const defaultPort = mode === 'sentinel' ? 26_379 : 6_379
  return nodes.map(node => parseHostPort(node, defaultPort)).filter(node => typeof node !== 'string')
}

/** What a section of the configuration says of them. */
export interface RedisNodes {
  readonly mode: 'single' | 'sentinel' | 'cluster'
  readonly nodes: readonly string[]
}
