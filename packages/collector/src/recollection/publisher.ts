import type { TemplateEntry } from '@weir/ipfix'
import type { Clock } from '@weir/runtime'
import {
  keyOf,
  optionsField,
  templateField,
  type EntryKey,
  type OptionsRecord,
  type Place,
  type RemovalReason,
  type StoredEntry,
  type StoredTemplate,
  type TemplateStore
} from '@weir/templates'
import type { Domain } from '../domain.ts'
import { RateGate } from '../rate-gate.ts'
import type { ExporterPolicies } from '../exporter-policies.ts'
import { FewMap } from '../few-map.ts'
import { addressPlaceOf, isMemorable, lastPlaceOf, placeOf, sessionText } from './places.ts'

/** A template that is announced again and again is written this often, to keep its age true. */
const REFRESH_WRITE_MS = 60_000
/** All that one exporter may have live is written again in this time, and twice as much at once (L-18). */
const GATE_SEC = 60
/** Kept of templates that live as long as their session (TCP): the clamp of D8. */
const MAX_LIFETIME_MS = 259_200_000

export interface PublisherLimits {
  readonly templatesPerExporter: number
  readonly optionsRecordsPerSession: number
}

/**
 * Writes what exporters say to the stores, behind the data path's back. Only verified sessions are written, so that spoofed
 * sources cost no disk and poison nobody (TH-04, TH-22). TCP sessions are written for inspection (RFC 7011 §8, D7), and once
 * more as the exporter's last one where its policy says so.
 */
export class Publisher {
  readonly #local: TemplateStore
  readonly #shared: TemplateStore | undefined
  readonly #policies: ExporterPolicies
  readonly #clock: Clock
  readonly #limits: PublisherLimits
  /** Entries not written, because their exporter says more than it could have live (L-18). */
  limited = 0
  readonly #limitedOptions = new WeakSet<OptionsRecord>()

  constructor(
    local: TemplateStore,
    shared: TemplateStore | undefined,
    policies: ExporterPolicies,
    clock: Clock,
    limits: PublisherLimits
  ) {
    this.#limits = limits
    this.#local = local
    this.#shared = shared
    this.#policies = policies
    this.#clock = clock
  }

  get #entriesPerExporter(): number {
    return this.#limits.templatesPerExporter + this.#limits.optionsRecordsPerSession
  }

  /** The domain's session has been verified, or the process ends: what it has said so far is written too. */
  publish(domain: Domain, options: Iterable<OptionsRecord>, nowMs: number): void {
    for (const template of domain.table.entries()) {
      if (template.source === 'wire') this.#write(domain, template, nowMs)
      else this.#keep(domain, template, nowMs)
    }
    for (const record of options) this.#writeOptions(domain, record, true)
  }

  /** The definition is new or another one. */
  remember(domain: Domain, template: TemplateEntry, nowMs: number): void {
    if (domain.session.isVerified) this.#write(domain, template, nowMs)
  }

  /** The same definition came again. Cheap: written only once in a while. */
  refresh(domain: Domain, templateId: number, nowMs: number): void {
    if (!domain.session.isVerified) return
    const said = domain.said?.get(templateId)
    if (said !== undefined) {
      said.exportTimeSec = domain.lastExportTimeSec
      if (nowMs - said.writtenMs < REFRESH_WRITE_MS) return
    }
    const template = domain.table.entry(templateId)
    if (template !== undefined) this.#write(domain, template, nowMs)
  }

  forget(domain: Domain, templateId: number, reason: RemovalReason): void {
    domain.said?.delete(templateId)
    domain.endedSec = domain.lastExportTimeSec
    if (domain.isStored) this.#remove(domain, [templateKeyOf(domain, placeOf(domain), templateId)], reason)
    if (reason === 'withdrawn' && this.#isResumed(domain)) {
      this.#remove(domain, [templateKeyOf(domain, lastPlaceOf(domain), templateId)], reason)
    }
  }

  /** @param isNew - nothing of its scope was known. */
  rememberOptions(domain: Domain, record: OptionsRecord, isNew: boolean): void {
    if (domain.session.isVerified) this.#writeOptions(domain, record, isNew)
  }

  forgetOptions(domain: Domain, record: OptionsRecord): void {
    if (domain.isStored) this.#remove(domain, [optionsKeyOf(domain, record)], 'expired')
  }

  /**
   * All that a TCP session has said is kept as that of the exporter's last one, as seen now, if the policy says so: it is
   * announced once and may be needed after months.
   */
  keepLast(domain: Domain, options: Iterable<OptionsRecord>, nowMs: number): void {
    if (!this.#isResumed(domain)) return
    domain.keptMs = nowMs
    const place = lastPlaceOf(domain)
    const entries: StoredEntry[] = []
    for (const template of domain.table.entries()) {
      if (template.source !== 'wire' && template.source !== 'store') continue
      entries.push({ ...this.#entryOf(domain, place, template, nowMs), lastSeenMs: this.#clock.nowMs() })
    }
    for (const record of options) entries.push(optionsOf(place, record))
    if (entries.length > 0) this.#put(domain, entries)
  }

  /** The session is over: nothing of this domain is to be known here again. */
  forgetDomain(domain: Domain, options: () => Iterable<OptionsRecord>): void {
    this.keepLast(domain, options(), this.#clock.monotonicMs())
    if (!domain.isStored) return
    const place = placeOf(domain)
    const keys: EntryKey[] = []
    for (const { templateId } of domain.table.entries()) keys.push(templateKeyOf(domain, place, templateId))
    for (const record of options()) keys.push(optionsKeyOf(domain, record))
    if (keys.length > 0) this.#remove(domain, keys, 'expired')
  }

  /** How far its sequence numbers have come, if they have moved. @returns whether there was something to write. */
  putSequence(domain: Domain): boolean {
    const { next } = domain.sequence
    if (next < 0 || !isMemorable(domain)) return false
    if (!domain.sequence.isOrderly) return this.#forgetSequence(domain)
    if (next === domain.storedSequence) return false
    domain.storedSequence = next
    domain.isStored = true
    this.#put(domain, [this.#sequenceOf(domain, next)])
    return true
  }

  /** Numbers that mean nothing would look like a restart to who reads them: its templates would be in doubt. */
  #forgetSequence(domain: Domain): boolean {
    if (domain.storedSequence < 0) return false
    this.#remove(domain, [keyOf(this.#sequenceOf(domain, domain.storedSequence))], 'withdrawn')
    domain.storedSequence = -1
    return true
  }

  /**
   * What the source ports of one exporter's address were found to be, for the next run and other pods.
   *
   * @param domain - of one of the ports.
   * @param evidence - and the ports it holds for.
   */
  putDecision(domain: Domain, decision: 'merged' | 'apart', evidence: string): void {
    const { lastExportTimeSec: exportTimeSec } = domain
    const sinceMs = this.#clock.nowMs()
    this.#put(domain, [{ kind: 'decision', ...addressPlaceOf(domain), decision, evidence, exportTimeSec, sinceMs }])
  }

  /** What one port announced and holds for the others too. */
  putForSiblings(
    domain: Domain,
    templates: Iterable<TemplateEntry>,
    options: Iterable<OptionsRecord>,
    nowMs: number
  ): void {
    const place = addressPlaceOf(domain)
    const entries: StoredEntry[] = []
    for (const template of templates) {
      if (template.source === 'wire') entries.push(this.#entryOf(domain, place, template, nowMs))
    }
    for (const record of options) entries.push(optionsOf(place, record))
    if (entries.length > 0) this.#put(domain, entries)
  }

  /** The shared store may have lost it: all that this domain is known by, once more. @returns entries written. */
  rewrite(domain: Domain, options: Iterable<OptionsRecord>, nowMs: number): number {
    if (this.#shared === undefined || !domain.isStored) return 0
    const entries: StoredEntry[] = []
    const isResumed = this.#isResumed(domain)
    for (const template of domain.table.entries()) {
      if (template.source !== 'wire' && template.source !== 'store') continue
      entries.push(this.#entryOf(domain, placeOf(domain), template, nowMs))
      if (isResumed) entries.push(this.#entryOf(domain, lastPlaceOf(domain), template, nowMs))
    }
    for (const record of options) entries.push(optionsOf(placeOf(domain), record))
    if (domain.storedSequence >= 0) entries.push(this.#sequenceOf(domain, domain.storedSequence))
    if (entries.length > 0) this.#shared.put(entries)
    return entries.length
  }

  #write(domain: Domain, template: TemplateEntry, nowMs: number): void {
    if (!this.#mayWrite(domain)) {
      this.#takeBack(domain, template.templateId)
      return
    }
    domain.isStored = true
    domain.said ??= new FewMap()
    domain.said.set(template.templateId, { writtenMs: nowMs, exportTimeSec: domain.lastExportTimeSec })
    const entries = [this.#entryOf(domain, placeOf(domain), template, nowMs)]
    if (this.#isResumed(domain)) entries.push(this.#entryOf(domain, lastPlaceOf(domain), template, nowMs))
    this.#put(domain, entries)
  }

  /** An older definition must not stay in a store when a newer one is not written. */
  #takeBack(domain: Domain, templateId: number): void {
    if (domain.said?.get(templateId) === undefined) return
    domain.said.delete(templateId)
    const keys = [templateKeyOf(domain, placeOf(domain), templateId)]
    if (this.#isResumed(domain)) keys.push(templateKeyOf(domain, lastPlaceOf(domain), templateId))
    this.#remove(domain, keys, 'withdrawn')
  }

  /** What only a store said is kept here too: this pod may restart while the store is away. */
  #keep(domain: Domain, template: TemplateEntry, nowMs: number): void {
    if (template.source !== 'store') return
    domain.isStored = true
    this.#local.put([this.#entryOf(domain, placeOf(domain), template, nowMs)])
  }

  /** What was written before is written whenever it changes: it takes no more room. */
  #writeOptions(domain: Domain, record: OptionsRecord, isNew: boolean): void {
    if ((isNew || this.#limitedOptions.has(record)) && !this.#mayWrite(domain)) {
      this.#limitedOptions.add(record)
      return
    }
    this.#limitedOptions.delete(record)
    domain.isStored = true
    const entries = [optionsOf(placeOf(domain), record)]
    if (this.#isResumed(domain)) entries.push(optionsOf(lastPlaceOf(domain), record))
    this.#put(domain, entries)
  }

  #isResumed({ session }: Domain): boolean {
    return session.transport === 'tcp' && this.#policies.policyFor(session.exporter.id).resumeTemplates
  }

  #mayWrite({ session }: Domain): boolean {
    const gate = (session.exporter.storeGate ??= new RateGate(
      () => this.#entriesPerExporter / GATE_SEC,
      () => 2 * this.#entriesPerExporter
    ))
    if (gate.pass(this.#clock.monotonicMs())) return true
    this.limited++
    return false
  }

  /** The end of the process finds sessions that are not verified: of use to the next run alone. */
  #put(domain: Domain, entries: readonly StoredEntry[]): void {
    this.#local.put(entries)
    if (domain.session.isVerified) this.#shared?.put(entries)
  }

  #remove(domain: Domain, keys: readonly EntryKey[], reason: RemovalReason): void {
    this.#local.remove(keys, reason)
    if (domain.session.isVerified) this.#shared?.remove(keys, reason)
  }

  #entryOf(domain: Domain, place: Place, template: TemplateEntry, nowMs: number): StoredTemplate {
    const { templateId, layout, firstSeenMs, lastSeenMs, announcements, expiresAtMs } = template
    const wallOffsetMs = this.#clock.nowMs() - nowMs
    return {
      kind: 'template',
      ...place,
      templateId,
      scopeCount: layout.scopeCount,
      fields: layout.fields,
      exportTimeSec: domain.said?.get(templateId)?.exportTimeSec ?? domain.lastExportTimeSec,
      session: sessionText(domain),
      firstSeenMs: Math.max(0, firstSeenMs + wallOffsetMs),
      lastSeenMs: Math.max(0, lastSeenMs + wallOffsetMs),
      announcements: Math.min(announcements, 0xffff_ffff),
      lifetimeMs: Math.min(expiresAtMs - lastSeenMs, MAX_LIFETIME_MS)
    }
  }

  #sequenceOf(domain: Domain, nextSequence: number): StoredEntry {
    return {
      kind: 'sequence',
      ...placeOf(domain),
      version: domain.session.identity.version,
      nextSequence,
      exportTimeSec: domain.lastExportTimeSec,
      bootTimeMs: domain.sequence.bootTimeMs,
      atMs: this.#clock.nowMs()
    }
  }
}

const templateKeyOf = (domain: Domain, place: Place, templateId: number): EntryKey => ({
  ...place,
  field: templateField(templateId),
  exportTimeSec: domain.lastExportTimeSec
})

const optionsKeyOf = (domain: Domain, { layout, octets, scopeOctets, exportTimeSec }: OptionsRecord): EntryKey => ({
  ...placeOf(domain),
  field: optionsField(layout.key, octets.subarray(0, scopeOctets)),
  exportTimeSec
})

function optionsOf(place: Place, record: OptionsRecord): StoredEntry {
  const { layout, octets, scopeOctets, exportTimeSec, receivedAtMs, bootTimeMs } = record
  return {
    kind: 'options',
    ...place,
    scopeCount: layout.scopeCount,
    fields: layout.fields,
    exportTimeSec,
    receivedAtMs,
    bootTimeMs,
    scopeOctets,
    octets
  }
}
