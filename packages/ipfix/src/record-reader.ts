import { isLegalLength } from './data-type.ts'
import type { DataType } from './data-type.ts'
import type { InformationElement } from './element.ts'
import { VARIABLE_LENGTH } from './layout.ts'
import type { Layout } from './layout.ts'
import type { ElementLookup } from './list-walker.ts'

/**
 * Reads the records of one Data Set field by field, in octets: the slow way, for commands, tests and the interpreter's
 * like. One object, reused; nothing is allocated for a record or a field. Its properties describe the current field.
 *
 * ```ts
 * reader.open(set.layout, view, set.offset, set.lengthOctets, header.version)
 * while (reader.nextRecord()) while (reader.nextField()) use(reader.element, reader.offset, reader.length)
 * ```
 */
export class RecordReader {
  /** Of the current field. */
  pen = 0
  /** Of the current field. */
  id = 0
  /** Position of the current field in its record, from 0. */
  index = -1
  /** True while the current field is a scope field. */
  isScope = false
  /** Where the value begins, behind the prefix of a variable length. */
  offset = 0
  /** Octets of the value. */
  length = 0
  /** Where the current record begins. */
  recordOffset = 0
  /** What is known of the current field's element. */
  element: InformationElement | undefined
  /**
   * Type to read the value by: the element's, or octetArray if it is unknown or the length of the field is illegal for it
   * (only NetFlow v9 lets such templates pass).
   */
  type: DataType = 'octetArray'
  /** The Layout given to `open`. */
  layout: Layout | undefined

  readonly #elements: ElementLookup
  #view: DataView = new DataView(new ArrayBuffer(0))
  #position = 0
  #end = 0
  #wireVersion = 10

  constructor(elements: ElementLookup) {
    this.#elements = elements
  }

  /**
   * Begin a Data Set, or a part of one.
   *
   * @param view - aliased until the next `open`.
   * @param length - octets of whole records; what is left behind the last one, or does not fit, ends the reading.
   * @param wireVersion - of the Message: see `ElementRegistry.get`.
   */
  open(layout: Layout, view: DataView, offset: number, length: number, wireVersion = 10): void {
    this.layout = layout
    this.#view = view
    this.#position = offset
    this.#end = offset + length
    this.#wireVersion = wireVersion
    this.index = layout.fields.length
  }

  /** Octets behind what has been read so far. */
  get remaining(): number {
    return this.#end - this.#position
  }

  /** Begin the next record, passing over fields of the last one that were not read. False at the end of the records. */
  nextRecord(): boolean {
    const layout = this.layout
    if (layout === undefined) return false
    while (this.index < layout.fields.length && this.nextField());
    if (this.#end - this.#position < layout.minRecordLength) return false
    this.recordOffset = this.#position
    this.index = -1
    return true
  }

  /** Go to the next field of the record. False behind the last one; if the octets do not suffice, reading ends there. */
  nextField(): boolean {
    const field = this.layout?.fields[++this.index]
    if (field === undefined) return false
    let start = this.#position
    let length = field.length
    if (length === VARIABLE_LENGTH) {
      const left = this.#end - start
      if (left < 1) return this.#stop()
      length = this.#view.getUint8(start)
      if (length < 255) start += 1
      else {
        if (left < 3) return this.#stop()
        length = this.#view.getUint16(start + 1)
        start += 3
      }
    }
    if (length > this.#end - start) return this.#stop()
    this.#position = start + length
    this.pen = field.pen
    this.id = field.id
    this.offset = start
    this.length = length
    this.isScope = this.index < (this.layout?.scopeCount ?? 0)
    const element = this.#elements.get(field.pen, field.id, this.#wireVersion)
    this.element = element
    this.type = element !== undefined && isLegalLength(element.type, field.length) ? element.type : 'octetArray'
    return true
  }

  #stop(): false {
    this.#position = this.#end
    this.index = this.layout?.fields.length ?? 0
    return false
  }
}
