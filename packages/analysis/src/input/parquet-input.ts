import { ipv4Text, ipv6Text, LayoutTable } from '@weir/ipfix'
import { ParquetFile } from '../parquet/parquet-file.ts'
import { parquetError, ParquetFault } from '../parquet/parquet-fault.ts'
import { MOST_RUN_ROWS, RowBuilder } from '../parquet/row-builder.ts'
import { textOctets } from '../parquet/value-reader.ts'
import type { Page } from '../parquet/page-reader.ts'
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
  /** Waited for between the rows of a page, and after each page. */
  settle(): Promise<void>
}

/**
 * Read a Parquet file that convert wrote.
 *
 * @param maxOctets - that the pages of a row group may take.
 * @throws CodedError INPUT_PARQUET if it is none, or damaged; TASK_LIMIT.
 */
export async function readParquet(input: TaskInput, maxOctets: number, visitor: ParquetVisitor): Promise<void> {
  try {
    const file = new ParquetFile(input.path, maxOctets)
    try {
      await readPages(file, visitor)
    } finally {
      file.close()
    }
  } catch (error) {
    throw error instanceof ParquetFault ? parquetError(input.name, error) : error
  }
}

async function readPages(file: ParquetFile, visitor: ParquetVisitor): Promise<void> {
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
  for (const pages of file.pages(octets => visitor.onRead(octets))) {
    const origins = new PageOrigins(pages[0].rows)
    if (exporterAt >= 0) origins.takeExporters(pages[exporterAt], addresses === 'text')
    if (odidAt >= 0) origins.takeOdids(pages[odidAt])
    if (receivedAt >= 0) origins.takeTimes(pages[receivedAt])
    if (rateAt >= 0) origins.takeRates(pages[rateAt])
    let rows = 0
    for (const run of builder.build(pages, origins.breaks)) {
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

/** What a Plan had added to the rows of one page: a run goes on while that stays the same. */
class PageOrigins {
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

  takeOdids(page: Page): void {
    this.#take(page, 4, (view, at) => view.getUint32(at, true), this.#odids)
  }

  takeTimes(page: Page): void {
    const read = (view: DataView, at: number): number =>
      view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
    this.#take(page, 8, read, this.#times)
  }

  takeRates(page: Page): void {
    const read = (view: DataView, at: number): number => {
      const rate = Math.round(view.getFloat64(at, true))
      return rate >= 1 ? Math.min(rate, 0xffff_ffff) : 0
    }
    this.#take(page, 8, read, this.#rates)
  }

  takeExporters(page: Page, isText: boolean): void {
    let at = page.valuesAt
    let last: Uint8Array = new Uint8Array(0)
    let index = 0
    for (let row = 0; row < page.rows; row++) {
      if (page.present[row] === 1) {
        const octets = textOctets(page, at)
        at += 4 + octets.length
        if (!isSame(octets, last)) {
          last = octets
          index = this.#exporters.push(addressText(octets, isText)) - 1
        }
        this.#exporterOf[row] = index
      }
      if (row > 0 && this.#exporterOf[row] !== this.#exporterOf[row - 1]) this.breaks[row] = 1
    }
  }

  #take({ view, valuesAt, rows, present }: Page, length: number, read: Read, values: Float64Array): void {
    let at = valuesAt
    for (let row = 0; row < rows; row++) {
      if (present[row] === 1) {
        if (at + length > view.byteLength) throw new ParquetFault('a page has fewer values than rows')
        values[row] = read(view, at)
        at += length
      }
      if (row > 0 && values[row] !== values[row - 1]) this.breaks[row] = 1
    }
  }
}

type Read = (view: DataView, at: number) => number

function addressText(octets: Uint8Array, isText: boolean): string {
  if (isText) return Buffer.from(octets.subarray(0, 64)).toString('latin1')
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  return octets.length === 4 ? ipv4Text(view, 0) : octets.length === 16 ? ipv6Text(view, 0) : ''
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return false
  return true
}
