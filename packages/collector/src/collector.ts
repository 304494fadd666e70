import type { ExporterPolicyConfig, WeirConfig } from '@weir/config'
import { LayoutTable, MessageDecoder, TemplateBudget, type DropReason, type ElementRegistry } from '@weir/ipfix'
import type { LinkSender } from '@weir/link'
import { delay, systemClock, type Clock, type Component, type Log, type Readiness, type Timer } from '@weir/runtime'
import { OptionsState, PendingSpool, type TemplateStore } from '@weir/templates'
import { AllowList } from './allow-list.ts'
import { ledgerToJson } from './collector-state.ts'
import { DomainKeeper } from './domain-keeper.ts'
import type { Domain } from './domain.ts'
import { EventOutlet, type EmitEvent } from './event-outlet.ts'
import { ExporterLife } from './exporter-life.ts'
import { ExporterPolicies } from './exporter-policies.ts'
import { ExporterTable } from './exporter.ts'
import { Forwarder } from './forwarder.ts'
import { Intake } from './intake.ts'
import { Ledger } from './ledger.ts'
import { PenaltyBox } from './penalty-box.ts'
import { LiveDomains } from './live-domains.ts'
import { ListenerStates } from './listener-states.ts'
import { ListenerSet, type UdpPart } from './listener-set.ts'
import { PendingDrain } from './pending-drain.ts'
import { PendingMover } from './pending-mover.ts'
import { PendingSets } from './pending-sets.ts'
import { Quarantine } from './quarantine.ts'
import { Recollection, type WarmUp } from './recollection.ts'
import { Publisher } from './recollection/publisher.ts'
import { Restorer } from './recollection/restorer.ts'
import { RestartGuard } from './restart-guard.ts'
import { ExporterScopes } from './scope/exporter-scopes.ts'
import { Relays } from './relay/relays.ts'
import { publishGroup } from './scope/publish-group.ts'
import { SessionRekey } from './scope/session-rekey.ts'
import { SessionTable } from './session-table.ts'
import { StoreWatch } from './store-watch.ts'
import { TcpGate } from './tcp-gate.ts'
import type { TcpLimits, TcpListener } from './tcp-listener.ts'
import { TemplateEvents } from './template-events.ts'

/** The sections of the configuration that the collector reads. */
export type CollectorSettings = Pick<WeirConfig, 'collector' | 'shutdown' | 'stores'>

export interface CollectorDeps {
  readonly link: LinkSender
  /** Of this worker alone. */
  readonly store: TemplateStore
  /** Of all pods. */
  readonly shared?: TemplateStore
  readonly registry: ElementRegistry
  readonly log: Log
  readonly clock?: Clock
  /** The file in which Data Sets wait for their template beyond memory; without it they wait in memory alone. */
  readonly pendingSpoolPath?: string
  /** The file in which it stands what listeners were told to do; without it that ends with the process. */
  readonly listenerStatesPath?: string
  /** Names this process to the operator of a shared store. */
  readonly claimer?: string
  /** Told of what an operator may want to see at once. */
  readonly emit?: EmitEvent
}

/** All parts of a running collector, for those who show them: control methods, metrics, tests. Read only. */
export interface CollectorParts {
  readonly settings: CollectorSettings
  readonly startedAtMs: number
  readonly clock: Clock
  readonly registry: ElementRegistry
  readonly link: LinkSender
  readonly store: TemplateStore
  readonly shared: TemplateStore | undefined
  readonly ledger: Ledger
  readonly layouts: LayoutTable
  readonly budget: TemplateBudget
  readonly exporters: ExporterTable
  readonly policies: ExporterPolicies
  readonly scopes: ExporterScopes
  readonly sessions: SessionTable
  readonly pending: PendingSets
  readonly spool: PendingSpool
  readonly drain: PendingDrain
  readonly quarantine: Quarantine
  readonly penalties: PenaltyBox
  readonly forwarder: Forwarder
  readonly options: OptionsState<Domain>
  readonly recollection: Recollection
  readonly restorer: Restorer
  readonly publisher: Publisher
  readonly events: TemplateEvents
  readonly outlet: EventOutlet
  readonly life: ExporterLife
  readonly relays: Relays
  readonly intake: Intake
  readonly gate: TcpGate
  readonly listeners: ListenerSet
  readonly udp: readonly UdpPart[]
  readonly tcp: readonly TcpListener[]
}

export interface Collector extends Component {
  readonly parts: CollectorParts
  readiness(): Readiness
  /**
   * Who may send from now on. Sessions of those who may not any more are closed; what was read of them goes on.
   *
   * @param allow - CIDR blocks, checked; empty with `allowAny`: everybody.
   */
  setAllow(allow: readonly string[], allowAny: boolean): void
  /**
   * What holds for which exporter from now on; what was said of single exporters stays over it.
   *
   * @param exporters - the entries of `collector.exporters`, checked.
   */
  setExporters(exporters: readonly ExporterPolicyConfig[]): void
  /**
   * Other bounds from now on. What is above a lowered one is not ended for that, but takes nothing more.
   *
   * @param limits - all of them, checked.
   */
  setLimits(limits: CollectorLimits): void
  /** How it is stopped, when it is. */
  setShutdown(shutdown: WeirConfig['shutdown']): void
}

export type CollectorLimits = WeirConfig['collector']['limits']

/** One expired or idle thing is found this much late at most. */
const SWEEP_MS = 10_000
const TICK_MS = 1_000
const DRAIN_LOOK_MS = 50
/** Longest time for giving what waits to the shelf at the end; the spool has it anyway. */
const SHELVE_MOST_MS = 2_000

/**
 * The Collecting Process: sockets, sessions, templates, sequence accounting, and the hand-over to the link. Inert until
 * `start`. Owns the link's and the store's life: starts them first, stops them last.
 */
export function createCollector(settings: CollectorSettings, deps: CollectorDeps): Collector {
  return new CollectorProcess(settings, deps)
}

class CollectorProcess implements Collector {
  readonly name = 'collector'
  readonly parts: CollectorParts
  readonly #deps: CollectorDeps
  readonly #clock: Clock
  readonly #timers: Timer[] = []
  readonly #limits: { -readonly [K in keyof CollectorLimits]: CollectorLimits[K] }
  readonly #shutdown: { -readonly [K in keyof WeirConfig['shutdown']]: number }
  readonly #listeners: ListenerSet
  readonly #allow: AllowList
  readonly #keeper: DomainKeeper
  readonly #gate: TcpGate
  readonly #storeWatch: StoreWatch
  #mover: PendingMover | undefined
  #state: 'new' | 'starting' | 'serving' | 'stopping' | 'stopped' = 'new'

  constructor(given: CollectorSettings, deps: CollectorDeps) {
    // Whoever has a bound reads it here, each time: so another one holds at once.
    const limits = (this.#limits = { ...given.collector.limits })
    const shutdown = (this.#shutdown = { ...given.shutdown })
    const settings: CollectorSettings = { ...given, collector: { ...given.collector, limits }, shutdown }
    this.#deps = deps
    const clock = (this.#clock = deps.clock ?? systemClock)
    const { link, store, shared, registry, log } = deps
    const config = settings.collector
    const ledger = new Ledger()
    const layouts = new LayoutTable(layout => link.releaseLayout(layout))
    const budget = new TemplateBudget({
      get templates() {
        return limits.templatesTotal
      },
      get octets() {
        return limits.templateOctetsTotal
      }
    })
    const exporters = new ExporterTable(
      () =>
        new TemplateBudget({
          get templates() {
            return limits.templatesPerExporter
          },
          parent: budget
        })
    )
    const policies = new ExporterPolicies(config.exporters)
    const forwarder = new Forwarder(link, ledger, layouts)
    const pending = new PendingSets(limits, ledger)
    const live = new LiveDomains()
    const spoolPath = deps.pendingSpoolPath ?? ((shared ?? store).shelf === undefined ? undefined : ':memory:')
    const onWaitingDrop = (address: string, reason: DropReason): void => {
      ledger.dataSets.pending--
      ledger.dataSets.dropped[reason]++
      const exporter = exporters.get(address)
      if (exporter !== undefined) exporter.droppedSets++
    }
    const spool = new PendingSpool(
      {
        path: spoolPath ?? ':memory:',
        get octets() {
          return limits.pendingSpoolOctets
        },
        get octetsPerPlace() {
          return limits.pendingSpoolOctetsPerDomain
        },
        get keepMs() {
          return limits.pendingKeepMs
        },
        onDamaged: (path, reason) =>
          log.warn(
            'pending_spool_damaged',
            'the spool of pending Data Sets is damaged: it was set aside, what was in it is lost',
            {
              path,
              reason
            }
          ),
        onFailure: error =>
          log.warn('pending_spool_failed', 'pending Data Sets cannot be written to the spool', { error })
      },
      onWaitingDrop
    )
    const options = new OptionsState<Domain>(
      {
        get recordsPerSource() {
          return limits.optionsRecordsPerSession
        }
      },
      layouts
    )
    const publisher = new Publisher(store, shared, policies, clock, limits)
    const outlet = new EventOutlet(deps.emit ?? (() => {}), clock)
    this.#storeWatch = new StoreWatch(shared, outlet)
    const events = new TemplateEvents(publisher, log, outlet)
    const restorer = new Restorer({
      layouts,
      options,
      events,
      clock,
      log,
      announce: (domain, record) => keeper.announce(domain, record, false),
      releaseAll: domain => intake.releaseAll(domain)
    })
    const recollection = new Recollection(limits, warmUpOf(settings), {
      local: store,
      shared,
      publisher,
      restorer,
      policies,
      clock,
      log,
      domains: () => verifiedDomains(sessions),
      connections: () => connectedDomains(sessions),
      optionsOf: domain => options.recordsOf(domain),
      isGrouped: domain => keeper.isGrouped(domain.session),
      onGroup: (domain, { decision, templates, options: records }) => {
        if (decision !== undefined) scopes.onStored(domain, decision, templates, records)
      }
    })
    const life = new ExporterLife(limits, outlet, policies, options)
    const scopes = new ExporterScopes(options, clock, {
      takeHint: (domain, entry, nowMs) => keeper.takeHint(domain, entry, nowMs),
      release: (domain, templateId) => intake.release(domain, templateId),
      tell: (domain, record) => keeper.announce(domain, record, true),
      renewSource: domain => keeper.renewSource(domain),
      tellStored: (domain, stored) => keeper.announceStored(domain, stored),
      takeStoredHint: (domain, stored) => keeper.takeStoredHint(domain, stored),
      publish: (group, optionsOf) => publishGroup(publisher, group, optionsOf, clock.monotonicMs()),
      decided: group =>
        outlet.tell('scope_decided', clock.monotonicMs(), () => ({
          exporter: group.exporter.id,
          listener: group.listener,
          version: group.version,
          odid: group.odid,
          decision: group.decision,
          evidence: group.evidence,
          ports: group.ports.join(' ')
        }))
    })
    const relays = new Relays(limits, {
      policies,
      exporters,
      life,
      options,
      link,
      forwarder,
      clock,
      contextOf: (domain, layout) => keeper.contextOf(domain, layout)
    })
    const quarantine = new Quarantine(outlet, clock)
    const guard = new RestartGuard(domain => intake.undoRestart(domain))
    const keeper: DomainKeeper = (this.#keeper = new DomainKeeper({
      layouts,
      limits,
      link,
      forwarder,
      recollection,
      publisher,
      options,
      ledger,
      live,
      guard,
      events,
      policies,
      scopes,
      relays,
      clock
    }))
    const decoder = new MessageDecoder({
      layouts,
      registry,
      limits,
      isStrict: config.strict,
      v9EnterpriseNumber: config.v9EnterpriseNumber
    })
    const drain = new PendingDrain({
      spool,
      store: shared ?? store,
      live,
      forwarder,
      ledger,
      clock,
      log,
      claimer: deps.claimer ?? 'collector',
      isAnnounced: (domain, templateId) => intake.isAnnounced(domain, templateId),
      deliver: (domain, set) => intake.deliverWaiting(domain, set),
      onHeld: (domain, { templateId, held, octets }) => {
        if (held !== '') quarantine.note(domain, templateId, held, octets.length)
      },
      onDrained: (domain, templateId, sets) => intake.releaseFromMemory(domain, templateId, sets),
      onDrop: onWaitingDrop
    })
    const mover = new PendingMover({
      pending,
      spool,
      store: shared ?? store,
      ledger,
      clock,
      log,
      onShelved: sets => {
        for (const set of sets) {
          const domain = live.get(set)
          if (domain !== undefined && intake.isAnnounced(domain, set.templateId) !== undefined) {
            drain.claim(domain, set.templateId)
          }
        }
      }
    })
    if (spoolPath !== undefined) {
      this.#mover = mover
      pending.moveTo(mover)
    }
    const intake: Intake = new Intake({
      decoder,
      keeper,
      forwarder,
      pending,
      drain,
      live,
      guard,
      quarantine,
      options,
      recollection,
      publisher,
      events,
      scopes,
      life,
      outlet,
      relays,
      ledger,
      clock,
      log
    })
    const sessions = new SessionTable(limits, {
      keeper,
      exporters,
      pending,
      events,
      life,
      onUdpClosed: session => {
        for (const { intake: udp } of this.#listeners.udp) udp.peers.remove(session.exporter.address, session)
      }
    })
    const penalties = new PenaltyBox({
      get malformed() {
        return limits.udpMalformedDatagrams
      },
      get windowMs() {
        return limits.udpMalformedWindowMs
      },
      get penaltyMs() {
        return limits.udpPenaltyMs
      },
      get sources() {
        return limits.udpUnverifiedSessions
      }
    })
    this.#allow = new AllowList(config.allow, config.allowAny && config.allow.length === 0)
    this.#gate = new TcpGate(limits, clock)
    this.#listeners = new ListenerSet({
      intake,
      sessions,
      recollection,
      exporters,
      policies,
      forwarder,
      penalties,
      allow: this.#allow,
      gate: this.#gate,
      ledger,
      outlet,
      clock,
      log,
      limits: config.strict ? strictly(limits) : limits,
      states: new ListenerStates(deps.listenerStatesPath, log),
      shutdown
    })
    this.parts = {
      settings,
      startedAtMs: clock.nowMs(),
      clock,
      registry,
      link,
      store,
      shared,
      ledger,
      layouts,
      budget,
      exporters,
      policies,
      scopes,
      sessions,
      pending,
      spool,
      drain,
      quarantine,
      penalties,
      forwarder,
      options,
      recollection,
      restorer,
      publisher,
      events,
      outlet,
      life,
      relays,
      intake,
      gate: this.#gate,
      listeners: this.#listeners,
      udp: this.#listeners.udp,
      tcp: this.#listeners.tcp
    }
    const rekey = new SessionRekey({
      policies,
      exporters,
      sessions,
      keeper,
      scopes,
      options,
      pending,
      live,
      intake,
      udp: () => this.#listeners.udp.map(part => part.intake),
      clock
    })
    policies.onChange(() => rekey.apply())
    link.onWritable(() => this.#resume())
    link.onPeerRestart(() => {
      keeper.announceOptionsState()
      scopes.announce(exporters.values())
    })
    policies.onChange(() => relays.refresh(sessions.values()))
  }

  async start(): Promise<void> {
    this.#state = 'starting'
    const { settings, recollection, link } = this.parts
    const { collector: config } = settings
    await recollection.start()
    this.#mover?.start()
    await link.start()
    await this.#listeners.start(config.listeners)
    this.#timers.push(
      this.#clock.setPeriodic(TICK_MS, () => this.#tick()),
      this.#clock.setPeriodic(SWEEP_MS, () => this.#sweep())
    )
    this.#state = 'serving'
  }

  async stop(deadlineMs: number): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'stopped') return
    const wasStarted = this.#state !== 'new'
    this.#state = 'stopping'
    const { settings, pending, forwarder, link, store, shared, sessions, recollection, ledger } = this.parts
    const { log } = this.#deps
    const endMs = this.#clock.monotonicMs() + deadlineMs
    const leftMs = (): number => Math.max(0, endMs - this.#clock.monotonicMs())
    if (wasStarted) {
      const { tcpReadMs, drainMs } = settings.shutdown
      await this.#listeners.stop(Math.min(tcpReadMs, Math.max(0, deadlineMs - drainMs)))
    }
    for (const timer of this.#timers) timer.cancel()
    this.#gate.close()
    recollection.close()
    recollection.putSequences()
    this.parts.drain.stop()
    if (wasStarted) await this.#mover?.stop(Math.min(SHELVE_MOST_MS, leftMs()))
    pending.dropAll('shutdown')
    // What was read from TCP waits for room as long as the link may take to settle.
    const { drainMs } = settings.shutdown
    const drainEndMs = this.#clock.monotonicMs() + Math.min(drainMs, leftMs())
    while (!forwarder.drain() && wasStarted && this.#clock.monotonicMs() < drainEndMs) {
      await delay(this.#clock, Math.max(1, Math.min(DRAIN_LOOK_MS, drainEndMs - this.#clock.monotonicMs())))
    }
    forwarder.abandon()
    for (const session of sessions.values()) {
      if (!session.isVerified) this.#keeper.publish(session, this.#clock.monotonicMs())
      sessions.close(session, session.transport === 'tcp')
    }
    if (wasStarted) await link.stop(Math.min(Math.max(0, drainEndMs - this.#clock.monotonicMs()), leftMs()))
    await Promise.all([store.close(), shared?.close()])
    this.#state = 'stopped'
    if (!wasStarted) return
    ledger.unsettledAtEnd = link.stats.records.inWindow
    if (ledger.unsettledAtEnd > 0) {
      log.error('unsettled', 'records could not be settled before the end: dropped (shutdown)', {
        records: ledger.unsettledAtEnd
      })
    }
    log.info('ledger', 'what became of everything', { ledger: ledgerToJson(this.parts) })
  }

  setAllow(allow: readonly string[], allowAny: boolean): void {
    this.#allow.set(allow, allowAny && allow.length === 0)
    for (const listener of this.#listeners.connected()) listener.closeRefused()
    const { sessions } = this.parts
    for (const session of sessions.values()) {
      if (session.transport === 'udp' && !this.#allow.allows(session.exporter.id)) sessions.close(session, true)
    }
  }

  setExporters(exporters: readonly ExporterPolicyConfig[]): void {
    this.parts.policies.replace(exporters)
  }

  setLimits(limits: CollectorLimits): void {
    Object.assign(this.#limits, limits)
  }

  setShutdown(shutdown: WeirConfig['shutdown']): void {
    Object.assign(this.#shutdown, shutdown)
  }

  readiness(): Readiness {
    const reasons: string[] = []
    if (this.#state === 'new' || this.#state === 'starting') reasons.push('listeners are not bound yet')
    if (this.#state === 'stopping' || this.#state === 'stopped') reasons.push('stopping')
    if (this.parts.link.stats.state !== 'ready')
      reasons.push(`the link to the mediator is ${this.parts.link.stats.state}`)
    if (!this.parts.recollection.isWarm) reasons.push('what other pods know of exporters is being taken up')
    return { isReady: reasons.length === 0, reasons }
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs()
    this.parts.pending.expire(nowMs)
    this.parts.recollection.tick(nowMs)
    this.#storeWatch.tick(nowMs)
    this.parts.outlet.flush(nowMs)
    this.#listeners.tick(nowMs)
    // Nothing may stay stopped because a word of the link was missed.
    if (this.parts.link.isWritable) this.#resume()
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    this.parts.sessions.sweep(nowMs)
    this.parts.penalties.sweep(nowMs)
    this.parts.life.sweep(this.parts.exporters.values(), nowMs, this.#clock.nowMs())
  }

  #resume(): void {
    if (!this.parts.forwarder.drain()) return
    this.parts.drain.resume()
    this.#listeners.resumeReading()
  }
}

/** The first Message with a fault ends a TCP session. */
const strictly = (limits: CollectorLimits): TcpLimits => ({
  get tcpConnections() {
    return limits.tcpConnections
  },
  get tcpFirstHeaderMs() {
    return limits.tcpFirstHeaderMs
  },
  get tcpPartialMessageMs() {
    return limits.tcpPartialMessageMs
  },
  tcpMalformedMessages: 1
})

function warmUpOf({ stores }: CollectorSettings): WarmUp {
  const { templates } = stores
  if (templates.type === 'none') return { timeoutMs: 0, seenWithinMs: 0 }
  return { timeoutMs: templates.warmupTimeoutMs, seenWithinMs: templates.seenWithinMs }
}

/** Domains of the UDP sessions that have proven themselves. */
function* verifiedDomains(sessions: SessionTable): Generator<Domain> {
  for (const session of sessions.values()) {
    if (session.isVerified && session.transport === 'udp') yield* session.domains.values()
  }
}

function* connectedDomains(sessions: SessionTable): Generator<Domain> {
  for (const session of sessions.values()) if (session.transport === 'tcp') yield* session.domains.values()
}
