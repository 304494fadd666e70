import { VARIABLE_LENGTH } from '@weir/ipfix'
import type { Layout } from '@weir/ipfix'

/**
 * Where a field that begins at `offset` ends (RFC 7011 §7).
 *
 * @param length - as the Template says.
 * @returns the end, beyond `end` if the field does not fit.
 */
export function fieldEnd(length: number, octets: Uint8Array, offset: number, end: number): number {
  if (length !== VARIABLE_LENGTH) return offset + length
  if (offset >= end) return end + 1
  const short = octets[offset]!
  if (short < 255) return offset + 1 + short
  return offset + 3 > end ? end + 1 : offset + 3 + ((octets[offset + 1]! << 8) | octets[offset + 2]!)
}

/** Where the record that begins at `offset` ends; `end` if it does not end before. For the rare record that is skipped. */
export function recordEnd(layout: Layout, octets: Uint8Array, offset: number, end: number): number {
  if (layout.recordLength >= 0) return Math.min(end, offset + layout.recordLength)
  let at = offset
  for (const { length } of layout.fields) {
    at = fieldEnd(length, octets, at, end)
    if (at >= end) return end
  }
  return at
}
