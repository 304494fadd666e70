import {
  faultEffectOf,
  faults,
  isMisfit,
  reasonOf,
  type DataSetView,
  type DropReason,
  type FaultCode,
  type MessageDecoder,
  type MessageHeader,
  type MessageVisitor,
  type TemplateEvent,
  type UnknownSetView
} from '@weir/ipfix'
import type { Clock, Log } from '@weir/runtime'
import type { HeldReason, OnOptionsChange, OptionsState, WaitingSet } from '@weir/templates'
import type { Domain } from './domain.ts'
import type { DomainKeeper } from './domain-keeper.ts'
import type { ExporterLife } from './exporter-life.ts'
import type { Forwarder } from './forwarder.ts'
import type { EventOutlet } from './event-outlet.ts'
import type { Ledger } from './ledger.ts'
import type { LiveDomains } from './live-domains.ts'
import type { PendingDrain } from './pending-drain.ts'
import type { PendingSet, PendingSets } from './pending-sets.ts'
import type { Recollection } from './recollection.ts'
import type { Relays } from './relay/relays.ts'
import type { Publisher } from './recollection/publisher.ts'
import { measureRecords, type RecordExtent } from './record-extent.ts'
import type { ExporterScopes } from './scope/exporter-scopes.ts'
import type { Quarantine } from './quarantine.ts'
import type { RestartGuard } from './restart-guard.ts'
import type { Session } from './session.ts'
import type { TemplateEvents } from './template-events.ts'

/** Valid Messages after which a session is no spoofed one-off any more (L-02). */
export const VERIFIED_MESSAGES = 3

export interface IntakeDeps {
  readonly decoder: MessageDecoder
  readonly keeper: DomainKeeper
  readonly forwarder: Forwarder
  readonly pending: PendingSets
  readonly drain: PendingDrain
  readonly live: LiveDomains
  readonly guard: RestartGuard
  readonly quarantine: Quarantine
  readonly options: OptionsState<Domain>
  readonly recollection: Recollection
  readonly publisher: Publisher
  readonly events: TemplateEvents
  readonly scopes: ExporterScopes
  readonly life: ExporterLife
  readonly outlet: EventOutlet
  readonly relays: Relays
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Log
}

/**
 * What is done with one Message, from whatever socket: decode, count, hand its Data Sets to the link. One object for the
 * process; what is known of the Message in hand stands in its fields, so that nothing is allocated for a Message.
 */
export class Intake implements MessageVisitor {
  /** How often each fault was met. */
  readonly faultCounts = Object.fromEntries(Object.keys(faults).map(code => [code, 0])) as Record<FaultCode, number>
  readonly #deps: IntakeDeps
  readonly #ledger: Ledger
  readonly #forwarder: Forwarder
  readonly #extent: RecordExtent = { records: 0, lengthOctets: 0 }
  #octets: Uint8Array = new Uint8Array(0)
  #nowMs = 0
  #receivedAtMs = 0
  #session!: Session
  #domain!: Domain
  #header: MessageHeader | undefined
  /** Data Records decoded of this Message. */
  #units = 0
  /** Every Data Set of this Message was decoded. */
  #isComplete = true
  /** A Set was skipped that may not be there. */
  #isPartial = false
  /** Where the last fault was. */
  #faultSetId = 0

  constructor(deps: IntakeDeps) {
    this.#deps = deps
    this.#ledger = deps.ledger
    this.#forwarder = deps.forwarder
  }

  /**
   * Take one Message; it was counted as received.
   *
   * @param octets - aliased during the call; what is kept is copied.
   * @param nowMs - monotonic.
   * @param receivedAtMs - wall clock.
   * @returns the fault for which the whole Message was dropped and counted, or undefined.
   */
  receive(
    session: Session,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    nowMs: number,
    receivedAtMs: number
  ): FaultCode | undefined {
    this.#octets = octets
    this.#nowMs = nowMs
    this.#receivedAtMs = receivedAtMs
    this.#session = session
    this.#header = undefined
    this.#units = 0
    this.#isComplete = true
    this.#isPartial = false
    session.asked = undefined
    const fault = this.#deps.decoder.decode(octets, view, offset, length, session.transport, session, nowMs, this)
    if (fault !== undefined) this.#discard(session, fault)
    else this.#conclude(session, length)
    return fault
  }

  onMessage(header: MessageHeader): void {
    this.#header = header
    this.#domain = this.#session.asked!
    this.#domain.lastExportTimeSec = header.exportTimeSec
    const { member } = this.#domain
    if (member?.stored !== undefined) this.#deps.scopes.onHeader(member, header)
  }

  onTemplate(event: TemplateEvent): void {
    const domain = this.#domain
    this.#deps.events.onTemplate(domain, event, this.#nowMs)
    if (domain.member !== undefined) this.#deps.scopes.onTemplate(domain.member, event, this.#header!, this.#nowMs)
    switch (event.change) {
      case 'learned':
      case 'redefined':
        this.#deps.quarantine.end(domain, event.templateId, 'announced')
        return this.release(domain, event.templateId)
      case 'refreshed':
        // Hardly ever does anything wait for a template that is known.
        if (!this.#session.hasPending && !this.#deps.drain.hasHeld && domain.quarantined === undefined) return
        this.#deps.quarantine.end(domain, event.templateId, 'announced')
        return this.#release(domain, event.templateId)
      case 'withdrawn':
      case 'expired':
      case 'evicted':
        this.#deps.quarantine.end(domain, event.templateId, 'template_ended')
    }
  }

  onDataSet(set: DataSetView): void {
    const header = this.#header!
    const domain = this.#domain
    const { layout, records } = set
    this.#ledger.dataSets.received++
    this.#units += records
    if (domain.draining?.has(set.templateId) === true) {
      this.#wait(set.templateId, set.offset, bodyOctets(this.#octets, set.offset), '')
      return
    }
    this.#ledger.dataSets.decoded++
    if (records === 0) return
    if (set.templateId < 256) {
      domain.fixedLayout = layout
      domain.fixedRecords += records
    }
    const { exportTimeSec, bootTimeMs } = header
    this.#deliver(
      domain,
      set,
      header.v5Sampling,
      exportTimeSec,
      this.#receivedAtMs,
      bootTimeMs,
      records,
      this.#octets,
      set.offset,
      set.lengthOctets
    )
  }

  onUnknownSet(set: UnknownSetView): void {
    const { ledger, recollection } = this.#deps
    const domain = this.#domain
    ledger.dataSets.received++
    this.#isComplete = false
    const { doubt } = set
    const { member } = domain
    if (doubt === 'outdated' || domain.table.isOutdated) {
      if (member !== undefined) this.#deps.scopes.onUndecoded(member)
      ledger.dataSets.dropped.unknown_template++
      this.#session.exporter.droppedSets++
      this.#warn('data_outdated', 'data came later than another template of its id', set.templateId)
      return
    }
    if (doubt !== undefined) {
      if (member !== undefined) this.#deps.scopes.onUndecoded(member)
      this.#deps.quarantine.note(domain, set.templateId, doubt, set.lengthOctets)
      return this.#wait(set.templateId, set.offset, set.lengthOctets, doubt)
    }
    if (member !== undefined) {
      this.#deps.scopes.onUnknownSet(member, set.templateId, this.#octets, set.offset, set.lengthOctets)
    }
    if (domain.ended?.has(set.templateId) === true) {
      ledger.dataSets.dropped.unknown_template++
      this.#session.exporter.droppedSets++
      this.#warn('unknown_template', 'data came for a template that was withdrawn or has expired', set.templateId)
      return
    }
    this.#wait(set.templateId, set.offset, set.lengthOctets, '')
    if (domain.hasSpoken) recollection.onMissing(domain, this.#nowMs)
  }

  /** Keep the body of a Set that was counted as received. */
  #wait(templateId: number, offset: number, lengthOctets: number, held: HeldReason): void {
    const { exportTimeSec, sequence, bootTimeMs } = this.#header!
    this.#deps.pending.add({
      domain: this.#domain,
      templateId,
      octets: this.#octets.slice(offset, offset + lengthOctets),
      exportTimeSec,
      sequence,
      receivedAtMs: this.#receivedAtMs,
      bootTimeMs,
      sinceMs: this.#nowMs,
      held,
      epoch: this.#domain.table.epoch
    })
  }

  onFault(code: FaultCode, _offset: number, setId: number): void {
    this.faultCounts[code]++
    this.#faultSetId = setId
    const effect = faultEffectOf(code)
    if (effect === 'template') this.#deps.events.onRejected(this.#domain, setId, code, this.#nowMs)
    if (effect === 'set') {
      const reason = reasonOf(code)
      if (reason === undefined) {
        this.#isPartial = true
      } else {
        this.#ledger.dataSets.received++
        this.#ledger.dataSets.dropped[reason]++
        this.#session.exporter.droppedSets++
        this.#isComplete = false
        const member = this.#session.asked?.member
        if (member !== undefined) this.#deps.scopes.onUndecoded(member)
      }
    }
    this.#warn(code.toLowerCase(), faults[code], setId)
  }

  #deliver(
    domain: Domain,
    set: { readonly layout: DataSetView['layout'] },
    v5Sampling: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    records: number,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number
  ): void {
    const { keeper, options } = this.#deps
    const { layout } = set
    const source = keeper.sourceOf(domain, v5Sampling)
    const contextId = keeper.contextOf(domain, layout)
    if (layout.scopeCount > 0) {
      this.#domain = domain
      options.update(
        domain,
        layout,
        octets,
        offset,
        lengthOctets,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        this.#onOptionsChange
      )
    }
    if (domain.relay !== undefined) {
      return this.#deps.relays.deliver(
        domain,
        domain.relay,
        layout,
        v5Sampling,
        contextId,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        octets,
        offset,
        lengthOctets
      )
    }
    this.#forwarder.append(
      domain.session,
      layout,
      source,
      contextId,
      exportTimeSec,
      receivedAtMs,
      bootTimeMs,
      records,
      octets,
      offset,
      lengthOctets
    )
  }

  readonly #onOptionsChange: OnOptionsChange = (change, record) => {
    if (change === 'evicted') this.#deps.publisher.forgetOptions(this.#domain, record)
    else this.#deps.publisher.rememberOptions(this.#domain, record, change === 'learned')
    const { member } = this.#domain
    if (member !== undefined) this.#deps.scopes.onOptions(member, change, record)
    const { relay } = this.#domain
    if (relay !== undefined && change !== 'evicted') this.#deps.relays.onOptions(relay, record)
  }

  /**
   * A domain knows a template, by whatever way (the exporter, a store, a sibling): what waited for it goes on, in order of
   * Export Time, then sequence number, then arrival. What is in memory goes on at once, unless the spool has older Data Sets
   * of the id: then all of it follows them, and so do those that come meanwhile. The shelf of a shared store is asked, and
   * nothing waits for its answer. May be called within a Message, of another domain too, and outside of one. Does nothing
   * if the id is not live.
   */
  release(domain: Domain, templateId: number): void {
    if (this.isAnnounced(domain, templateId) === undefined) return
    this.#deps.drain.claim(domain, templateId)
    this.#release(domain, templateId)
  }

  #release(domain: Domain, templateId: number): void {
    const isAnnounced = this.isAnnounced(domain, templateId)
    if (isAnnounced === undefined) return
    const { drain } = this.#deps
    if (!drain.begin(domain, templateId, isAnnounced)) this.releaseFromMemory(domain, templateId, 0)
  }

  /** {@link release} for every template that the domain knows. */
  releaseAll(domain: Domain): void {
    for (const templateId of [...domain.table.entries()].map(entry => entry.templateId))
      this.release(domain, templateId)
  }

  /** The exporter of a domain has not begun anew after all: what was in quarantine for that goes on. */
  undoRestart(domain: Domain): void {
    this.#deps.pending.undoEpoch(domain)
    for (const [templateId, { reason }] of domain.quarantined ?? []) {
      if (reason !== 'restart') continue
      this.#deps.quarantine.end(domain, templateId, 'no_restart')
      this.#release(domain, templateId)
    }
  }

  /**
   * Whether a live template is the exporter's own word in this session, or a hint; undefined if it is not live, or in doubt.
   */
  isAnnounced(domain: Domain, templateId: number): boolean | undefined {
    const entry = domain.table.entry(templateId)
    return entry === undefined || domain.table.isHeld(entry) ? undefined : domain.table.isConfirmed(entry)
  }

  /** @param before - Data Sets of the id that went on just before, from elsewhere; all are told of together. */
  releaseFromMemory(domain: Domain, templateId: number, before: number): void {
    let sets = before
    const isAnnounced = this.isAnnounced(domain, templateId)
    if (domain.session.hasPending && isAnnounced !== undefined) {
      for (const waited of this.#deps.pending.take(domain, templateId, isAnnounced)) {
        this.#ledger.dataSets.pending++
        if (waited.epoch < domain.table.epoch) this.#dropWaiting(domain, 'unknown_template')
        else if (this.#deliverWaiting(domain, waited)) sets++
        else this.#hold(domain, waited)
      }
    }
    if (sets === 0) return
    this.#deps.outlet.tell('pending_delivered', this.#deps.clock.monotonicMs(), () => ({
      exporter: domain.session.exporter.id,
      odid: domain.odid,
      templateId,
      sets
    }))
  }

  /**
   * Decode one Data Set that waited elsewhere, by the template its id has now; pending until here.
   *
   * @returns false if it is to wait on, in quarantine: it does not fit.
   */
  deliverWaiting(domain: Domain, waited: WaitingSet): boolean {
    if (waited.receivedAtMs < domain.epochAtMs) {
      this.#dropWaiting(domain, 'unknown_template')
      return true
    }
    return this.#deliverWaiting(domain, waited)
  }

  #deliverWaiting(
    domain: Domain,
    waited: Pick<WaitingSet, 'templateId' | 'octets' | 'exportTimeSec' | 'sequence' | 'receivedAtMs' | 'bootTimeMs'>
  ): boolean {
    const { templateId, exportTimeSec, sequence, receivedAtMs, bootTimeMs, octets } = waited
    const { table } = domain
    const entry = table.entry(templateId)
    if (entry === undefined) {
      this.#dropWaiting(domain, 'unknown_template')
      return true
    }
    if (table.isHeld(entry)) return false
    if (table.isReplaced(entry, sequence, exportTimeSec)) {
      this.#dropWaiting(domain, 'unknown_template')
      return true
    }
    const extent = this.#extent
    const isMeasured = measureRecords(entry.layout, octets, 0, octets.length, extent)
    const { records, lengthOctets } = extent
    if (!isMeasured && !(table.isGuarded && entry.isHint)) {
      this.#dropWaiting(domain, 'data_malformed')
      return true
    }
    const isFitting = isMeasured && !isMisfit(entry, octets, lengthOctets, octets.length, records)
    if (table.isGuarded && !isFitting) {
      table.hold(entry, sequence, exportTimeSec)
      return false
    }
    this.#ledger.dataSets.pending--
    this.#ledger.dataSets.decoded++
    if (records === 0) return true
    table.use(entry, records, this.#deps.clock.monotonicMs())
    const domainInHand = this.#domain
    this.#deliver(domain, entry, -1, exportTimeSec, receivedAtMs, bootTimeMs, records, octets, 0, lengthOctets)
    this.#domain = domainInHand
    return true
  }

  #dropWaiting(domain: Domain, reason: DropReason): void {
    this.#ledger.dataSets.pending--
    this.#ledger.dataSets.dropped[reason]++
    domain.session.exporter.droppedSets++
  }

  /** It waited, and waits on: by the template that came for it, it is none. */
  #hold(domain: Domain, waited: PendingSet): void {
    this.#ledger.dataSets.pending--
    const held = waited.held === '' ? 'misfit' : waited.held
    this.#deps.quarantine.note(domain, waited.templateId, held, waited.octets.length)
    this.#deps.pending.add({ ...waited, held })
  }

  /** The domain is of a session that is no spoofed one-off: what waits elsewhere for it may go on. */
  #settle(domain: Domain): void {
    if (domain.session.transport !== 'udp') return
    this.#deps.live.add(domain)
    this.releaseAll(domain)
  }

  #conclude(session: Session, length: number): void {
    const { messages } = this.#ledger
    if (this.#isPartial) messages.decodedPartial++
    else messages.decodedOk++
    const { exporter } = session
    const header = this.#header!
    session.lastSeenMs = this.#nowMs
    const isFirst = !this.#domain.hasSpoken
    if (isFirst) {
      this.#domain.hasSpoken = true
      this.#deps.recollection.begin(this.#domain, this.#nowMs)
    }
    if (++session.messages === VERIFIED_MESSAGES && !session.isVerified) {
      session.verify()
      this.#deps.keeper.publish(session, this.#nowMs)
      for (const domain of session.domains.values()) this.#settle(domain)
    } else if (isFirst && session.isVerified) {
      this.#settle(this.#domain)
    }
    exporter.messages++
    exporter.octets += length
    exporter.lastSeenAtMs = this.#receivedAtMs
    exporter.clockSkewMs = header.exportTimeSec * 1000 - this.#receivedAtMs
    // What is of the time before its exporter began anew says nothing of the numbers since.
    const isOfBefore = this.#domain.table.isOutdated && this.#domain.suspicion?.isConfirmed === true
    const step = isOfBefore ? 'late' : this.#domain.sequence.update(header, this.#units, this.#isComplete)
    const { suspicion } = this.#domain
    if (suspicion !== undefined) suspicion.isFresh = false
    if (step === 'restart') {
      if (suspicion !== undefined) suspicion.isConfirmed = true
      this.#domain.table.markStale(this.#nowMs, suspicion !== undefined)
      this.#warn('exporter_restarted', 'an exporter restarted: its templates are in doubt until it announces them', 0)
      const why = `domain ${header.odid} began anew: sequence numbers or boot time went back`
      this.#deps.life.onRebooted(exporter, header.odid, why, this.#nowMs, this.#receivedAtMs)
    }
    const { member } = this.#domain
    if (member === undefined) return
    if (step === 'restart') this.#deps.scopes.onRestart(member)
    this.#deps.scopes.onMessage(member, header, this.#units, this.#isComplete, this.#nowMs)
  }

  #discard(session: Session, fault: FaultCode): void {
    this.#ledger.messages.dropped[reasonOf(fault) ?? 'internal_error']++
    session.exporter.malformed++
    const domain = session.asked
    if (domain === undefined) return
    if (!domain.hasSpoken) return this.#deps.keeper.undoDomain(domain)
    domain.sequence.noteDiscarded()
    if (domain.suspicion !== undefined) this.#deps.guard.forgetFresh(domain)
    if (fault === 'VARLEN_OVERRUN') this.#doubt(domain)
  }

  /** A Message was discarded because data ran past its Set: the next such data waits, if its template can be doubted. */
  #doubt(domain: Domain): void {
    const { table, sequence, lastExportTimeSec } = domain
    const entry = table.entry(this.#faultSetId)
    if (!table.isGuarded || entry === undefined || entry.isBelieved || table.isHeld(entry)) return
    table.hold(entry, sequence.next, lastExportTimeSec)
  }

  #warn(code: string, message: string, setId: number): void {
    const { identity, exporter } = this.#session
    const odid = this.#session.asked?.odid ?? 0
    this.#deps.log.warn(code, message, { exporter: exporter.id, listener: identity.listener, odid, setId })
  }
}

/** Octets of a Set's body, with its padding, by the Set header before it. */
const bodyOctets = (octets: Uint8Array, bodyOffset: number): number =>
  octets[bodyOffset - 2] * 256 + octets[bodyOffset - 1] - 4
