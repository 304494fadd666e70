import { parquetMetadata } from 'hyparquet'
import { isSameElement, schemaElement } from './parquet-types.ts'
import { damaged, ParquetFault } from './parquet-fault.ts'
import { COLUMNS_KEY } from './columns-key.ts'
import type { ColumnChunk, FileMetaData, RowGroup } from 'hyparquet'
import type { ElementId } from '../columns/column-batch.ts'
import type { ValueType } from '../record-table/table-column.ts'
import type { AddressForm } from './parquet-types.ts'

const MAX_COLUMNS = 4096
/** Of one number ten, of a name hardly more. */
const MAX_HIGH_OCTETS = 64
const MAX_GROUP_ROWS = 65_536
/** A batch has no more. */
const MAX_GROUP_VALUES = 4 * 1024 * 1024

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

export interface StoredGroup {
  readonly rows: number
  readonly chunks: readonly StoredChunk[]
}

/** What is in a Parquet file that convert wrote. */
export interface ParquetFooter {
  readonly metadata: FileMetaData
  readonly addresses: AddressForm
  readonly columns: readonly StoredColumn[]
  readonly groups: readonly StoredGroup[]
}

/**
 * Read the metadata at the end of a file.
 *
 * @param octets - the metadata, their length, and the magic number.
 * @param fileOctets - of the whole file; no chunk is beyond.
 * @throws ParquetFault if it is none that convert wrote.
 */
export function readFooter(octets: Uint8Array, fileOctets: number): ParquetFooter {
  checkNumbers(octets)
  const metadata = damaged('its metadata', () => parquetMetadata(octets, { geoparquet: false }))
  const { addresses, columns } = describedColumns(metadata)
  const leaves = metadata.schema.slice(1)
  if (leaves.length !== columns.length) throw new ParquetFault('its columns are not those that its metadata names')
  for (const [index, { name, type }] of columns.entries()) {
    if (!isSameElement(leaves[index], schemaElement(name, type, addresses))) {
      throw new ParquetFault(
        `column ${JSON.stringify(name.slice(0, 64))} has another type than it says; query it instead`
      )
    }
  }
  // A root of another number of children would be another tree of the same elements.
  if (metadata.schema[0]?.num_children !== columns.length) throw new ParquetFault('its schema is damaged')
  const groups = metadata.row_groups.map(group => groupOf(group, columns.length, fileOctets))
  return { metadata, addresses, columns, groups }
}

/** The library reads a number as long as its octets go on, in time that grows by the square of them. */
function checkNumbers(octets: Uint8Array): void {
  let high = 0
  for (let at = 0; at < octets.length; at++) {
    high = octets[at] < 128 ? 0 : high + 1
    if (high > MAX_HIGH_OCTETS) throw new ParquetFault('its metadata has a number that is too large')
  }
}

function groupOf(group: RowGroup, columns: number, fileOctets: number): StoredGroup {
  const rows = countOf(group.num_rows)
  if (rows > MAX_GROUP_ROWS || rows * columns > MAX_GROUP_VALUES)
    throw new ParquetFault('a row group has more rows than convert writes')
  if (group.columns.length !== columns) throw new ParquetFault('a row group has another number of columns')
  return { rows, chunks: group.columns.map(chunk => chunkOf(chunk, fileOctets)) }
}

function chunkOf({ meta_data: metadata }: ColumnChunk, fileOctets: number): StoredChunk {
  if (metadata?.codec !== 'ZSTD') throw new ParquetFault('a column has a compression that convert does not write')
  const offset = countOf(metadata.data_page_offset)
  const octets = countOf(metadata.total_compressed_size)
  if (offset + octets > fileOctets) throw new ParquetFault('a column chunk is beyond its end; it was cut')
  return { offset, octets }
}

/** A count or a place: what the file says may be of any type. */
function countOf(value: unknown): number {
  const count = typeof value === 'bigint' ? Number(value) : value
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
    throw new ParquetFault('its metadata has no number where one is due')
  return count
}

/** What convert says of its columns in the file's metadata. */
function describedColumns(metadata: FileMetaData): { addresses: AddressForm; columns: StoredColumn[] } {
  const entry = metadata.key_value_metadata?.find(({ key }) => key === COLUMNS_KEY)
  if (entry === undefined)
    throw new ParquetFault(`its metadata has no ${COLUMNS_KEY}; only the job type query reads others`)
  const described = parsed(entry.value ?? '') as { version?: unknown; addresses?: unknown; columns?: unknown } | null
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
