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
  /**
   * Octets of the fixed-length fields before each variable-length field, then of those behind the last one: one number
   * more than there are variable-length fields. A record is walked by these runs without looking at its fields.
   */
  readonly fixedRuns: readonly number[]
  /** Octets of its (Options) Template Record on the wire (RFC 7011 §3.4). */
  readonly templateOctets: number
  /** True if a field is a list (RFC 6313): values may name template ids. */
  readonly hasLists: boolean
  /** True if a field is templateId (145): values name a template id of the same session. */
  readonly namesTemplates: boolean
}

/** basicList, subTemplateList, subTemplateMultiList and the elements that have those types in the IANA registry. */
const listIds = new Set([
  291, 292, 293, 443, 444, 484, 485, 487, 488, 490, 491, 496, 511, 512, 516, 519, 523, 524, 528, 529
])

const isList = (field: FieldSpecifier): boolean => field.pen === 0 && listIds.has(field.id)

/** Content key of a Layout: `scopeCount|pen:id:length,...`; `pen` is left out when 0. */
export function layoutKey(fields: readonly FieldSpecifier[], scopeCount: number): string {
  let key = `${scopeCount}|`
  for (const { pen, id, length } of fields) key += pen === 0 ? `${id}:${length},` : `${pen}.${id}:${length},`
  return key
}

/** Makes Layouts and keeps one object for each content. Owned by one process; grows with distinct content only. */
export class LayoutTable {
  readonly #byKey = new Map<string, Layout>()
  readonly #references = new Map<Layout, number>()
  readonly #onRelease: ((layout: Layout) => void) | undefined
  #nextId = 1

  /** @param onRelease - called for each Layout that is forgotten; whoever keeps something by its id forgets it too. */
  constructor(onRelease?: (layout: Layout) => void) {
    this.#onRelease = onRelease
  }

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

  /** The Layout of this content if it was made. */
  find(fields: readonly FieldSpecifier[], scopeCount: number): Layout | undefined {
    return this.#byKey.get(layoutKey(fields, scopeCount))
  }

  /** Keep a Layout until as many {@link release} follow. */
  retain(layout: Layout): void {
    this.#references.set(layout, (this.#references.get(layout) ?? 0) + 1)
  }

  /**
   * Undo one {@link retain}; a Layout that nothing retains any more is forgotten and its id is not used again. A Layout
   * that was never retained is forgotten at once. The object stays valid for those who hold it.
   */
  release(layout: Layout): void {
    const references = this.#references.get(layout) ?? 0
    if (references > 1) {
      this.#references.set(layout, references - 1)
      return
    }
    this.#references.delete(layout)
    if (this.#byKey.get(layout.key) !== layout) return
    this.#byKey.delete(layout.key)
    this.#onRelease?.(layout)
  }

  /** Forget a Layout if nothing retains it. */
  releaseUnused(layout: Layout): void {
    if (!this.#references.has(layout)) this.release(layout)
  }

  values(): IterableIterator<Layout> {
    return this.#byKey.values()
  }
}

function makeLayout(id: number, key: string, fields: readonly FieldSpecifier[], scopeCount: number): Layout {
  const fixedRuns: number[] = []
  let fixedOctets = 0
  let run = 0
  let templateOctets = scopeCount === 0 ? 4 : 6
  for (const field of fields) {
    templateOctets += field.pen === 0 ? 4 : 8
    if (field.length === VARIABLE_LENGTH) {
      fixedRuns.push(run)
      run = 0
    } else {
      fixedOctets += field.length
      run += field.length
    }
  }
  const variableFields = fixedRuns.length
  fixedRuns.push(run)
  return Object.freeze({
    id,
    key,
    scopeCount,
    fields: Object.freeze(fields.map(({ pen, id, length }) => Object.freeze({ pen, id, length }))),
    recordLength: variableFields === 0 ? fixedOctets : -1,
    minRecordLength: fixedOctets + variableFields,
    fixedOctets,
    fixedRuns: Object.freeze(fixedRuns),
    templateOctets,
    hasLists: fields.some(isList),
    namesTemplates: fields.some(field => field.pen === 0 && field.id === 145)
  })
}
