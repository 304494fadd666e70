import { LayoutTable, ElementRegistry } from '@weir/ipfix'
import { TargetPolicy } from '@weir/config'
import { createLinkReceiver, dataEndpoint } from '@weir/link'
import { ProgramCache, parseFilter } from '@weir/mediation'
import { systemClock } from '@weir/runtime'
import { join } from 'node:path'
import { DestinationSet } from './destinations/destination-set.ts'
import { ModeBook } from './destinations/mode-book.ts'
import { Intake } from './intake.ts'
import { checkLedger } from './ledger.ts'
import { TapSet } from './tap/tap-set.ts'
import { loadSegmentSender } from './outputs/segment-sender.ts'
import { programsOf } from './programs.ts'
import type { WeirConfig } from '@weir/config'
import type { LinkReceiver, LinkReceiverConfig, LinkReceiverDeps, LinkReceiverStats } from '@weir/link'
import type { ProgramCacheStats } from '@weir/mediation'
import type { Clock, Component, Log, Readiness, Timer } from '@weir/runtime'
import type { Writable } from 'node:stream'
import type { DestinationState } from './destinations/destination-state.ts'
import type { DestinationChangeNote } from './destinations/destination.ts'
import type { MediatorLedger } from './ledger.ts'
import type { Lookup } from './outputs/guarded-lookup.ts'
import type { TapRequest } from './tap/tap.ts'
import type { MakeSegmentSender } from './outputs/udp-output.ts'

export interface MediatorDeps {
  readonly log: Log
  readonly clock?: Clock
  /** The document of file and environment: what it names may be sent to. Default: the whole document is theirs. */
  readonly base?: WeirConfig
  /** Default `lookup` of node:dns. */
  readonly lookup?: Lookup
  /** Which mediator of the pod this is; default 0. */
  readonly worker?: number
  /** Element names; default the standard registry. */
  readonly registry?: ElementRegistry
  /** Default `createLinkReceiver`. */
  readonly makeReceiver?: (config: LinkReceiverConfig, deps: LinkReceiverDeps) => LinkReceiver
  /** For JSON to `stdout`. */
  readonly stdout?: Writable
  /** The endpoint was taken over by another mediator: this process has to end. */
  readonly onFenced?: () => void
  /** Told when the mode of a destination changed, or whether it is ready. */
  readonly onDestination?: (id: string, change: DestinationChangeNote) => void
}

/** All of a mediator, as plain data. */
export interface MediatorState {
  readonly destinations: readonly DestinationState[]
  /** Removed, and still delivering what they have. */
  readonly stopping: readonly DestinationState[]
  readonly ledger: MediatorLedger
  readonly programs: Readonly<ProgramCacheStats>
  readonly link: LinkReceiverStats
  readonly sources: number
  readonly optionsRecords: number
  readonly hasSegments: boolean
  readonly taps: { readonly open: number; readonly shown: number; readonly dropped: number }
}

/** The Intermediate and Exporting Process: takes batches, keeps options state, feeds destinations. */
export interface Mediator extends Component {
  readonly destinations: DestinationSet
  readonly taps: TapSet
  readonly state: MediatorState
  readonly ledger: MediatorLedger
  readonly readiness: Readiness
  /** How it is stopped, when it is, and how long a destination that is removed may take. */
  setShutdown(shutdown: WeirConfig['shutdown']): void
  /**
   * Open a tap, its filter as text.
   *
   * @throws FilterError; PeerError as {@link TapSet.open}.
   */
  openTap(request: Omit<TapRequest, 'filter'> & { readonly filter: string | undefined }): void
  /** One sentence for each equation of the ledger that does not hold. */
  checkLedger(): string[]
}

const TICK_MS = 250
/** Share of the stop time that is left for sockets, files and acknowledgements once the queues had theirs. */
const CLOSING_MS = 1_000

/**
 * @param config - the whole effective document; `runDir` is set.
 */
export function createMediator(config: WeirConfig, deps: MediatorDeps): Mediator {
  return new MediatorProcess(config, deps)
}

class MediatorProcess implements Mediator {
  readonly name = 'mediator'
  readonly destinations: DestinationSet
  readonly taps: TapSet
  readonly #config: WeirConfig
  #shutdown: WeirConfig['shutdown']
  readonly #log: Log
  readonly #clock: Clock
  readonly #intake: Intake
  readonly #programs: ProgramCache
  readonly #registry: ElementRegistry
  readonly #receiver: LinkReceiver
  #makeSegmentSender: MakeSegmentSender | undefined
  #ticker: Timer | undefined
  #isServing = false
  #isStopping = false
  #isStopAsked = false
  #onEndOfStream: (() => void) | undefined

  constructor(config: WeirConfig, deps: MediatorDeps) {
    const { log, clock = systemClock, worker = 0, registry = ElementRegistry.standard() } = deps
    const { limits, plan } = config.mediator
    this.#config = config
    this.#shutdown = config.shutdown
    this.#log = log
    this.#clock = clock
    this.#registry = registry
    const layouts = new LayoutTable()
    this.#programs = new ProgramCache({
      registry,
      limit: limits.programs,
      compilesPerSecond: limits.compilesPerSec,
      compileAfterRecords: limits.compileAfterRecords,
      compiledFields: limits.compiledFields,
      lists: { depth: limits.listDepth, elements: limits.listElements }
    })
    this.taps = new TapSet({ clock, programs: this.#programs, planOf: id => this.destinations.planOf(id) })
    const { taps } = this
    this.destinations = new DestinationSet({
      taps,
      clock,
      log,
      plan,
      registry,
      stdout: deps.stdout ?? process.stdout,
      maxTemplates: limits.templatesPerDestination,
      drainMs: () => this.#shutdown.drainMs,
      maxQueueOctets: config.link.bufferOctets / 2,
      targets: new TargetPolicy(deps.base ?? config),
      ...(deps.lookup === undefined ? {} : { lookup: deps.lookup }),
      modes: new ModeBook(join(config.stateDir, `destination-modes${worker === 0 ? '' : `-${worker}`}.json`), log),
      ...(deps.onDestination === undefined ? {} : { onChange: deps.onDestination }),
      programsFor: wanted => programsOf(this.#programs, wanted),
      optionsSnapshot: () => this.#intake.optionsSnapshot(),
      segmentSender: () => this.#makeSegmentSender
    })
    this.#intake = new Intake(
      held => {
        if (taps.hasIntakeTaps) taps.onBatch(held)
        this.destinations.deliver(held)
      },
      () => this.destinations.repeatOptions()
    )
    const makeReceiver = deps.makeReceiver ?? createLinkReceiver
    this.#receiver = makeReceiver(
      { ...config.link, endpoint: dataEndpoint(config.runDir ?? '/run/weir', worker) },
      {
        layouts,
        onSourceReleased: source => this.#intake.forgetSource(source),
        onLayoutReleased: layout => {
          this.#programs.release(layout)
          this.destinations.forgetLayout(layout)
          taps.forgetLayout(layout)
        },
        onEndOfStream: () => this.#onEndOfStream?.(),
        onFenced: () => {
          log.error('link_fenced', 'another mediator has taken the endpoint over: this one ends')
          deps.onFenced?.()
        }
      }
    )
  }

  async start(): Promise<void> {
    // At every start: the API may add a destination that wants it.
    await this.#loadSegments()
    for (const config of this.#config.destinations) this.destinations.add(config, false)
    this.destinations.forgetFormerModes()
    this.#ticker = this.#clock.setPeriodic(TICK_MS, () => {
      this.destinations.tick()
      this.taps.tick()
      // A collector that was killed says nothing any more: it is held for dead after its heartbeats.
      this.#onEndOfStream?.()
    })
    await this.#receiver.start(batch => {
      // What comes while we stop is not ours any more: the collector keeps it for the next mediator.
      if (!this.#isStopping) this.#intake.onBatch(batch)
    })
    this.#isServing = true
  }

  async stop(deadlineMs: number): Promise<void> {
    if (this.#isStopAsked) return
    this.#isStopAsked = true
    const endMs = this.#clock.monotonicMs() + deadlineMs
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs())
    if (this.#isServing) await this.#endOfStream(Math.max(0, leftMs() - this.#shutdown.drainMs - CLOSING_MS))
    this.#isStopping = true
    this.#isServing = false
    await this.destinations.stop(Math.max(0, leftMs() - CLOSING_MS))
    this.#ticker?.cancel()
    await this.#receiver.stop(leftMs())
    const broken = this.checkLedger()
    if (broken.length > 0) this.#log.error('ledger_broken', 'the ledger does not close', { broken })
    this.#log.info('ledger', 'the account at the end', { ledger: this.ledger })
  }

  get ledger(): MediatorLedger {
    const { receivedBatches, settledBatches, receivedRecords, redeliveredRecords } = this.#intake
    return {
      records: { received: receivedRecords, redelivered: redeliveredRecords },
      batches: { received: receivedBatches, settled: settledBatches, unsettled: this.#intake.unsettledBatches },
      destinations: this.destinations.ledgers
    }
  }

  get state(): MediatorState {
    return {
      destinations: this.destinations.states,
      stopping: this.destinations.stopping,
      ledger: this.ledger,
      programs: this.#programs.stats,
      link: this.#receiver.stats,
      sources: this.#intake.sources,
      optionsRecords: this.#intake.options.stats.records,
      hasSegments: this.#makeSegmentSender !== undefined,
      taps: { open: this.taps.size, shown: this.taps.shown, dropped: this.taps.dropped }
    }
  }

  get readiness(): Readiness {
    const reasons: string[] = []
    if (!this.#isServing) reasons.push('the link is not served')
    if (this.#isStopping) reasons.push('stopping')
    return { isReady: reasons.length === 0, reasons }
  }

  setShutdown(shutdown: WeirConfig['shutdown']): void {
    this.#shutdown = shutdown
  }

  openTap({ filter, ...request }: Omit<TapRequest, 'filter'> & { readonly filter: string | undefined }): void {
    this.taps.open({ ...request, filter: filter === undefined ? undefined : parseFilter(filter, this.#registry) })
  }

  checkLedger(): string[] {
    return checkLedger(this.ledger)
  }

  async #loadSegments(): Promise<void> {
    const loaded = await loadSegmentSender(this.#log)
    if (typeof loaded === 'string') {
      this.#log.info('udp_segment_absent', `UDP_SEGMENT is not used, datagrams go out one by one: ${loaded}`)
    } else {
      this.#makeSegmentSender = loaded
      this.#log.info('udp_segment', 'UDP goes out with UDP_SEGMENT where a destination does not say otherwise')
    }
  }

  /** Until every collector that is connected has said that nothing more comes. */
  #endOfStream(deadlineMs: number): Promise<void> {
    const isOver = (): boolean => this.#receiver.stats.senders.every(sender => sender.hasEnded || !sender.isConnected)
    if (deadlineMs <= 0 || isOver()) return Promise.resolve()
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(deadlineMs, () => done())
      const done = (): void => {
        timer.cancel()
        this.#onEndOfStream = undefined
        resolve()
      }
      this.#onEndOfStream = () => {
        if (isOver()) done()
      }
    })
  }
}
