import { isInteger, isLegalLength, isListType, isSigned } from './data-type.ts'
import type { DataType } from './data-type.ts'
import { floatText, readFloat, valueToText } from './text.ts'
import { hexText } from './value-address.ts'
import { readSigned, readUnsigned } from './value-number.ts'
import { readString } from './value-string.ts'
import { isTimeType, readTimeText } from './value-time.ts'

/** A value that `JSON.stringify` writes as it is. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }

/** How JSON values are made. */
export interface JsonOptions {
  /** Milliseconds since 1970; decides the era of times that wrap (RFC 7011 §5.2). */
  readonly nowMs: number
  /**
   * Integers beyond 2^53-1: as text (`string`, exact) or as the nearest JSON number (`number`, for readers that have
   * only that). Smaller ones are numbers in both.
   */
  readonly numbers64?: 'string' | 'number'
}

/** What a value without meaning becomes: its octets as hex, marked, so that nothing takes it for the value. */
export function invalidJson(view: DataView, offset: number, length: number): JsonValue {
  return { invalid: hexText(view, offset, length) }
}

/**
 * JSON value of a value of any type but the lists (RFC 7373 with JSON as the enclosing context).
 *
 * Integers and finite floats are numbers, `NaN`, `+inf` and `-inf` strings; booleans are booleans; times are ISO 8601
 * with `Z`; octetArray, lists, and values whose length their type does not allow, are hex. A value of no octets is null
 * (a string: empty). What has no meaning is `{ "invalid": "<hex>" }`: a boolean that is neither 1 nor 2, ill-formed
 * UTF-8, a time beyond the year 9999.
 *
 * @param octets - and `view`: the same memory, aliased for the call only.
 */
export function valueToJson(
  type: DataType,
  octets: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  options: JsonOptions
): JsonValue {
  if (length === 0) return type === 'string' || type === 'octetArray' ? '' : null
  if (!isLegalLength(type, length) || isListType(type)) return hexText(view, offset, length)
  if (isInteger(type)) {
    return integerJson(isSigned(type) ? readSigned(view, offset, length) : readUnsigned(view, offset, length), options)
  }
  if (isTimeType(type)) {
    const text = readTimeText(type, view, offset, options.nowMs)
    return text === undefined ? invalidJson(view, offset, length) : `${text}Z`
  }
  switch (type) {
    case 'float32':
    case 'float64': {
      const value = readFloat(view, offset, length)
      return Number.isFinite(value) ? value : floatText(value)
    }
    case 'boolean': {
      const octet = view.getUint8(offset)
      return octet === 1 || octet === 2 ? octet === 1 : invalidJson(view, offset, length)
    }
    case 'string':
      return readString(octets, offset, length) ?? invalidJson(view, offset, length)
    default:
      return valueToText(type, octets, view, offset, length, options.nowMs)
  }
}

/** An integer as a JSON number if that is exact, else as the options want it. */
export function integerJson(value: number | bigint, options: JsonOptions): JsonValue {
  if (typeof value === 'number') return value
  return options.numbers64 === 'number' ? Number(value) : String(value)
}
