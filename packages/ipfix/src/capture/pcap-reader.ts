import { emptyFrame, MAX_FRAME_OCTETS } from './captured-frame.ts'
import { OctetQueue } from './octet-queue.ts'
import type { CapturedFrame, FrameReader } from './captured-frame.ts'
import type { CaptureFault } from './capture-faults.ts'

const MAGIC_MICROSECONDS = 0xa1b2c3d4
const MAGIC_NANOSECONDS = 0xa1b23c4d
const FILE_HEADER_OCTETS = 24
const PACKET_HEADER_OCTETS = 16

const isMagic = (value: number): boolean => value === MAGIC_MICROSECONDS || value === MAGIC_NANOSECONDS

/** True if these are the first four octets of a pcap file, in either byte order and either precision. */
export function isPcapMagic(magic: number, magicSwapped: number): boolean {
  return isMagic(magic) || isMagic(magicSwapped)
}

/**
 * Reads classic pcap, both byte orders, microseconds and nanoseconds. Holds at most one packet and one chunk.
 * The link type is the low 16 bits of the header's field; the rest says whether an FCS follows, which IP lengths exclude.
 */
export class PcapReader implements FrameReader {
  fault: CaptureFault | undefined
  readonly #queue = new OctetQueue()
  readonly #frame = emptyFrame()
  #isLittleEndian = false
  #fractionsPerMs = 0
  #linkType = 0

  get isIncomplete(): boolean {
    return this.#queue.lengthOctets > 0
  }

  *push(chunk: Uint8Array): Generator<CapturedFrame> {
    if (this.fault !== undefined) return
    const queue = this.#queue
    queue.append(chunk)
    if (this.#fractionsPerMs === 0 && !this.#readFileHeader()) return
    while (queue.lengthOctets >= PACKET_HEADER_OCTETS) {
      const captured = queue.view.getUint32(queue.start + 8, this.#isLittleEndian)
      if (captured > MAX_FRAME_OCTETS) {
        this.fault = 'CAPTURE_PACKET_LENGTH'
        queue.clear()
        return
      }
      if (queue.lengthOctets < PACKET_HEADER_OCTETS + captured) return
      this.#fillFrame(captured)
      queue.start += PACKET_HEADER_OCTETS + captured
      yield this.#frame
    }
  }

  #readFileHeader(): boolean {
    const { lengthOctets, view, start } = this.#queue
    if (lengthOctets < FILE_HEADER_OCTETS) return false
    const magic = view.getUint32(start)
    this.#isLittleEndian = magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS
    this.#fractionsPerMs = view.getUint32(start, this.#isLittleEndian) === MAGIC_NANOSECONDS ? 1e6 : 1e3
    this.#linkType = view.getUint32(start + 20, this.#isLittleEndian) & 0xffff
    this.#queue.start += FILE_HEADER_OCTETS
    return true
  }

  #fillFrame(captured: number): void {
    const { octets, view, start } = this.#queue
    const frame = this.#frame
    const seconds = view.getUint32(start, this.#isLittleEndian)
    frame.octets = octets
    frame.view = view
    frame.offset = start + PACKET_HEADER_OCTETS
    frame.lengthOctets = captured
    frame.wireOctets = view.getUint32(start + 12, this.#isLittleEndian)
    frame.timestampMs = seconds * 1000 + view.getUint32(start + 4, this.#isLittleEndian) / this.#fractionsPerMs
    frame.linkType = this.#linkType
  }
}
