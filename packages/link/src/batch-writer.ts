import { ENTRY_HEADER_OCTETS, entryFields, entryOctets } from './entry.ts'
import { FRAME_HEADER_OCTETS, viewOf } from './frame.ts'

/** Fills one buffer with entries, behind room for the frame's header. */
export class BatchWriter {
  #buffer: Uint8Array | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))
  #capacityOctets = 0
  #usedOctets = FRAME_HEADER_OCTETS
  #entries = 0
  #records = 0

  /** Octets written, the frame's header included. */
  get usedOctets(): number {
    return this.#usedOctets
  }

  /** Entries written. */
  get entries(): number {
    return this.#entries
  }

  /** Records written that are not state. */
  get records(): number {
    return this.#records
  }

  get hasBuffer(): boolean {
    return this.#buffer !== undefined
  }

  /** Begin with an empty buffer of `buffer.length` octets. */
  open(buffer: Uint8Array): void {
    this.#buffer = buffer
    this.#view = viewOf(buffer)
    this.#capacityOctets = buffer.length
    this.#usedOctets = FRAME_HEADER_OCTETS
    this.#entries = 0
    this.#records = 0
  }

  /** Hand the buffer over; there is none until the next `open`. */
  take(): Uint8Array {
    const buffer = this.#buffer as Uint8Array
    this.#buffer = undefined
    this.#capacityOctets = 0
    return buffer
  }

  /** True if an entry of that many octets of records fits. False without a buffer. */
  fits(lengthOctets: number): boolean {
    return this.#usedOctets + entryOctets(lengthOctets) <= this.#capacityOctets
  }

  /** Copy one entry in. The caller has asked `fits`. */
  append(
    flags: number,
    layoutId: number,
    sourceId: number,
    contextId: number,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    records: number,
    octets: Uint8Array,
    offset: number,
    lengthOctets: number
  ): void {
    const view = this.#view
    const at = this.#usedOctets
    const size = entryOctets(lengthOctets)
    // The buffer is reused: what pads the records must not be what stood there before, so the last 8 octets go first.
    view.setFloat64(at + size - 8, 0, true)
    view.setUint32(at + entryFields.flags, flags, true)
    view.setUint32(at + entryFields.layoutId, layoutId, true)
    view.setUint32(at + entryFields.sourceId, sourceId, true)
    view.setUint32(at + entryFields.contextId, contextId, true)
    view.setUint32(at + entryFields.exportTimeSec, exportTimeSec, true)
    view.setUint32(at + entryFields.records, records, true)
    view.setUint32(at + entryFields.lengthOctets, lengthOctets, true)
    view.setUint32(at + entryFields.entryOctets, size, true)
    view.setFloat64(at + entryFields.receivedAtMs, receivedAtMs, true)
    view.setFloat64(at + entryFields.bootTimeMs, bootTimeMs, true)
    // The one view made here never escapes; measured as fast as Buffer.copy and twice as fast as a loop of 64-bit moves.
    ;(this.#buffer as Uint8Array).set(octets.subarray(offset, offset + lengthOctets), at + ENTRY_HEADER_OCTETS)
    this.#usedOctets = at + size
    this.#entries++
    if (flags === 0) this.#records += records
  }
}
