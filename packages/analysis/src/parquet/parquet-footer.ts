import { parquetType, sameType } from './parquet-types.ts'
import { ParquetFault } from './parquet-fault.ts'
import { ThriftReader } from './thrift-reader.ts'
import { COLUMNS_KEY } from './parquet-writer.ts'
import type { ThriftFields, ThriftRead } from './thrift-reader.ts'
import type { ElementId } from '../columns/column-batch.ts'
import type { ValueType } from '../record-table/table-column.ts'
import type { AddressForm } from './parquet-types.ts'

const MAX_COLUMNS = 4096

/** One column as the file's own metadata describes it. */
export interface StoredColumn {
  readonly name: string
  readonly type: ValueType
  readonly elements: readonly ElementId[]
}

/** Where the pages of one column of one row group stand. */
export interface StoredChunk {
  readonly offset: number
  readonly octets: number
}

/** What is in a Parquet file that convert wrote. */
export interface ParquetFooter {
  readonly addresses: AddressForm
  readonly columns: readonly StoredColumn[]
  readonly rows: number
  readonly groups: readonly { readonly rows: number; readonly chunks: readonly StoredChunk[] }[]
}

/**
 * Read the metadata at the end of a file.
 *
 * @param fileOctets - of the whole file; no chunk is beyond.
 * @throws ParquetFault if it is none that convert wrote.
 */
export function readFooter(metadata: Uint8Array, fileOctets: number): ParquetFooter {
  const fields = new ThriftReader(metadata).struct()
  const { addresses, columns } = describedColumns(fields)
  const leaves = listOf(fields.get(2)).slice(1).map(structOf)
  if (leaves.length !== columns.length) throw new ParquetFault('its columns are not those that its metadata names')
  for (const [index, { name, type }] of columns.entries()) {
    const leaf = leaves[index]
    if (textOf(leaf.get(4)) !== name || !sameType(parquetType(type, addresses), leaf)) {
      throw new ParquetFault(
        `column ${JSON.stringify(name.slice(0, 64))} has another type than it says; query it instead`
      )
    }
  }
  const groups = listOf(fields.get(4)).map(group => groupOf(structOf(group), columns.length, fileOctets))
  return { addresses, columns, rows: groups.reduce((sum, { rows }) => sum + rows, 0), groups }
}

function groupOf(fields: ThriftFields, columns: number, fileOctets: number): ParquetFooter['groups'][number] {
  const chunks = listOf(fields.get(1)).map(each => {
    const metadata = structOf(structOf(each).get(3))
    const offset = numberOf(metadata.get(9))
    const octets = numberOf(metadata.get(7))
    if (offset + octets > fileOctets) throw new ParquetFault('a column chunk is beyond its end; it was cut')
    return { offset, octets }
  })
  if (chunks.length !== columns) throw new ParquetFault('a row group has another number of columns')
  return { rows: numberOf(fields.get(3)), chunks }
}

/** What convert says of its columns in the file's metadata. */
function describedColumns(fields: ThriftFields): { addresses: AddressForm; columns: StoredColumn[] } {
  const entry = listOf(fields.get(5) ?? [])
    .map(structOf)
    .find(each => textOf(each.get(1)) === COLUMNS_KEY)
  if (entry === undefined)
    throw new ParquetFault(`its metadata has no ${COLUMNS_KEY}; only the job type query reads others`)
  const described = parsed(textOf(entry.get(2))) as { version?: unknown; addresses?: unknown; columns?: unknown } | null
  const { version, addresses, columns } = described ?? {}
  const areAddressesKnown = addresses === 'binary' || addresses === 'text'
  if (version !== 1 || !areAddressesKnown || !Array.isArray(columns) || columns.length > MAX_COLUMNS) {
    throw new ParquetFault(`${COLUMNS_KEY} is of another version`)
  }
  return { addresses, columns: columns.map(columnOf) }
}

function columnOf(value: unknown): StoredColumn {
  const { name, type, elements } = (value ?? {}) as { name?: unknown; type?: unknown; elements?: unknown }
  if (typeof name !== 'string' || typeof type !== 'string' || !Array.isArray(elements) || elements.length === 0) {
    throw new ParquetFault(`${COLUMNS_KEY} describes no column`)
  }
  if (!isValueType(type)) throw new ParquetFault(`${COLUMNS_KEY} names an unknown type`)
  return { name, type, elements: elements.map(elementOf) }
}

function elementOf(value: unknown): ElementId {
  const { pen, id } = (value ?? {}) as { pen?: unknown; id?: unknown }
  const isElement = isWithin(pen, 0xffff_ffff) && isWithin(id, 0x7fff)
  if (!isElement) throw new ParquetFault(`${COLUMNS_KEY} names no element`)
  return { pen, id } as ElementId
}

const isWithin = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most

const valueTypes: ReadonlySet<string> = new Set<ValueType>([
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'boolean',
  'string',
  'octets',
  'mac',
  'ipv4',
  'ipv6',
  'address',
  'seconds',
  'milliseconds',
  'microseconds',
  'nanoseconds'
])
const isValueType = (text: string): text is ValueType => valueTypes.has(text)

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const decoder = new TextDecoder()

function textOf(value: ThriftRead | undefined): string {
  if (!(value instanceof Uint8Array)) throw new ParquetFault('its metadata has no text where text is due')
  return decoder.decode(value)
}

/** A count or a place. */
export function numberOf(value: ThriftRead | undefined): number {
  if (typeof value !== 'number' || value < 0) throw new ParquetFault('its metadata has no number where one is due')
  return value
}

function listOf(value: ThriftRead | undefined): readonly ThriftRead[] {
  if (!Array.isArray(value)) throw new ParquetFault('its metadata has no list where one is due')
  return value as readonly ThriftRead[]
}

export function structOf(value: ThriftRead | undefined): ThriftFields {
  if (!(value instanceof Map)) throw new ParquetFault('its metadata has no struct where one is due')
  return value as ThriftFields
}
