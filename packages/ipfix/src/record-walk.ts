import type { Layout } from './layout.ts'

/**
 * Walk the records of a Data Set whose Layout has variable-length fields: the runs of fixed octets, and the lengths
 * between them. Each turn takes at least the record's least length, so the walk is linear.
 *
 * @param end - end of the Set.
 * @param out - `out[0]` becomes the count of whole records.
 * @returns where padding begins, or -1 if a value runs past the Set (RFC 7011 §9.1: the Message is malformed).
 * @see RFC 7011 §7: one octet of length, or 255 and two; §3.3.1: a rest shorter than any record is padding
 */
export function walkVariableRecords(
  octets: Uint8Array,
  offset: number,
  end: number,
  layout: Layout,
  out: Int32Array
): number {
  const { fixedRuns, minRecordLength } = layout
  const last = fixedRuns.length - 1
  const lastRun = fixedRuns[last]
  let records = 0
  let at = offset
  while (end - at >= minRecordLength) {
    for (let run = 0; run < last; run++) {
      at += fixedRuns[run]
      if (at >= end) return -1
      const length = octets[at++]
      if (length < 255) at += length
      else {
        if (end - at < 2) return -1
        at += 2 + ((octets[at] << 8) | octets[at + 1])
      }
    }
    at += lastRun
    if (at > end) return -1
    records++
  }
  out[0] = records
  return at
}
