/** Field length that announces a variable-length value (RFC 7011 §7). */
export const VARIABLE_LENGTH = 65535

/** One field of a Template Record: Information Element and wire length (RFC 7011 §3.2). */
export interface FieldSpecifier {
  /** Private Enterprise Number, 0 for IANA elements, 29305 for reverse elements (RFC 5103). */
  readonly pen: number
  /** Information Element id without the enterprise bit, 0..32767. */
  readonly id: number
  /** Octets on the wire, 0..65534, or {@link VARIABLE_LENGTH}. */
  readonly length: number
}

/**
 * The shape of Data Records: ordered field specifiers and the scope count. Immutable and hash-consed: within one
 * {@link LayoutTable}, equal content is the same object, so Layouts compare by identity.
 */
export interface Layout {
  /** Small integer, unique within the table that made it; the link's layout id. Starts at 1. */
  readonly id: number
  /** Content key: equal for equal content in every process and run. */
  readonly key: string
  /** Leading fields that are scope fields; 0 for the Layout of a (Data) Template. */
  readonly scopeCount: number
  readonly fields: readonly FieldSpecifier[]
  /** Octets of one record if no field is of variable length, else -1. */
  readonly recordLength: number
  /** Fewest octets a record can have; a variable-length field counts one (RFC 7011 §3.3.1). Never 0. */
  readonly minRecordLength: number
  /** Octets of the fixed-length fields. */
  readonly fixedOctets: number
  /** True if a field is a subTemplateList, subTemplateMultiList or basicList (291..293): values may name template ids. */
  readonly hasLists: boolean
  /** True if a field is templateId (145): values name a template id of the same session. */
  readonly namesTemplates: boolean
}

const isList = (field: FieldSpecifier): boolean => field.pen === 0 && field.id >= 291 && field.id <= 293

/** Content key of a Layout: `scopeCount|pen:id:length,...`; `pen` is left out when 0. */
export function layoutKey(fields: readonly FieldSpecifier[], scopeCount: number): string {
  let key = `${scopeCount}|`
  for (const { pen, id, length } of fields) key += pen === 0 ? `${id}:${length},` : `${pen}.${id}:${length},`
  return key
}

/** Makes Layouts and keeps one object for each content. Owned by one process; grows with distinct content only. */
export class LayoutTable {
  readonly #byKey = new Map<string, Layout>()
  #nextId = 1

  get size(): number {
    return this.#byKey.size
  }

  /**
   * The Layout of this content, made at first call.
   *
   * @param fields - at least one; copied. The caller has checked that a record of them is not empty.
   * @param scopeCount - 0..fields.length.
   */
  intern(fields: readonly FieldSpecifier[], scopeCount: number): Layout {
    const key = layoutKey(fields, scopeCount)
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const layout = makeLayout(this.#nextId++, key, fields, scopeCount)
    this.#byKey.set(key, layout)
    return layout
  }

  /** Forget a Layout that nothing refers to any more; its id is not used again. */
  release(layout: Layout): void {
    if (this.#byKey.get(layout.key) === layout) this.#byKey.delete(layout.key)
  }

  values(): IterableIterator<Layout> {
    return this.#byKey.values()
  }
}

function makeLayout(id: number, key: string, fields: readonly FieldSpecifier[], scopeCount: number): Layout {
  let fixedOctets = 0
  let variableFields = 0
  for (const field of fields) {
    if (field.length === VARIABLE_LENGTH) variableFields++
    else fixedOctets += field.length
  }
  return Object.freeze({
    id,
    key,
    scopeCount,
    fields: Object.freeze(fields.map(({ pen, id, length }) => Object.freeze({ pen, id, length }))),
    recordLength: variableFields === 0 ? fixedOctets : -1,
    minRecordLength: fixedOctets + variableFields,
    fixedOctets,
    hasLists: fields.some(isList),
    namesTemplates: fields.some(field => field.pen === 0 && field.id === 145)
  })
}
