import { ListWalker } from '@weir/ipfix'
import type { ElementRegistry, Layout, ListType, ListVisitor } from '@weir/ipfix'
import type { TemplateIds } from '../program.ts'
import { copyOctets } from './octets.ts'

const UNDEFINED_SEMANTIC = 255
const PADDING_OCTETS = 210

/** Copies list values and writes the template ids in them as the destination knows them (RFC 6313 §6). */
export class ListCopier implements ListVisitor {
  readonly #walker: ListWalker
  #templateIds: TemplateIds = { exportedId: () => 0 }
  #view = new DataView<ArrayBufferLike>(new ArrayBuffer(0))
  #outView = this.#view
  /** From an offset in the input to the same octet in the output. */
  #shift = 0

  constructor(registry: ElementRegistry) {
    this.#walker = new ListWalker(registry)
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

  onTemplateId(offset: number, templateId: number): void {
    this.#outView.setUint16(offset + this.#shift, this.#templateIds.exportedId(templateId))
  }

  onValue(pen: number, id: number, offset: number, length: number): void {
    if (pen !== 0 || id !== 145 || length !== 2) return
    const templateId = this.#view.getUint16(offset)
    this.#outView.setUint16(offset + this.#shift, this.#templateIds.exportedId(templateId))
  }

  /** Template ids alone. */
  readonly wantsValues = false

  onListStart(): void {}
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
    this.#walker.beginMessage()
    return this.#walker.walk(listTypeName(listType), view, at, length, this, this) === undefined
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
