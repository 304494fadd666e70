import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter as FileWriter } from 'hyparquet-writer'
import { valuesOf } from './column-values.ts'
import { COLUMNS_KEY } from './columns-key.ts'
import { schemaElement } from './parquet-types.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { ColumnBatch } from '../columns/column-batch.ts'
import type { OutputFile } from '../output/output-file.ts'
import type { TableColumn } from '../record-table/table-column.ts'
import type { RowSink } from '../record-table/table-reader.ts'
import type { ColumnValues } from './column-values.ts'
import type { AddressForm } from './parquet-types.ts'

const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

export interface ParquetOptions {
  readonly addresses: AddressForm
}

/** Rows as a Parquet file: one optional column for each of the table, a row group for each batch. */
export class ParquetWriter implements RowSink {
  readonly #columns: readonly { readonly name: string; readonly valuesOf: ColumnValues }[]
  readonly #writer: FileWriter

  constructor(columns: readonly TableColumn[], file: OutputFile, registry: ElementRegistry, options: ParquetOptions) {
    const { addresses } = options
    this.#columns = columns.map(({ name, type }) => ({ name, valuesOf: valuesOf(type, addresses, registry) }))
    const described = columns.map(({ name, type, elements }) => ({ name, type, elements }))
    this.#writer = new FileWriter({
      writer: new GroupOutput(file),
      schema: [
        { name: 'flows', num_children: columns.length },
        ...columns.map(({ name, type }) => schemaElement(name, type, addresses))
      ],
      codec: 'ZSTD',
      compressors: { ZSTD: octets => zstdCompressSync(octets, zstdOptions) },
      statistics: false,
      kvMetadata: [{ key: COLUMNS_KEY, value: JSON.stringify({ version: 1, addresses, columns: described }) }],
      createdBy: 'weir'
    })
  }

  rows(batch: ColumnBatch): void {
    const columnData = this.#columns.map(({ name, valuesOf }, index) => ({
      name,
      data: valuesOf(batch.columns[index], batch.rows),
      encoding: 'PLAIN' as const,
      offsetIndex: false
    }))
    void this.#writer.write({ columnData, rowGroupSize: batch.rows })
  }

  /** Write what ends the file. */
  end(): void {
    void this.#writer.finish()
  }
}

/** What the library writes goes to the file at the end of each row group. */
class GroupOutput extends ByteWriter {
  readonly #file: OutputFile

  constructor(file: OutputFile) {
    super(1024 * 1024)
    this.#file = file
  }

  flush(): void {
    this.#file.write(this.getBytes())
    this.index = 0
  }

  override finish(): void {
    this.flush()
  }
}
