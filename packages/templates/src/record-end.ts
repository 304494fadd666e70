import { VARIABLE_LENGTH, type FieldSpecifier } from '@weir/ipfix'

/**
 * End of the first `fieldCount` fields of a record.
 *
 * @param offset - where the record begins in `octets`.
 * @param limit - end of what may be read.
 * @returns offset behind these fields, or -1 if they run past `limit` (RFC 7011 §7 for variable lengths).
 */
export function recordEnd(
  fields: readonly FieldSpecifier[],
  fieldCount: number,
  octets: Uint8Array,
  offset: number,
  limit: number
): number {
  let at = offset
  for (let index = 0; index < fieldCount; index++) {
    const length = fields[index].length
    if (length !== VARIABLE_LENGTH) {
      at += length
    } else {
      if (at >= limit) return -1
      const short = octets[at++]
      if (short < 255) {
        at += short
      } else {
        if (at + 2 > limit) return -1
        at += 2 + ((octets[at] << 8) | octets[at + 1])
      }
    }
    if (at > limit) return -1
  }
  return at
}
