import { lookup as lookupAddresses } from 'node:dns/promises'
import { formatHostPort, parseEndpoint, parseKubernetesService } from '@weir/config'
import type { Endpoint, KubernetesService } from '@weir/config'
import { errorCode, errorMessage } from '@weir/runtime'
import type { Clock } from '@weir/runtime'
import type { EndpointWatch } from '../kubernetes/endpoint-watch.ts'

/** One pod: its control API. */
export interface Pod {
  /** HOST:PORT. */
  readonly name: string
  /** Origin of its control API. */
  readonly url: string
}

/** What cannot be asked, and why. */
export interface PodFailure {
  readonly pod: string
  readonly code: string
  readonly detail: string
}

/** Addresses of a name; exchanged in tests. */
export type Lookup = (name: string) => Promise<readonly string[]>

const systemLookup: Lookup = async name => (await lookupAddresses(name, { all: true })).map(({ address }) => address)

export interface PodListOptions {
  /** `http://`, `https://`, `dns://` for every address of a name, or `k8s://` for every endpoint of a service. */
  readonly urls: readonly string[]
  readonly limits: { readonly pods: number; readonly podLookupMs: number; readonly podTimeoutMs: number }
  readonly clock: Clock
  readonly lookup?: Lookup | undefined
  /** Follows the endpoints of a service. */
  readonly watch: (service: KubernetesService) => EndpointWatch
  /** Pods of a dns:// name or a k8s:// service are spoken to over TLS. */
  readonly isTls?: boolean
}

interface Found {
  readonly pods: readonly Pod[]
  readonly failure?: PodFailure
}

/** The pods there are: those that are named, and those that a name has addresses for. */
export class PodList {
  readonly #endpoints: readonly Endpoint[]
  readonly #options: PodListOptions
  readonly #services: readonly { readonly service: KubernetesService; readonly watch: EndpointWatch }[]
  readonly #lookup: Lookup
  readonly #found = new Map<Endpoint, { readonly untilMs: number; readonly answer: Promise<Found> }>()

  constructor(options: PodListOptions) {
    this.#options = options
    this.#lookup = options.lookup ?? systemLookup
    this.#endpoints = options.urls
      .map(url => parseEndpoint(url, ['http', 'https', 'dns'], 8090))
      .filter(endpoint => typeof endpoint !== 'string')
    this.#services = options.urls
      .map(url => parseKubernetesService(url, 8090))
      .filter(service => service !== undefined)
      .map(service => ({ service, watch: options.watch(service) }))
  }

  /** Now: in the order of the list, addresses of a name in their own order; each once. */
  async current(): Promise<{ readonly pods: readonly Pod[]; readonly failures: readonly PodFailure[] }> {
    const found = await Promise.all([
      ...this.#endpoints.map(endpoint => this.#find(endpoint)),
      ...this.#services.map(({ service, watch }) => this.#endpointsOf(service, watch))
    ])
    const byUrl = new Map(found.flatMap(({ pods }) => pods).map(pod => [pod.url, pod]))
    const failures = found.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))
    const pods = [...byUrl.values()]
    const { pods: limit } = this.#options.limits
    for (const { name } of pods.splice(limit)) {
      const detail = `${name} was not asked: only ${limit} pods are (front.limits.pods).`
      failures.push({ pod: name, code: 'PODS_LIMIT', detail })
    }
    return { pods, failures }
  }

  /** Follow no service any more. */
  stop(): void {
    for (const { watch } of this.#services) watch.stop()
  }

  async #endpointsOf({ namespace, service, port }: KubernetesService, watch: EndpointWatch): Promise<Found> {
    const addresses = await watch.addresses(this.#options.limits.podTimeoutMs)
    const pods = addresses.map(address => podAt(this.#scheme, address, port))
    if (watch.problem === undefined) return { pods }
    const pod = `k8s://${namespace}/${service}:${port}`
    return { pods, failure: { pod, code: 'KUBERNETES_AWAY', detail: watch.problem } }
  }

  get #scheme(): string {
    return this.#options.isTls === true ? 'https' : 'http'
  }

  #find(endpoint: Endpoint): Found | Promise<Found> {
    const { scheme, host, port } = endpoint
    if (scheme !== 'dns') return { pods: [podAt(scheme, host, port)] }
    const nowMs = this.#options.clock.monotonicMs()
    const known = this.#found.get(endpoint)
    if (known !== undefined && nowMs < known.untilMs) return known.answer
    const answer = this.#resolve(endpoint)
    this.#found.set(endpoint, { untilMs: nowMs + this.#options.limits.podLookupMs, answer })
    return answer
  }

  async #resolve({ host, port }: Endpoint): Promise<Found> {
    try {
      const addresses = [...(await this.#lookup(host))].toSorted()
      return { pods: addresses.map(address => podAt(this.#scheme, address, port)) }
    } catch (error) {
      const detail = `The name ${host} has no address: ${errorMessage(error)}.`
      const pod = `dns://${formatHostPort(host, port)}`
      return { pods: [], failure: { pod, code: errorCode(error) ?? 'LOOKUP_FAILED', detail } }
    }
  }
}

const podAt = (scheme: string, host: string, port: number): Pod => {
  const name = formatHostPort(host, port)
  return { name, url: `${scheme}://${name}` }
}
