import type { Layout } from './layout.ts'

/** Header of a Message to write; Length is patched by {@link MessageWriter.end}. */
export interface WriterHeader {
  readonly exportTimeSec: number
  readonly sequence: number
  readonly odid: number
}

/** Octets of a Message header (RFC 7011 §3.1) and of a Set header (§3.3.2). */
export const messageHeaderOctets = 16
export const setHeaderOctets = 4

/** Write a Message header. @returns where the Sets begin. @see RFC 7011 §3.1 */
export function writeMessageHeader(
  view: DataView,
  offset: number,
  lengthOctets: number,
  exportTimeSec: number,
  sequence: number,
  odid: number
): number {
  view.setUint16(offset, 10)
  view.setUint16(offset + 2, lengthOctets)
  view.setUint32(offset + 4, exportTimeSec)
  view.setUint32(offset + 8, sequence)
  view.setUint32(offset + 12, odid)
  return offset + messageHeaderOctets
}

/** Write a Set header. @param lengthOctets - with the header's 4. @returns where the Set's body begins. */
export function writeSetHeader(view: DataView, offset: number, setId: number, lengthOctets: number): number {
  view.setUint16(offset, setId)
  view.setUint16(offset + 2, lengthOctets)
  return offset + setHeaderOctets
}

/** Octets of the (Options) Template Record of a Layout. */
export function templateRecordLength(layout: Layout): number {
  return layout.templateOctets
}

/**
 * Write the Template Record of a Layout, or its Options Template Record if it has scope fields.
 *
 * @returns the end of what was written, {@link templateRecordLength} further on. @see RFC 7011 §3.4.1, §3.4.2
 */
export function writeTemplateRecord(view: DataView, offset: number, templateId: number, layout: Layout): number {
  view.setUint16(offset, templateId)
  view.setUint16(offset + 2, layout.fields.length)
  let at = offset + 4
  if (layout.scopeCount > 0) {
    view.setUint16(at, layout.scopeCount)
    at += 2
  }
  for (const { pen, id, length } of layout.fields) {
    view.setUint16(at, pen === 0 ? id : id | 0x8000)
    view.setUint16(at + 2, length)
    at += 4
    if (pen !== 0) {
      view.setUint32(at, pen)
      at += 4
    }
  }
  return at
}

/** Write a withdrawal: 4 octets. @returns the end. @see RFC 7011 §8.1 */
export function writeWithdrawal(view: DataView, offset: number, templateId: number): number {
  view.setUint16(offset, templateId)
  view.setUint16(offset + 2, 0)
  return offset + 4
}

const longestMessage = 65535

/** Where a MessageWriter writes if nothing else is given: room for the longest Message. */
function ownOctets(): Uint8Array {
  return new Uint8Array(longestMessage)
}

/**
 * Writes IPFIX Messages one after another: the mirror of the decoder.
 *
 * ```ts
 * const writer = new MessageWriter()
 * writer.begin({ exportTimeSec, sequence, odid })
 * writer.template(256, layout)
 * writer.data(256, records, offset, lengthOctets)
 * send(writer.end())
 * ```
 * Records of the same kind go into one Set while they follow each other. A call that does not fit the Message's limit
 * writes nothing and returns false. Nothing is allocated between `begin` and `end`.
 */
export class MessageWriter {
  readonly octets: Uint8Array
  readonly view: DataView
  #start = 0
  #end = 0
  #limit = 0
  #setAt = 0
  #setId = 0

  /** @param octets - where to write; its own 65535 octets if left out. */
  constructor(octets: Uint8Array = ownOctets()) {
    this.octets = octets
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  }

  /** Octets of the Message so far, header included. */
  get lengthOctets(): number {
    return this.#end - this.#start
  }

  /** Octets that the Message can still take, in whatever Set is open. */
  get roomOctets(): number {
    return this.#limit - this.#end
  }

  /**
   * Begin a Message.
   *
   * @param maxOctets - longest Message wanted (MTU), at most 65535.
   * @param offset - where in `octets` it begins; several Messages can lie behind each other.
   */
  begin(header: WriterHeader, maxOctets = longestMessage, offset = 0): this {
    this.#start = offset
    this.#limit = Math.min(this.octets.length, offset + Math.min(maxOctets, longestMessage))
    this.#end = writeMessageHeader(this.view, offset, 0, header.exportTimeSec, header.sequence, header.odid)
    this.#setAt = 0
    this.#setId = 0
    return this
  }

  /** Add the (Options) Template Record of a Layout. @returns false if there is no room. */
  template(templateId: number, layout: Layout): boolean {
    if (!this.#open(layout.scopeCount > 0 ? 3 : 2, layout.templateOctets)) return false
    this.#end = writeTemplateRecord(this.view, this.#end, templateId, layout)
    return true
  }

  /** Add a withdrawal (TCP and files only, RFC 7011 §8.1). @returns false if there is no room. */
  withdrawal(templateId: number, isOptions: boolean): boolean {
    if (!this.#open(isOptions ? 3 : 2, 4)) return false
    this.#end = writeWithdrawal(this.view, this.#end, templateId)
    return true
  }

  /** Add whole records, copied. @returns false if they do not all fit. */
  data(templateId: number, records: Uint8Array, offset = 0, lengthOctets = records.length - offset): boolean {
    if (!this.#open(templateId, lengthOctets)) return false
    if (offset === 0 && lengthOctets === records.length) this.octets.set(records, this.#end)
    else this.octets.set(records.subarray(offset, offset + lengthOctets), this.#end)
    this.#end += lengthOctets
    return true
  }

  /**
   * Open a Data Set so that records can be written straight into `octets` from `position` on.
   *
   * @returns the position of the next record, or -1 if not even `leastOctets` fit.
   */
  openData(templateId: number, leastOctets: number): number {
    return this.#open(templateId, leastOctets) ? this.#end : -1
  }

  /** First octet behind the Message's limit: how far records may be written after {@link openData}. */
  get limit(): number {
    return this.#limit
  }

  /** Say how far records were written after {@link openData}. */
  advance(end: number): void {
    this.#end = end
  }

  /** Pad the open Set with zeros to a multiple of 4; the caller knows that 3 octets are less than a record. */
  align(): void {
    if (this.#setAt === 0) return
    while ((this.#end - this.#setAt) % 4 !== 0 && this.#end < this.#limit) this.octets[this.#end++] = 0
  }

  /** Close the Message: lengths are patched in. @returns where it ends in `octets`. */
  endAt(): number {
    this.#closeSet()
    this.view.setUint16(this.#start + 2, this.#end - this.#start)
    return this.#end
  }

  /** Close the Message. @returns its octets, aliased: valid until the next `begin`. */
  end(): Uint8Array {
    const end = this.endAt()
    return this.octets.subarray(this.#start, end)
  }

  #open(setId: number, lengthOctets: number): boolean {
    const isOpen = this.#setId === setId
    if (this.#end + lengthOctets + (isOpen ? 0 : setHeaderOctets) > this.#limit) return false
    if (isOpen) return true
    this.#closeSet()
    this.#setAt = this.#end
    this.#setId = setId
    this.#end = writeSetHeader(this.view, this.#end, setId, 0)
    return true
  }

  #closeSet(): void {
    if (this.#setAt === 0) return
    this.view.setUint16(this.#setAt + 2, this.#end - this.#setAt)
    this.#setAt = 0
    this.#setId = 0
  }
}
