import type { Layout } from '../../src/layout.ts'
import type { ListFaultCode } from '../../src/list-faults.ts'
import { ListWalker, defaultListLimits } from '../../src/list-walker.ts'
import type { ElementLookup, LayoutLookup, ListLimits, ListType, ListVisitor } from '../../src/list-walker.ts'

const TEMPLATE_ID = 145

/**
 * The walk of a ListWalker that wants template ids alone, as whoever exports lists again does. Finds every place of one:
 * the ids of subTemplateLists and of the entries of subTemplateMultiLists, and values of templateId (145) in records and
 * in basicLists, at any depth. No allocation per value, except that the array of places may grow.
 */
export class TemplateIdFinder implements ListVisitor {
  readonly wantsValues = false
  readonly #walker: ListWalker
  #offsets = new Int32Array(64)
  #count = 0
  #fault: ListFaultCode | undefined

  constructor(elements: ElementLookup, limits: ListLimits = defaultListLimits) {
    this.#walker = new ListWalker(elements, limits)
  }

  /** Offsets of 16-bit template ids found by the last `find`, in its octets; entries from its result on are not used. */
  get offsets(): Int32Array {
    return this.#offsets
  }

  /** Why the last `find` returned -1. */
  get fault(): ListFaultCode | undefined {
    return this.#fault
  }

  /** Ids of the last `find` that are not known to the session: what they describe was not looked into. */
  get unknownTemplates(): number {
    return this.#walker.unknownTemplates
  }

  /** Begin another Message: the limit on elements is one for all its lists. */
  beginMessage(): void {
    this.#walker.beginMessage()
  }

  /**
   * Find the places in one list value.
   *
   * @param length - octets of the value, without the prefix of a variable length.
   * @returns how many entries of `offsets` hold, in the order of the octets; -1 if the value is malformed or over a
   * limit: then it can only pass as it is.
   */
  find(type: ListType, view: DataView, offset: number, length: number, templates: LayoutLookup): number {
    this.#count = 0
    this.#fault = this.#walker.walk(type, view, offset, length, templates, this)
    return this.#fault === undefined ? this.#count : -1
  }

  onTemplateId(offset: number, _templateId: number, _layout: Layout | undefined): void {
    this.#put(offset)
  }

  onValue(pen: number, id: number, offset: number, length: number): void {
    if (id === TEMPLATE_ID && pen === 0 && length === 2) this.#put(offset)
  }

  onListStart(): void {}
  onListEnd(): void {}
  onListField(): void {}
  onRecordStart(): void {}
  onRecordEnd(): void {}

  #put(offset: number): void {
    if (this.#count === this.#offsets.length) {
      const larger = new Int32Array(2 * this.#count)
      larger.set(this.#offsets)
      this.#offsets = larger
    }
    this.#offsets[this.#count++] = offset
  }
}
