import type { ThriftFields } from './thrift-reader.ts'
import type { ThriftStruct } from './thrift-writer.ts'
import type { ValueType } from '../record-table/table-column.ts'

/** Numbers of parquet.thrift. */
const physical = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, octets: 6, fixed: 7 } as const
export const encodings = { plain: 0, rle: 3 } as const
export const codecs = { none: 0, zstd: 6 } as const
const optional = 1
const converted = {
  utf8: 0,
  milliseconds: 9,
  microseconds: 10,
  uint8: 11,
  uint16: 12,
  uint32: 13,
  uint64: 14,
  int8: 15,
  int16: 16,
  int32: 17,
  int64: 18
} as const

/** How addresses stand in a table: octets in network order, or text. */
export type AddressForm = 'binary' | 'text'

/** How a column stands in a Parquet file. */
export interface ParquetType {
  readonly physical: number
  /** Octets of `fixed`. */
  readonly length?: number
  readonly converted?: number
  /** Nanoseconds have no converted type. */
  readonly isNanoseconds?: boolean
}

/** The Parquet type of a column: by the type of its values and nothing else. */
export function parquetType(type: ValueType, addresses: AddressForm): ParquetType {
  const text: ParquetType = { physical: physical.octets, converted: converted.utf8 }
  switch (type) {
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'int8':
    case 'int16':
    case 'int32':
      return { physical: physical.int32, converted: converted[type] }
    case 'uint64':
    case 'int64':
      return { physical: physical.int64, converted: converted[type] }
    case 'float32':
      return { physical: physical.float }
    case 'float64':
      return { physical: physical.double }
    case 'boolean':
      return { physical: physical.boolean }
    case 'string':
      return text
    case 'octets':
      return { physical: physical.octets }
    case 'address':
      return addresses === 'text' ? text : { physical: physical.octets }
    case 'mac':
      return addresses === 'text' ? text : { physical: physical.fixed, length: 6 }
    case 'ipv4':
      return addresses === 'text' ? text : { physical: physical.fixed, length: 4 }
    case 'ipv6':
      return addresses === 'text' ? text : { physical: physical.fixed, length: 16 }
    case 'seconds':
    case 'milliseconds':
      return { physical: physical.int64, converted: converted.milliseconds }
    case 'microseconds':
      return { physical: physical.int64, converted: converted.microseconds }
    case 'nanoseconds':
      return { physical: physical.int64, isNanoseconds: true }
  }
}

/** The SchemaElement of a column: optional always, so that tables of different inputs can be read together. */
export function schemaElement(name: string, type: ParquetType): ThriftStruct {
  const nanoseconds: ThriftStruct = {
    8: { struct: { 1: { flag: false }, 2: { struct: { 3: { struct: {} } } } } }
  }
  return {
    1: { i32: type.physical },
    2: type.length === undefined ? undefined : { i32: type.length },
    3: { i32: optional },
    4: { text: name },
    6: type.converted === undefined ? undefined : { i32: type.converted },
    10: type.isNanoseconds === true ? { struct: nanoseconds } : undefined
  }
}

/** Whether a SchemaElement that was read is that of this type. */
export function sameType(type: ParquetType, element: ThriftFields): boolean {
  return (
    element.get(1) === type.physical &&
    element.get(2) === type.length &&
    element.get(3) === optional &&
    element.get(6) === type.converted &&
    element.has(10) === (type.isNanoseconds === true)
  )
}
