import { isZero } from './octet-scan.ts'
import type { TemplateEntry } from './template-table.ts'

/** Most octets that exporters fill a Set up with (RFC 7011 §3.3.1: to 4 or 8); more behind a mere hint is doubtful. */
const MOST_PADDING_OCTETS = 7

/**
 * Whether what is left behind the last whole record of a Data Set tells that its template may not be its template: there is
 * no record at all, or the rest is not padding. RFC 7011 §3.3.1 allows padding of any length below a record; so a rest of
 * zeros is believed, and any rest once the exporter has announced the same template again.
 *
 * @param rest - where the records end, before `end`.
 */
export function isMisfit(
  entry: TemplateEntry,
  octets: Uint8Array,
  rest: number,
  end: number,
  records: number
): boolean {
  if (rest >= end || entry.isBelieved) return false
  if (records === 0) return true
  if (entry.isHint && end - rest > MOST_PADDING_OCTETS) return true
  return !isZero(octets, rest, end)
}
