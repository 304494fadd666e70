import type { Column } from './column-batch.ts'

const MAPPED_PREFIX = 0xffff

/** Big-endian unsigned of 1..8 octets; above 2^53 rounded, once. */
function readUnsigned(view: DataView, at: number, length: number): number {
  if (length === 8) return view.getUint32(at) * 4294967296 + view.getUint32(at + 4)
  let value = 0
  for (let n = 0; n < length; n++) value = value * 256 + view.getUint8(at + n)
  return value
}

/** Big-endian two's complement of 1..8 octets; outside of ±2^53 rounded. */
function readSigned(view: DataView, at: number, length: number): number {
  let value = view.getInt8(at)
  for (let n = 1; n < length; n++) value = value * 256 + view.getUint8(at + n)
  return value
}

/** Low 64 bits of 1..8 octets into two words, low one first; as unsigned. */
function copyWords(view: DataView, at: number, length: number, words: Uint32Array, row: number): void {
  const low = Math.min(4, length)
  words[2 * row] = readUnsigned(view, at + length - low, low)
  words[2 * row + 1] = length > 4 ? readUnsigned(view, at, length - 4) : 0
}

/** IPv4 as IPv4-mapped (RFC 4291 §2.5.5.2). */
function putIPv4(to: DataView, row: number, address: number): void {
  const at = 16 * row
  to.setInt32(at, 0)
  to.setInt32(at + 4, 0)
  to.setInt32(at + 8, MAPPED_PREFIX)
  to.setInt32(at + 12, address)
}

function putIPv6(view: DataView, from: number, to: DataView, row: number): void {
  const at = 16 * row
  to.setInt32(at, view.getInt32(from))
  to.setInt32(at + 4, view.getInt32(from + 4))
  to.setInt32(at + 8, view.getInt32(from + 8))
  to.setInt32(at + 12, view.getInt32(from + 12))
}

/** Octets behind those of the row before; the heap grows as it must. */
function appendOctets(view: DataView, from: number, length: number, column: Column, row: number): void {
  const begin = row === 0 ? 0 : column.ends[row - 1]
  const end = begin + length
  if (end > column.octets.length) grow(column, end)
  const { octets } = column
  const source = view.byteOffset + from
  if (length > 32) octets.set(new Uint8Array(view.buffer, source, length), begin)
  else for (let n = 0; n < length; n++) octets[begin + n] = view.getUint8(from + n)
  column.ends[row] = end
}

function grow(column: Column, octets: number): void {
  const larger = new Uint8Array(Math.max(octets, 2 * column.octets.length))
  larger.set(column.octets)
  column.octets = larger
  column.octetsView = new DataView(larger.buffer)
}

/** One packet of how many; 0 if that is not known. */
function rateOf(interval: number, space: number): number {
  return interval === 0 ? 0 : (interval + space) / interval
}

/** What column readers, compiled or interpreted, are made of: the closed list of what generated code may call. */
export const columnKernel = {
  appendOctets,
  copyWords,
  putIPv4,
  putIPv6,
  rateOf,
  readSigned,
  readUnsigned
} as const
