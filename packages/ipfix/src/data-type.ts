import { VARIABLE_LENGTH } from './layout.ts'

/**
 * The abstract data types by their number in the IANA "IPFIX Information Element Data Types" registry
 * (RFC 5610 §3.1 numbers 0..22; 23 is RFC 9740's).
 */
export const dataTypes = [
  'octetArray',
  'unsigned8',
  'unsigned16',
  'unsigned32',
  'unsigned64',
  'signed8',
  'signed16',
  'signed32',
  'signed64',
  'float32',
  'float64',
  'boolean',
  'macAddress',
  'string',
  'dateTimeSeconds',
  'dateTimeMilliseconds',
  'dateTimeMicroseconds',
  'dateTimeNanoseconds',
  'ipv4Address',
  'ipv6Address',
  'basicList',
  'subTemplateList',
  'subTemplateMultiList',
  'unsigned256'
] as const

/** Abstract data type of an Information Element, by its name in RFC 7012 §3.1 (`unsigned256`: RFC 9740). */
export type DataType = (typeof dataTypes)[number]

const naturalLengths: Readonly<Record<DataType, number>> = {
  octetArray: VARIABLE_LENGTH,
  unsigned8: 1,
  unsigned16: 2,
  unsigned32: 4,
  unsigned64: 8,
  signed8: 1,
  signed16: 2,
  signed32: 4,
  signed64: 8,
  float32: 4,
  float64: 8,
  boolean: 1,
  macAddress: 6,
  string: VARIABLE_LENGTH,
  dateTimeSeconds: 4,
  dateTimeMilliseconds: 8,
  dateTimeMicroseconds: 8,
  dateTimeNanoseconds: 8,
  ipv4Address: 4,
  ipv6Address: 16,
  basicList: VARIABLE_LENGTH,
  subTemplateList: VARIABLE_LENGTH,
  subTemplateMultiList: VARIABLE_LENGTH,
  unsigned256: 32
}

/** True for a name of {@link dataTypes}. */
export function isDataType(name: string): name is DataType {
  return Object.hasOwn(naturalLengths, name)
}

/** Octets of a value at its full size, or {@link VARIABLE_LENGTH} for octetArray, string and the lists (RFC 7011 §6.1). */
export function naturalLength(type: DataType): number {
  return naturalLengths[type]
}

/** True for unsigned8..64, unsigned256 and signed8..64: the types that reduced-size encoding may shorten to any size. */
export function isInteger(type: DataType): boolean {
  return isUnsigned(type) || isSigned(type)
}

/** True for unsigned8..64 and unsigned256. */
export function isUnsigned(type: DataType): boolean {
  return type.startsWith('unsigned')
}

/** True for signed8..64. */
export function isSigned(type: DataType): boolean {
  return type.startsWith('signed')
}

/** True for basicList, subTemplateList and subTemplateMultiList (RFC 6313). */
export function isListType(type: DataType): boolean {
  return type === 'basicList' || type === 'subTemplateList' || type === 'subTemplateMultiList'
}

/**
 * Whether a template may give a field of this type this length (RFC 7011 §6.1, §6.2).
 *
 * Integers take 1 to their natural length, float64 takes 8 or 4, octetArray, string and the lists take any length and
 * {@link VARIABLE_LENGTH}; every other type takes its natural length alone. Zero is legal for all: the RFC does not
 * forbid a field without octets, only a record without octets is refused. Such a field has no value.
 *
 * @param length - 0..65535 as in the Field Specifier.
 */
export function isLegalLength(type: DataType, length: number): boolean {
  if (length === 0) return true
  const natural = naturalLengths[type]
  if (natural === VARIABLE_LENGTH || length === natural) return true
  if (length > natural) return false
  return isInteger(type) || (type === 'float64' && length === 4)
}
