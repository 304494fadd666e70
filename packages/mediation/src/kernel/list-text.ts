import { ListWalker, isLegalLength, listSemanticName } from '@weir/ipfix'
import type { ElementRegistry, Layout, ListLimits, ListView, ListVisitor } from '@weir/ipfix'
import type { EntryContext } from '../program.ts'
import { isListWriter, isQuoted, keyOf, mostTextOctets, textWriterOf } from '../text-writer.ts'
import { listTypeName } from './list-octets.ts'
import type { KernelCounts } from './list-octets.ts'
import { writeHex, writeInvalid } from './text-address.ts'
import { writeScalar } from './text.ts'

interface OpenList {
  readonly semantic: number
  readonly items: string[]
  /** The record that is open: texts of values by key. */
  record: Map<string, string[]> | undefined
  key: string
}

const utf8 = new TextEncoder()
const ascii = new TextDecoder('utf-8')

/**
 * Writes lists as `{"semantic":"allOf","items":[...]}`: values for a basicList, objects for the others (RFC 7373 §4.11).
 * The slow path: it allocates, and its code is the same for compiled and interpreted Programs.
 */
export class ListTextWriter implements ListVisitor {
  readonly #registry: ElementRegistry
  readonly #walker: ListWalker
  #areNumbers64Text = false
  #context: EntryContext | undefined
  readonly wantsValues = true
  #view = new DataView<ArrayBufferLike>(new ArrayBuffer(0))
  #scratch = new DataView(new ArrayBuffer(1024))
  #open: OpenList[] = []
  #result = ''

  readonly #counts: KernelCounts

  constructor(registry: ElementRegistry, counts: KernelCounts, limits?: ListLimits) {
    this.#registry = registry
    this.#counts = counts
    this.#walker = new ListWalker(registry, limits)
  }

  /**
   * Write one list value. A malformed one is `{"invalid":"<hex>"}`.
   *
   * @param listType - 291, 292 or 293.
   * @returns the end, or -1 if that is beyond `limit`.
   */
  write(
    listType: number,
    view: DataView,
    at: number,
    length: number,
    outView: DataView,
    q: number,
    limit: number,
    areNumbers64Text: boolean,
    context: EntryContext
  ): number {
    this.#areNumbers64Text = areNumbers64Text
    this.#context = context
    this.#view = view
    this.#open = []
    this.#result = 'null'
    this.#walker.beginMessage()
    const fault = this.#walker.walk(listTypeName(listType), view, at, length, this, this)
    if (fault !== undefined) {
      const end = writeInvalid(view, at, length, outView, q, limit)
      if (end >= 0) this.#counts.listsMalformed++
      return end
    }
    const octets = utf8.encode(this.#result)
    if (q + octets.length > limit) return -1
    for (let n = 0; n < octets.length; n++) outView.setUint8(q + n, octets[n])
    this.#counts.listTemplatesUnknown += this.#walker.unknownTemplates
    return q + octets.length
  }

  /** For the walker: what the exporter defines under an id. */
  get(templateId: number): Layout | undefined {
    return this.#context?.templateIds.layoutOf?.(templateId)
  }

  onListStart({ semantic }: ListView): void {
    this.#open.push({ semantic, items: [], record: undefined, key: '' })
  }

  onListEnd(): void {
    const { semantic, items } = this.#open.pop() as OpenList
    const text = `{"semantic":"${listSemanticName(semantic)}","items":[${items.join(',')}]}`
    if (this.#open.length === 0) this.#result = text
    else this.#put(text)
  }

  onTemplateId(_offset: number, _id: number, layout: Layout | undefined, at: number, length: number): void {
    // RFC 6313 §6: records of an unknown Template stay as they are.
    if (layout === undefined && length > 0) this.#put(`"${this.#hex(at, length)}"`)
  }

  onRecordStart(): void {
    this.#top().record = new Map()
  }

  onRecordEnd(): void {
    const top = this.#top()
    const members: string[] = []
    for (const [key, texts] of top.record ?? []) {
      members.push(`${JSON.stringify(key)}:${texts.length === 1 ? texts[0] : `[${texts.join(',')}]`}`)
    }
    top.record = undefined
    top.items.push(`{${members.join(',')}}`)
  }

  onListField(pen: number, id: number): void {
    this.#top().key = keyOf(pen, id, this.#registry.get(pen, id))
  }

  onValue(pen: number, id: number, offset: number, length: number): void {
    // paddingOctets say nothing.
    if (pen === 0 && id === 210) return
    this.onListField(pen, id)
    this.#put(this.#scalar(pen, id, offset, length))
  }

  #top(): OpenList {
    return this.#open[this.#open.length - 1]
  }

  #put(text: string): void {
    const { record, key, items } = this.#top()
    if (record === undefined) items.push(text)
    else if (record.has(key)) record.get(key)?.push(text)
    else record.set(key, [text])
  }

  #scalar(pen: number, id: number, at: number, length: number): string {
    const element = this.#registry.get(pen, id)
    const writer = textWriterOf(element, element === undefined || isLegalLength(element.type, length))
    if (isListWriter(writer)) return 'null'
    if (length === 0) return writer === 'hex' || writer === 'string' ? '""' : 'null'
    const most = (mostTextOctets(writer) ?? 16 + 6 * length) + 8
    if (this.#scratch.byteLength < most) this.#scratch = new DataView(new ArrayBuffer(2 * most))
    const actual = writer === 'unsigned256' && length <= 8 ? 'unsigned64' : writer
    const end = writeScalar(actual, this.#view, at, length, this.#scratch, 0, most, this.#context as EntryContext)
    const text = ascii.decode(new Uint8Array(this.#scratch.buffer, 0, end))
    return isQuoted(writer, element, this.#areNumbers64Text) ? `"${text}"` : text
  }

  #hex(at: number, length: number): string {
    const octets = new Uint8Array(2 * length)
    writeHex(this.#view, at, length, new DataView(octets.buffer), 0, 2 * length)
    return ascii.decode(octets)
  }
}
