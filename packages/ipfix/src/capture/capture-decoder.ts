import { LayoutTable } from '../layout.ts'
import { MessageDecoder } from '../message-decoder.ts'
import { ElementRegistry } from '../registry.ts'
import { RecordReader } from '../record-reader.ts'
import { TemplateTable } from '../template-table.ts'
import { SessionElements, isTypeLayout } from '../type-records.ts'
import { decodeCounts } from './decode-counts.ts'
import { flowExportKind } from './flow-export.ts'
import { countSflowSamples } from './sflow-samples.ts'
import type { FaultCode } from '../faults.ts'
import { defaultLimits } from '../limits.ts'
import type { ProtocolLimits } from '../limits.ts'
import type { ElementLookup, LayoutLookup } from '../list-walker.ts'
import type { TemplateScope } from '../message-decoder.ts'
import type { DataSetView, MessageHeader, MessageVisitor, TemplateEvent, UnknownSetView } from '../message-visitor.ts'
import type { TemplateTableOptions } from '../template-table.ts'
import type { CapturedMessage } from './captured-message.ts'
import type { DecodeCounts, DecodeSummary, DecodeVersion } from './decode-counts.ts'

/** Transport Sessions whose templates are kept; the one that was used first is forgotten first. */
const MAX_SESSIONS = 4096

/** What a capture decoder may be told; all of it can be left out. */
export interface CaptureDecoderOptions {
  readonly registry?: ElementRegistry
  readonly limits?: ProtocolLimits
  readonly isStrict?: boolean
}

/** What one captured payload is seen through: a {@link MessageVisitor} that may leave out what it does not want. */
export type CaptureVisitor = Partial<MessageVisitor>

const noTemplates: LayoutLookup = { get: () => undefined }

class SessionScope implements TemplateScope {
  readonly elements: SessionElements
  readonly #tables = new Map<number, TemplateTable>()
  readonly #options: Omit<TemplateTableOptions, 'odid'>

  constructor(options: Omit<TemplateTableOptions, 'odid'>, elements: SessionElements) {
    this.#options = options
    this.elements = elements
  }

  domain(odid: number): TemplateTable | undefined {
    const known = this.#tables.get(odid)
    if (known !== undefined) return known
    if (this.#tables.size >= (this.#options.limits ?? defaultLimits).domainsPerSession) return undefined
    const table = new TemplateTable({ ...this.#options, odid })
    this.#tables.set(odid, table)
    return table
  }

  close(): void {
    for (const table of this.#tables.values()) table.close()
  }
}

/**
 * Decodes what a capture reader yields, in one pass, as a collector would have done at that time, and counts it.
 *
 * The templates of a TCP connection or an IPFIX File are its own. Over UDP those of IPFIX belong to the pair of addresses
 * and ports (RFC 7011 §8), those of NetFlow v9 to the exporter's address, whatever its port (RFC 3954 §5.1), and to what
 * it sends to. A Data Set that comes before its template is not waited for. sFlow is counted only.
 */
export class CaptureDecoder implements MessageVisitor {
  readonly registry: ElementRegistry
  /** What was decoded so far. */
  readonly summary: DecodeSummary = { ...decodeCounts(), byVersion: {}, faults: {} }
  readonly #layouts = new LayoutTable()
  readonly #decoder: MessageDecoder
  readonly #limits: ProtocolLimits | undefined
  readonly #scopes = new Map<string, SessionScope>()
  #visitor: CaptureVisitor = {}
  #counts: DecodeCounts = decodeCounts()
  #scope: SessionScope | undefined
  #odid = 0
  #octets: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))

  constructor(options: CaptureDecoderOptions = {}) {
    this.registry = options.registry ?? ElementRegistry.standard()
    this.#limits = options.limits
    const { limits, isStrict } = options
    this.#decoder = new MessageDecoder({ layouts: this.#layouts, registry: this.registry, limits, isStrict })
  }

  /**
   * Decode one payload.
   *
   * @param visitor - told of what is in it; offsets are in `message.octets`.
   */
  decode(message: CapturedMessage, visitor: CaptureVisitor = {}): void {
    const { octets, transport, timestampMs } = message
    const version = versionOf(octets)
    const counts = (this.summary.byVersion[version] ??= decodeCounts())
    this.#counts = counts
    this.#add('messages', 1)
    if (version === 'sflow') {
      this.#countSflow(octets)
      return
    }
    this.#visitor = visitor
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const scope = this.#scopeOf(message, version)
    this.#scope = scope
    this.#octets = octets
    this.#view = view
    const fault = this.#decoder.decode(octets, view, 0, octets.length, transport, scope, timestampMs, this)
    if (fault !== undefined) this.#add('malformedMessages', 1)
  }

  /** The elements known to the session at hand, its type records included (RFC 5610); while a visitor is being told. */
  get elements(): ElementLookup {
    return this.#scope?.elements ?? this.registry
  }

  /**
   * The templates of the Message at hand, by which its lists are read (RFC 6313 §6); while a visitor is being told. One
   * object for each Transport Session and Observation Domain.
   */
  get templates(): LayoutLookup {
    return this.#scope?.domain(this.#odid) ?? noTemplates
  }

  /** Over the octets of the Message at hand; while a visitor is being told. */
  get view(): DataView {
    return this.#view
  }

  onMessage(header: MessageHeader): void {
    this.#odid = header.odid
    this.#visitor.onMessage?.(header)
  }

  onTemplate(event: TemplateEvent): void {
    const isDefinition = event.change === 'learned' || event.change === 'refreshed' || event.change === 'redefined'
    if (isDefinition) this.#add(event.layout.scopeCount > 0 ? 'optionsTemplates' : 'templates', 1)
    else if (event.change === 'withdrawn') this.#add('withdrawals', 1)
    this.#visitor.onTemplate?.(event)
  }

  onDataSet(set: DataSetView): void {
    this.#add(set.layout.scopeCount > 0 ? 'optionsRecords' : 'dataRecords', set.records)
    if (set.layout.scopeCount > 0 && isTypeLayout(set.layout)) this.#learnTypes(set)
    this.#visitor.onDataSet?.(set)
  }

  onUnknownSet(set: UnknownSetView): void {
    this.#add('undecodableSets', 1)
    this.#visitor.onUnknownSet?.(set)
  }

  onFault(code: FaultCode, offset: number, setId: number): void {
    this.summary.faults[code] = (this.summary.faults[code] ?? 0) + 1
    if (code === 'REJECTED_TEMPLATE') this.#add('undecodableSets', 1)
    if (code.startsWith('WITHDRAW_')) this.#add('withdrawals', 1)
    this.#visitor.onFault?.(code, offset, setId)
  }

  #learnTypes({ layout, offset, lengthOctets }: DataSetView): void {
    const scope = this.#scope
    if (scope === undefined) return
    const reader = new RecordReader(scope.elements)
    reader.open(layout, this.#view, offset, lengthOctets)
    while (reader.nextRecord()) {
      const at = reader.recordOffset
      scope.elements.learn(layout, this.#octets, this.#view, at, offset + lengthOctets - at)
    }
  }

  #countSflow(octets: Uint8Array): void {
    const samples = countSflowSamples(octets)
    if (samples >= 0) {
      this.#add('sflowSamples', samples)
      return
    }
    this.#add('malformedMessages', 1)
    this.summary.faults.SFLOW_MALFORMED = (this.summary.faults.SFLOW_MALFORMED ?? 0) + 1
  }

  #scopeOf({ transport, session, source, destination }: CapturedMessage, version: DecodeVersion): SessionScope {
    const isByAddress = transport === 'udp' && version !== '10' && source.address !== ''
    const ends = isByAddress ? `${source.address}>${destination.address}#${destination.port}` : session
    const key = `${version}/${ends}`
    const known = this.#scopes.get(key)
    if (known !== undefined) return known
    if (this.#scopes.size >= MAX_SESSIONS) this.#forgetOldest()
    const scope = new SessionScope(
      { transport, layouts: this.#layouts, limits: this.#limits },
      new SessionElements(this.registry)
    )
    this.#scopes.set(key, scope)
    return scope
  }

  #forgetOldest(): void {
    for (const [key, scope] of this.#scopes) {
      scope.close()
      this.#scopes.delete(key)
      return
    }
  }

  #add(what: keyof DecodeCounts, count: number): void {
    this.summary[what] += count
    this.#counts[what] += count
  }
}

function versionOf(octets: Uint8Array): DecodeVersion {
  const kind = flowExportKind(octets)
  if (kind === undefined) return 'other'
  return kind === 'sflow' ? 'sflow' : (String(octets[1]) as DecodeVersion)
}
