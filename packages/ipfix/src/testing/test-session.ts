import { LayoutTable } from '../layout.ts'
import { defaultLimits } from '../limits.ts'
import { MessageDecoder } from '../message-decoder.ts'
import { ElementRegistry } from '../registry.ts'
import { TemplateTable } from '../template-table.ts'
import { fieldsText } from './fields.ts'
import { hexOf, octetsOf } from './octets.ts'
import type { FaultCode } from '../faults.ts'
import type { Layout } from '../layout.ts'
import type { ProtocolLimits } from '../limits.ts'
import type { TemplateScope } from '../message-decoder.ts'
import type { DataSetView, MessageHeader, MessageVisitor, TemplateEvent, UnknownSetView } from '../message-visitor.ts'
import type { TemplateBudget } from '../template-budget.ts'
import type { Transport } from '../template-table.ts'

/** One Data Set as it was seen: copied. */
export interface SeenDataSet {
  readonly templateId: number
  readonly layout: Layout
  readonly records: number
  /** The records' octets. */
  readonly octets: Uint8Array
  readonly offset: number
}

/** What one Message did: everything copied, in the order of each kind. */
export class SeenMessage implements MessageVisitor {
  readonly headers: MessageHeader[] = []
  readonly dataSets: SeenDataSet[] = []
  readonly unknownSets: UnknownSetView[] = []
  readonly templates: TemplateEvent[] = []
  readonly faults: { code: FaultCode; offset: number; setId: number }[] = []
  /** Everything in one order: `data 256 x3`, `learned 256`, `unknown 257`, `EMPTY_SET 256`. */
  readonly log: string[] = []
  /** What `decode` returned. */
  discarded: FaultCode | undefined
  readonly #octets: Uint8Array

  constructor(octets: Uint8Array) {
    this.#octets = octets
  }

  /** Data Records in known Data Sets. */
  get records(): number {
    return this.dataSets.reduce((sum, set) => sum + set.records, 0)
  }

  /** Fault codes, in order. */
  get codes(): FaultCode[] {
    return this.faults.map(({ code }) => code)
  }

  /** Octets of each record of Layouts without variable length, in hexadecimal. */
  get recordHex(): string[] {
    return this.dataSets.flatMap(({ octets, records, layout }) => {
      const length = layout.recordLength
      return Array.from({ length: records }, (_, at) => hexOf(octets, at * length, (at + 1) * length))
    })
  }

  onMessage(header: MessageHeader): void {
    this.headers.push({ ...header })
    this.log.push(`message ${header.version}`)
  }

  onDataSet(set: DataSetView): void {
    const { templateId, layout, offset, lengthOctets, records } = set
    const octets = this.#octets.slice(offset, offset + lengthOctets)
    this.dataSets.push({ templateId, layout, records, octets, offset })
    this.log.push(`data ${templateId} x${records}`)
  }

  onUnknownSet(set: UnknownSetView): void {
    this.unknownSets.push({ ...set })
    this.log.push(`unknown ${set.templateId}${set.doubt === undefined ? '' : ` ${set.doubt}`}`)
  }

  onTemplate(event: TemplateEvent): void {
    this.templates.push(event)
    this.log.push(`${event.change} ${event.templateId}`)
  }

  onFault(code: FaultCode, offset: number, setId: number): void {
    this.faults.push({ code, offset, setId })
    this.log.push(`${code} ${setId}`)
  }
}

/** What a {@link TestSession} is made with. */
export interface TestSessionOptions {
  readonly transport?: Transport
  readonly isStrict?: boolean
  readonly limits?: Partial<ProtocolLimits>
  readonly budget?: TemplateBudget
  readonly layouts?: LayoutTable
  readonly registry?: ElementRegistry
  readonly v9EnterpriseNumber?: number
  /** See `TemplateTable.isGuarded`. */
  readonly isGuarded?: boolean
}

let standardRegistry: ElementRegistry | undefined

/** One Transport Session with a decoder of its own, for tests; its clock stands still unless `nowMs` is set. */
export class TestSession implements TemplateScope {
  readonly transport: Transport
  readonly layouts: LayoutTable
  readonly decoder: MessageDecoder
  readonly limits: ProtocolLimits
  readonly tables = new Map<number, TemplateTable>()
  nowMs = 0
  readonly #budget: TemplateBudget | undefined
  readonly #isGuarded: boolean

  constructor(options: TestSessionOptions = {}) {
    this.transport = options.transport ?? 'udp'
    this.layouts = options.layouts ?? new LayoutTable()
    this.limits = { ...defaultLimits, ...options.limits }
    this.#budget = options.budget
    this.#isGuarded = options.isGuarded ?? false
    standardRegistry ??= ElementRegistry.standard()
    this.decoder = new MessageDecoder({
      layouts: this.layouts,
      registry: options.registry ?? standardRegistry,
      limits: this.limits,
      isStrict: options.isStrict ?? false,
      v9EnterpriseNumber: options.v9EnterpriseNumber ?? 9
    })
  }

  domain(odid: number): TemplateTable | undefined {
    const known = this.tables.get(odid)
    if (known !== undefined || this.tables.size >= this.limits.domainsPerSession) return known
    const { transport, layouts, limits } = this
    const table = new TemplateTable({
      odid,
      transport,
      layouts,
      limits,
      budget: this.#budget,
      isGuarded: this.#isGuarded
    })
    this.tables.set(odid, table)
    return table
  }

  /** Decode one Message, given as octets, hexadecimal text or a builder. */
  decode(message: Uint8Array | string | { octets(): Uint8Array }): SeenMessage {
    const octets =
      typeof message === 'string' ? octetsOf(message) : message instanceof Uint8Array ? message : message.octets()
    const seen = new SeenMessage(octets)
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    seen.discarded = this.decoder.decode(octets, view, 0, octets.length, this.transport, this, this.nowMs, seen)
    return seen
  }

  /** The live templates of a domain: id to fields as text, `(n)` before them for a scope count. */
  templates(odid = 1): Record<number, string> {
    const texts: Record<number, string> = {}
    for (const { templateId, layout } of this.tables.get(odid)?.entries() ?? []) {
      const scope = layout.scopeCount > 0 ? `(${layout.scopeCount}) ` : ''
      texts[templateId] = scope + fieldsText(layout.fields)
    }
    return texts
  }
}
