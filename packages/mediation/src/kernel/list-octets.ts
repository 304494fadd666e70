import { ListWalker } from '@weir/ipfix'
import type { ElementRegistry, Layout, ListLimits, ListType, ListView, ListVisitor } from '@weir/ipfix'
import type { TemplateIds } from '../program.ts'
import { timeEdgeOf } from '../time-form.ts'
import { copyOctets } from './octets.ts'

const UNDEFINED_SEMANTIC = 255
const PADDING_OCTETS = 210

/** What the kernel counts of lists (RFC 6313); a list is counted once for each destination. */
export interface KernelCounts {
  /** Malformed or beyond a limit (L-23): exported as an empty list, or as `invalid` in JSON. Their records stay. */
  listsMalformed: number
  /** Template ids in lists that are not known: what they describe passes as octets (RFC 6313 §6). */
  listTemplatesUnknown: number
  /**
   * Lists copied with delta times (158, 159) in them: these count back from the Export Time of the Message they came in, so
   * they are late by as long as they were on their way (RFC 7119 §3). In records themselves they become absolute.
   */
  listDeltaTimes: number
}

/** Counts that begin. */
export function kernelCounts(): KernelCounts {
  return { listsMalformed: 0, listTemplatesUnknown: 0, listDeltaTimes: 0 }
}

const isDelta = (pen: number, id: number): boolean => timeEdgeOf(pen, id)?.form === 'delta'

/** Copies list values and writes the template ids in them as the destination knows them (RFC 6313 §6). */
export class ListCopier implements ListVisitor {
  readonly #walker: ListWalker
  #templateIds: TemplateIds = { exportedId: () => 0 }
  #view = new DataView<ArrayBufferLike>(new ArrayBuffer(0))
  #outView = this.#view
  /** From an offset in the input to the same octet in the output. */
  #shift = 0

  readonly #counts: KernelCounts
  readonly #haveDelta = new WeakMap<Layout, boolean>()
  #isDeltaIn = false

  constructor(registry: ElementRegistry, counts: KernelCounts, limits?: ListLimits) {
    this.#counts = counts
    this.#walker = new ListWalker(registry, limits)
  }

  /**
   * Copy a variable-length list with its prefix. A list that cannot be walked to its end would be read otherwise by
   * another program: it becomes an empty one, and its record stays.
   *
   * @param listType - 291, 292 or 293.
   * @param at - of the prefix; the value is `octets[valueAt..valueAt + length)`.
   * @returns the end of what was written.
   */
  copyVariable(
    listType: number,
    view: DataView,
    at: number,
    valueAt: number,
    length: number,
    outView: DataView,
    to: number,
    templateIds: TemplateIds
  ): number {
    const end = copyOctets(view, at, outView, to, valueAt - at + length)
    if (this.#rewrite(listType, view, valueAt, length, outView, end - length, templateIds)) return end
    return writeEmptyList(listType, outView, to)
  }

  /** Copy a list of fixed length; one that cannot be walked becomes octets 0 after its semantic. */
  copyFixed(
    listType: number,
    view: DataView,
    at: number,
    length: number,
    outView: DataView,
    to: number,
    templateIds: TemplateIds
  ): number {
    const end = copyOctets(view, at, outView, to, length)
    if (this.#rewrite(listType, view, at, length, outView, to, templateIds)) return end
    for (let n = 0; n < length; n++) outView.setUint8(to + n, n === 0 ? UNDEFINED_SEMANTIC : 0)
    return end
  }

  /** For the walker: what the exporter defines under an id. */
  get(templateId: number): Layout | undefined {
    return this.#templateIds.layoutOf?.(templateId)
  }

  onTemplateId(offset: number, templateId: number, layout: Layout | undefined, _at: number, length: number): void {
    this.#outView.setUint16(offset + this.#shift, this.#templateIds.exportedId(templateId))
    if (layout !== undefined && length > 0 && this.#hasDelta(layout)) this.#isDeltaIn = true
  }

  onValue(pen: number, id: number, offset: number, length: number): void {
    if (pen !== 0 || id !== 145 || length !== 2) return
    const templateId = this.#view.getUint16(offset)
    this.#outView.setUint16(offset + this.#shift, this.#templateIds.exportedId(templateId))
  }

  /** Template ids alone. */
  readonly wantsValues = false

  onListStart({ pen, id }: ListView): void {
    if (id !== 0 && isDelta(pen, id)) this.#isDeltaIn = true
  }

  onListEnd(): void {}
  onListField(): void {}
  onRecordStart(): void {}
  onRecordEnd(): void {}

  #rewrite(
    listType: number,
    view: DataView,
    at: number,
    length: number,
    outView: DataView,
    to: number,
    templateIds: TemplateIds
  ): boolean {
    this.#templateIds = templateIds
    this.#view = view
    this.#outView = outView
    this.#shift = to - at
    this.#isDeltaIn = false
    this.#walker.beginMessage()
    if (this.#walker.walk(listTypeName(listType), view, at, length, this, this) !== undefined) {
      this.#counts.listsMalformed++
      return false
    }
    this.#counts.listTemplatesUnknown += this.#walker.unknownTemplates
    if (this.#isDeltaIn) this.#counts.listDeltaTimes++
    return true
  }

  #hasDelta(layout: Layout): boolean {
    let has = this.#haveDelta.get(layout)
    if (has === undefined) {
      has = layout.fields.some(({ pen, id }) => isDelta(pen, id))
      this.#haveDelta.set(layout, has)
    }
    return has
  }
}

/** Type of a list by the id of its IANA element. */
export function listTypeName(listType: number): ListType {
  return listType === 291 ? 'basicList' : listType === 292 ? 'subTemplateList' : 'subTemplateMultiList'
}

/** The shortest list of a type, with its prefix: semantic undefined, nothing in it. */
function writeEmptyList(listType: number, outView: DataView, to: number): number {
  outView.setUint8(to + 1, UNDEFINED_SEMANTIC)
  if (listType === 291) {
    outView.setUint8(to, 5)
    outView.setUint16(to + 2, PADDING_OCTETS)
    outView.setUint16(to + 4, 1)
    return to + 6
  }
  outView.setUint8(to, listType === 292 ? 3 : 1)
  if (listType === 292) outView.setUint16(to + 2, 0)
  return to + (listType === 292 ? 4 : 2)
}
