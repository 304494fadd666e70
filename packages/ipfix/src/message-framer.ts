import type { FaultCode } from './faults.ts'

/**
 * Takes one whole Message out of a stream.
 *
 * @param octets - aliased: valid during the call only.
 * @param view - over the same octets, with the same offsets.
 */
export type OnFramedMessage = (octets: Uint8Array, view: DataView, offset: number, length: number) => void

const headerOctets = 16
const smallestCarry = 2048
const noOctets = new Uint8Array(0)

/**
 * Splits a TCP stream into IPFIX Messages by their Length (RFC 7011 §10.4.3), however it is cut. A Message that lies
 * whole in a chunk is not copied; only one that is cut is carried over, in a buffer that grows with the octets that came.
 * Version and Length are all that is looked at.
 */
export class MessageFramer {
  #carry: Uint8Array = noOctets
  #carryView: DataView = new DataView(noOctets.buffer)
  #carried = 0
  #chunkView: DataView = this.#carryView
  #fault: FaultCode | undefined

  /** Octets of a Message that has begun and is not whole yet; 0 between Messages. */
  get pendingOctets(): number {
    return this.#carried
  }

  /** Why the framing was lost, or undefined. Then nothing more can be read: close the connection (D5). */
  get fault(): FaultCode | undefined {
    return this.#fault
  }

  /**
   * Read on.
   *
   * @param chunk - what came next; aliased by the Messages during the call, not kept.
   * @returns BAD_VERSION or MESSAGE_LENGTH once the framing is lost (and ever after); Messages before it were given out.
   */
  push(chunk: Uint8Array, onMessage: OnFramedMessage): FaultCode | undefined {
    if (this.#fault !== undefined) return this.#fault
    let offset = 0
    if (this.#carried > 0) {
      offset = this.#complete(chunk, onMessage)
      if (this.#fault !== undefined || this.#carried > 0) return this.#fault
    }
    const view = this.#viewOf(chunk)
    while (chunk.length - offset >= 4) {
      const length = this.#lengthAt(view, offset)
      if (this.#fault !== undefined) return this.#fault
      if (length > chunk.length - offset) break
      onMessage(chunk, view, offset, length)
      offset += length
    }
    this.#carryOver(chunk, offset, chunk.length - offset)
    return this.#earlyFault()
  }

  /** Forget what is carried and the fault; for another stream. */
  reset(): void {
    this.#carry = noOctets
    this.#carryView = new DataView(noOctets.buffer)
    this.#chunkView = this.#carryView
    this.#carried = 0
    this.#fault = undefined
  }

  /** Fill up the carried Message. @returns where the chunk goes on. */
  #complete(chunk: Uint8Array, onMessage: OnFramedMessage): number {
    let offset = 0
    if (this.#carried < 4) {
      const taken = Math.min(4 - this.#carried, chunk.length)
      this.#carryOver(chunk, 0, taken)
      offset = taken
      if (this.#carried < 4) {
        this.#earlyFault()
        return offset
      }
    }
    const length = this.#lengthAt(this.#carryView, 0)
    if (this.#fault !== undefined) return offset
    const taken = Math.min(length - this.#carried, chunk.length - offset)
    this.#carryOver(chunk, offset, taken)
    if (this.#carried === length) {
      this.#carried = 0
      onMessage(this.#carry, this.#carryView, 0, length)
    }
    return offset + taken
  }

  #carryOver(chunk: Uint8Array, offset: number, count: number): void {
    if (count === 0) return
    const needed = this.#carried + count
    if (needed > this.#carry.length) this.#grow(needed)
    // A loop for a few octets, else one copy: subarray is the only way to name a part to set().
    this.#carry.set(chunk.subarray(offset, offset + count), this.#carried)
    this.#carried = needed
  }

  /** Grows with the octets that came, never by the Length that is claimed (TH-14). */
  #grow(needed: number): void {
    let capacity = Math.max(smallestCarry, this.#carry.length)
    while (capacity < needed) capacity *= 2
    const grown = new Uint8Array(capacity)
    grown.set(this.#carry.subarray(0, this.#carried))
    this.#carry = grown
    this.#carryView = new DataView(grown.buffer)
  }

  #lengthAt(view: DataView, offset: number): number {
    if (view.getUint16(offset) !== 10) this.#fault = 'BAD_VERSION'
    const length = view.getUint16(offset + 2)
    if (length < headerOctets) this.#fault ??= 'MESSAGE_LENGTH'
    return length
  }

  /** A wrong version shows in the first octets already: do not wait for the Length. */
  #earlyFault(): FaultCode | undefined {
    if (this.#carried > 0 && this.#carry[0] !== 0) this.#fault = 'BAD_VERSION'
    else if (this.#carried > 1 && this.#carry[1] !== 10) this.#fault = 'BAD_VERSION'
    return this.#fault
  }

  /** The last view serves again where the reader fills one buffer again and again. */
  #viewOf(chunk: Uint8Array): DataView {
    const view = this.#chunkView
    const isSame = view.buffer === chunk.buffer && view.byteOffset === chunk.byteOffset
    if (isSame && view.byteLength === chunk.byteLength) return view
    this.#chunkView = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    return this.#chunkView
  }
}
