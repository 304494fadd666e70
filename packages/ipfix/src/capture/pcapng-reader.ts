import { emptyFrame, MAX_FRAME_OCTETS } from './captured-frame.ts'
import { OctetQueue } from './octet-queue.ts'
import type { CapturedFrame, FrameReader } from './captured-frame.ts'
import type { CaptureFault } from './capture-faults.ts'

/** Block type of the Section Header Block: the same in both byte orders. */
export const SECTION_HEADER_BLOCK = 0x0a0d0d0a
const INTERFACE_DESCRIPTION_BLOCK = 1
const PACKET_BLOCK = 2
const SIMPLE_PACKET_BLOCK = 3
const ENHANCED_PACKET_BLOCK = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const OPTION_END = 0
const OPTION_TSRESOL = 9
const OPTION_TSOFFSET = 14
/** A packet, its header and generous options. */
const MAX_BLOCK_OCTETS = MAX_FRAME_OCTETS + 65536
/** Interfaces of one section that are kept; packets of later ones are passed over. */
const MAX_INTERFACES = 4096

interface Interface {
  readonly linkType: number
  readonly snapOctets: number
  readonly ticksPerMs: number
  readonly offsetMs: number
}

/**
 * Reads pcapng: Section Header, Interface Description, Enhanced, Simple and (obsolete) Packet Blocks; several sections
 * of either byte order, several interfaces, if_tsresol and if_tsoffset. Other blocks are passed over, whatever their
 * length. Holds at most one block and one chunk.
 */
export class PcapngReader implements FrameReader {
  fault: CaptureFault | undefined
  readonly #queue = new OctetQueue()
  readonly #frame = emptyFrame()
  #interfaces: Interface[] = []
  #isLittleEndian = false
  #skipOctets = 0

  get isIncomplete(): boolean {
    return this.#queue.lengthOctets > 0 || this.#skipOctets > 0
  }

  *push(chunk: Uint8Array): Generator<CapturedFrame> {
    if (this.fault !== undefined) return
    const queue = this.#queue
    queue.append(chunk)
    for (;;) {
      if (this.#skipOctets > 0) {
        const skipped = Math.min(this.#skipOctets, queue.lengthOctets)
        queue.start += skipped
        this.#skipOctets -= skipped
      }
      if (queue.lengthOctets < 12) return
      const length = this.#blockLength()
      if (this.fault !== undefined) return queue.clear()
      const type = queue.view.getUint32(queue.start, this.#isLittleEndian)
      if (length > MAX_BLOCK_OCTETS) {
        if (type === INTERFACE_DESCRIPTION_BLOCK || type === ENHANCED_PACKET_BLOCK || type === PACKET_BLOCK) {
          this.fault = 'CAPTURE_BLOCK_LENGTH'
          return queue.clear()
        }
        this.#skipOctets = length
        continue
      }
      if (queue.lengthOctets < length) return
      const isFrame = this.#readBlock(type, queue.start, length)
      queue.start += length
      if (isFrame) yield this.#frame
    }
  }

  #blockLength(): number {
    const { view, start } = this.#queue
    if (view.getUint32(start) === SECTION_HEADER_BLOCK) {
      if (view.getUint32(start + 8) === BYTE_ORDER_MAGIC) this.#isLittleEndian = false
      else if (view.getUint32(start + 8, true) === BYTE_ORDER_MAGIC) this.#isLittleEndian = true
      else this.fault = 'CAPTURE_BYTE_ORDER'
    }
    const length = view.getUint32(start + 4, this.#isLittleEndian)
    if (length < 12 || length % 4 !== 0) this.fault ??= 'CAPTURE_BLOCK_LENGTH'
    return length
  }

  #readBlock(type: number, start: number, length: number): boolean {
    const end = start + length - 4
    switch (type) {
      case SECTION_HEADER_BLOCK:
        this.#interfaces = []
        return false
      case INTERFACE_DESCRIPTION_BLOCK:
        if (length >= 20 && this.#interfaces.length < MAX_INTERFACES) this.#interfaces.push(this.#interface(start, end))
        return false
      case ENHANCED_PACKET_BLOCK:
        return length >= 32 && this.#packet(start, end, this.#queue.view.getUint32(start + 8, this.#isLittleEndian))
      case PACKET_BLOCK:
        return length >= 32 && this.#packet(start, end, this.#queue.view.getUint16(start + 8, this.#isLittleEndian))
      case SIMPLE_PACKET_BLOCK:
        return length >= 16 && this.#simplePacket(start, end)
      default:
        return false
    }
  }

  #interface(start: number, end: number): Interface {
    const { view } = this.#queue
    const isLittle = this.#isLittleEndian
    let ticksPerMs = 1000
    let offsetMs = 0
    for (let at = start + 16; at + 4 <= end;) {
      const code = view.getUint16(at, isLittle)
      const length = view.getUint16(at + 2, isLittle)
      if (code === OPTION_END || at + 4 + length > end) break
      if (code === OPTION_TSRESOL && length === 1) {
        const resolution = view.getUint8(at + 4)
        ticksPerMs = (resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution) / 1000
      } else if (code === OPTION_TSOFFSET && length === 8) {
        offsetMs = Number(view.getBigInt64(at + 4, isLittle)) * 1000
      }
      at += 4 + length + (-length & 3)
    }
    return {
      linkType: view.getUint16(start + 8, isLittle),
      snapOctets: view.getUint32(start + 12, isLittle),
      ticksPerMs,
      offsetMs
    }
  }

  /** Enhanced and obsolete Packet Blocks: they differ in the size of the interface number alone. */
  #packet(start: number, end: number, interfaceId: number): boolean {
    const { view } = this.#queue
    const isLittle = this.#isLittleEndian
    const on = this.#interfaces[interfaceId]
    const captured = view.getUint32(start + 20, isLittle)
    if (on === undefined || start + 28 + captured > end) return false
    const ticks = view.getUint32(start + 12, isLittle) * 2 ** 32 + view.getUint32(start + 16, isLittle)
    const wire = view.getUint32(start + 24, isLittle)
    return this.#fillFrame(start + 28, captured, wire, ticks / on.ticksPerMs + on.offsetMs, on.linkType)
  }

  /** A Simple Packet Block has no time and belongs to the section's first interface. */
  #simplePacket(start: number, end: number): boolean {
    const on = this.#interfaces[0]
    if (on === undefined) return false
    const wire = this.#queue.view.getUint32(start + 8, this.#isLittleEndian)
    const limit = on.snapOctets === 0 ? wire : Math.min(wire, on.snapOctets)
    return this.#fillFrame(start + 12, Math.min(limit, end - start - 12), wire, 0, on.linkType)
  }

  #fillFrame(offset: number, captured: number, wire: number, timestampMs: number, linkType: number): boolean {
    const frame = this.#frame
    frame.octets = this.#queue.octets
    frame.view = this.#queue.view
    frame.offset = offset
    frame.lengthOctets = captured
    frame.wireOctets = wire
    frame.timestampMs = timestampMs
    frame.linkType = linkType
    return true
  }
}
