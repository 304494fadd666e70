import type { SchemaElement } from 'hyparquet'
import type { ValueType } from '../record-table/table-column.ts'

/** How addresses stand in a table: octets in network order, or text. */
export type AddressForm = 'binary' | 'text'

type ParquetType = Pick<SchemaElement, 'type' | 'type_length' | 'converted_type' | 'logical_type'>

const text: ParquetType = { type: 'BYTE_ARRAY', converted_type: 'UTF8' }
const fixed = (length: number): ParquetType => ({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: length })

/** The Parquet type of a column: by the type of its values and nothing else. */
function parquetType(type: ValueType, addresses: AddressForm): ParquetType {
  switch (type) {
    case 'uint8':
      return { type: 'INT32', converted_type: 'UINT_8' }
    case 'uint16':
      return { type: 'INT32', converted_type: 'UINT_16' }
    case 'uint32':
      return { type: 'INT32', converted_type: 'UINT_32' }
    case 'int8':
      return { type: 'INT32', converted_type: 'INT_8' }
    case 'int16':
      return { type: 'INT32', converted_type: 'INT_16' }
    case 'int32':
      return { type: 'INT32', converted_type: 'INT_32' }
    case 'uint64':
      return { type: 'INT64', converted_type: 'UINT_64' }
    case 'int64':
      return { type: 'INT64', converted_type: 'INT_64' }
    case 'float32':
      return { type: 'FLOAT' }
    case 'float64':
      return { type: 'DOUBLE' }
    case 'boolean':
      return { type: 'BOOLEAN' }
    case 'string':
      return text
    case 'octets':
      return { type: 'BYTE_ARRAY' }
    case 'address':
      return addresses === 'text' ? text : { type: 'BYTE_ARRAY' }
    case 'mac':
      return addresses === 'text' ? text : fixed(6)
    case 'ipv4':
      return addresses === 'text' ? text : fixed(4)
    case 'ipv6':
      return addresses === 'text' ? text : fixed(16)
    case 'seconds':
    case 'milliseconds':
      return { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }
    case 'microseconds':
      return { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' }
    case 'nanoseconds':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'NANOS' } }
  }
}

/** The schema of a column: optional always, so that tables of different inputs can be read together. */
export function schemaElement(name: string, type: ValueType, addresses: AddressForm): SchemaElement {
  return { name, repetition_type: 'OPTIONAL', ...parquetType(type, addresses) }
}

/** Whether two columns have the same name and type. */
export function isSameElement(a: SchemaElement, b: SchemaElement): boolean {
  return (
    a.name === b.name &&
    a.type === b.type &&
    a.type_length === b.type_length &&
    a.num_children === b.num_children &&
    a.repetition_type === b.repetition_type &&
    a.converted_type === b.converted_type &&
    unitOf(a) === unitOf(b)
  )
}

const unitOf = ({ logical_type: logical }: SchemaElement): string | undefined =>
  logical?.type === 'TIMESTAMP' ? logical.unit : logical?.type
