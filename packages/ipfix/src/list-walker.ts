import { isLegalLength, isListType } from './data-type.ts'
import type { DataType } from './data-type.ts'
import type { InformationElement } from './element.ts'
import { VARIABLE_LENGTH } from './layout.ts'
import type { Layout } from './layout.ts'
import type { ListFaultCode } from './list-faults.ts'

/** What knows elements: an `ElementRegistry`, or one with the names of a session over it. */
export interface ElementLookup {
  get(pen: number, id: number, wireVersion?: number): InformationElement | undefined
}

/** What knows the Templates of a session and Observation Domain: a `TemplateTable`, or a map (RFC 6313 §6). */
export interface LayoutLookup {
  get(templateId: number): Layout | undefined
}

/** The types of structured data (RFC 6313 §4.1). */
export type ListType = 'basicList' | 'subTemplateList' | 'subTemplateMultiList'

/** A list as it begins. One object, reused: copy what is kept. */
export interface ListView {
  type: ListType
  /** Structured data type semantic, 0..255. */
  semantic: number
  /** 1 for the value of a field of a Data Record, at most the depth limit. */
  depth: number
  /** Of a basicList: its element; else 0. */
  pen: number
  /** Of a basicList: its element; else 0. */
  id: number
}

/** What a walk over a list value tells, in wire order. Offsets are in the octets given to the walk. */
export interface ListVisitor {
  /**
   * False if template ids alone are wanted: then records of fixed length that hold neither lists nor template ids are
   * passed over in one step, and values are told only where they may matter.
   */
  readonly wantsValues: boolean
  onListStart(list: ListView): void
  onListEnd(): void
  /**
   * A template id: of a subTemplateList, or of an entry of a subTemplateMultiList.
   *
   * @param layout - undefined if unknown: then the `contentLength` octets at `contentOffset` are skipped.
   */
  onTemplateId(
    offset: number,
    templateId: number,
    layout: Layout | undefined,
    contentOffset: number,
    contentLength: number
  ): void
  /** A record of the last template id begins. */
  onRecordStart(): void
  onRecordEnd(): void
  /**
   * A value that is not a list (or a list of no octets): an element of a basicList, or a field of the record begun last.
   * The list that is a field or an element is told by `onListStart` right after `onListField`.
   */
  onValue(pen: number, id: number, offset: number, length: number): void
  /** The next list belongs to this field of the record begun last, or is an element of the basicList. */
  onListField(pen: number, id: number): void
}

/** Bounds of a walk (L-23). */
export interface ListLimits {
  /** Lists within lists; 8 by default. */
  readonly depth: number
  /** Elements of basicLists and records of the others, for all lists of one Message; 65,536 by default. */
  readonly elements: number
}

export const defaultListLimits: ListLimits = { depth: 8, elements: 65_536 }

const CONTENT = 0
const ENTRY = 1

/**
 * Walks list values (RFC 6313) without recursion and without allocation: one stack of fixed size, kept between walks.
 * Every step consumes an octet or ends a list, so a walk ends; the limits bound what it tells.
 */
export class ListWalker {
  readonly #elements: ElementLookup
  readonly #limits: ListLimits
  readonly #list: ListView = { type: 'basicList', semantic: 255, depth: 0, pen: 0, id: 0 }

  // The stack; index 0 is not used, so that an index is a depth.
  readonly #types: ListType[]
  readonly #positions: Int32Array
  readonly #listEnds: Int32Array
  readonly #contentEnds: Int32Array
  readonly #fieldIndexes: Int32Array
  readonly #modes: Uint8Array
  readonly #layouts: (Layout | undefined)[]
  readonly #pens: Float64Array
  readonly #ids: Int32Array
  readonly #lengths: Int32Array
  readonly #elementTypes: (DataType | undefined)[]

  readonly #plainLayouts = new WeakMap<Layout, boolean>()
  #depth = 0
  #left: number
  #unknownTemplates = 0
  #valueLength = 0

  /** @param elements - tells which elements are lists inside basicLists, and which lengths are legal there. */
  constructor(elements: ElementLookup, limits: ListLimits = defaultListLimits) {
    this.#elements = elements
    this.#limits = limits
    const size = limits.depth + 1
    this.#types = Array<ListType>(size).fill('basicList')
    this.#positions = new Int32Array(size)
    this.#listEnds = new Int32Array(size)
    this.#contentEnds = new Int32Array(size)
    this.#fieldIndexes = new Int32Array(size)
    this.#modes = new Uint8Array(size)
    this.#layouts = Array<Layout | undefined>(size).fill(undefined)
    this.#pens = new Float64Array(size)
    this.#ids = new Int32Array(size)
    this.#lengths = new Int32Array(size)
    this.#elementTypes = Array<DataType | undefined>(size).fill(undefined)
    this.#left = limits.elements
  }

  /** Begin another Message: its elements are counted from zero. */
  beginMessage(): void {
    this.#left = this.#limits.elements
  }

  /** Template ids of the last walk that are not known; their contents were skipped (RFC 6313 §6). */
  get unknownTemplates(): number {
    return this.#unknownTemplates
  }

  /**
   * Walk one list value.
   *
   * @param type - of the value.
   * @param length - octets of the value, without the prefix of a variable length; 0 is no list, and tells nothing.
   * @param templates - of the session and Observation Domain, as they stand now; resolved at each template id.
   * @returns a code if the value is malformed or over a limit: what was told of it is to be forgotten.
   */
  walk(
    type: ListType,
    view: DataView,
    offset: number,
    length: number,
    templates: LayoutLookup,
    visitor: ListVisitor
  ): ListFaultCode | undefined {
    this.#depth = 0
    this.#unknownTemplates = 0
    if (length === 0) return undefined
    let fault = this.#push(type, view, offset, length, templates, visitor)
    while (fault === undefined && this.#depth > 0) {
      const mode = this.#types[this.#depth]
      if (mode === 'basicList') fault = this.#stepBasic(view, templates, visitor)
      else if (this.#modes[this.#depth] === ENTRY) fault = this.#stepEntry(view, templates, visitor)
      else fault = this.#stepRecords(view, templates, visitor)
    }
    return fault
  }

  #push(
    type: ListType,
    view: DataView,
    offset: number,
    length: number,
    templates: LayoutLookup,
    visitor: ListVisitor
  ): ListFaultCode | undefined {
    if (this.#depth === this.#limits.depth) return 'LIST_DEPTH'
    const depth = ++this.#depth
    const list = this.#list
    list.type = type
    list.depth = depth
    list.pen = 0
    list.id = 0
    this.#types[depth] = type
    this.#listEnds[depth] = offset + length
    list.semantic = view.getUint8(offset)
    if (type === 'basicList') return this.#beginBasic(view, offset, length, visitor)
    if (type === 'subTemplateMultiList') {
      visitor.onListStart(list)
      this.#modes[depth] = ENTRY
      this.#positions[depth] = offset + 1
      return undefined
    }
    //  | Semantic (8) | Template ID (16) | subTemplateList Content ... |   RFC 6313 §4.5.2
    if (length < 3) return 'LIST_SHORT'
    visitor.onListStart(list)
    return this.#beginContent(view.getUint16(offset + 1), offset + 1, offset + 3, offset + length, templates, visitor)
  }

  //  | Semantic (8) |E| Field ID (15) | Element Length (16) | [Enterprise Number (32)] | Content ... |   RFC 6313 §4.5.1
  #beginBasic(view: DataView, offset: number, length: number, visitor: ListVisitor): ListFaultCode | undefined {
    if (length < 5) return 'LIST_SHORT'
    const depth = this.#depth
    const specifier = view.getUint16(offset + 1)
    const headerLength = specifier >= 0x8000 ? 9 : 5
    if (length < headerLength) return 'LIST_SHORT'
    const pen = specifier >= 0x8000 ? view.getUint32(offset + 5) : 0
    const id = specifier & 0x7fff
    const elementLength = view.getUint16(offset + 3)
    const elementType = this.#elements.get(pen, id)?.type
    if (elementLength === 0 || (elementType !== undefined && !isLegalLength(elementType, elementLength))) {
      return 'LIST_ELEMENT_LENGTH'
    }
    this.#list.pen = pen
    this.#list.id = id
    this.#pens[depth] = pen
    this.#ids[depth] = id
    this.#lengths[depth] = elementLength
    this.#elementTypes[depth] = elementType
    this.#positions[depth] = offset + headerLength
    visitor.onListStart(this.#list)
    return undefined
  }

  #beginContent(
    templateId: number,
    idOffset: number,
    offset: number,
    end: number,
    templates: LayoutLookup,
    visitor: ListVisitor
  ): undefined {
    const depth = this.#depth
    const layout = templates.get(templateId)
    // RFC 6313 §6: without its Template the content cannot be read; with no content there is nothing to read.
    if (layout === undefined && end > offset) this.#unknownTemplates++
    visitor.onTemplateId(idOffset, templateId, layout, offset, end - offset)
    this.#modes[depth] = CONTENT
    this.#layouts[depth] = layout
    this.#positions[depth] = layout === undefined ? end : this.#passOver(layout, offset, end, visitor)
    this.#contentEnds[depth] = end
    this.#fieldIndexes[depth] = -1
  }

  #stepBasic(view: DataView, templates: LayoutLookup, visitor: ListVisitor): ListFaultCode | undefined {
    const depth = this.#depth
    const end = this.#listEnds[depth]
    if (this.#positions[depth] === end) return this.#pop(visitor)
    if (this.#left-- <= 0) return 'LIST_ELEMENTS'
    const offset = this.#value(view, this.#positions[depth], end, this.#lengths[depth])
    if (offset < 0) return 'LIST_OVERRUN'
    this.#positions[depth] = offset + this.#valueLength
    const type = this.#elementTypes[depth]
    return this.#tell(type, this.#pens[depth], this.#ids[depth], view, offset, templates, visitor)
  }

  //  | Template ID (16) | Data Records Length (16), its own four octets included | Data Records ... |   RFC 6313 §4.5.3
  #stepEntry(view: DataView, templates: LayoutLookup, visitor: ListVisitor): ListFaultCode | undefined {
    const depth = this.#depth
    const offset = this.#positions[depth]
    const end = this.#listEnds[depth]
    if (offset === end) return this.#pop(visitor)
    if (end - offset < 4) return 'LIST_SHORT'
    if (this.#left-- <= 0) return 'LIST_ELEMENTS'
    const length = view.getUint16(offset + 2)
    if ((length > 0 && length < 4) || length > end - offset) return 'LIST_ENTRY_LENGTH'
    // A length of 0 does not count its own four octets: no records, and the next entry follows.
    return this.#beginContent(
      view.getUint16(offset),
      offset,
      offset + 4,
      offset + (length === 0 ? 4 : length),
      templates,
      visitor
    )
  }

  #stepRecords(view: DataView, templates: LayoutLookup, visitor: ListVisitor): ListFaultCode | undefined {
    const depth = this.#depth
    const end = this.#contentEnds[depth]
    const layout = this.#layouts[depth]
    if (this.#fieldIndexes[depth] < 0) {
      if (this.#positions[depth] === end || layout === undefined) return this.#endContent(visitor)
      if (end - this.#positions[depth] < layout.minRecordLength) return 'LIST_OVERRUN'
      if (this.#left-- <= 0) return 'LIST_ELEMENTS'
      this.#fieldIndexes[depth] = 0
      visitor.onRecordStart()
    }
    // `layout` has at least one field, so there is one at this index.
    const field = (layout as Layout).fields[this.#fieldIndexes[depth]++]
    if (field === undefined) {
      this.#fieldIndexes[depth] = -1
      visitor.onRecordEnd()
      return undefined
    }
    const offset = this.#value(view, this.#positions[depth], end, field.length)
    if (offset < 0) return 'LIST_OVERRUN'
    this.#positions[depth] = offset + this.#valueLength
    const type = this.#elements.get(field.pen, field.id)?.type
    return this.#tell(type, field.pen, field.id, view, offset, templates, visitor)
  }

  /** @returns the end of the records that nobody wants to be told of: whole ones, so that a rest is found as an overrun. */
  #passOver(layout: Layout, offset: number, end: number, visitor: ListVisitor): number {
    const { recordLength } = layout
    if (visitor.wantsValues || recordLength < 0 || !this.#isPlain(layout)) return offset
    return end - ((end - offset) % recordLength)
  }

  #isPlain(layout: Layout): boolean {
    let isPlain = this.#plainLayouts.get(layout)
    if (isPlain === undefined) {
      isPlain = !layout.namesTemplates && !layout.fields.some(field => this.#isList(field.pen, field.id))
      this.#plainLayouts.set(layout, isPlain)
    }
    return isPlain
  }

  #isList(pen: number, id: number): boolean {
    const type = this.#elements.get(pen, id)?.type
    return type !== undefined && isListType(type)
  }

  #endContent(visitor: ListVisitor): undefined {
    const depth = this.#depth
    this.#positions[depth] = this.#contentEnds[depth]
    if (this.#types[depth] === 'subTemplateMultiList') this.#modes[depth] = ENTRY
    else this.#pop(visitor)
  }

  #pop(visitor: ListVisitor): undefined {
    this.#layouts[this.#depth] = undefined
    this.#depth--
    visitor.onListEnd()
  }

  #tell(
    type: DataType | undefined,
    pen: number,
    id: number,
    view: DataView,
    offset: number,
    templates: LayoutLookup,
    visitor: ListVisitor
  ): ListFaultCode | undefined {
    if (type === undefined || !isListType(type) || this.#valueLength === 0) {
      visitor.onValue(pen, id, offset, this.#valueLength)
      return undefined
    }
    visitor.onListField(pen, id)
    return this.#push(type as ListType, view, offset, this.#valueLength, templates, visitor)
  }

  /** Offset of the value that begins at `offset` (behind its prefix), its length in #valueLength; -1 if it overruns. */
  #value(view: DataView, offset: number, end: number, length: number): number {
    let start = offset
    let octets = length
    if (length === VARIABLE_LENGTH) {
      if (end - offset < 1) return -1
      octets = view.getUint8(offset)
      start = offset + 1
      if (octets === 255) {
        if (end - offset < 3) return -1
        octets = view.getUint16(offset + 1)
        start = offset + 3
      }
    }
    this.#valueLength = octets
    return octets > end - start ? -1 : start
  }
}
