import { CaptureDecoder, CaptureReader, captureFaults, parseIpv4, parseIpv6, walkVariableRecords } from '@weir/ipfix'
import { setImmediate } from 'node:timers/promises'
import { samplingOrigins } from '@weir/mediation'
import { CodedError, exitCodes } from '@weir/runtime'
import { isParquetFile } from '../parquet/is-parquet-file.ts'
import { chunksOf, expansionBound, formatByName, STANDARD_INPUT } from './file-chunks.ts'
import { flowCounts } from './flow-counts.ts'
import { FlowDomain } from './flow-domain.ts'
import { PendingSets } from './pending-sets.ts'
import type {
  CapturedMessage,
  CaptureVisitor,
  DataSetView,
  ElementRegistry,
  Layout,
  LayoutLookup,
  MessageHeader,
  TemplateEvent,
  UnknownSetView
} from '@weir/ipfix'
import type { TemplateIds } from '@weir/mediation'
import type { TaskInput, TaskLimits, TaskProgress } from '../task.ts'
import type { FlowCounts } from './flow-counts.ts'
import type { ExporterAddress } from './flow-domain.ts'
import type { FlowContext, FlowRun } from './flow-run.ts'
import type { RowOrigin } from './parquet-input.ts'
import type { PendingSet } from './pending-sets.ts'
import type { RowRun } from '../parquet/row-builder.ts'

/** Sessions' domains told apart; what comes after is read without sequence numbers and options state. */
const MAX_DOMAINS = 16_384
const MAX_PENDING_OCTETS = 64 * 1024 * 1024

/** Who is told of what is read. */
export interface FlowSink {
  /** Data Records, in the order of the input. */
  onRun(run: FlowRun): void
  /** Options records; what they say of sampling and boot times is known before the next run. */
  onOptions?(run: FlowRun): void
  onTemplate?(event: TemplateEvent, domain: FlowDomain): void
  /** Waited for after each chunk of input: where a slow output holds the reading up. */
  settle?(): Promise<void> | void
}

export interface FlowOptions {
  readonly limits: Pick<TaskLimits, 'expansion' | 'memoryOctets'>
  readonly signal?: AbortSignal
  readonly onProgress?: (now: TaskProgress) => void
  readonly registry?: ElementRegistry
}

/** Inputs that are read as one case in order. */
export interface Flows {
  /** Of what was read so far. */
  readonly counts: FlowCounts
  readonly registry: ElementRegistry
  /** What was sent by each session's Observation Domain; the last one stands for those past the bound, if there are any. */
  domains(): Iterable<FlowDomain>
  /**
   * Read everything, once.
   *
   * @throws CodedError INPUT_UNREADABLE, INPUT_COMPRESSED, NOTHING_DECODED (if no Message of any input could be read),
   * INPUT_PARQUET,
   * TASK_LIMIT (an input expands too much); the signal's reason.
   */
  read(sink: FlowSink): Promise<void>
}

/**
 * Recorded flows: pcap, pcapng, IPFIX Files (RFC 5655) and payloads, all optionally gzip, and Parquet that convert
 * wrote, one after the other.
 *
 * Templates and sessions are told apart as {@link CaptureDecoder} does. A Data Set that comes before its template waits, and
 * is given when the template comes.
 */
export function openFlows(inputs: readonly TaskInput[], options: FlowOptions): Flows {
  return new CapturedFlows(inputs, options)
}

class CapturedFlows implements Flows, CaptureVisitor {
  readonly counts: FlowCounts
  readonly registry: ElementRegistry
  readonly #inputs: readonly TaskInput[]
  readonly #options: FlowOptions
  readonly #reader = new CaptureReader()
  readonly #decoder: CaptureDecoder
  readonly #domains = new Map<LayoutLookup, FlowDomain>()
  /** Of rows of Parquet: by exporter and domain. */
  readonly #rowDomains = new Map<string, FlowDomain>()
  #rowsRead = false
  readonly #addresses = new Map<string, ExporterAddress>()
  readonly #pending: PendingSets
  readonly #walked = new Int32Array(1)
  readonly #learned: number[] = []
  readonly #octetsTotal: number
  #octetsRead = 0
  #sink: FlowSink = { onRun() {} }
  #otherDomains: FlowDomain | undefined
  #run: FlowRun | undefined
  #context: RunContext | undefined
  #message: CapturedMessage | undefined
  #units = 0
  #isComplete = true
  #wasRead = false
  #header: MessageHeader | undefined

  constructor(inputs: readonly TaskInput[], options: FlowOptions) {
    this.#inputs = inputs
    this.#options = options
    this.#decoder = new CaptureDecoder({ registry: options.registry })
    this.registry = this.#decoder.registry
    this.counts = flowCounts(this.#decoder.summary, this.#reader.counters)
    this.#pending = new PendingSets(Math.min(MAX_PENDING_OCTETS, Math.floor(options.limits.memoryOctets / 4)))
    this.#octetsTotal = inputs.reduce((sum, { octets }) => sum + octets, 0)
  }

  *domains(): Iterable<FlowDomain> {
    yield* this.#domains.values()
    yield* this.#rowDomains.values()
    if (this.#otherDomains !== undefined) yield this.#otherDomains
  }

  async read(sink: FlowSink): Promise<void> {
    this.#sink = sink
    for (const input of this.#inputs) await this.#readInput(input)
    for (const message of this.#reader.finish()) this.#take(message)
    for (const { octets } of this.#pending.rest()) this.#giveUp(octets.length)
    await sink.settle?.()
    this.#tell()
    const { messages, malformedMessages } = this.counts.decoded
    if (messages === malformedMessages && !this.#rowsRead) throw this.#nothingDecoded()
  }

  async #readInput(input: TaskInput): Promise<void> {
    const { name, path } = input
    const { signal, limits } = this.#options
    const reader = this.#reader
    signal?.throwIfAborted()
    reader.begin(formatByName(name))
    const source = { path, name, bound: expansionBound(name, limits.expansion) }
    const onRead = (octets: number): void => {
      this.#octetsRead += octets
    }
    if (path !== STANDARD_INPUT && isParquetFile(path)) return this.#readParquet(input, onRead)
    for await (const chunk of chunksOf(source, onRead)) {
      for (const message of reader.push(chunk)) this.#take(message)
      await this.#settle()
    }
    for (const message of reader.end()) this.#take(message)
    this.counts.inputs.push({ name, format: reader.format, fault: reader.fault })
  }

  async #settle(): Promise<void> {
    await this.#sink.settle?.()
    this.#tell()
    this.#options.signal?.throwIfAborted()
  }

  async #readParquet(input: TaskInput, onRead: (octets: number) => void): Promise<void> {
    // A library that only Parquet needs.
    const { readParquet } = await import('./parquet-input.ts')
    await readParquet(input, this.#options.limits.memoryOctets, {
      onRun: (rows, origin) => this.#takeRows(rows, origin),
      onRead,
      // A row group is in memory, so nothing else is waited for: others are let in between.
      settle: async () => {
        await setImmediate()
        await this.#settle()
      }
    })
    this.#rowsRead = true
    this.counts.inputs.push({ name: input.name, format: 'parquet', fault: undefined })
  }

  /** Rows say themselves when they were exported: normalised records have no times that need the Message's. */
  #takeRows(rows: RowRun, { exporter, odid, receivedAtMs, samplingRate }: RowOrigin): void {
    const key = `${exporter} ${odid}`
    let domain = this.#rowDomains.get(key)
    if (domain === undefined) {
      const source = { address: exporter, port: 0 }
      domain = new FlowDomain(source, { odid, version: 10 }, noTemplates, this.#addressOf(exporter))
      if (this.#rowDomains.size < MAX_DOMAINS) this.#rowDomains.set(key, domain)
    }
    const exportTimeSec = Math.floor(receivedAtMs / 1000)
    domain.firstExportTimeSec = Math.min(domain.firstExportTimeSec, exportTimeSec)
    domain.lastExportTimeSec = Math.max(domain.lastExportTimeSec, exportTimeSec)
    const context = (this.#context ??= new RunContext(domain))
    context.begin(domain, { version: 10, exportTimeSec, bootTimeMs: Number.NaN }, receivedAtMs)
    context.samplingRate = samplingRate
    context.samplingOrigin = samplingRate === 0 ? samplingOrigins.nowhere : samplingOrigins.options
    const run = (this.#run ??= emptyRun(context))
    Object.assign(run, { layout: rows.layout, templateId: 0, octets: rows.octets, view: rows.view })
    run.offset = rows.offset
    run.endOffset = rows.endOffset
    run.records = rows.records
    this.#give(run)
  }

  #tell(): void {
    const { records } = this.counts
    this.#options.onProgress?.({ octetsRead: this.#octetsRead, octetsTotal: this.#octetsTotal, records })
  }

  #take(message: CapturedMessage): void {
    this.#message = message
    this.#units = 0
    this.#isComplete = true
    this.#wasRead = false
    this.#decoder.decode(message, this)
    const context = this.#context
    if (!this.#wasRead || context === undefined) return
    const { domain } = context
    if (domain !== this.#otherDomains) domain.sequence.update(this.#header!, this.#units, this.#isComplete)
    if (this.#learned.length > 0) this.#deliver(domain)
  }

  onMessage(header: MessageHeader): void {
    const message = this.#message!
    const domain = this.#domains.get(this.#decoder.templates) ?? this.#openDomain(message, header)
    const context = (this.#context ??= new RunContext(domain))
    this.#wasRead = true
    this.#header = header
    domain.messages++
    domain.octets += header.lengthOctets
    if (header.exportTimeSec < domain.firstExportTimeSec) domain.firstExportTimeSec = header.exportTimeSec
    if (header.exportTimeSec > domain.lastExportTimeSec) domain.lastExportTimeSec = header.exportTimeSec
    domain.facts.takeHeader(header.v5Sampling)
    context.begin(domain, header, message.timestampMs === 0 ? header.exportTimeSec * 1000 : message.timestampMs)
    if (domain === this.#otherDomains) {
      this.counts.messagesOfOtherDomains++
      context.exporter = message.source.address
      context.exporterPort = message.source.port
    }
    this.#run ??= emptyRun(context)
    this.#run.octets = message.octets
    this.#run.view = this.#decoder.view
  }

  onTemplate(event: TemplateEvent): void {
    this.#sink.onTemplate?.(event, this.#context!.domain)
    if (event.change === 'learned' && !this.#pending.isEmpty) this.#learned.push(event.templateId)
  }

  onDataSet({ layout, templateId, offset, lengthOctets, records }: DataSetView): void {
    const run = this.#run!
    run.layout = layout
    run.templateId = templateId
    run.offset = offset
    run.endOffset = offset + lengthOctets
    run.records = records
    this.counts.sets++
    this.#units += records
    if (records > 0) this.#give(run)
  }

  onUnknownSet({ templateId, offset, lengthOctets }: UnknownSetView): void {
    const { domain, exportTimeSec, bootTimeMs, receivedAtMs, version } = this.#context!
    this.#isComplete = false
    domain.unknownSets++
    const octets = this.#message!.octets.slice(offset, offset + lengthOctets)
    const set: PendingSet = { octets, exportTimeSec, bootTimeMs, receivedAtMs, version }
    const isKept = domain !== this.#otherDomains && this.#pending.add(domain, templateId, set)
    if (!isKept) this.#giveUp(lengthOctets)
  }

  #give(run: FlowRun): void {
    const { domain } = run.context
    if (run.layout.scopeCount > 0) {
      this.counts.optionsRecords += run.records
      domain.optionsRecords += run.records
      const { layout, octets, view, offset, endOffset } = run
      if (domain !== this.#otherDomains) {
        domain.facts.learn(layout, octets, view, offset, endOffset - offset)
        this.#context!.refresh()
      }
      this.#sink.onOptions?.(run)
      return
    }
    this.counts.records += run.records
    domain.records += run.records
    this.#sink.onRun(run)
  }

  #giveUp(lengthOctets: number): void {
    this.counts.setsWithoutTemplate++
    this.counts.octetsWithoutTemplate += lengthOctets
  }

  /** What waited for templates that have come. */
  #deliver(domain: FlowDomain): void {
    for (const templateId of this.#learned.splice(0)) {
      for (const set of this.#pending.take(domain, templateId)) this.#deliverSet(domain, templateId, set)
    }
  }

  #deliverSet(domain: FlowDomain, templateId: number, set: PendingSet): void {
    const run = this.#run!
    const { octets } = set
    const layout = domain.templates.get(templateId)
    if (layout === undefined) return this.#giveUp(octets.length)
    let endOffset: number
    let records: number
    if (layout.recordLength < 0) {
      endOffset = walkVariableRecords(octets, 0, octets.length, layout, this.#walked)
      if (endOffset < 0) return this.#giveUp(octets.length)
      records = this.#walked[0]
    } else {
      records = Math.floor(octets.length / layout.recordLength)
      endOffset = records * layout.recordLength
    }
    this.#context!.begin(domain, set, set.receivedAtMs)
    run.layout = layout
    run.templateId = templateId
    run.octets = octets
    run.view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    run.offset = 0
    run.endOffset = endOffset
    run.records = records
    this.counts.setsDelivered++
    if (layout.scopeCount === 0) this.counts.recordsDelivered += records
    if (records > 0) this.#give(run)
  }

  #openDomain(message: CapturedMessage, header: MessageHeader): FlowDomain {
    if (this.#domains.size >= MAX_DOMAINS && this.#otherDomains !== undefined) return this.#otherDomains
    const { templates } = this.#decoder
    const domain = new FlowDomain(message.source, header, templates, this.#addressOf(message.source.address))
    if (this.#domains.size < MAX_DOMAINS) this.#domains.set(templates, domain)
    else this.#otherDomains = domain
    return domain
  }

  #addressOf(text: string): ExporterAddress {
    const known = this.#addresses.get(text)
    if (known !== undefined) return known
    const octets = new Uint8Array(16)
    const ipv4 = parseIpv4(text)
    octets.set(ipv4 ?? parseIpv6(text) ?? [])
    const address = { octets, isIPv6: ipv4 === undefined && text !== '' }
    if (this.#addresses.size < MAX_DOMAINS) this.#addresses.set(text, address)
    return address
  }

  #nothingDecoded(): CodedError {
    const { inputs, decoded, capture } = this.counts
    const names = inputs.map(({ name }) => name).join(', ')
    const faults = inputs.flatMap(({ fault }) => (fault === undefined ? [] : [captureFaults[fault]]))
    let why = 'give a capture (pcap, pcapng), an IPFIX File or Parquet that Weir wrote'
    if (this.#octetsTotal === 0) why = 'there is not one octet in it'
    else if (decoded.messages > 0)
      why = `all ${decoded.messages} Messages are malformed; weir decode --format summary says why`
    else if (capture.packets > 0)
      why = `none of its ${capture.packets} packets is flow export; see what the exporter sends`
    else if (faults.length > 0) why = `${faults[0]}; ${why}`
    const message = `Nothing in ${names} could be decoded as NetFlow or IPFIX: ${why}`
    return new CodedError('NOTHING_DECODED', message, exitCodes.badInput, { inputs: inputs.map(each => ({ ...each })) })
  }
}

const noTemplates: LayoutLookup = { get: () => undefined }

const emptyRun = (context: FlowContext): FlowRun => ({
  layout: undefined as never,
  templateId: 0,
  octets: new Uint8Array(0),
  view: new DataView(new ArrayBuffer(0)),
  offset: 0,
  endOffset: 0,
  records: 0,
  context
})

class RunContext implements FlowContext {
  exporter = ''
  exporterPort = 0
  exporterAddress: Uint8Array = new Uint8Array(16)
  exporterIsIPv6 = false
  odid = 0
  version = 10
  exportTimeSec = 0
  receivedAtMs = 0
  bootTimeMs: number = Number.NaN
  samplingRate = 0
  samplingOrigin = 0
  hasInterfaceRates = false
  domain: FlowDomain
  templateIds: TemplateIds = {
    exportedId: (templateId: number): number => templateId,
    layoutOf: (templateId: number): Layout | undefined => this.domain.templates.get(templateId)
  }
  #headerBootTimeMs = Number.NaN

  constructor(domain: FlowDomain) {
    this.domain = domain
  }

  begin(
    domain: FlowDomain,
    { version, exportTimeSec, bootTimeMs }: Pick<MessageHeader, 'version' | 'exportTimeSec' | 'bootTimeMs'>,
    receivedAtMs: number
  ): void {
    this.domain = domain
    this.exporter = domain.exporter
    this.exporterPort = domain.exporterPort
    this.exporterAddress = domain.address
    this.exporterIsIPv6 = domain.isIPv6
    this.odid = domain.odid
    this.version = version
    this.exportTimeSec = exportTimeSec
    this.receivedAtMs = receivedAtMs
    this.#headerBootTimeMs = bootTimeMs
    this.refresh()
  }

  /** Options records were learned from. */
  refresh(): void {
    const { facts } = this.domain
    this.bootTimeMs = Number.isNaN(this.#headerBootTimeMs) ? facts.effectiveBootTimeMs : this.#headerBootTimeMs
    this.samplingRate = facts.effectiveRate
    this.samplingOrigin = facts.effectiveOrigin
    this.hasInterfaceRates = facts.hasInterfaceRates
  }

  samplingRateOf(samplerId: number): number {
    return this.domain.facts.rateOfSampler(samplerId)
  }

  samplingRateOfInterface(ifIndex: number): number {
    return this.domain.facts.rateOfInterface(ifIndex)
  }
}
