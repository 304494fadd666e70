import { zstdDecompressSync } from 'node:zlib'
import { ParquetFault } from './parquet-fault.ts'
import { numberOf, structOf } from './parquet-footer.ts'
import { ThriftReader } from './thrift-reader.ts'

/** A page of 65,536 values of the longest kind that convert writes has no more. */
const MAX_PAGE_OCTETS = 256 * 1024 * 1024
/** A page header has no more. */
const HEADER_OCTETS = 1024

/** The values of one page of a column. */
export interface Page {
  readonly rows: number
  /** 1 where a row has a value. */
  readonly present: Uint8Array
  /** All rows have one, none has, or some. */
  readonly presence: 'all' | 'none' | 'some'
  readonly octets: Uint8Array
  readonly view: DataView
  /** Where the values begin in `octets`. */
  readonly valuesAt: number
}

/**
 * Read the page that begins at `at` of a column chunk.
 *
 * @returns the page, and where the next one begins.
 * @throws ParquetFault if it is none that convert writes.
 */
export function readPage(chunk: Uint8Array, at: number): { page: Page; next: number } {
  const header = new ThriftReader(chunk.subarray(at, at + HEADER_OCTETS))
  const fields = header.struct()
  const bodyAt = at + header.at
  const plainOctets = numberOf(fields.get(2))
  const next = bodyAt + numberOf(fields.get(3))
  const data = structOf(fields.get(5))
  const rows = numberOf(data.get(1))
  if (fields.get(1) !== 0 || data.get(2) !== 0)
    throw new ParquetFault('a page has an encoding that convert does not write')
  if (next > chunk.length || rows === 0 || rows > MAX_ROWS)
    throw new ParquetFault('a page does not fit its column chunk')
  if (plainOctets > MAX_PAGE_OCTETS) throw new ParquetFault('a page is too large')
  const octets = decompressed(chunk.subarray(bodyAt, next), plainOctets)
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  if (octets.length < 4) throw new ParquetFault('a page is cut')
  const valuesAt = 4 + view.getUint32(0, true)
  if (valuesAt > octets.length) throw new ParquetFault('a page is cut')
  return { page: { rows, ...levelsOf(octets, 4, valuesAt, rows), octets, view, valuesAt }, next }
}

const MAX_ROWS = 65_536

function decompressed(octets: Uint8Array, plainOctets: number): Uint8Array {
  try {
    const plain = zstdDecompressSync(octets, { maxOutputLength: Math.max(1, plainOctets) })
    if (plain.length === plainOctets) return plain
  } catch {
    // Said below.
  }
  throw new ParquetFault('a page cannot be decompressed by zstd')
}

/** Definition levels of bit width 1: runs and bit-packed groups. */
function levelsOf(octets: Uint8Array, begin: number, end: number, rows: number): Pick<Page, 'present' | 'presence'> {
  const present = new Uint8Array(rows)
  let at = begin
  let row = 0
  let values = 0
  while (row < rows) {
    let header = 0
    let factor = 1
    let octet = 128
    for (let n = 0; octet >= 128; n++) {
      if (at >= end || n > 4) throw new ParquetFault('a page has no levels')
      octet = octets[at++]
      header += (octet & 127) * factor
      factor *= 128
    }
    const count = Math.floor(header / 2)
    if (header % 2 === 0) {
      if (at >= end || count === 0) throw new ParquetFault('a page has no levels')
      const level = octets[at++] & 1
      const last = Math.min(rows, row + count)
      if (level === 1) present.fill(1, row, last)
      values += level * (last - row)
      row = last
      continue
    }
    if (count === 0 || count > end - at) throw new ParquetFault('a page has no levels')
    for (let n = 0; n < count * 8 && row < rows; n++, row++) {
      const level = (octets[at + (n >> 3)] >> (n & 7)) & 1
      present[row] = level
      values += level
    }
    at += count
  }
  return { present, presence: values === rows ? 'all' : values === 0 ? 'none' : 'some' }
}
