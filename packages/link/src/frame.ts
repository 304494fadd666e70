import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** Version of the data channel that this code speaks; HELLO carries the range. */
export const LINK_VERSION = 1
/** Octets before the body of every frame. A multiple of 8. */
export const FRAME_HEADER_OCTETS = 48

/** Octets `WEIR`, read as a little-endian u32. */
const MAGIC = 0x52494557
const CHECKSUM_OFFSET = 12

/** What a frame is. S→R: from sender to receiver. */
export const frameKinds = {
  /** S→R: who I am, what I still hold. */
  hello: 1,
  /** R→S: who I am, what I have. */
  welcome: 2,
  /** R→S: we cannot talk. */
  refuse: 3,
  /** S→R: layouts, sources, contexts, and which to forget. */
  define: 4,
  /** S→R: Data Set entries. */
  batch: 5,
  /** S→R: options records repeated; neither numbered nor acknowledged. */
  state: 6,
  /** R→S: what is received and settled, and credit. */
  ack: 7,
  /** R→S: send again from here, definitions first. */
  nack: 8,
  /** R→S: I do not know you; say HELLO. */
  reset: 9,
  /** S→R: are you there; I have sent up to here. */
  ping: 10,
  /** S→R: this was the last batch. */
  endOfStream: 11
} as const
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds]

/** Bit of a batch's `flags`: an earlier receiver was sent this batch. */
export const FLAG_REDELIVERED = 1
/** Bit of a batch's `flags`: it was settled before; the frame is empty and only keeps the ids without a gap. */
export const FLAG_SKIPPED = 2
/** Bits of a DEFINE's `flags`: first and last frame of an announcement of everything that lives. */
export const FLAG_FIRST = 1
export const FLAG_LAST = 2

/** Why a receiver asks again (`first` of a NACK). */
export const nackReasons = { corrupt: 1, gap: 2, undefinedId: 3 } as const
/** Why a receiver refuses (`first` of a REFUSE). */
export const refuseReasons = { version: 1, tooManySenders: 2 } as const

/** The header of one frame. One object may be reused. */
export interface FrameHeader {
  version: number
  kind: number
  flags: number
  lengthOctets: number
  senderEpoch: bigint
  receiverEpoch: bigint
  /** Batch id, or what the kind says; 0..2^53-1. */
  number: number
  first: number
  second: number
}

export const newFrameHeader = (): FrameHeader => ({
  version: LINK_VERSION,
  kind: 0,
  flags: 0,
  lengthOctets: 0,
  senderEpoch: 0n,
  receiverEpoch: 0n,
  number: 0,
  first: 0,
  second: 0
})

/** A new epoch: 64 random bits, never 0. */
export function newEpoch(): bigint {
  const epoch = randomBytes(8).readBigUInt64LE(0)
  return epoch === 0n ? 1n : epoch
}

/** An epoch as 16 hexadecimal digits. */
export const epochText = (epoch: bigint): string => epoch.toString(16).padStart(16, '0')

export const viewOf = (octets: Uint8Array): DataView =>
  new DataView(octets.buffer, octets.byteOffset, octets.byteLength)

/** CRC-32 (the one of zlib and Ethernet) of the whole frame but the checksum's own four octets. */
function checksum(frame: Uint8Array): number {
  return crc32(frame.subarray(CHECKSUM_OFFSET + 4), crc32(frame.subarray(0, CHECKSUM_OFFSET)))
}

/**
 * Write the header over the first 48 octets and the checksum of the whole frame.
 *
 * @param frame - exactly the frame; the body from octet 48 on is already there. `header.lengthOctets` is not looked at.
 */
export function sealFrame(frame: Uint8Array, view: DataView, header: Readonly<FrameHeader>): void {
  view.setUint32(0, MAGIC, true)
  view.setUint8(4, header.version)
  view.setUint8(5, header.kind)
  view.setUint16(6, header.flags, true)
  view.setUint32(8, frame.length, true)
  view.setBigUint64(16, header.senderEpoch, true)
  view.setBigUint64(24, header.receiverEpoch, true)
  view.setBigUint64(32, BigInt(header.number), true)
  view.setUint32(40, header.first, true)
  view.setUint32(44, header.second, true)
  view.setUint32(CHECKSUM_OFFSET, checksum(frame), true)
}

/** A frame of this header and body, in octets of its own. */
export function makeFrame(fields: Partial<FrameHeader> & { kind: FrameKind }, body?: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_OCTETS + (body?.length ?? 0))
  if (body !== undefined) frame.set(body, FRAME_HEADER_OCTETS)
  sealFrame(frame, viewOf(frame), { ...newFrameHeader(), ...fields })
  return frame
}

/**
 * Read and check a header. Never throws, whatever the octets.
 *
 * @returns `foreign` if it is not a frame of this channel at all, `corrupt` if it is but its length or checksum is wrong.
 */
export function readFrame(frame: Uint8Array, view: DataView, header: FrameHeader): 'whole' | 'foreign' | 'corrupt' {
  if (frame.length < FRAME_HEADER_OCTETS || view.getUint32(0, true) !== MAGIC) return 'foreign'
  if (view.getUint32(8, true) !== frame.length) return 'corrupt'
  if (view.getUint32(CHECKSUM_OFFSET, true) !== checksum(frame)) return 'corrupt'
  const number = view.getBigUint64(32, true)
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) return 'corrupt'
  header.version = view.getUint8(4)
  header.kind = view.getUint8(5)
  header.flags = view.getUint16(6, true)
  header.lengthOctets = frame.length
  header.senderEpoch = view.getBigUint64(16, true)
  header.receiverEpoch = view.getBigUint64(24, true)
  header.number = Number(number)
  header.first = view.getUint32(40, true)
  header.second = view.getUint32(44, true)
  return 'whole'
}
