import type { Layout } from '@weir/ipfix'

/** What {@link measureRecords} found. One object, reused. */
export interface RecordExtent {
  records: number
  /** Octets of the whole records; the rest of the Set is padding. */
  lengthOctets: number
}

/**
 * Find the records in the body of a Data Set whose template came later.
 *
 * The rest behind the last record is padding if it is shorter than the shortest record (RFC 7011 §3.3.1).
 *
 * @param extent - written, even if it returns false.
 * @returns false if a variable-length value runs past the Set: the Set is malformed (RFC 7011 §7).
 */
export function measureRecords(
  layout: Layout,
  octets: Uint8Array,
  offset: number,
  lengthOctets: number,
  extent: RecordExtent
): boolean {
  if (layout.recordLength > 0) {
    extent.records = Math.trunc(lengthOctets / layout.recordLength)
    extent.lengthOctets = extent.records * layout.recordLength
    return true
  }
  const end = offset + lengthOctets
  extent.records = 0
  extent.lengthOctets = 0
  for (let at = offset; end - at >= layout.minRecordLength;) {
    at = recordEndOf(layout, octets, at, end)
    if (at === -1) return false
    extent.records++
    extent.lengthOctets = at - offset
  }
  return true
}

/** @returns -1 if the record runs past `end`. */
function recordEndOf(layout: Layout, octets: Uint8Array, offset: number, end: number): number {
  const runs = layout.fixedRuns
  let at = offset
  for (let index = 0; index < runs.length - 1; index++) {
    at += runs[index]
    if (at >= end) return -1
    const short = octets[at++]
    if (short < 255) {
      at += short
    } else {
      if (at + 2 > end) return -1
      at += 2 + ((octets[at] << 8) | octets[at + 1])
    }
  }
  at += runs[runs.length - 1]
  return at > end ? -1 : at
}
