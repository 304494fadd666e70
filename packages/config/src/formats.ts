import { isIP } from 'node:net'
import { parseEndpoint, parseHostPort, parseKubernetesService } from './endpoint.ts'

/** A meaning that text can have: what is allowed, and the check. */
export interface Format {
  /** In a few words, for a person. */
  readonly allowed: string
  /** @returns what is wrong, or undefined. */
  readonly check: (value: string) => string | undefined
}

const isCidr = (value: string): boolean => {
  const [address, prefix, ...rest] = value.split('/')
  const family = isIP(address!)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

const hasNul = (value: string): boolean => value.includes('\0')

const endpointIssue = (value: string, schemes: readonly string[], defaultPort?: number): string | undefined => {
  const endpoint = parseEndpoint(value, schemes, defaultPort)
  if (typeof endpoint === 'string') return endpoint
  return ['0.0.0.0', '::'].includes(endpoint.host) ? `${endpoint.host} is no address that can be sent to` : undefined
}

const hostPortIssue = (value: string): string | undefined => {
  const endpoint = parseHostPort(value, 1)
  return typeof endpoint === 'string' ? endpoint : undefined
}

const jsonTargetIssue = (value: string): string | undefined => {
  if (value === 'stdout') return undefined
  if (value.startsWith('file:')) return value.length > 5 && !hasNul(value) ? undefined : 'file: has no path'
  return endpointIssue(value, ['tcp'])
}

const issuerIssue = (value: string): string | undefined => {
  const url = URL.parse(value)
  if (url === null) return `${JSON.stringify(value)} is no URL`
  const isHere = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) return 'it is not https'
  if (url.username !== '' || url.search !== '' || url.hash !== '') return 'it has a user, a query or a fragment'
  return undefined
}

/** What is wrong with the URL of a webhook, without saying what it is but where it is no URL at all. */
export const webhookUrlIssue = (value: string): string | undefined => {
  const url = URL.parse(value)
  if (url === null || !/^https?:$/.test(url.protocol)) return `${JSON.stringify(value)} is no http or https URL`
  if (url.username !== '' || url.password !== '') return 'holds credentials, which would be shown'
  return url.hash === '' ? undefined : 'holds a fragment, which is never sent'
}

const kubernetesName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/

const podIssue = (value: string): string | undefined => {
  if (!value.startsWith('k8s:')) return endpointIssue(value, ['http', 'https', 'dns'], 8090)
  const isService = parseKubernetesService(value, 8090) !== undefined
  return isService ? undefined : `${JSON.stringify(value)} is not k8s://NAMESPACE/SERVICE:PORT`
}

/** Every meaning by its name in the schema. */
export const formats: Readonly<Record<string, Format>> = {
  address: {
    allowed: 'an IPv4 or IPv6 address',
    check: value => (isIP(value) === 0 ? `${JSON.stringify(value)} is not an IP address` : undefined)
  },
  cidr: {
    allowed: 'ADDRESS or ADDRESS/PREFIX, e.g. 192.0.2.0/24 or 2001:db8::/32',
    check: value => (isCidr(value) ? undefined : `${JSON.stringify(value)} is not an address or CIDR block`)
  },
  hostPort: {
    allowed: 'HOST or HOST:PORT, e.g. redis-0.redis:6379 or [2001:db8::1]:6379',
    check: value => hostPortIssue(value)
  },
  ipfixUrl: {
    allowed: 'udp://HOST:PORT | tcp://HOST:PORT',
    check: value => endpointIssue(value, ['udp', 'tcp'], 4739)
  },
  issuerUrl: {
    allowed: 'https://HOST[:PORT][/PATH]; http:// only to this machine',
    check: value => issuerIssue(value)
  },
  jsonTarget: { allowed: 'stdout | file:PATH | tcp://HOST:PORT', check: jsonTargetIssue },
  natsUrl: {
    allowed: 'nats://HOST:PORT | tls://HOST:PORT',
    check: value => endpointIssue(value, ['nats', 'tls'], 4222)
  },
  kubernetesName: {
    allowed: 'NAMESPACE/NAME',
    check: value => (kubernetesName.test(value) ? undefined : `${JSON.stringify(value)} is not NAMESPACE/NAME`)
  },
  podUrl: {
    allowed: 'http://HOST:PORT | https://HOST:PORT | dns://NAME:PORT | k8s://NAMESPACE/SERVICE:PORT',
    check: value => podIssue(value)
  },
  webhookUrl: {
    allowed: 'http://HOST[:PORT]/PATH | https://HOST[:PORT]/PATH, without credentials',
    check: webhookUrlIssue
  },
  path: { allowed: 'a path', check: value => (hasNul(value) ? 'holds a NUL character' : undefined) }
}
