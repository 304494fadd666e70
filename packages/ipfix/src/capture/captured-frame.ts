import type { CaptureFault } from './capture-faults.ts'

/** One packet as the capture file holds it. One object, reused: copy what is kept. */
export interface CapturedFrame {
  octets: Uint8Array
  view: DataView
  /** Where the link-layer header begins in `octets`. */
  offset: number
  /** Octets captured. */
  lengthOctets: number
  /** Octets that were on the wire; more than `lengthOctets` if the capture cut the packet. */
  wireOctets: number
  /** Milliseconds since 1970 UTC, with a fraction. */
  timestampMs: number
  /** LINKTYPE_ value of the interface. */
  linkType: number
}

/** Reads frames out of one capture file format, chunk by chunk. */
export interface FrameReader {
  /** Why reading ended, if it did; later chunks are ignored. */
  readonly fault: CaptureFault | undefined
  /** True if octets of an incomplete packet are waiting: at the end of the file it was cut. */
  readonly isIncomplete: boolean
  /** @yields the same object each time, valid until the next is asked for. */
  push(chunk: Uint8Array): Generator<CapturedFrame>
}

/** Most octets of one packet in a capture file; libpcap's own maximum snapshot length. */
export const MAX_FRAME_OCTETS = 262144

export function emptyFrame(): CapturedFrame {
  const octets = new Uint8Array(0)
  return {
    octets,
    view: new DataView(octets.buffer),
    offset: 0,
    lengthOctets: 0,
    wireOctets: 0,
    timestampMs: 0,
    linkType: 0
  }
}
