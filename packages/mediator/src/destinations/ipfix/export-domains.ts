import {
  messageHeaderOctets,
  setHeaderOctets,
  templateRecordLength,
  writeTemplateRecord,
  writeWithdrawal
} from '@weir/ipfix'
import { ExportedTemplates } from './exported-template.ts'
import type { Layout } from '@weir/ipfix'
import type { Clock } from '@weir/runtime'
import type { Chunk } from '../chunk.ts'
import type { ExportedTemplate } from './exported-template.ts'
import type { IpfixEncoderConfig } from './ipfix-encoder-config.ts'
import type { ExportDomain, MessageAssembler } from './message-assembler.ts'

const TEMPLATE_SET_ID = 2
const OPTIONS_TEMPLATE_SET_ID = 3
const WITHDRAWAL_OCTETS = 4
const COPY_INTERVAL_MS = 1_000
/** RFC 7011 §8.4: an id means something else only after three times the refresh interval. */
const UDP_REUSE_REFRESHES = 3

/** The Observation Domains of one destination: which templates each has, and what has to be announced or withdrawn. */
export class ExportDomains {
  config: IpfixEncoderConfig
  /** Templates and withdrawals that wait to be written. */
  pending = 0
  withdrawals = 0
  readonly #clock: Clock
  readonly #assembler: MessageAssembler
  readonly #domains = new Map<number, ExportDomain>()
  #last: ExportDomain | undefined

  constructor(config: IpfixEncoderConfig, clock: Clock, assembler: MessageAssembler) {
    this.config = config
    this.#clock = clock
    this.#assembler = assembler
  }

  values(): IterableIterator<ExportDomain> {
    return this.#domains.values()
  }

  /** The domain that records of this source go to. */
  domainOf(sourceOdid: number): ExportDomain {
    const { observationDomainId } = this.config
    const odid = observationDomainId === 'preserve' ? sourceOdid : observationDomainId
    if (this.#last?.odid === odid) return this.#last
    let domain = this.#domains.get(odid)
    if (domain === undefined) {
      domain = { odid, sequence: 0, templates: new ExportedTemplates(), pending: [], withdrawals: [] }
      this.#domains.set(odid, domain)
    }
    this.#last = domain
    return domain
  }

  /**
   * The template of a Layout, to be announced if the session does not know it yet.
   *
   * @param input - the Layout whose records become it.
   * @param entryMs - monotonic; templates used since then are not given up for it.
   * @returns undefined if no Message can hold the Template Record, or no id is free.
   */
  templateFor(domain: ExportDomain, layout: Layout, input: Layout, entryMs: number): ExportedTemplate | undefined {
    // A Template Record without fields would be a withdrawal.
    if (layout.fields.length === 0) return undefined
    const template = domain.templates.templateFor(layout, entryMs)
    if (template === undefined) return undefined
    template.lastUsedMs = entryMs
    template.inputs.add(input)
    if (template.isAnnounced) return template
    if (messageHeaderOctets + setHeaderOctets + templateRecordLength(layout) > this.config.longestMessageOctets) {
      domain.templates.remove(template, entryMs)
      return undefined
    }
    if (domain.templates.size > this.config.maxTemplates) {
      const least = domain.templates.leastUsed(entryMs)
      if (least !== undefined) this.#retire(domain, least, entryMs)
    }
    this.#queue(domain, template)
    return template
  }

  /** A new session: nothing is announced in it, everything is going to be. */
  beginSession(): void {
    this.pending = 0
    for (const domain of this.#domains.values()) {
      domain.sequence = 0
      domain.pending.length = 0
      domain.withdrawals.length = 0
      domain.templates.endSession()
    }
    this.announceAll()
  }

  announceAll(): void {
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) this.#queue(domain, template)
    }
  }

  /** No template counts as used; those that are used before the next tick stay. */
  forgetUses(): void {
    this.#last = undefined
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) template.lastUsedMs = Number.NEGATIVE_INFINITY
    }
  }

  forgetLayout(layout: Layout): void {
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) {
        // Left to the next tick: input that still waits may need it until then.
        if (template.inputs.delete(layout) && template.inputs.size === 0) template.lastUsedMs = Number.NEGATIVE_INFINITY
      }
    }
  }

  /** Queue what is due by now: copies and refreshes (UDP), the end of templates that are out of use. */
  tick(nowMs: number): void {
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) {
        if (nowMs - template.lastUsedMs >= this.config.templateIdleMs) this.#retire(domain, template, nowMs)
        else if (this.config.transport === 'udp') this.#refresh(domain, template, nowMs)
      }
    }
  }

  /** Write what waits. False if the chunk is full before all is written. */
  announce(chunk: Chunk): boolean {
    if (this.pending === 0) return true
    for (const domain of this.#domains.values()) {
      if (domain.pending.length + domain.withdrawals.length === 0) continue
      this.#assembler.close()
      // Withdrawals first: an id may be among them that a new template has taken over.
      if (!this.#writeAll(chunk, domain, domain.withdrawals, true)) return false
      if (!this.#writeAll(chunk, domain, domain.pending, false)) return false
      // Copies go in Messages of their own (RFC 7011 §8.4); over TCP and in files data may follow in the same one.
      if (this.config.transport === 'udp') this.#assembler.close()
    }
    return true
  }

  #queue(domain: ExportDomain, template: ExportedTemplate): void {
    if (template.isPending) return
    template.isPending = true
    domain.pending.push(template)
    this.pending++
  }

  #refresh(domain: ExportDomain, template: ExportedTemplate, nowMs: number): void {
    if (!template.isAnnounced) return
    const sinceMs = nowMs - template.announcedAtMs
    if (template.copiesLeft > 0 && sinceMs >= COPY_INTERVAL_MS) {
      template.copiesLeft--
      this.#queue(domain, template)
      return
    }
    const { templateRefreshMs, optionsRefreshMs } = this.config
    if (sinceMs >= (template.layout.scopeCount === 0 ? templateRefreshMs : optionsRefreshMs))
      this.#queue(domain, template)
  }

  #retire(domain: ExportDomain, template: ExportedTemplate, nowMs: number): void {
    if (template.isPending) return
    const { transport, templateRefreshMs, optionsRefreshMs } = this.config
    const isUdp = transport === 'udp'
    // Over UDP nothing is withdrawn (RFC 7011 §8.4); the receiver forgets it, and until then the id means nothing else.
    const reuseMs = UDP_REUSE_REFRESHES * Math.max(templateRefreshMs, optionsRefreshMs)
    domain.templates.remove(template, isUdp ? nowMs + reuseMs : nowMs)
    if (isUdp || !template.isAnnounced) return
    domain.withdrawals.push(template)
    this.pending++
  }

  #writeAll(chunk: Chunk, domain: ExportDomain, templates: ExportedTemplate[], isWithdrawal: boolean): boolean {
    let done = 0
    while (done < templates.length && this.#writeOne(chunk, domain, templates[done]!, isWithdrawal)) done++
    const isComplete = done === templates.length
    templates.splice(0, done)
    this.pending -= done
    return isComplete
  }

  #writeOne(chunk: Chunk, domain: ExportDomain, template: ExportedTemplate, isWithdrawal: boolean): boolean {
    const assembler = this.#assembler
    const setId = template.layout.scopeCount === 0 ? TEMPLATE_SET_ID : OPTIONS_TEMPLATE_SET_ID
    const octets = isWithdrawal ? WITHDRAWAL_OCTETS : templateRecordLength(template.layout)
    if (assembler.isOpen && assembler.out + setHeaderOctets + octets > assembler.limit) assembler.close()
    if (!assembler.isOpen || assembler.domain !== domain) {
      assembler.close()
      const needed = messageHeaderOctets + setHeaderOctets + octets
      if (!assembler.open(chunk, domain, Math.max(this.config.maxMessageOctets, needed))) return false
    }
    if (assembler.setId !== setId) assembler.openSet(setId)
    const end = isWithdrawal
      ? writeWithdrawal(chunk.view, assembler.out, template.id)
      : writeTemplateRecord(chunk.view, assembler.out, template.id, template.layout)
    assembler.addRecords(end, 0, 0)
    if (isWithdrawal) this.withdrawals++
    else this.#onAnnounced(template)
    return true
  }

  #onAnnounced(template: ExportedTemplate): void {
    if (!template.isAnnounced && this.config.transport === 'udp') template.copiesLeft = this.config.templateCopies - 1
    template.isAnnounced = true
    template.isPending = false
    template.announcedAtMs = this.#clock.monotonicMs()
  }
}
