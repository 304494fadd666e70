import {
  messageHeaderOctets,
  setHeaderOctets,
  templateRecordLength,
  writeTemplateRecord,
  writeWithdrawal
} from '@weir/ipfix'
import { recordEnd } from '../../record-end.ts'
import { DestinationContext } from '../entry-context.ts'
import { ExportedTemplates } from './exported-template.ts'
import { MessageAssembler } from './message-assembler.ts'
import type { Layout } from '@weir/ipfix'
import type { Clock } from '@weir/runtime'
import type { Cursor, Program, TemplateIds } from '@weir/mediation'
import type { HeldBatch } from '../../held-batch.ts'
import type { Programs } from '../../programs.ts'
import type { Chunk } from '../chunk.ts'
import type { Encoder, EncoderState, OnDefect, Progress } from '../encoder.ts'
import type { ExportedTemplate } from './exported-template.ts'
import type { ExportDomain } from './message-assembler.ts'

export interface IpfixEncoderConfig {
  readonly transport: 'udp' | 'tcp' | 'file'
  /** One Observation Domain for all, or that of each source. */
  readonly observationDomainId: number | 'preserve'
  /** Messages grow to this and no further, unless one record alone is longer. */
  readonly maxMessageOctets: number
  /** The longest Message that the transport can carry at all: 65,507 over UDP. */
  readonly longestMessageOctets: number
  /** UDP: how often a new template is sent at first (RFC 7011 §8.4). */
  readonly templateCopies: number
  /** UDP: ms between announcements of a template. */
  readonly templateRefreshMs: number
  /** UDP: the same for options templates and options records. */
  readonly optionsRefreshMs: number
  /** A template unused for so long is withdrawn (TCP) or resent no more (UDP). */
  readonly templateIdleMs: number
  /** Templates kept of one Observation Domain; above it the one unused for longest goes. */
  readonly maxTemplates: number
}

const TEMPLATE_SET_ID = 2
const OPTIONS_TEMPLATE_SET_ID = 3
const WITHDRAWAL_OCTETS = 4
const COPY_INTERVAL_MS = 1_000
/** RFC 7011 §8.4: an id means something else only after three times the refresh interval. */
const UDP_REUSE_REFRESHES = 3

/** Entries to IPFIX Messages, with templates and sequence numbers of our own (RFC 7011 §3, §8; RFC 7119 §4.2). */
export class IpfixEncoder implements Encoder {
  readonly progress: Progress = { offset: 0, isChunkFull: false }
  #config: IpfixEncoderConfig
  #programs: Programs
  readonly #clock: Clock
  readonly #domains = new Map<number, ExportDomain>()
  readonly #assembler: MessageAssembler
  readonly #context: DestinationContext
  readonly #cursor: Cursor = { in: 0, out: 0, records: 0 }
  readonly #onDefect: OnDefect
  #lastDomain: ExportDomain | undefined
  #lastExportTimeSec = 0
  #pending = 0
  #withdrawals = 0
  #optionsSentAtMs: number
  // What `exportedId` is asked about: the entry that is being encoded.
  #entryDomain: ExportDomain | undefined
  #entryTemplates: ReadonlyMap<number, Layout> | undefined
  #namesOutputs = false
  #isAnnouncementNeeded = false

  /** @param onDefect - told of what a Program threw; its records are given up. */
  constructor(config: IpfixEncoderConfig, programs: Programs, clock: Clock, onDefect: OnDefect) {
    this.#onDefect = onDefect
    this.#config = config
    this.#programs = programs
    this.#clock = clock
    this.#optionsSentAtMs = clock.monotonicMs()
    this.#assembler = new MessageAssembler(() => this.#exportTimeSec())
    const templateIds: TemplateIds = {
      exportedId: templateId => this.#exportedId(templateId),
      layoutOf: templateId => this.#entryTemplates?.get(templateId)
    }
    this.#context = new DestinationContext(templateIds)
  }

  /** Go on in the same session with other bounds or another Plan; the transport stays. No Message is open. */
  configure(config: IpfixEncoderConfig, programs: Programs): void {
    this.#config = config
    this.#programs = programs
    this.#lastDomain = undefined
    // Another Plan has other templates; those that the next records do not use go with the next tick.
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) template.lastUsedMs = Number.NEGATIVE_INFINITY
    }
  }

  get hasAnnouncements(): boolean {
    return this.#pending > 0
  }

  get state(): EncoderState {
    let templates = 0
    const domains = []
    for (const domain of this.#domains.values()) {
      templates += domain.templates.size
      domains.push({ odid: domain.odid, sequence: domain.sequence, templates: domain.templates.size })
    }
    return { templates, messages: this.#assembler.messages, withdrawals: this.#withdrawals, domains }
  }

  beginSession(): void {
    this.#assembler.abandon()
    this.#pending = 0
    for (const domain of this.#domains.values()) {
      domain.sequence = 0
      domain.pending.length = 0
      domain.withdrawals.length = 0
      domain.templates.endSession()
      for (const template of domain.templates.values()) this.#queueAnnouncement(domain, template)
    }
    this.#optionsSentAtMs = this.#clock.monotonicMs()
  }

  resendTemplates(): void {
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) this.#queueAnnouncement(domain, template)
    }
  }

  takeOptionsRefresh(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (this.#config.transport !== 'udp' || nowMs - this.#optionsSentAtMs < this.#config.optionsRefreshMs) return false
    this.#optionsSentAtMs = nowMs
    return true
  }

  forgetLayout(layout: Layout): void {
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) {
        // Left to the next tick: input that still waits may need it until then.
        if (template.inputs.delete(layout) && template.inputs.size === 0) template.lastUsedMs = Number.NEGATIVE_INFINITY
      }
    }
  }

  tick(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const domain of this.#domains.values()) {
      for (const template of domain.templates.values()) {
        if (nowMs - template.lastUsedMs >= this.#config.templateIdleMs) this.#retire(domain, template, nowMs)
        else if (this.#config.transport === 'udp') this.#refresh(domain, template, nowMs)
      }
    }
  }

  announce(chunk: Chunk): boolean {
    if (this.#pending === 0) return true
    for (const domain of this.#domains.values()) {
      if (domain.pending.length + domain.withdrawals.length === 0) continue
      this.#assembler.close()
      // Withdrawals first: an id may be among them that a new template has taken over.
      if (!this.#writeAll(chunk, domain, domain.withdrawals, true)) return false
      if (!this.#writeAll(chunk, domain, domain.pending, false)) return false
      // Copies go in Messages of their own (RFC 7011 §8.4); over TCP and in files data may follow in the same one.
      if (this.#config.transport === 'udp') this.#assembler.close()
    }
    this.#isAnnouncementNeeded = false
    return true
  }

  encode(held: HeldBatch, entry: number, offset: number, chunk: Chunk): void {
    const { progress } = this
    progress.isChunkFull = false
    progress.offset = offset
    const end = held.offsets[entry]! + held.lengths[entry]!
    try {
      this.#encodeEntry(held, entry, end, chunk)
    } catch (error) {
      // A defect of ours must cost these records, not all that follow: a batch that ends the process would come again.
      this.#onDefect(error)
      this.#giveUp(held, chunk, this.#countRecords(held.layouts[entry]!, held, progress.offset, end), false)
      progress.offset = end
    }
  }

  #encodeEntry(held: HeldBatch, entry: number, end: number, chunk: Chunk): void {
    const { progress } = this
    const layout = held.layouts[entry]!
    this.#context.fill(held, entry)
    const domain = this.#domainOf(held.sources[entry]!.odid)
    this.#entryDomain = domain
    this.#entryTemplates = held.contexts[entry]
    this.#namesOutputs = layout.namesTemplates && !layout.hasLists
    const nowMs = this.#clock.monotonicMs()
    const program = this.#programs.get(layout, this.#context, nowMs)
    const template = this.#templateFor(domain, program.output!, nowMs)
    if (template === undefined) {
      this.#giveUp(held, chunk, this.#countRecords(layout, held, progress.offset, end), false)
      progress.offset = end
      return
    }
    template.lastUsedMs = nowMs
    template.inputs.add(layout)
    if (!template.isAnnounced) this.#queueAnnouncement(domain, template)

    const assembler = this.#assembler
    const cursor = this.#cursor
    let at = progress.offset
    while (at < end) {
      progress.offset = at
      if ((!template.isAnnounced || this.#isAnnouncementNeeded) && !this.announce(chunk)) return this.#full(at)
      if (!assembler.isOpen || assembler.domain !== domain) {
        assembler.close()
        if (!assembler.open(chunk, domain, this.#config.maxMessageOctets)) return this.#full(at)
      }
      if (assembler.setId !== template.id && !assembler.openSet(template.id)) {
        assembler.close()
        continue
      }
      program.run(
        held.octets,
        held.view,
        at,
        end,
        chunk.octets,
        chunk.view,
        assembler.out,
        assembler.limit,
        this.#context,
        cursor
      )
      // Its lists name templates that the peer does not know yet: announce them and write these records again.
      if (this.#isAnnouncementNeeded) continue
      if (cursor.records > 0) {
        this.#addRecords(held, chunk)
        at = cursor.in
        continue
      }
      if (!assembler.isBare) {
        assembler.close()
        continue
      }
      const next = this.#encodeAlone(held, layout, program, at, end, chunk)
      if (next < 0) return this.#full(at)
      at = next
    }
    progress.offset = at
  }

  finish(_chunk: Chunk): void {
    this.#assembler.close()
  }

  #full(at: number): void {
    this.#assembler.close()
    this.progress.offset = at
    this.progress.isChunkFull = true
  }

  /**
   * One record that is longer than a Message should be: as long as the transport carries it, alone (R7011-10.3.3-1).
   *
   * @returns where the next record begins, or -1 if the chunk has no room.
   */
  #encodeAlone(held: HeldBatch, layout: Layout, program: Program, at: number, end: number, chunk: Chunk): number {
    const assembler = this.#assembler
    const next = recordEnd(layout, held.octets, at, end)
    if (!assembler.widen(this.#config.longestMessageOctets)) {
      assembler.close()
      return -1
    }
    program.run(
      held.octets,
      held.view,
      at,
      next,
      chunk.octets,
      chunk.view,
      assembler.out,
      assembler.limit,
      this.#context,
      this.#cursor
    )
    if (this.#isAnnouncementNeeded) {
      assembler.close()
      return at
    }
    if (this.#cursor.records > 0) this.#addRecords(held, chunk)
    else this.#giveUp(held, chunk, 1, true)
    assembler.close()
    return next
  }

  #addRecords(held: HeldBatch, chunk: Chunk): void {
    const { records, out } = this.#cursor
    this.#assembler.addRecords(out, records, held.isRepeat ? 0 : records)
    if (held.isRepeat) chunk.repeatedRecords += records
    else chunk.records += records
  }

  #giveUp(held: HeldBatch, chunk: Chunk, records: number, isTooBig: boolean): void {
    if (held.isRepeat) return
    if (isTooBig) chunk.tooBigRecords += records
    else chunk.failedRecords += records
  }

  #countRecords(layout: Layout, held: HeldBatch, offset: number, end: number): number {
    let records = 0
    for (let at = offset; at < end; records++) at = recordEnd(layout, held.octets, at, end)
    return records
  }

  #domainOf(sourceOdid: number): ExportDomain {
    const { observationDomainId } = this.#config
    const odid = observationDomainId === 'preserve' ? sourceOdid : observationDomainId
    if (this.#lastDomain?.odid === odid) return this.#lastDomain
    let domain = this.#domains.get(odid)
    if (domain === undefined) {
      domain = { odid, sequence: 0, templates: new ExportedTemplates(), pending: [], withdrawals: [] }
      this.#domains.set(odid, domain)
    }
    this.#lastDomain = domain
    return domain
  }

  #templateFor(domain: ExportDomain, layout: Layout, nowMs: number): ExportedTemplate | undefined {
    // A Template Record without fields would be a withdrawal.
    if (layout.fields.length === 0) return undefined
    const template = domain.templates.templateFor(layout, nowMs)
    if (template === undefined || template.isAnnounced) return template
    if (domain.templates.size > this.#config.maxTemplates) this.#evict(domain, template, nowMs)
    const octets = messageHeaderOctets + setHeaderOctets + templateRecordLength(layout)
    if (octets <= this.#config.longestMessageOctets) return template
    domain.templates.remove(template, nowMs)
    return undefined
  }

  #evict(domain: ExportDomain, except: ExportedTemplate, nowMs: number): void {
    const least = domain.templates.leastUsed(except)
    if (least !== undefined) this.#retire(domain, least, nowMs)
  }

  #queueAnnouncement(domain: ExportDomain, template: ExportedTemplate): void {
    if (template.isPending) return
    template.isPending = true
    domain.pending.push(template)
    this.#pending++
  }

  #exportedId(templateId: number): number {
    const layout = this.#entryTemplates?.get(templateId)
    const domain = this.#entryDomain
    if (layout === undefined || domain === undefined) return 0
    // templateId (145) speaks of our normalised template; the lists of RFC 6313 hold records in their original form.
    const nowMs = this.#clock.monotonicMs()
    const target = this.#namesOutputs ? this.#programs.get(layout, this.#context, nowMs).output : layout
    if (target === undefined) return 0
    const template = this.#templateFor(domain, target, nowMs)
    if (template === undefined) return 0
    template.lastUsedMs = nowMs
    template.inputs.add(layout)
    if (!template.isAnnounced) {
      this.#queueAnnouncement(domain, template)
      this.#isAnnouncementNeeded = true
    }
    return template.id
  }

  #refresh(domain: ExportDomain, template: ExportedTemplate, nowMs: number): void {
    if (!template.isAnnounced) return
    const sinceMs = nowMs - template.announcedAtMs
    if (template.copiesLeft > 0 && sinceMs >= COPY_INTERVAL_MS) {
      template.copiesLeft--
      this.#queueAnnouncement(domain, template)
      return
    }
    const refreshMs = template.layout.scopeCount === 0 ? this.#config.templateRefreshMs : this.#config.optionsRefreshMs
    if (sinceMs >= refreshMs) this.#queueAnnouncement(domain, template)
  }

  #retire(domain: ExportDomain, template: ExportedTemplate, nowMs: number): void {
    if (template.isPending) return
    const isUdp = this.#config.transport === 'udp'
    // Over UDP nothing is withdrawn (RFC 7011 §8.4); the receiver forgets it, and until then the id means nothing else.
    const reuseMs = UDP_REUSE_REFRESHES * Math.max(this.#config.templateRefreshMs, this.#config.optionsRefreshMs)
    domain.templates.remove(template, isUdp ? nowMs + reuseMs : nowMs)
    if (isUdp || !template.isAnnounced) return
    domain.withdrawals.push(template)
    this.#pending++
  }

  #writeAll(chunk: Chunk, domain: ExportDomain, templates: ExportedTemplate[], isWithdrawal: boolean): boolean {
    let done = 0
    while (done < templates.length && this.#writeOne(chunk, domain, templates[done]!, isWithdrawal)) done++
    const isComplete = done === templates.length
    templates.splice(0, done)
    this.#pending -= done
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
      if (!assembler.open(chunk, domain, Math.max(this.#config.maxMessageOctets, needed))) return false
    }
    if (assembler.setId !== setId) assembler.openSet(setId)
    const end = isWithdrawal
      ? writeWithdrawal(chunk.view, assembler.out, template.id)
      : writeTemplateRecord(chunk.view, assembler.out, template.id, template.layout)
    assembler.addRecords(end, 0, 0)
    if (isWithdrawal) this.#withdrawals++
    else this.#onAnnounced(template)
    return true
  }

  #onAnnounced(template: ExportedTemplate): void {
    if (!template.isAnnounced && this.#config.transport === 'udp') template.copiesLeft = this.#config.templateCopies - 1
    template.isAnnounced = true
    template.isPending = false
    template.announcedAtMs = this.#clock.monotonicMs()
  }

  #exportTimeSec(): number {
    // A clock that was set back must not let data look older than their template (RFC 7011 §8.2).
    this.#lastExportTimeSec = Math.max(this.#lastExportTimeSec, Math.floor(this.#clock.nowMs() / 1000))
    return this.#lastExportTimeSec
  }
}
