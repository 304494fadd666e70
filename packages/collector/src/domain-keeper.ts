import {
  TemplateTable,
  type Layout,
  type TemplateEntry,
  type TemplateSource,
  type LayoutTable,
  type ProtocolLimits,
  type MessageHeader
} from '@weir/ipfix'
import type { LinkSender, Source } from '@weir/link'
import type { Clock } from '@weir/runtime'
import type { OptionsRecord, OptionsState, StoredOptions, StoredTemplate } from '@weir/templates'
import { addCounts } from './domain-sequence.ts'
import { Domain } from './domain.ts'
import type { Forwarder } from './forwarder.ts'
import type { Ledger } from './ledger.ts'
import type { LiveDomains } from './live-domains.ts'
import type { ExporterPolicies } from './exporter-policies.ts'
import type { Recollection } from './recollection.ts'
import type { ExporterScopes } from './scope/exporter-scopes.ts'
import type { Relays } from './relay/relays.ts'
import type { Publisher } from './recollection/publisher.ts'
import type { RestartGuard } from './restart-guard.ts'
import type { DomainMaker, Session } from './session.ts'
import type { TemplateEvents } from './template-events.ts'

export interface DomainKeeperDeps {
  readonly layouts: LayoutTable
  readonly limits: ProtocolLimits
  readonly link: LinkSender
  readonly forwarder: Forwarder
  readonly recollection: Recollection
  readonly publisher: Publisher
  readonly options: OptionsState<Domain>
  readonly ledger: Ledger
  readonly live: LiveDomains
  readonly guard: RestartGuard
  readonly events: TemplateEvents
  readonly policies: ExporterPolicies
  readonly scopes: ExporterScopes
  readonly relays: Relays
  readonly clock: Clock
}

/** Makes and ends Observation Domains, and keeps what the link has to know of them: their source and contexts. */
export class DomainKeeper implements DomainMaker {
  readonly #deps: DomainKeeperDeps

  constructor(deps: DomainKeeperDeps) {
    this.#deps = deps
  }

  get domainsPerSession(): number {
    return this.#deps.limits.domainsPerSession
  }

  makeDomain(session: Session, odid: number): Domain {
    const { layouts, limits, events } = this.#deps
    const table = new TemplateTable({
      odid,
      transport: session.transport,
      layouts,
      limits,
      budget: session.exporter.budget,
      sources: events.sources,
      isGuarded: session.transport === 'udp',
      onEvicted: event => events.onTemplate(domain, event, this.#deps.clock.monotonicMs())
    })
    const domain = new Domain(session, odid, table)
    domain.relay = this.#deps.relays.domainOf(session)
    this.#deps.recollection.take(domain)
    if (this.isGrouped(session)) {
      this.#deps.scopes.join(domain)
      this.#deps.recollection.takeGroup(domain)
    }
    return domain
  }

  look(domain: Domain, header: MessageHeader): void {
    const { guard, clock } = this.#deps
    guard.look(domain, header, clock.monotonicMs(), clock.nowMs())
  }

  /** Whether the ports of this session's exporter are looked at together (policy `auto`). */
  isGrouped({ identity, exporter }: Session): boolean {
    if (identity.transport !== 'udp' || (identity.version !== 9 && identity.version !== 10)) return false
    return this.#deps.policies.policyFor(exporter.id).scope === 'auto'
  }

  /** The domain's name on the link; made anew when the sampling field of a v5 header changes. */
  sourceOf(domain: Domain, v5Sampling: number): Source {
    const source = domain.source
    if (source !== undefined && source.v5Sampling === v5Sampling) return source
    if (source !== undefined) this.#deps.forwarder.afterHeld(() => this.#deps.link.releaseSource(source))
    const { identity, exporter, transport } = domain.session
    domain.source = this.#deps.link.defineSource({
      transport,
      version: identity.version,
      address: exporter.address.octets,
      isIPv6: exporter.address.isIPv6,
      port: identity.port,
      odid: domain.odid,
      v5Sampling,
      exporterId: exporter.id
    })
    return domain.source
  }

  /** The context in which values of this Layout name templates; 0 for a Layout whose values name none. */
  contextOf(domain: Domain, layout: Layout): number {
    if (!layout.hasLists && !layout.namesTemplates) return 0
    if (domain.contextGeneration === domain.table.generation) return domain.contextId
    this.#releaseContext(domain)
    const entries = new Map<number, Layout>()
    for (const entry of domain.table.entries()) entries.set(entry.templateId, entry.layout)
    domain.contextId = this.#deps.link.defineContext(entries)
    domain.contextGeneration = domain.table.generation
    return domain.contextId
  }

  /** Tell a restarted mediator the options state of every domain. */
  announceOptionsState(): void {
    for (const domain of this.#deps.options.sources()) this.#announceOwn(domain)
  }

  /**
   * Tell the mediator an options record that holds for this domain.
   *
   * @param isSibling - another domain said it.
   */
  announce(domain: Domain, record: OptionsRecord, isSibling: boolean): void {
    if (domain.relay !== undefined && this.#deps.relays.announce(domain.relay, record)) return
    const { layout, octets, exportTimeSec, receivedAtMs, bootTimeMs } = record
    const source = domain.source ?? this.sourceOf(domain, -1)
    const contextId = this.contextOf(domain, layout)
    this.#deps.link.appendState(
      layout,
      source,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      1,
      octets,
      0,
      octets.length,
      isSibling
    )
  }

  /** Another name on the link: what the mediator was told of the former one beyond what the domain said itself is void. */
  renewSource(domain: Domain): void {
    const { forwarder, link } = this.#deps
    const former = domain.source
    if (former === undefined) return
    forwarder.afterHeld(() => link.releaseSource(former))
    domain.source = undefined
    this.#announceOwn(domain)
  }

  #announceOwn(domain: Domain): void {
    for (const record of this.#deps.options.recordsOf(domain)) this.announce(domain, record, false)
  }

  /** Tell the mediator a sibling's options record that only a store has. */
  announceStored(domain: Domain, stored: StoredOptions): void {
    const { layouts } = this.#deps
    const layout = layouts.intern(stored.fields, stored.scopeCount)
    this.announce(domain, { ...stored, layout }, true)
    layouts.releaseUnused(layout)
  }

  /** A sibling's template that only a store has. @returns whether it was taken. */
  takeStoredHint(domain: Domain, stored: StoredTemplate): boolean {
    const { layouts, clock, events } = this.#deps
    const { templateId, fields, scopeCount, lastSeenMs, lifetimeMs } = stored
    const layout = layouts.intern(fields, scopeCount)
    const nowMs = clock.monotonicMs()
    const seenMs = Math.min(nowMs, lastSeenMs - clock.nowMs() + nowMs)
    if (!domain.table.restore(templateId, layout, seenMs, nowMs, 'sibling', lifetimeMs)) {
      layouts.releaseUnused(layout)
      return false
    }
    domain.ended?.delete(templateId)
    events.onRestored(domain, templateId, layout, 'sibling', nowMs)
    return true
  }

  /**
   * A template of another domain, until the exporter announces it here.
   *
   * @param source - `sibling`, or what it was there where the domain takes the place of the other one.
   * @returns whether it was taken.
   */
  takeHint(domain: Domain, entry: TemplateEntry, nowMs: number, source: TemplateSource = 'sibling'): boolean {
    const { templateId, layout, lastSeenMs } = entry
    if (!domain.table.restore(templateId, layout, lastSeenMs, nowMs, source)) return false
    domain.ended?.delete(templateId)
    this.#deps.events.onRestored(domain, templateId, layout, source === 'sibling' ? source : 'session', nowMs)
    return true
  }

  /** The first Message of a domain was malformed: it never was, and takes none of the session's room (L-04). */
  undoDomain(domain: Domain): void {
    this.#deps.recollection.giveBack(domain)
    domain.session.drop(domain)
    this.#endDomain(domain)
  }

  /** What the session has said so far is worth remembering: it is no spoofed one-off, or the process ends. */
  publish(session: Session, nowMs: number): void {
    const { publisher, recollection, options } = this.#deps
    for (const domain of session.domains.values()) {
      publisher.publish(domain, options.recordsOf(domain), nowMs)
      recollection.onVerified(domain, nowMs)
    }
  }

  /**
   * End all of a session's domains.
   *
   * @param isForgotten - also in the store: the session will not come back (TCP), or was away too long.
   */
  closeDomains(session: Session, isForgotten: boolean): void {
    const { options, publisher } = this.#deps
    for (const domain of session.domains.values()) {
      if (isForgotten) publisher.forgetDomain(domain, () => options.recordsOf(domain))
      this.#endDomain(domain)
    }
    session.domains.clear()
  }

  #endDomain(domain: Domain): void {
    const { options, forwarder, link, ledger, live, recollection, scopes, relays } = this.#deps
    recollection.onEnded(domain)
    live.remove(domain)
    scopes.leave(domain)
    relays.end(domain)
    options.forget(domain)
    this.#releaseContext(domain)
    const source = domain.source
    if (source !== undefined) forwarder.afterHeld(() => link.releaseSource(source))
    domain.table.close()
    addCounts(ledger.endedSequence, domain.sequence.counts)
  }

  #releaseContext(domain: Domain): void {
    const id = domain.contextId
    domain.contextId = 0
    domain.contextGeneration = -1
    if (id !== 0) this.#deps.forwarder.afterHeld(() => this.#deps.link.releaseContext(id))
  }
}
