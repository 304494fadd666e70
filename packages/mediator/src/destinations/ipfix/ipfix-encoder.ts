import { recordEnd } from '@weir/mediation'
import { DestinationContext } from '../entry-context.ts'
import { ExportDomains } from './export-domains.ts'
import { MessageAssembler } from './message-assembler.ts'
import type { Layout } from '@weir/ipfix'
import type { Cursor, Program, TemplateIds } from '@weir/mediation'
import type { Clock } from '@weir/runtime'
import type { HeldBatch } from '../../held-batch.ts'
import type { Programs } from '../../programs.ts'
import type { Chunk } from '../chunk.ts'
import type { Encoder, EncoderState, OnDefect, Progress } from '../encoder.ts'
import type { IpfixEncoderConfig } from './ipfix-encoder-config.ts'
import type { ExportDomain } from './message-assembler.ts'

/** Entries to IPFIX Messages, with templates and sequence numbers of our own (RFC 7011 §3, §8; RFC 7119 §4.2). */
export class IpfixEncoder implements Encoder {
  readonly progress: Progress = { offset: 0, isChunkFull: false }
  #config: IpfixEncoderConfig
  #programs: Programs
  readonly #clock: Clock
  readonly #domains: ExportDomains
  readonly #assembler: MessageAssembler
  readonly #context: DestinationContext
  readonly #cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  readonly #onDefect: OnDefect
  #lastExportTimeSec = 0
  #optionsSentAtMs: number
  // What `exportedId` is asked about: the entry that is being encoded.
  #entryDomain: ExportDomain | undefined
  #entryMs = 0
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
    this.#domains = new ExportDomains(config, clock, this.#assembler)
    const templateIds: TemplateIds = {
      exportedId: templateId => this.#exportedId(templateId),
      layoutOf: templateId => this.#entryTemplates?.get(templateId)
    }
    this.#context = new DestinationContext(templateIds)
  }

  /** Go on in the same session with other bounds or another Plan; the transport stays. No Message is open. */
  configure(config: IpfixEncoderConfig, programs: Programs): void {
    const { observationDomainId } = this.#config
    const isSame = programs.outputKey === this.#programs.outputKey && config.observationDomainId === observationDomainId
    this.#config = config
    this.#domains.config = config
    this.#programs = programs
    if (isSame) return
    // Another Plan has other templates; those that the next records do not use go with the next tick.
    this.#domains.forgetUses()
  }

  get hasAnnouncements(): boolean {
    return this.#domains.pending > 0
  }

  get state(): EncoderState {
    let templates = 0
    const domains = []
    for (const domain of this.#domains.values()) {
      templates += domain.templates.size
      domains.push({ odid: domain.odid, sequence: domain.sequence, templates: domain.templates.size })
    }
    return { templates, messages: this.#assembler.messages, withdrawals: this.#domains.withdrawals, domains }
  }

  beginSession(): void {
    this.#assembler.abandon()
    this.#domains.beginSession()
    this.#optionsSentAtMs = this.#clock.monotonicMs()
  }

  resendTemplates(): void {
    this.#domains.announceAll()
  }

  takeOptionsRefresh(): boolean {
    const nowMs = this.#clock.monotonicMs()
    if (this.#config.transport !== 'udp' || nowMs - this.#optionsSentAtMs < this.#config.optionsRefreshMs) return false
    this.#optionsSentAtMs = nowMs
    return true
  }

  forgetLayout(layout: Layout): void {
    this.#domains.forgetLayout(layout)
  }

  tick(): void {
    this.#domains.tick(this.#clock.monotonicMs())
  }

  announce(chunk: Chunk): boolean {
    if (!this.#domains.announce(chunk)) return false
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
    const domain = this.#domains.domainOf(held.sources[entry]!.odid)
    this.#entryDomain = domain
    this.#entryTemplates = held.contexts[entry]
    this.#namesOutputs = layout.namesTemplates && !layout.hasLists
    const nowMs = this.#clock.monotonicMs()
    this.#entryMs = nowMs
    const program = this.#programs.get(layout, this.#context, nowMs)
    // A template is announced for what is sent: not for records of which the filter keeps all back.
    const first = this.#programs.hasFilter ? this.#skip(held, program, end, chunk) : progress.offset
    progress.offset = first
    if (first >= end) return
    const template = this.#domains.templateFor(domain, program.output!, layout, nowMs)
    if (template === undefined) {
      this.#giveUp(held, chunk, this.#countRecords(layout, held, progress.offset, end), false)
      progress.offset = end
      return
    }
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
      if (cursor.in > at) {
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

  /** Read up to the first record that the filter lets pass: without room for any, the others are read and none is written. */
  #skip(held: HeldBatch, program: Program, end: number, chunk: Chunk): number {
    const cursor = this.#cursor
    const { octets, view } = chunk
    program.run(held.octets, held.view, this.progress.offset, end, octets, view, 0, 0, this.#context, cursor)
    chunk.filteredRecords += cursor.filtered
    return cursor.in
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
    const { records, filtered, out } = this.#cursor
    this.#assembler.addRecords(out, records, held.isRepeat ? 0 : records)
    chunk.filteredRecords += filtered
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

  #exportedId(templateId: number): number {
    const layout = this.#entryTemplates?.get(templateId)
    const domain = this.#entryDomain
    if (layout === undefined || domain === undefined) return 0
    // templateId (145) speaks of our normalised template; the lists of RFC 6313 hold records in their original form.
    const target = this.#namesOutputs ? this.#programs.get(layout, this.#context, this.#entryMs).output : layout
    if (target === undefined) return 0
    const template = this.#domains.templateFor(domain, target, layout, this.#entryMs)
    if (template === undefined) return 0
    if (!template.isAnnounced) this.#isAnnouncementNeeded = true
    return template.id
  }

  #exportTimeSec(): number {
    // A clock that was set back must not let data look older than their template (RFC 7011 §8.2).
    this.#lastExportTimeSec = Math.max(this.#lastExportTimeSec, Math.floor(this.#clock.nowMs() / 1000))
    return this.#lastExportTimeSec
  }
}
