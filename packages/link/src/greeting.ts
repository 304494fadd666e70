import { FRAME_HEADER_OCTETS, viewOf } from './frame.ts'

/** Body of HELLO: what a sender is. */
export interface Hello {
  minVersion: number
  maxVersion: number
  pid: number
  worker: number
  /** Octets of unsettled batches the sender can hold. */
  bufferOctets: number
}

const HELLO_OCTETS = 24

export function encodeHello(hello: Readonly<Hello>): Uint8Array {
  const body = new Uint8Array(HELLO_OCTETS)
  const view = viewOf(body)
  view.setUint16(0, hello.minVersion, true)
  view.setUint16(2, hello.maxVersion, true)
  view.setUint32(4, hello.pid, true)
  view.setUint32(8, hello.worker, true)
  view.setFloat64(16, hello.bufferOctets, true)
  return body
}

/** @returns undefined if the body is too short; a longer one (of a later version) is read as far as it is known. */
export function decodeHello(view: DataView): Hello | undefined {
  if (view.byteLength < FRAME_HEADER_OCTETS + HELLO_OCTETS) return undefined
  const bufferOctets = view.getFloat64(FRAME_HEADER_OCTETS + 16, true)
  return {
    minVersion: view.getUint16(FRAME_HEADER_OCTETS, true),
    maxVersion: view.getUint16(FRAME_HEADER_OCTETS + 2, true),
    pid: view.getUint32(FRAME_HEADER_OCTETS + 4, true),
    worker: view.getUint32(FRAME_HEADER_OCTETS + 8, true),
    bufferOctets: bufferOctets > 0 && Number.isFinite(bufferOctets) ? bufferOctets : 0
  }
}

/** Body of WELCOME and ACK, with `number` (settled through) and `first` (ranges) of the header: all that a sender has to know. */
export interface Progress {
  /** Every batch up to this id was received whole. */
  receivedThrough: number
  /** Every batch up to this id is settled. */
  settledThrough: number
  /** Batches up to this id may be sent. */
  grant: number
  /** Settled beyond `settledThrough`: first, last, first, last, …, ascending. */
  ranges: readonly number[]
}

/** Most ranges in one frame; what does not fit follows when `settledThrough` has moved. */
export const MAX_RANGES = 4096

export function encodeProgress(progress: Readonly<Progress>): Uint8Array {
  const body = new Uint8Array(16 + 8 * progress.ranges.length)
  const view = viewOf(body)
  view.setBigUint64(0, BigInt(progress.receivedThrough), true)
  view.setBigUint64(8, BigInt(progress.grant), true)
  progress.ranges.forEach((id, index) => view.setBigUint64(16 + 8 * index, BigInt(id), true))
  return body
}

/** @returns undefined if the body contradicts itself. */
export function decodeProgress(view: DataView, settledThrough: number, rangeCount: number): Progress | undefined {
  if (rangeCount > MAX_RANGES || view.byteLength !== FRAME_HEADER_OCTETS + 16 + 16 * rangeCount) return undefined
  const at = (offset: number): number => Number(view.getBigUint64(FRAME_HEADER_OCTETS + offset, true))
  const receivedThrough = at(0)
  const grant = at(8)
  if (!(settledThrough <= receivedThrough && receivedThrough <= Number.MAX_SAFE_INTEGER)) return undefined
  if (!(grant <= Number.MAX_SAFE_INTEGER)) return undefined
  const ranges: number[] = []
  let previous = settledThrough
  for (let index = 0; index < rangeCount; index++) {
    const first = at(16 + 16 * index)
    const last = at(24 + 16 * index)
    if (first <= previous || last < first || last > receivedThrough) return undefined
    ranges.push(first, last)
    previous = last
  }
  return { receivedThrough, settledThrough, grant, ranges }
}
