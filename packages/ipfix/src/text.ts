import { isLegalLength, isListType, isSigned, isUnsigned } from './data-type.ts'
import type { DataType } from './data-type.ts'
import { hexText, ipv4Text, ipv6Text, macText } from './value-address.ts'
import { readSigned, readUnsigned } from './value-number.ts'
import { readString } from './value-string.ts'
import { isTimeType, readTimeText } from './value-time.ts'

/**
 * What is said of a value that its type gives no meaning: a boolean that is neither 1 nor 2, ill-formed UTF-8, a time
 * beyond the year 9999. Its octets follow as hex.
 */
export const INVALID_PREFIX = 'invalid 0x'

/**
 * Text of a value by RFC 7373, for people and for `textToOctets`.
 *
 * A value whose length its type does not allow, and a list (which has no text, RFC 7373 §4.11), is given as octetArray.
 * A value of no octets is the empty text. Strings are not escaped: see `escapeText`.
 *
 * @param octets - and `view`: the same memory, aliased for the call only.
 * @param length - octets of the value, without the prefix of a variable length.
 * @param nowMs - milliseconds since 1970; decides the era of times that wrap (RFC 7011 §5.2).
 */
export function valueToText(
  type: DataType,
  octets: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  nowMs: number
): string {
  if (length === 0) return ''
  if (!isLegalLength(type, length) || isListType(type) || type === 'octetArray') return hexText(view, offset, length)
  const text = legalText(type, octets, view, offset, length, nowMs)
  return text ?? `${INVALID_PREFIX}${hexText(view, offset, length)}`
}

function legalText(
  type: DataType,
  octets: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  nowMs: number
): string | undefined {
  if (isUnsigned(type)) return String(readUnsigned(view, offset, length))
  if (isSigned(type)) return String(readSigned(view, offset, length))
  if (isTimeType(type)) return readTimeText(type, view, offset, nowMs)
  switch (type) {
    case 'float32':
    case 'float64':
      return floatText(readFloat(view, offset, length))
    case 'boolean':
      return booleanText(view.getUint8(offset))
    case 'macAddress':
      return macText(view, offset)
    case 'ipv4Address':
      return ipv4Text(view, offset)
    case 'ipv6Address':
      return ipv6Text(view, offset)
    default:
      return readString(octets, offset, length)
  }
}

/** An IEEE 754 number of four octets (also a float64 of reduced size, RFC 7011 §6.2) or of eight. */
export function readFloat(view: DataView, offset: number, length: number): number {
  return length === 4 ? view.getFloat32(offset) : view.getFloat64(offset)
}

/** `NaN`, `+inf`, `-inf`, or a decimal number that reads back as the same float64 (RFC 7373 §4.4). */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return '+inf'
  if (value === -Infinity) return '-inf'
  return Object.is(value, -0) ? '-0' : String(value)
}

/** RFC 7011 §6.1.5: 1 is true, 2 is false, all else is undefined. */
function booleanText(octet: number): string | undefined {
  if (octet === 1) return 'true'
  return octet === 2 ? 'false' : undefined
}
