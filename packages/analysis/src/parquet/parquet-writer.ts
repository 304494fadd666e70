import { constants, zstdCompressSync } from 'node:zlib'
import { definitionLevels, pageOutput, valuesWriter } from './page-values.ts'
import { codecs, encodings, parquetType, schemaElement } from './parquet-types.ts'
import { thriftOctets } from './thrift-writer.ts'
import { isPossibleMs } from '../record-table/time-of-words.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { Column, ColumnBatch } from '../columns/column-batch.ts'
import type { OutputFile } from '../output/output-file.ts'
import type { TableColumn } from '../record-table/table-column.ts'
import type { RowSink } from '../record-table/table-reader.ts'
import type { AddressForm, ParquetType } from './parquet-types.ts'
import type { ThriftStruct, ThriftValue } from './thrift-writer.ts'
import type { WriteValues } from './page-values.ts'

/** Rows of a row group, about: what DuckDB gives one thread. */
const GROUP_ROWS = 131_072
const MAGIC = Uint8Array.of(0x50, 0x41, 0x52, 0x31)
/** The key of the metadata that says which elements the columns are. */
export const COLUMNS_KEY = 'weir.columns'
const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** A column on its way into a row group. */
interface ChunkWriter {
  readonly column: TableColumn
  readonly type: ParquetType
  readonly write: WriteValues
  pages: Uint8Array[]
  values: number
  nulls: number
  compressedOctets: number
  plainOctets: number
}

export interface ParquetOptions {
  readonly addresses: AddressForm
}

/**
 * Rows as a Parquet file: one optional column for each of the table, PLAIN, zstd. Pages are made of batches as they stand in
 * memory, which is why this is not left to a library that takes values one by one.
 *
 * @see https://parquet.apache.org/docs/file-format/
 */
export class ParquetWriter implements RowSink {
  readonly #file: OutputFile
  readonly #addresses: AddressForm
  readonly #chunks: readonly ChunkWriter[]
  readonly #groups: ThriftValue[] = []
  readonly #page = pageOutput()
  #groupRows = 0
  #rows = 0

  constructor(columns: readonly TableColumn[], file: OutputFile, registry: ElementRegistry, options: ParquetOptions) {
    const { addresses } = options
    this.#file = file
    this.#addresses = addresses
    this.#chunks = columns.map(column => ({
      column,
      type: parquetType(column.type, addresses),
      write: valuesWriter(column.type, addresses, registry),
      ...emptyChunk()
    }))
    file.write(MAGIC)
  }

  rows(batch: ColumnBatch): void {
    for (const [index, chunk] of this.#chunks.entries()) this.#addPage(chunk, batch, index)
    this.#groupRows += batch.rows
    if (this.#groupRows >= GROUP_ROWS) this.#endGroup()
  }

  /** Write what ends the file. */
  end(): void {
    if (this.#groupRows > 0) this.#endGroup()
    const columns = this.#chunks.map(({ column: { name, type, elements } }) => ({ name, type, elements }))
    const metadata = thriftOctets({
      1: { i32: 2 },
      2: { list: this.#schema() },
      3: { i64: this.#rows },
      4: { list: this.#groups },
      5: {
        list: [keyValue(COLUMNS_KEY, JSON.stringify({ version: 1, addresses: this.#addresses, columns }))]
      },
      6: { text: 'weir' }
    })
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, metadata.length, true)
    this.#file.write(metadata)
    this.#file.write(length)
    this.#file.write(MAGIC)
  }

  #addPage(chunk: ChunkWriter, { columns, rows }: ColumnBatch, index: number): void {
    const column = chunk.column.type === 'milliseconds' ? withPossibleTimes(columns[index], rows) : columns[index]
    const levels = definitionLevels(column.present, rows)
    const end = levels.values === 0 ? 0 : chunk.write(column, rows, this.#page)
    const plain = Buffer.concat([levels.octets, this.#page.octets.subarray(0, end)])
    const body = zstdCompressSync(plain, zstdOptions)
    const header = thriftOctets({
      1: { i32: 0 },
      2: { i32: plain.length },
      3: { i32: body.length },
      5: {
        struct: {
          1: { i32: rows },
          2: { i32: encodings.plain },
          3: { i32: encodings.rle },
          4: { i32: encodings.rle }
        }
      }
    })
    chunk.pages.push(header, body)
    chunk.values += rows
    chunk.nulls += rows - levels.values
    chunk.compressedOctets += header.length + body.length
    chunk.plainOctets += header.length + plain.length
  }

  #endGroup(): void {
    let octets = 0
    const columns = this.#chunks.map((chunk): ThriftValue => {
      const offset = this.#file.octets
      for (const page of chunk.pages) this.#file.write(page)
      octets += chunk.plainOctets
      const struct = columnChunk(chunk, offset)
      Object.assign(chunk, emptyChunk())
      return { struct: { 2: { i64: offset }, 3: { struct } } }
    })
    this.#groups.push({ struct: { 1: { list: columns }, 2: { i64: octets }, 3: { i64: this.#groupRows } } })
    this.#rows += this.#groupRows
    this.#groupRows = 0
  }

  #schema(): ThriftValue[] {
    const root: ThriftStruct = { 4: { text: 'flows' }, 5: { i32: this.#chunks.length } }
    return [{ struct: root }, ...this.#chunks.map(({ column, type }) => ({ struct: schemaElement(column.name, type) }))]
  }
}

const emptyChunk = (): Pick<ChunkWriter, 'pages' | 'values' | 'nulls' | 'compressedOctets' | 'plainOctets'> => ({
  pages: [],
  values: 0,
  nulls: 0,
  compressedOctets: 0,
  plainOctets: 0
})

/** Times that cannot be meant are left out, as in CSV: one of them would make others fail who read the whole column. */
function withPossibleTimes(column: Column, rows: number): Column {
  const { uint32 } = column
  let present = column.present
  for (let row = 0; row < rows; row++) {
    if (isPossibleMs(uint32[2 * row + 1], uint32[2 * row])) continue
    if (present === column.present) present = column.present.slice()
    present[row] = 0
  }
  return present === column.present ? column : { ...column, present }
}

const keyValue = (key: string, value: string): ThriftValue => ({ struct: { 1: { text: key }, 2: { text: value } } })

function columnChunk(chunk: ChunkWriter, offset: number): ThriftStruct {
  return {
    1: { i32: chunk.type.physical },
    2: { list: [{ i32: encodings.plain }, { i32: encodings.rle }] },
    3: { list: [{ text: chunk.column.name }] },
    4: { i32: codecs.zstd },
    5: { i64: chunk.values },
    6: { i64: chunk.plainOctets },
    7: { i64: chunk.compressedOctets },
    9: { i64: offset },
    12: { struct: { 3: { i64: chunk.nulls } } }
  }
}
