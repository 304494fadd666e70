import type { DataType } from './data-type.ts'
import { isListType } from './data-type.ts'
import { REVERSE_PEN } from './element-reverse.ts'
import { formIds, srhSegments, tcpControlBits } from './element-forms.ts'
import { unnamed } from './element.ts'
import type { InformationElement } from './element.ts'
import { invalidJson, valueToJson } from './json.ts'
import type { JsonOptions, JsonValue } from './json.ts'
import type { Layout } from './layout.ts'
import { listSemanticName } from './list-faults.ts'
import type { ListFaultCode } from './list-faults.ts'
import { ListWalker, defaultListLimits } from './list-walker.ts'
import type { ElementLookup, LayoutLookup, ListLimits, ListType, ListView, ListVisitor } from './list-walker.ts'
import type { RecordReader } from './record-reader.ts'
import { hexText } from './value-address.ts'

/** A JSON object whose keys come from a registry or are `ie_<pen>_<id>`; it has no prototype. */
export type JsonRecord = { [key: string]: JsonValue }

const PADDING_OCTETS = 210
const noTemplates: LayoutLookup = { get: () => undefined }

/**
 * Makes JSON values of fields and of records, lists included.
 *
 * A list is `{ "semantic": "allOf", "items": [...] }`, its items values (basicList) or records; the part of a list whose
 * template is not known is `{ "template": 257, "octets": "<hex>" }` among the items; a malformed list is
 * `{ "invalid": "<hex>" }`. In a record, paddingOctets is left out and an element that comes more than once has an array
 * of its values in the order of the template.
 */
export class JsonReader {
  /** List values that could not be read since the last `beginMessage`. */
  listFaults = 0
  /** Template ids in list values that were not known since the last `beginMessage`. */
  unknownListTemplates = 0
  /** Why the last list value could not be read. */
  lastListFault: ListFaultCode | undefined

  readonly #elements: ElementLookup
  readonly #options: JsonOptions
  readonly #walker: ListWalker

  constructor(elements: ElementLookup, options: JsonOptions, limits: ListLimits = defaultListLimits) {
    this.#elements = elements
    this.#options = options
    this.#walker = new ListWalker(elements, limits)
  }

  /** Begin another Message: the limit on list elements and the counts start again. */
  beginMessage(): void {
    this.#walker.beginMessage()
    this.listFaults = 0
    this.unknownListTemplates = 0
  }

  /**
   * The current record of a reader as an object, read to its end.
   *
   * @param octets - and `view`: the memory that the reader reads.
   * @param templates - of the session and Observation Domain, for lists; without them lists of records stay octets.
   */
  record(reader: RecordReader, octets: Uint8Array, view: DataView, templates: LayoutLookup = noTemplates): JsonRecord {
    const record = newRecord()
    while (reader.nextField()) {
      if (reader.id === PADDING_OCTETS && reader.pen === 0) continue
      const name = reader.element?.name ?? unnamed(reader.pen, reader.id)
      put(record, name, this.#field(reader.element, reader.type, octets, view, reader.offset, reader.length, templates))
    }
    return record
  }

  /** The value of one field of a known or (undefined) unknown element; its length is legal for the element's type. */
  field(
    element: InformationElement | undefined,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    templates: LayoutLookup = noTemplates
  ): JsonValue {
    return this.#field(element, element?.type ?? 'octetArray', octets, view, offset, length, templates)
  }

  #field(
    element: InformationElement | undefined,
    type: DataType,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    templates: LayoutLookup
  ): JsonValue {
    if (isListType(type)) return this.#list(type as ListType, octets, view, offset, length, templates)
    return scalarJson(element, type, octets, view, offset, length, this.#options)
  }

  #list(
    type: ListType,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    templates: LayoutLookup
  ): JsonValue {
    const builder = new ListBuilder(this.#elements, octets, view, this.#options)
    this.lastListFault = this.#walker.walk(type, view, offset, length, templates, builder)
    this.unknownListTemplates += this.#walker.unknownTemplates
    if (this.lastListFault === undefined) return builder.root
    this.listFaults++
    return invalidJson(view, offset, length)
  }
}

/** The value of a field that is no list, with the forms that single elements have. */
function scalarJson(
  element: InformationElement | undefined,
  type: DataType,
  octets: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  options: JsonOptions
): JsonValue {
  const isIana = element !== undefined && (element.pen === 0 || element.pen === REVERSE_PEN)
  if (isIana && length > 0 && type === element.type) {
    const form = formJson(element.id, view, offset, length)
    if (form !== undefined) return form
  }
  return valueToJson(type, octets, view, offset, length, options)
}

function formJson(id: number, view: DataView, offset: number, length: number): JsonValue | undefined {
  switch (id) {
    case formIds.tcpControlBits:
      return tcpControlBits(view, offset, length).bits
    case formIds.forwardingStatus:
      return view.getUint8(offset + length - 1)
    case formIds.bgpExtendedCommunity:
      return length === 8 ? undefined : invalidJson(view, offset, length)
    case formIds.bgpLargeCommunity:
      return length === 12 ? undefined : invalidJson(view, offset, length)
    case formIds.srhSegmentIPv6ListSection: {
      const items = srhSegments(view, offset, length)
      return items === undefined ? invalidJson(view, offset, length) : { semantic: 'ordered', items }
    }
    default:
      return undefined
  }
}

function newRecord(): JsonRecord {
  return Object.create(null) as JsonRecord
}

/** No field is an array by itself, so an array is what repeats. */
function put(record: JsonRecord, name: string, value: JsonValue): void {
  const present = record[name]
  if (present === undefined) record[name] = value
  else if (Array.isArray(present)) present.push(value)
  else record[name] = [present, value]
}

interface Frame {
  readonly items: JsonValue[]
  record: JsonRecord | undefined
  /** Name of the field that the next list is the value of. */
  fieldName: string
}

class ListBuilder implements ListVisitor {
  readonly wantsValues = true
  root: JsonValue = null
  readonly #elements: ElementLookup
  readonly #octets: Uint8Array
  readonly #view: DataView
  readonly #options: JsonOptions
  readonly #frames: Frame[] = []

  constructor(elements: ElementLookup, octets: Uint8Array, view: DataView, options: JsonOptions) {
    this.#elements = elements
    this.#octets = octets
    this.#view = view
    this.#options = options
  }

  onListStart(list: ListView): void {
    const items: JsonValue[] = []
    const node = { semantic: listSemanticName(list.semantic), items }
    const parent = this.#frames.at(-1)
    if (parent === undefined) this.root = node
    else if (parent.record === undefined) parent.items.push(node)
    else put(parent.record, parent.fieldName, node)
    this.#frames.push({ items, record: undefined, fieldName: '' })
  }

  onListEnd(): void {
    this.#frames.pop()
  }

  onTemplateId(
    _offset: number,
    templateId: number,
    layout: Layout | undefined,
    contentOffset: number,
    contentLength: number
  ): void {
    if (layout !== undefined || contentLength === 0) return
    const octets = hexText(this.#view, contentOffset, contentLength)
    this.#frames.at(-1)?.items.push({ template: templateId, octets })
  }

  onRecordStart(): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) return
    frame.record = newRecord()
    frame.items.push(frame.record)
  }

  onRecordEnd(): void {
    const frame = this.#frames.at(-1)
    if (frame !== undefined) frame.record = undefined
  }

  onValue(pen: number, id: number, offset: number, length: number): void {
    const frame = this.#frames.at(-1)
    if (frame === undefined) return
    if (frame.record !== undefined && id === PADDING_OCTETS && pen === 0) return
    const element = this.#elements.get(pen, id)
    const type = element?.type ?? 'octetArray'
    const value = scalarJson(element, type, this.#octets, this.#view, offset, length, this.#options)
    if (frame.record === undefined) frame.items.push(value)
    else put(frame.record, element?.name ?? unnamed(pen, id), value)
  }

  onListField(pen: number, id: number): void {
    const frame = this.#frames.at(-1)
    if (frame !== undefined) frame.fieldName = this.#elements.get(pen, id)?.name ?? unnamed(pen, id)
  }
}
