import type { Task } from '@weir/analysis'
import { ElementRegistry } from '@weir/ipfix'
import { formatHostPort } from '@weir/config'
import type { FrontConfig, KubernetesService, WeirConfig } from '@weir/config'
import { RequestCounters, createHttpServer, healthRoutes } from '@weir/http'
import type { ApiDescription, HttpServer, OpenApiDocument } from '@weir/http'
import { ConfigError, listenError, systemClock } from '@weir/runtime'
import type { Clock, Component, Log } from '@weir/runtime'
import type { RouteOptions } from 'fastify'
import Type from 'typebox'
import { Gate } from './auth/gate.ts'
import type { GuardedRoute } from './auth/gate.ts'
import type { TokenVerifier } from './auth/token-verifier.ts'
import { AnswerCache } from './fleet/answer-cache.ts'
import { EventStreams } from './fleet/event-streams.ts'
import { TapStreams } from './fleet/tap-streams.ts'
import { Fleet } from './fleet/fleet.ts'
import { PodCaller } from './fleet/pod-caller.ts'
import type { PodCredentials } from './fleet/pod-caller.ts'
import { PodList } from './fleet/pod-list.ts'
import type { Lookup } from './fleet/pod-list.ts'
import { Jobs } from './jobs/jobs.ts'
import { tasks as ownTasks } from './jobs/own-tasks.ts'
import { EndpointWatch } from './kubernetes/endpoint-watch.ts'
import { KubernetesApi } from './kubernetes/kubernetes-api.ts'
import { createFrontMetrics } from './metrics.ts'
import { configRoutes } from './routes/config.ts'
import { rolloutRoutes } from './routes/rollouts.ts'
import { Rollouts } from './rollouts/rollouts.ts'
import type { FleetStore } from './rollouts/rollouts.ts'
import { FleetConfig } from './fleet/fleet-config.ts'
import type { KeyStore } from './auth/key-store.ts'
import { fleetRoutes } from './routes/fleet.ts'
import { eventRoutes } from './routes/events.ts'
import { jobRoutes } from './routes/jobs.ts'
import { keyRoutes } from './routes/keys.ts'
import { localHome } from './workers/front-home.ts'
import type { FrontHome } from './workers/front-home.ts'
import { operationRoutes } from './routes/operations.ts'
import { pipelineRoutes } from './routes/pipeline.ts'
import { supportRoutes } from './routes/support.ts'
import { tapRoutes } from './routes/tap.ts'
import { scaleRoutes } from './routes/scale.ts'
import { templateRoutes } from './routes/templates.ts'
import { uploadRoutes } from './routes/uploads.ts'

export interface FrontDeps {
  readonly log: Log
  readonly version: string
  readonly clock?: Clock
  /** Pods instead of those of an empty `front.pods`. */
  readonly pods?: readonly string[]
  readonly lookup?: Lookup
  /** Kinds of jobs instead of those there are. */
  readonly tasks?: readonly Task[]
  /** What the processes of a front share; default: it is the only one. */
  readonly home?: FrontHome
  /** The revisions that the pods have in common; undefined: there is no such store. */
  readonly fleetStore?: FleetStore | undefined
  /** Keys that several fronts have in common; undefined: this one has its own. */
  readonly keyStore?: KeyStore | undefined
}

export interface Front extends Component {
  /** Where the API answers, e.g. `http://127.0.0.1:8080`; empty before start. */
  readonly url: string
  /** Where the admin key is kept. */
  readonly adminKeyPath: string
  /** It was made by this start. */
  readonly isAdminKeyNew: boolean
  /** The OpenAPI document of all routes; needs no start and opens nothing. */
  openApi(): Promise<OpenApiDocument>
  /** All routes there are, with what each asks for; after start. */
  readonly routes: readonly GuardedRoute[]
}

const webApi: ApiDescription = {
  title: 'Weir',
  description: 'The web API of a fleet of Weir pods: one answer from all of them, and who may do what.',
  tags: [
    { name: 'health', description: 'Is it up, what is it, what does it count.' },
    { name: 'fleet', description: 'All pods as one.' },
    { name: 'configuration', description: 'One document for all pods, its revisions, and its way through the fleet.' },
    { name: 'operations', description: 'Destinations and listeners of the pods, and what is done with them.' },
    { name: 'templates', description: 'What the data means: templates of all pods.' },
    { name: 'events', description: 'What happens, as it happens.' },
    { name: 'jobs', description: 'Work on recorded flows, done by job workers.' },
    { name: 'uploads', description: 'Files for jobs to work on.' },
    { name: 'keys', description: 'Who may do what.' }
  ],
  securitySchemes: {
    apiKey: {
      type: 'http',
      scheme: 'bearer',
      description: 'An API key, wk_…, which POST /api/v1/keys makes; with `front.oidc` also a token of that issuer.'
    }
  }
}

/** The web API of a fleet: keeps keys and an audit log of its own, and asks the coordinators for all else. */
export function createFront(config: WeirConfig, deps: FrontDeps): Front {
  const { log, version, clock = systemClock, tasks = ownTasks } = deps
  const { address, port, cache: cached, kubernetes, limits, oidc, pods, podTls, jobs: jobsConfig } = frontOf(config)
  const home = deps.home ?? localHome(config.stateDir, limits.keys, clock, log, deps.keyStore)
  const { keys, audit } = home
  let tokens: TokenVerifier | undefined
  const urls = pods.length > 0 ? pods : (deps.pods ?? [ownPod(config)])
  const api = new KubernetesApi(kubernetes)
  const watch = (service: KubernetesService): EndpointWatch => new EndpointWatch(api, service, clock, log)
  const list = new PodList({ urls, watch, limits, clock, lookup: deps.lookup, isTls: podTls !== null })
  const caller = new PodCaller(credentialsOf(config), clock)
  const fleet = new Fleet(list, limits, caller, clock)
  const fleetConfig = new FleetConfig(fleet)
  const { fleetStore } = deps
  const rollouts = fleetStore === undefined ? undefined : new Rollouts(fleetStore, fleet, fleetConfig, clock, log)
  const cache = new AnswerCache({ ...cached, ...limits }, clock)
  const streams = new EventStreams(list, limits, caller, clock)
  const taps = new TapStreams(list, limits, caller, clock)
  const counters = new RequestCounters()
  let jobs: Jobs | undefined
  let gate = new Gate(home, undefined, limits, clock)
  let server: HttpServer | undefined
  let url = ''
  let isAdminKeyNew = false

  // What checks tokens is loaded only where there is an issuer.
  const makeTokens = async (): Promise<TokenVerifier | undefined> => {
    if (oidc === null) return undefined
    const { TokenVerifier } = await import('./auth/token-verifier.ts')
    return (tokens ??= new TokenVerifier(oidc, clock, log))
  }

  const makeServer = async (): Promise<HttpServer> => {
    await makeTokens()
    gate = new Gate(home, tokens, limits, clock)
    const prepare = (each: HttpServer): void => {
      gate.guard(each)
      each.addHook('onRoute', refuseUnknownQuery)
    }
    if (jobsConfig !== null) {
      const { connectionTimeoutMs } = limits
      jobs ??= await Jobs.make(config, jobsConfig, { tasks, clock, log, connectionTimeoutMs })
    }
    const made = await createHttpServer({
      name: 'front',
      version,
      api: webApi,
      limits,
      uploadTimeoutMs: jobsConfig?.limits.uploadTimeoutMs,
      log,
      counters,
      prepare
    })
    healthRoutes(made, {
      unready: async () => [jobs?.queue.unready].filter(each => each !== undefined),
      process: 'front',
      metrics: home.metrics(createFrontMetrics({ counters, gate, fleet, streams, taps, cache, tokens, jobs })),
      version,
      registry: ElementRegistry.standard().version,
      summaries: { readyz: 'It serves; /api/v1/fleet says how the pods are', metrics: 'Its metrics, Prometheus text' }
    })
    fleetRoutes(made, { fleet, cache, clock, maxPage: limits.pageSize })
    pipelineRoutes(made, fleet)
    supportRoutes(made, fleet)
    operationRoutes(made, fleet, limits.pageSize)
    templateRoutes(made, fleet, cache, limits.pageSize)
    configRoutes(made, fleetConfig, gate)
    rolloutRoutes(made, rollouts, gate, limits.pageSize)
    tapRoutes(made, taps, gate)
    eventRoutes(made, { fleet, streams, gate, maxPage: limits.pageSize })
    if (jobs !== undefined) {
      jobRoutes(made, { jobs, gate, maxPage: limits.pageSize })
      await uploadRoutes(made, jobs, gate, limits.pageSize)
    }
    scaleRoutes(made, { api, statefulSet: kubernetes.statefulSet, maxReplicas: limits.pods })
    keyRoutes(made, keys, gate, limits.pageSize)
    made.get('/openapi.json', { schema: { hide: true } }, () => made.swagger())
    await made.ready()
    return made
  }

  return {
    name: 'front',
    adminKeyPath: home.adminKeyPath,
    get url() {
      return url
    },
    get isAdminKeyNew() {
      return isAdminKeyNew
    },
    get routes() {
      return gate.routes
    },
    async openApi() {
      const made = await makeServer()
      const document = made.swagger() as unknown as OpenApiDocument
      await made.close()
      return document
    },
    async start() {
      ;({ isAdminKeyNew } = await home.start())
      await (await makeTokens())?.start()
      streams.start()
      taps.start()
      keys.onRevoked(id => {
        streams.close('key_revoked', id)
        taps.close('key_revoked', id)
        jobs?.streams.close('key_revoked', id)
      })
      await rollouts?.start()
      server = await makeServer()
      await jobs?.start()
      try {
        url = await server.listen({ host: address, port })
      } catch (error) {
        throw listenError(error, 'web API', formatHostPort(address, port))
      }
    },
    async stop() {
      const closing = server
      streams.close('stopping')
      jobs?.streams.close('stopping')
      taps.close('stopping')
      server = undefined
      await closing?.close()
      await rollouts?.stop()
      list.stop()
      caller.close()
      await jobs?.stop()
      await home.close()
      await audit.flush()
    }
  }
}

/** A route that says nothing of its query takes none (TH-32). */
function refuseUnknownQuery(route: RouteOptions): void {
  if (!route.url.startsWith('/api/')) return
  route.schema ??= {}
  route.schema.querystring ??= Type.Object({}, { additionalProperties: false })
}

function frontOf({ front }: WeirConfig): FrontConfig {
  if (front !== null) return front
  throw new ConfigError([{ path: 'front', message: 'is null: there is no web API to run', allowed: 'a section' }])
}

/** The coordinator of the same configuration. */
function ownPod({ coordinator: { address, port, tls } }: WeirConfig): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return `${tls === null ? 'http' : 'https'}://${formatHostPort(host, port)}`
}

/** Where the pods are those of this configuration, their token is too. */
function credentialsOf(config: WeirConfig): PodCredentials {
  const { pods, podTokenFile, podTls } = frontOf(config)
  return { tokenFile: podTokenFile ?? (pods.length === 0 ? config.coordinator.tokenFile : null), tls: podTls }
}
