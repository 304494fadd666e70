import { zstdDecompressSync } from 'node:zlib'
import { parquetHeader, readColumn } from 'hyparquet/src/column.js'
import { damaged, ParquetFault } from './parquet-fault.ts'
import type { PageHeader, ParquetParsers, SchemaTree } from 'hyparquet/src/types.js'

/** The library begins a page when the one before has 1 MiB, lengths of values not counted. */
const MAX_PAGE_OCTETS = 4 * 1024 * 1024
/** A page header has no more. */
const HEADER_OCTETS = 1024

/** The values of one column of a row group. */
export interface StoredValues {
  readonly rows: number
  /** As the library gives them: numbers, bigints, booleans, octets; undefined or null where there is none. */
  readonly values: ArrayLike<unknown>
  /** 1 where a row has a value. */
  readonly present: Uint8Array
  /** All rows have one, none has, or some. */
  readonly presence: 'all' | 'none' | 'some'
}

/** Values as they are stored: the library would make dates, and text of what may be none. */
const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: value => value,
  timestampFromMicroseconds: value => value,
  timestampFromNanoseconds: value => value,
  stringFromBytes: octets => octets
}

/**
 * Read a column chunk. The library believes what is in it, so its pages are looked at first.
 *
 * @param octets - the chunk, and nothing else in their buffer.
 * @param rows - of the row group; the chunk has a value or none for each.
 * @param onPage - told of the octets of a page, decompressed, before it is; may throw.
 * @throws ParquetFault if it is none that convert writes.
 */
export function readChunk(
  octets: Uint8Array<ArrayBuffer>,
  column: SchemaTree,
  rows: number,
  onPage: (octets: number) => void
): StoredValues {
  const { element, path } = column
  const view = new DataView(octets.buffer)
  checkPages(octets, view, rows, onPage)
  const decoder = {
    pathInSchema: path,
    type: element.type!,
    element,
    schemaPath: [root, column],
    codec: 'ZSTD' as const,
    compressors: { ZSTD: decompressed },
    utf8: false,
    parsers: parsers as ParquetParsers
  }
  const select = { groupStart: 0, selectStart: 0, selectEnd: rows, groupRows: rows }
  const { data } = damaged('a page', () => readColumn({ view, offset: 0 }, select, decoder))
  const [values] = data
  if (data.length !== 1 || values.length !== rows) throw new ParquetFault('a column has not as many values as rows')
  return storedValues(values)
}

/** What the library wants to know of the schema above a column: that there is one. */
const root: SchemaTree = { children: [], count: 0, element: { name: 'flows' }, path: [] }

function checkPages(
  octets: Uint8Array,
  view: DataView<ArrayBuffer>,
  rows: number,
  onPage: (octets: number) => void
): void {
  let at = 0
  let seen = 0
  while (seen < rows) {
    const room = Math.min(HEADER_OCTETS, octets.length - at)
    const reader = { view: new DataView(view.buffer, at, room), offset: 0 }
    const header = damaged('a page header', () => parquetHeader(reader))
    at += reader.offset
    seen += checkPage(header, octets, at, rows - seen)
    onPage(header.uncompressed_page_size)
    at += header.compressed_page_size
  }
  if (at !== octets.length) throw new ParquetFault('a column has more pages than rows')
}

/** @returns rows of the page. */
function checkPage(header: PageHeader, octets: Uint8Array, at: number, mostRows: number): number {
  const { type, data_page_header_v2: page, compressed_page_size: size, uncompressed_page_size: plainSize } = header
  if (type !== 'DATA_PAGE_V2' || page?.encoding !== 'PLAIN' || page.is_compressed !== true)
    throw new ParquetFault('a page has an encoding that convert does not write')
  const { num_values: rows, num_nulls: nulls, definition_levels_byte_length: levels } = page
  const isSound =
    isWithin(size, 0, octets.length - at) &&
    isWithin(rows, 1, mostRows) &&
    isWithin(nulls, 0, rows) &&
    page.num_rows === rows &&
    page.repetition_levels_byte_length === 0 &&
    isWithin(levels, 1, size) &&
    isWithin(plainSize, levels, MAX_PAGE_OCTETS)
  if (!isSound) throw new ParquetFault('a page does not fit its column chunk')
  checkLevels(octets, at, at + levels, rows)
  return rows
}

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most

/** Definition levels of bit width 1 are for as many rows as the page has: the library makes as many as they say. */
function checkLevels(octets: Uint8Array, begin: number, end: number, rows: number): void {
  let at = begin
  let seen = 0
  while (seen < rows) {
    let header = 0
    for (let shift = 0, octet = 128; octet >= 128; shift += 7) {
      if (at >= end || shift > 21) throw new ParquetFault('a page has no levels')
      octet = octets[at++]
      header |= (octet & 127) << shift
    }
    const count = header >>> 1
    const isPacked = (header & 1) === 1
    at += isPacked ? count : 1
    seen += isPacked ? 8 * count : count
    if (count === 0 || at > end || seen > rows + (isPacked ? 7 : 0)) throw new ParquetFault('a page has no levels')
  }
}

/** In a buffer of their own, as the library may look at all that is in it. */
function decompressed(octets: Uint8Array, plainOctets: number): Uint8Array {
  return new Uint8Array(zstdDecompressSync(octets, { maxOutputLength: Math.max(1, plainOctets) }))
}

function storedValues(values: ArrayLike<unknown>): StoredValues {
  const rows = values.length
  const present = new Uint8Array(rows)
  let count = 0
  for (let row = 0; row < rows; row++) {
    const value = values[row]
    if (value === undefined || value === null) continue
    present[row] = 1
    count++
  }
  return { rows, values, present, presence: count === rows ? 'all' : count === 0 ? 'none' : 'some' }
}
