import { messageHeaderOctets, setHeaderOctets, writeMessageHeader, writeSetHeader } from '@weir/ipfix'
import type { Chunk } from '../chunk.ts'
import type { ExportedTemplate, ExportedTemplates } from './exported-template.ts'

/** What is counted and announced for one Observation Domain in one session. */
export interface ExportDomain {
  readonly odid: number
  /** Data Records sent in this session, modulo 2^32 (RFC 7011 §3.1). */
  sequence: number
  readonly templates: ExportedTemplates
  /** Templates to be announced, or withdrawn, with the next Message. */
  readonly pending: ExportedTemplate[]
  readonly withdrawals: ExportedTemplate[]
}

/**
 * Writes one Message at a time at the end of a chunk: headers, Sets, lengths. The records in it are written by others,
 * between {@link out} and {@link limit}.
 */
export class MessageAssembler {
  /** Next unwritten octet of the open Message. */
  out = 0
  /** The open Message must not grow beyond. */
  limit = 0
  /** Id of the open Set, 0 = none. */
  setId = 0
  domain: ExportDomain | undefined
  /** Messages closed since the start. */
  messages = 0
  #chunk: Chunk | undefined
  #start = 0
  #setStart = 0
  #dataRecords = 0
  #inputRecords = 0
  readonly #exportTimeSec: () => number

  /** @param exportTimeSec - never goes back within a session. */
  constructor(exportTimeSec: () => number) {
    this.#exportTimeSec = exportTimeSec
  }

  get isOpen(): boolean {
    return this.#chunk !== undefined
  }

  /** True if the Message holds nothing but headers: what does not fit now never will. */
  get isBare(): boolean {
    return this.out === this.#start + messageHeaderOctets + (this.setId === 0 ? 0 : setHeaderOctets)
  }

  /**
   * Begin a Message. None is open.
   *
   * @param maxOctets - bound of the Message.
   * @returns false if the chunk has no room for so much.
   */
  open(chunk: Chunk, domain: ExportDomain, maxOctets: number): boolean {
    if (chunk.end + maxOctets > chunk.octets.length || !chunk.hasMessageRoom) return false
    this.#chunk = chunk
    this.domain = domain
    this.#start = chunk.end
    this.out = chunk.end + messageHeaderOctets
    this.limit = chunk.end + maxOctets
    this.setId = 0
    this.#dataRecords = 0
    this.#inputRecords = 0
    return true
  }

  /** Let the open Message grow to another bound. False if the chunk has no room for it. */
  widen(maxOctets: number): boolean {
    if (this.#start + maxOctets > this.#chunk!.octets.length) return false
    this.limit = this.#start + maxOctets
    return true
  }

  /** Begin a Set; closes the one that is open. False if not even its header and one octet fit. */
  openSet(setId: number): boolean {
    this.closeSet()
    if (this.out + setHeaderOctets >= this.limit) return false
    this.setId = setId
    this.#setStart = this.out
    this.out = writeSetHeader(this.#chunk!.view, this.out, setId, 0)
    return true
  }

  closeSet(): void {
    if (this.setId === 0) return
    this.setId = 0
    const lengthOctets = this.out - this.#setStart
    // A Set without a record is taken back.
    if (lengthOctets === setHeaderOctets) this.out = this.#setStart
    else this.#chunk!.view.setUint16(this.#setStart + 2, lengthOctets)
  }

  /**
   * Records were written up to `end`.
   *
   * @param dataRecords - for the sequence number.
   * @param inputRecords - for the ledger; 0 for repeated ones.
   */
  addRecords(end: number, dataRecords: number, inputRecords: number): void {
    this.out = end
    this.#dataRecords += dataRecords
    this.#inputRecords += inputRecords
  }

  /** Close the Message and hand it to its chunk; an empty one is taken back. */
  close(): void {
    const chunk = this.#chunk
    if (chunk === undefined) return
    this.closeSet()
    this.#chunk = undefined
    if (this.out === this.#start + messageHeaderOctets) return
    const domain = this.domain!
    const lengthOctets = this.out - this.#start
    writeMessageHeader(chunk.view, this.#start, lengthOctets, this.#exportTimeSec(), domain.sequence, domain.odid)
    domain.sequence = (domain.sequence + this.#dataRecords) >>> 0
    chunk.closeMessage(this.out, this.#inputRecords)
    this.messages++
  }

  /** Forget the open Message: its chunk is gone. */
  abandon(): void {
    this.#chunk = undefined
    this.setId = 0
  }
}
