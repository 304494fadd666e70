import { isLegalLength, isSigned, isUnsigned, naturalLength } from './data-type.ts'
import type { DataType } from './data-type.ts'
import { VARIABLE_LENGTH } from './layout.ts'
import { parseIpv4, parseIpv6, parseMac } from './value-address.ts'
import { writeInteger } from './value-number.ts'
import { fractionDigits, isTimeType, writeTime } from './value-time.ts'
import type { TimeType } from './value-time.ts'

/**
 * Octets of a value written as text, by RFC 7373: the inverse of `valueToText`.
 *
 * Integers are decimal, or unsigned `0x` or `0b`; what is out of range is clipped to the range of the element, if one is
 * given, and to that of the type and length (RFC 7373 §4.2, §4.3). Finite numbers out of a float's range are clamped.
 *
 * @param length - octets wanted, legal for the type; else its natural length, or what the text needs.
 * @param range - of the Information Element, both ends legal.
 * @returns undefined if the text is not of this type's form, or the type has none (lists, RFC 7373 §4.11), or it does
 * not fit `length`.
 */
export function textToOctets(
  type: DataType,
  text: string,
  length?: number,
  range?: readonly [number, number]
): Uint8Array | undefined {
  if (length !== undefined && length !== VARIABLE_LENGTH && !isLegalLength(type, length)) return undefined
  const wanted = length === VARIABLE_LENGTH ? undefined : length
  if (isUnsigned(type) || isSigned(type)) return integerOctets(type, text, wanted ?? naturalLength(type), range)
  if (isTimeType(type)) return timeOctets(type, text)
  switch (type) {
    case 'float32':
    case 'float64':
      return floatOctets(text, wanted ?? naturalLength(type))
    case 'boolean':
      return booleanOctets(text)
    case 'macAddress':
      return fromNumbers(parseMac(text))
    case 'ipv4Address':
      return fromNumbers(parseIpv4(text))
    case 'ipv6Address':
      return fromNumbers(parseIpv6(text))
    case 'string':
      return filled(new TextEncoder().encode(text), wanted)
    case 'octetArray':
      return exact(parseHex(text), wanted)
    default:
      return undefined
  }
}

function integerOctets(
  type: DataType,
  text: string,
  length: number,
  range: readonly [number, number] | undefined
): Uint8Array | undefined {
  const form = isUnsigned(type) ? /^(?:\d+|0x[0-9A-Fa-f]+|0b[01]+)$/ : /^[+-]?\d+$/
  // A bound on the work: no integer of ours needs more digits, leading zeros included.
  if (length === 0 || text.length > 512 || !form.test(text)) return undefined
  const isNegative = text.startsWith('-')
  const magnitude = BigInt(text.replace(/^[+-]/, ''))
  const bits = BigInt(8 * length)
  const [least, greatest] = isUnsigned(type)
    ? [0n, (1n << bits) - 1n]
    : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n]
  let value = isNegative ? -magnitude : magnitude
  if (range !== undefined) value = clip(value, BigInt(range[0]), BigInt(range[1]))
  const octets = new Uint8Array(length)
  writeInteger(new DataView(octets.buffer), 0, length, clip(value, least, greatest))
  return octets
}

function clip(value: bigint, least: bigint, greatest: bigint): bigint {
  if (value < least) return least
  return value > greatest ? greatest : value
}

const MAX_FLOAT32 = 2 ** 128 - 2 ** 104

function floatOctets(text: string, length: number): Uint8Array | undefined {
  const value = parseFloatText(text, length === 4 ? MAX_FLOAT32 : Number.MAX_VALUE)
  if (length === 0 || value === undefined) return undefined
  const octets = new Uint8Array(length)
  const view = new DataView(octets.buffer)
  if (length === 4) view.setFloat32(0, value)
  else view.setFloat64(0, value)
  return octets
}

function parseFloatText(text: string, greatest: number): number | undefined {
  if (text === 'NaN') return NaN
  if (text === '+inf') return Infinity
  if (text === '-inf') return -Infinity
  if (text.length > 2048 || !/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/.test(text)) return undefined
  return Math.min(Math.max(Number(text), -greatest), greatest)
}

function booleanOctets(text: string): Uint8Array | undefined {
  if (text === 'true') return Uint8Array.of(1)
  return text === 'false' ? Uint8Array.of(2) : undefined
}

function timeOctets(type: TimeType, text: string): Uint8Array | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(?:\.(\d+))?Z?$/.exec(text)
  if (match === null || (match[3] ?? '').length !== fractionDigits[type]) return undefined
  // RFC 7373 §4.8 allows a leap second; like every Unix time it counts as the next second.
  const second = Number(match[2])
  const ms = Date.parse(`${match[1]}00Z`)
  if (second > 60 || Number.isNaN(ms) || ms < 0) return undefined
  const octets = new Uint8Array(naturalLength(type))
  writeTime(type, new DataView(octets.buffer), 0, ms / 1000 + second, Number((match[3] ?? '').padEnd(9, '0')))
  return octets
}

function parseHex(text: string): Uint8Array | undefined {
  if (!/^(?:[0-9A-Fa-f]{2}(?:[ \t]?[0-9A-Fa-f]{2})*)?$/.test(text)) return undefined
  const pairs = text.replaceAll(/[ \t]/g, '')
  return Uint8Array.from({ length: pairs.length / 2 }, (_, index) =>
    Number.parseInt(pairs.slice(2 * index, 2 * index + 2), 16)
  )
}

function fromNumbers(numbers: readonly number[] | undefined): Uint8Array | undefined {
  return numbers === undefined ? undefined : Uint8Array.from(numbers)
}

function exact(octets: Uint8Array | undefined, length: number | undefined): Uint8Array | undefined {
  return octets === undefined || (length !== undefined && octets.length !== length) ? undefined : octets
}

/** A string of fixed length is filled with NUL octets (RFC 7011 §6.1.6). */
function filled(octets: Uint8Array, length: number | undefined): Uint8Array | undefined {
  if (length === undefined || length === octets.length) return octets
  if (length < octets.length) return undefined
  const whole = new Uint8Array(length)
  whole.set(octets)
  return whole
}
