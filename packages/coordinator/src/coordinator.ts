import { RequestCounters, createHttpServer, healthRoutes, setHttpLimits } from '@weir/http'
import type { ApiDescription, HttpServer, OpenApiDocument } from '@weir/http'
import { ElementRegistry } from '@weir/ipfix'
import { podKeys } from '@weir/config'
import type { EffectiveDocument } from '@weir/config'
import type { ControlPeer, ControlServer } from '@weir/link'
import { errorMessage, listenError, systemClock } from '@weir/runtime'
import type { Clock, Component, Log } from '@weir/runtime'
import { guardOf, serverSecrets } from './access.ts'
import { DestinationBook } from './destination-book.ts'
import { EventLog } from './event-log.ts'
import { EventStreams } from './event-streams.ts'
import { createCoordinatorMetrics } from './metrics.ts'
import { createPod } from './pod.ts'
import { configRoutes } from './routes/config.ts'
import { destinationOperationRoutes } from './routes/destination-operations.ts'
import { destinationRoutes } from './routes/destinations.ts'
import { eventRoutes } from './routes/events.ts'
import { exporterRoutes } from './routes/exporters.ts'
import { intakeRoutes } from './routes/intake.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { optionsRoutes } from './routes/options.ts'
import { revisionRoutes } from './routes/revisions.ts'
import { pipelineRoutes } from './routes/pipeline.ts'
import { pendingRoutes } from './routes/pending.ts'
import { supportRoutes } from './routes/support.ts'
import { tapRoutes } from './routes/tap.ts'
import { templateRoutes } from './routes/templates.ts'
import { PipelineWatch } from './pipeline/pipeline-watch.ts'
import { TapStreams } from './tap-streams.ts'
import { PolicyBook } from './policy-book.ts'
import { Webhooks } from './webhooks/webhooks.ts'
import { ConfigBook } from './revisions/config-book.ts'
import type { FleetStore, FollowerDeps } from './revisions/fleet-follower.ts'
import { PodChanges } from './revisions/pod-changes.ts'

export interface CoordinatorDeps {
  readonly control: ControlServer
  readonly log: Log
  readonly version: string
  readonly clock?: Clock
  /** The revisions that the pods of a fleet have in common; undefined: this pod has its own. */
  readonly fleetStore?: FleetStore | undefined
}

export interface Coordinator extends Component {
  /** Where the API answers, e.g. `http://127.0.0.1:8090`; empty before start. */
  readonly url: string
  /** The OpenAPI document of all routes; needs no start and opens nothing. */
  openApi(): Promise<OpenApiDocument>
}

const controlApi: ApiDescription = {
  title: 'Weir coordinator',
  description:
    'The control API of one Weir pod: what it listens on, who exports to it, which templates it knows, where records go, and where every one of them went.',
  tags: [
    { name: 'configuration', description: 'The whole document, its revisions, and what a change would do.' },
    { name: 'health', description: 'Is it up, what is it, what does it count.' },
    { name: 'intake', description: 'Listeners: what they do, and pausing, resuming and draining them.' },
    { name: 'exporters', description: 'Who exports to this pod, and what they said of themselves.' },
    { name: 'templates', description: 'What the data means: templates, live, remembered and past.' },
    { name: 'events', description: 'What happens, as it happens.' },
    { name: 'output', description: 'Destinations.' },
    { name: 'account', description: 'Where every record went.' }
  ]
}

/** Between two signs of life on a stream of events that has nothing to tell. */
const HEARTBEAT_MS = 15_000

/**
 * The control API of one pod. It meets the collector and the mediator over the control channel; no record waits for it, and
 * it can end and come back at any time.
 */
export function createCoordinator(
  { config, baseHash, base = config, ownKeys = podKeys }: EffectiveDocument,
  deps: CoordinatorDeps
): Coordinator {
  const { control, log, version, clock = systemClock, fleetStore } = deps
  const { address, port } = config.coordinator
  const guard = guardOf(config.coordinator, clock)
  const tls = serverSecrets(config.coordinator, clock)
  // Whoever has a bound reads it here, each time: so another one holds at once.
  const limits = { ...config.coordinator.limits }
  const pod = createPod(control, () => limits.controlTimeoutMs)
  const changes = new PodChanges(pod, next => {
    log.setLevel(next.log.level)
    Object.assign(limits, next.coordinator.limits)
    if (server !== undefined) setHttpLimits(server, limits)
  })
  const events = new EventLog(clock, {
    get events() {
      return limits.eventsKept
    },
    get octets() {
      return limits.eventOctetsKept
    }
  })
  const emit: FollowerDeps['emit'] = (event, data) => events.add('coordinator', event, { ...data })
  const fleet = fleetStore === undefined ? undefined : { store: fleetStore, ownKeys, emit }
  const book = new ConfigBook({ ...config, runDir: base.runDir }, base, baseHash, { changes, clock, log, fleet })
  const destinations = new DestinationBook(book)
  const policies = new PolicyBook(book)
  const pipeline = new PipelineWatch(pod, control, clock, () => book.document)
  const counters = new RequestCounters()
  const registrations = new Map<string, number>()
  const streams = new EventStreams(
    events,
    {
      get subscribers() {
        return limits.eventSubscribers
      },
      get bufferOctets() {
        return limits.eventBufferOctets
      },
      // A connection on which nothing happens is closed.
      heartbeatMs: Math.min(HEARTBEAT_MS, limits.connectionTimeoutMs / 3)
    },
    clock
  )
  const webhooks = new Webhooks(base.coordinator.webhooks, clock, log)
  const taps = new TapStreams(pod, limits, clock)
  const metrics = createCoordinatorMetrics({
    counters,
    control,
    registrations,
    events,
    streams,
    taps,
    webhooks,
    book
  })
  let server: HttpServer | undefined
  let url = ''

  const onPeer = (peer: ControlPeer): void => {
    registrations.set(peer.name, (registrations.get(peer.name) ?? 0) + 1)
    log.info('process_registered', `${peer.name} is connected`, { pid: peer.pid, epoch: peer.epoch })
    if (peer.process !== 'mediator' && peer.process !== 'collector') return
    book.reconcile(peer.process).catch((error: unknown) => {
      log.warn('reconcile_failed', `${peer.name} could not be told what holds: ${errorMessage(error)}`)
    })
  }

  const makeServer = async (): Promise<HttpServer> => {
    const made = await createHttpServer({
      name: 'coordinator',
      version,
      api: controlApi,
      limits,
      log,
      counters,
      prepare: guard,
      tls
    })
    healthRoutes(made, {
      unready: () => pod.unready(),
      metrics,
      process: 'coordinator',
      version,
      registry: ElementRegistry.standard().version,
      summaries: {
        readyz: 'Collector and mediator are connected and serve',
        metrics: "The coordinator's metrics, Prometheus text; collector and mediator serve their own"
      }
    })
    configRoutes(made, book)
    revisionRoutes(made, book, limits.pageSize)
    intakeRoutes(made, pod, limits.pageSize)
    exporterRoutes(made, pod, policies, limits.pageSize)
    templateRoutes(made, pod, limits.pageSize)
    optionsRoutes(made, pod, limits.pageSize)
    pendingRoutes(made, pod, limits.pageSize)
    eventRoutes(made, events, streams, limits.pageSize)
    destinationRoutes(made, destinations, pod, limits.pageSize)
    destinationOperationRoutes(made, destinations, pod)
    ledgerRoutes(made, pod, clock)
    tapRoutes(made, taps, () => book.document.collector.elementFiles)
    pipelineRoutes(made, pipeline)
    supportRoutes(made, { book, pod, events, pipeline, metrics, clock, version })
    made.get('/openapi.json', { schema: { hide: true } }, () => made.swagger())
    await made.ready()
    return made
  }

  return {
    name: 'coordinator',
    get url() {
      return url
    },
    async openApi() {
      const made = await makeServer()
      const document = made.swagger() as unknown as OpenApiDocument
      await made.close()
      return document
    },
    async start() {
      webhooks.start(events)
      await book.start()
      control.onPeer(onPeer)
      streams.start()
      control.onEvent((peer, event, data) => events.add(peer.name, event, data))
      control.onPeerLost(peer => log.warn('process_lost', `${peer.name} is not connected any more`, { pid: peer.pid }))
      server = await makeServer()
      try {
        url = await server.listen({ host: address, port })
      } catch (error) {
        throw listenError(error, 'control API', `${address.includes(':') ? `[${address}]` : address}:${port}`)
      }
      await control.start()
      pipeline.start()
    },
    async stop(deadlineMs) {
      const closing = server
      streams.close('stopping')
      taps.close('stopping')
      pipeline.stop()
      webhooks.stop()
      server = undefined
      await closing?.close()
      await control.stop(deadlineMs)
      await book.close()
    }
  }
}
