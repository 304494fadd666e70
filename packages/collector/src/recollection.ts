import type { TemplateEntry } from '@weir/ipfix'
import type { Clock } from '@weir/runtime'
import {
  allEntries,
  isRestorable,
  keyOf,
  optionsField,
  placeKey,
  templateField,
  type EntryKey,
  type OptionsRecord,
  type Place,
  type RemovalReason,
  type StoredEntry,
  type StoredOptions,
  type StoredTemplate,
  type TemplateStore
} from '@weir/templates'
import type { Domain } from './domain.ts'
import { FewMap } from './few-map.ts'

/** What a store knew of one Observation Domain of one session. */
export interface Remembered {
  readonly templates: StoredTemplate[]
  readonly options: StoredOptions[]
}

/** A template that is announced again and again is written this often, to keep its age true. */
const REFRESH_WRITE_MS = 60_000
/** Kept of templates that live as long as their session (TCP): the clamp of D8. */
const MAX_LIFETIME_MS = 259_200_000

/**
 * Between the sessions and the template store: read once at the start, then written behind. What it gives back decodes
 * UDP sessions only; TCP sessions are written for inspection and forgotten with the next start (RFC 7011 §8, D7). Only
 * verified sessions are written, so that spoofed sources cost no disk (TH-04, TH-22).
 */
export class Recollection {
  /** Templates taken up again from the store. */
  restored = 0
  readonly #store: TemplateStore
  readonly #clock: Clock
  readonly #remembered = new Map<string, Remembered>()

  constructor(store: TemplateStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Entries of sessions that have not been seen again yet. */
  get waiting(): number {
    let entries = 0
    for (const { templates, options } of this.#remembered.values()) entries += templates.length + options.length
    return entries
  }

  /**
   * Read the store. Resolves when sessions may begin.
   *
   * @param lifetimeMs - templates last seen longer ago are removed, and what belongs to them.
   */
  async load(lifetimeMs: number): Promise<void> {
    await this.#store.start()
    const entries = await allEntries(this.#store)
    const nowAtMs = this.#clock.nowMs()
    const useless: EntryKey[] = []
    for (const entry of entries) {
      if (entry.kind !== 'template') continue
      if (!isRestorable(entry.scope) || entry.lastSeenMs + lifetimeMs <= nowAtMs) useless.push(keyOf(entry))
      else this.#placeOf(entry).templates.push(entry)
    }
    for (const entry of entries) {
      if (entry.kind !== 'options') continue
      const place = this.#remembered.get(placeKey(entry))
      if (place === undefined) useless.push(keyOf(entry))
      else place.options.push(entry)
    }
    if (useless.length > 0) this.#store.remove(useless, 'expired')
  }

  /** What is remembered of sessions that have not been seen again yet. */
  *places(): Generator<{ readonly scope: string; readonly odid: number } & Remembered> {
    for (const [key, { templates, options }] of this.#remembered) {
      const separator = key.indexOf('|')
      yield { odid: Number(key.slice(0, separator)), scope: key.slice(separator + 1), templates, options }
    }
  }

  /** One remembered template is not to be known again, here and in the store. */
  forgetRemembered(template: StoredTemplate): void {
    const templates = this.#remembered.get(placeKey(template))?.templates
    const index = templates?.indexOf(template) ?? -1
    if (index >= 0) templates?.splice(index, 1)
    this.#store.remove([keyOf(template)], 'withdrawn')
  }

  /** What is known of a domain that has just been seen; given out once, unless it is {@link giveBack}. */
  take(domain: Domain): Remembered | undefined {
    if (this.#remembered.size === 0) return undefined
    const key = placeKey(placeOf(domain))
    const remembered = this.#remembered.get(key)
    if (remembered === undefined) return undefined
    this.#remembered.delete(key)
    domain.remembered = remembered
    domain.isStored = true
    return remembered
  }

  /** The domain came to nothing, because its first Message was malformed: what was remembered waits on. */
  giveBack(domain: Domain): void {
    const { remembered } = domain
    if (remembered === undefined) return
    this.#remembered.set(placeKey(placeOf(domain)), remembered)
  }

  /** The domain's session has been verified, or the process ends: what it has said so far is written too. */
  publish(domain: Domain, options: Iterable<OptionsRecord>, nowMs: number): void {
    for (const template of domain.table.entries()) this.#write(domain, template, nowMs)
    for (const record of options) this.#writeOptions(domain, record)
  }

  /** The definition is new or another one. */
  remember(domain: Domain, template: TemplateEntry, nowMs: number): void {
    if (domain.session.isVerified) this.#write(domain, template, nowMs)
  }

  /** The same definition came again. Cheap: written only once in a while. */
  refresh(domain: Domain, templateId: number, nowMs: number): void {
    if (!domain.session.isVerified) return
    const writtenMs = domain.writtenMs?.get(templateId)
    if (writtenMs !== undefined && nowMs - writtenMs < REFRESH_WRITE_MS) return
    const template = domain.table.entry(templateId)
    if (template !== undefined) this.#write(domain, template, nowMs)
  }

  forget(domain: Domain, templateId: number, reason: RemovalReason): void {
    if (!domain.isStored) return
    domain.writtenMs?.delete(templateId)
    this.#store.remove([templateKeyOf(domain, templateId)], reason)
  }

  rememberOptions(domain: Domain, record: OptionsRecord): void {
    if (domain.session.isVerified) this.#writeOptions(domain, record)
  }

  #writeOptions(domain: Domain, record: OptionsRecord): void {
    const { layout, octets, scopeOctets, exportTimeSec, receivedAtMs, bootTimeMs } = record
    domain.isStored = true
    this.#store.put([
      {
        kind: 'options',
        scope: domain.session.identity.scope,
        odid: domain.odid,
        scopeCount: layout.scopeCount,
        fields: layout.fields,
        exportTimeSec,
        receivedAtMs,
        bootTimeMs,
        scopeOctets,
        octets
      }
    ])
  }

  forgetOptions(domain: Domain, record: OptionsRecord): void {
    if (domain.isStored) this.#store.remove([optionsKeyOf(domain, record)], 'expired')
  }

  /** The session is over: nothing of this domain is to be known again. */
  forgetDomain(domain: Domain, options: Iterable<OptionsRecord>): void {
    if (!domain.isStored) return
    const keys: EntryKey[] = []
    for (const { templateId } of domain.table.entries()) keys.push(templateKeyOf(domain, templateId))
    for (const record of options) keys.push(optionsKeyOf(domain, record))
    if (keys.length > 0) this.#store.remove(keys, 'expired')
  }

  #write(domain: Domain, template: TemplateEntry, nowMs: number): void {
    domain.isStored = true
    domain.writtenMs ??= new FewMap()
    domain.writtenMs.set(template.templateId, nowMs)
    const wallOffsetMs = this.#clock.nowMs() - nowMs
    this.#store.put([
      {
        kind: 'template',
        scope: domain.session.identity.scope,
        odid: domain.odid,
        templateId: template.templateId,
        scopeCount: template.layout.scopeCount,
        fields: template.layout.fields,
        exportTimeSec: domain.lastExportTimeSec,
        session: sessionText(domain),
        firstSeenMs: Math.max(0, template.firstSeenMs + wallOffsetMs),
        lastSeenMs: Math.max(0, template.lastSeenMs + wallOffsetMs),
        announcements: Math.min(template.announcements, 0xffff_ffff),
        lifetimeMs: Math.min(template.expiresAtMs - template.lastSeenMs, MAX_LIFETIME_MS)
      }
    ])
  }

  #placeOf(entry: StoredEntry): Remembered {
    const key = placeKey(entry)
    let place = this.#remembered.get(key)
    if (place === undefined) this.#remembered.set(key, (place = { templates: [], options: [] }))
    return place
  }
}

const placeOf = (domain: Domain): Place => ({ scope: domain.session.identity.scope, odid: domain.odid })

function sessionText({ session }: Domain): string {
  const { identity, exporter, transport } = session
  return `${transport} ${exporter.address.text}:${identity.port} ${identity.listener}`
}

const templateKeyOf = (domain: Domain, templateId: number): EntryKey => ({
  ...placeOf(domain),
  field: templateField(templateId),
  exportTimeSec: domain.lastExportTimeSec
})

const optionsKeyOf = (domain: Domain, { layout, octets, scopeOctets, exportTimeSec }: OptionsRecord): EntryKey => ({
  ...placeOf(domain),
  field: optionsField(layout.key, octets.subarray(0, scopeOctets)),
  exportTimeSec
})
