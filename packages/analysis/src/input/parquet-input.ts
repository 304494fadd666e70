import { ipv4Text, ipv6Text, LayoutTable } from '@weir/ipfix'
import { ParquetFile } from '../parquet/parquet-file.ts'
import { parquetError, ParquetFault } from '../parquet/parquet-fault.ts'
import { MOST_RUN_ROWS, RowBuilder } from '../parquet/row-builder.ts'
import { textOf } from '../parquet/value-writer.ts'
import type { StoredValues } from '../parquet/chunk-reader.ts'
import type { StoredColumn } from '../parquet/parquet-footer.ts'
import type { RowRun } from '../parquet/row-builder.ts'
import type { ValueType } from '../record-table/table-column.ts'
import type { TaskInput } from '../task.ts'

/** Who exported the rows of a run, as far as the file says. */
export interface RowOrigin {
  /** Text of the address, or ''. */
  readonly exporter: string
  readonly odid: number
  /** Milliseconds since 1970 UTC; 0 if the file does not say. */
  readonly receivedAtMs: number
  /** One packet selected of so many; 0 if that is not known. */
  readonly samplingRate: number
}

/** Told of what is in a file. */
export interface ParquetVisitor {
  onRun(run: RowRun, origin: RowOrigin): void
  /** Octets of the file that were read. */
  onRead(octets: number): void
  /** Waited for between the columns and the rows of a row group, and after it. */
  settle(): Promise<void>
}

/**
 * Read a Parquet file that convert wrote.
 *
 * @param maxOctets - that a row group may take.
 * @throws CodedError INPUT_PARQUET if it is none, or damaged; TASK_LIMIT.
 */
export async function readParquet(input: TaskInput, maxOctets: number, visitor: ParquetVisitor): Promise<void> {
  try {
    const file = new ParquetFile(input.path, maxOctets)
    try {
      await readGroups(file, visitor)
    } finally {
      file.close()
    }
  } catch (error) {
    throw error instanceof ParquetFault ? parquetError(input.name, error) : error
  }
}

async function readGroups(file: ParquetFile, visitor: ParquetVisitor): Promise<void> {
  const { columns, addresses } = file.footer
  // What a Plan added is of the run again: so it is not in the records twice when another Plan adds it.
  const isField = ({ name }: StoredColumn): boolean => !addedNames.has(name)
  const builder = new RowBuilder(columns, addresses, new LayoutTable(), isField)
  const indexOf = (name: string, type: ValueType): number =>
    columns.findIndex(column => column.name === name && column.type === type)
  const exporterAt = indexOf('exporter', 'address')
  const odidAt = indexOf('odid', 'uint32')
  const receivedAt = indexOf('receivedAt', 'milliseconds')
  const rateAt = indexOf('samplingRate', 'float64')
  for (const group of file.footer.groups) {
    const values: StoredValues[] = []
    for (const each of file.columnsOf(group, octets => visitor.onRead(octets))) {
      values.push(each)
      await visitor.settle()
    }
    const origins = new RowOrigins(group.rows)
    if (exporterAt >= 0) origins.takeExporters(values[exporterAt], addresses === 'text')
    if (odidAt >= 0) origins.takeOdids(values[odidAt])
    if (receivedAt >= 0) origins.takeTimes(values[receivedAt])
    if (rateAt >= 0) origins.takeRates(values[rateAt])
    let rows = 0
    for (const run of builder.build(values, origins.breaks)) {
      if (run !== undefined) {
        visitor.onRun(run, origins.of(run.row))
        rows += run.records
        if (rows < MOST_RUN_ROWS) continue
      }
      rows = 0
      await visitor.settle()
    }
    await visitor.settle()
  }
}

const addedNames: ReadonlySet<string> = new Set(['exporter', 'odid', 'receivedAt', 'samplingRate'])

/** What a Plan had added to the rows of one group: a run goes on while that stays the same. */
class RowOrigins {
  /** 1 where a row differs from the one before. */
  readonly breaks: Uint8Array
  readonly #odids: Float64Array
  readonly #times: Float64Array
  readonly #rates: Float64Array
  readonly #exporters: string[] = ['']
  /** Index of each row's exporter. */
  readonly #exporterOf: Uint32Array

  constructor(rows: number) {
    this.breaks = new Uint8Array(rows)
    this.#odids = new Float64Array(rows)
    this.#times = new Float64Array(rows)
    this.#rates = new Float64Array(rows)
    this.#exporterOf = new Uint32Array(rows)
  }

  of(row: number): RowOrigin {
    return {
      exporter: this.#exporters[this.#exporterOf[row]],
      odid: this.#odids[row],
      receivedAtMs: this.#times[row],
      samplingRate: this.#rates[row]
    }
  }

  takeOdids(stored: StoredValues): void {
    this.#take(stored, Number, this.#odids)
  }

  takeTimes(stored: StoredValues): void {
    this.#take(stored, value => Number(BigInt.asUintN(64, value as bigint)), this.#times)
  }

  takeRates(stored: StoredValues): void {
    const read = (value: unknown): number => {
      const rate = Math.round(value as number)
      return rate >= 1 ? Math.min(rate, 0xffff_ffff) : 0
    }
    this.#take(stored, read, this.#rates)
  }

  takeExporters({ values, rows, present }: StoredValues, isText: boolean): void {
    let last: Uint8Array = new Uint8Array(0)
    let index = 0
    for (let row = 0; row < rows; row++) {
      if (present[row] === 1) {
        const octets = values[row] as Uint8Array
        if (!isSame(octets, last)) {
          last = octets
          index = this.#exporters.push(addressText(octets, isText)) - 1
        }
        this.#exporterOf[row] = index
      }
      if (row > 0 && this.#exporterOf[row] !== this.#exporterOf[row - 1]) this.breaks[row] = 1
    }
  }

  #take({ values, rows, present }: StoredValues, read: (value: unknown) => number, into: Float64Array): void {
    for (let row = 0; row < rows; row++) {
      if (present[row] === 1) into[row] = read(values[row])
      if (row > 0 && into[row] !== into[row - 1]) this.breaks[row] = 1
    }
  }
}

function addressText(octets: Uint8Array, isText: boolean): string {
  if (isText) return textOf(octets)
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  return octets.length === 4 ? ipv4Text(view, 0) : octets.length === 16 ? ipv6Text(view, 0) : ''
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return false
  return true
}
