import { dataTypes, isInteger, isListType, isSigned, isUnsigned } from './data-type.ts'
import type { DataType } from './data-type.ts'
import { elementKey, elementSemantics, elementUnits, isSafeName, unnamed } from './element.ts'
import type { ElementSemantics, InformationElement } from './element.ts'
import type { Layout } from './layout.ts'
import { RecordReader } from './record-reader.ts'
import type { ElementRegistry } from './registry.ts'
import { readUnsigned } from './value-number.ts'
import { readString } from './value-string.ts'

/** IANA ids of the elements of a type record (RFC 5610 §3). */
const INFORMATION_ELEMENT_ID = 303
const DATA_TYPE = 339
const NAME = 341
const RANGE_BEGIN = 342
const RANGE_END = 343
const SEMANTICS = 344
const UNITS = 345
const PRIVATE_ENTERPRISE_NUMBER = 346

/** What became of a type record. */
export type TypeRecordOutcome =
  /** The element is known from now on, in this session. */
  | 'learned'
  /** The same again. */
  | 'repeated'
  /** The registry knows the element: its definition stays (RFC 5610 §3.9). */
  | 'type_redefine'
  /** Two records contradict each other: what they say is ignored for the rest of the session (RFC 5610 §3.9). */
  | 'type_conflict'
  /** A field is missing or cannot be read, or type and semantics do not go together (RFC 5610 §3.10). */
  | 'type_invalid'

/**
 * Whether records of this Layout are Information Element type records: informationElementId and
 * privateEnterpriseNumber are scope fields, and informationElementDataType is among the others (RFC 5610 §3.9).
 */
export function isTypeLayout(layout: Layout): boolean {
  let found = 0
  for (const [index, { pen, id }] of layout.fields.entries()) {
    if (pen !== 0) continue
    const isScope = index < layout.scopeCount
    if (isScope && id === INFORMATION_ELEMENT_ID) found |= 1
    if (isScope && id === PRIVATE_ENTERPRISE_NUMBER) found |= 2
    if (!isScope && id === DATA_TYPE) found |= 4
  }
  return found === 7
}

/**
 * The elements of one Transport Session: a registry, and under it what the session's type records say of elements that
 * the registry does not know (RFC 5610). Bounded: the least recently announced element is forgotten first (L-16).
 */
export class SessionElements {
  readonly #registry: ElementRegistry
  readonly #limit: number
  // In order of announcement, the oldest first; null where records contradicted each other.
  readonly #learned = new Map<number, InformationElement | null>()
  readonly #keyOfName = new Map<string, number>()
  readonly #reader: RecordReader
  #evicted = 0

  /** @param limit - elements kept; 1,024 by default. */
  constructor(registry: ElementRegistry, limit = 1024) {
    this.#registry = registry
    this.#limit = limit
    this.#reader = new RecordReader(registry)
  }

  /** Elements kept, contradicted ones included. */
  get size(): number {
    return this.#learned.size
  }

  /** Elements forgotten because of the limit. */
  get evicted(): number {
    return this.#evicted
  }

  /** As `ElementRegistry.get`, which has precedence. */
  get(pen: number, id: number, wireVersion = 10): InformationElement | undefined {
    return this.#registry.get(pen, id, wireVersion) ?? this.#learned.get(elementKey(pen, id)) ?? undefined
  }

  /**
   * Learn from one record.
   *
   * @param layout - {@link isTypeLayout} is true of it.
   * @param octets - and `view`: the same memory; aliased for the call only.
   * @param length - octets of the record, or up to the end of its Set.
   */
  learn(layout: Layout, octets: Uint8Array, view: DataView, offset: number, length: number): TypeRecordOutcome {
    const element = this.#read(layout, octets, view, offset, length)
    if (element === undefined) return 'type_invalid'
    if (element.pen === 0 || this.#registry.get(element.pen, element.id) !== undefined) return 'type_redefine'
    const key = elementKey(element.pen, element.id)
    const known = this.#learned.get(key)
    if (known === null) return 'type_conflict'
    if (known === undefined) {
      this.#keep(key, this.#named(element))
      return 'learned'
    }
    if (isSame(known, this.#named(element))) {
      this.#learned.delete(key)
      this.#learned.set(key, known)
      return 'repeated'
    }
    this.#keyOfName.delete(known.name)
    this.#learned.set(key, null)
    return 'type_conflict'
  }

  #keep(key: number, element: InformationElement): void {
    for (const [oldest, old] of this.#learned) {
      if (this.#learned.size < this.#limit) break
      this.#learned.delete(oldest)
      if (old !== null) this.#keyOfName.delete(old.name)
      this.#evicted++
    }
    this.#learned.set(key, element)
    this.#keyOfName.set(element.name, key)
  }

  /** A name has one meaning in a session, so a taken one is not given again. */
  #named(element: InformationElement): InformationElement {
    const key = elementKey(element.pen, element.id)
    const holder = this.#keyOfName.get(element.name)
    const isFree = (holder === undefined || holder === key) && this.#registry.byName(element.name) === undefined
    return isFree ? element : { ...element, name: unnamed(element.pen, element.id) }
  }

  #read(
    layout: Layout,
    octets: Uint8Array,
    view: DataView,
    offset: number,
    length: number
  ): InformationElement | undefined {
    const reader = this.#reader
    reader.open(layout, view, offset, length)
    if (!reader.nextRecord()) return undefined
    const numbers = new Map<number, number | bigint>()
    let name = ''
    while (reader.nextField()) {
      if (reader.pen !== 0 || reader.length === 0) continue
      if (reader.id === NAME) name = readString(octets, reader.offset, reader.length) ?? ''
      else if (isInteger(reader.type)) numbers.set(reader.id, readUnsigned(view, reader.offset, reader.length))
    }
    return elementOf(numbers, name)
  }
}

function elementOf(numbers: ReadonlyMap<number, number | bigint>, name: string): InformationElement | undefined {
  const specifier = numbers.get(INFORMATION_ELEMENT_ID)
  const pen = numbers.get(PRIVATE_ENTERPRISE_NUMBER)
  const type = dataTypes[Number(numbers.get(DATA_TYPE) ?? -1)]
  const semantics = elementSemantics[Number(numbers.get(SEMANTICS) ?? 0)]
  if (specifier === undefined || pen === undefined || type === undefined || semantics === undefined) return undefined
  if (!isValidPair(type, semantics)) return undefined
  // RFC 5610 §3.8: the Enterprise bit of informationElementId MUST be ignored.
  const id = Number(specifier) & 0x7fff
  return {
    pen: Number(pen),
    id,
    // RFC 5610 §4: names with U+0000 MUST be ignored; so are all that are no plain names.
    name: isSafeName(name) ? name : unnamed(Number(pen), id),
    type,
    semantics,
    units: elementUnits[Number(numbers.get(UNITS) ?? 0)],
    range: rangeOf(numbers.get(RANGE_BEGIN), numbers.get(RANGE_END)),
    status: 'current'
  }
}

/** RFC 5610 §3.10; `list` is RFC 6313's, the SNMP semantics RFC 8038's. */
function isValidPair(type: DataType, semantics: ElementSemantics): boolean {
  if (semantics === 'default') return true
  if (semantics === 'list') return isListType(type)
  if (isUnsigned(type)) return true
  if (isSigned(type)) return semantics !== 'flags'
  return (type === 'float32' || type === 'float64') && semantics !== 'identifier' && semantics !== 'flags'
}

function rangeOf(begin?: number | bigint, end?: number | bigint): readonly [number, number] | undefined {
  return typeof begin === 'number' && typeof end === 'number' && begin <= end ? [begin, end] : undefined
}

function isSame(a: InformationElement, b: InformationElement): boolean {
  return (
    a.type === b.type &&
    a.semantics === b.semantics &&
    a.units === b.units &&
    a.name === b.name &&
    a.range?.[0] === b.range?.[0] &&
    a.range?.[1] === b.range?.[1]
  )
}
