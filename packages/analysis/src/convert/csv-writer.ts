import { createKernel } from '@weir/mediation'
import { momentOf } from '../record-table/time-of-words.ts'
import { writeCsvText } from './csv-text.ts'
import { TimeText } from './time-text.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { Kernel } from '@weir/mediation'
import type { Column, ColumnBatch } from '../columns/column-batch.ts'
import type { OutputFile } from '../output/output-file.ts'
import type { RowSink } from '../record-table/table-reader.ts'
import type { TableColumn, ValueType } from '../record-table/table-column.ts'

const BUFFER_OCTETS = 1024 * 1024
/** More than any value of fixed length takes, separator and octets that writers touch behind their end included. */
const MOST_CELL_OCTETS = 56
/** What an octet of text may become: itself, or U+FFFD. */
const MOST_PER_OCTET = 3
const TEXT_EXTRA = 8
const COMMA = 44
const NEWLINE = 10

/** Where cells are written. */
interface CsvOutput {
  octets: Uint8Array
  view: DataView
}

type WriteCell = (column: Column, row: number, out: CsvOutput, q: number) => number

export interface CsvOptions {
  /** TH-41: text that a spreadsheet would take for a formula gets a `'` in front. */
  readonly formulaPrefix: boolean
}

/**
 * Rows as comma-separated values (RFC 4180, lines end in LF): a header, then one line a record; what a record does not have
 * is empty. Numbers, addresses and times are never in quotes.
 */
export class CsvWriter implements RowSink {
  // Lines are put together from all columns: a batch of this many stays in the cache of the CPU.
  readonly mostRows = 1_024
  readonly #file: OutputFile
  readonly #cells: readonly WriteCell[]
  readonly #texts: readonly number[]
  #out: CsvOutput = outputOf(BUFFER_OCTETS)

  constructor(columns: readonly TableColumn[], file: OutputFile, registry: ElementRegistry, options: CsvOptions) {
    const kernel = createKernel(registry)
    this.#file = file
    this.#cells = columns.map(({ type }) => cellOf(type, kernel, options))
    this.#texts = columns.flatMap(({ wanted }, index) => (wanted.kind === 'octets' ? [index] : []))
    file.text(`${columns.map(({ name }) => name).join()}\n`)
  }

  rows({ columns, rows }: ColumnBatch): void {
    const cells = this.#cells
    const fixed = MOST_CELL_OCTETS * cells.length + 16
    let out = this.#out
    let q = 0
    for (let row = 0; row < rows; row++) {
      let need = fixed
      for (const index of this.#texts) {
        const { ends } = columns[index]
        need += MOST_PER_OCTET * (ends[row] - (row === 0 ? 0 : ends[row - 1])) + TEXT_EXTRA
      }
      if (q + need > out.octets.length) {
        this.#file.write(out.octets, 0, q)
        q = 0
        if (need > out.octets.length) out = this.#out = outputOf(need)
      }
      for (let index = 0; index < cells.length; index++) {
        const column = columns[index]
        if (column.present[row] === 1) q = cells[index](column, row, out, q)
        out.octets[q++] = COMMA
      }
      out.octets[cells.length === 0 ? q++ : q - 1] = NEWLINE
    }
    this.#file.write(out.octets, 0, q)
  }
}

function outputOf(lengthOctets: number): CsvOutput {
  const octets = new Uint8Array(lengthOctets)
  return { octets, view: new DataView(octets.buffer) }
}

function cellOf(type: ValueType, kernel: Kernel, { formulaPrefix }: CsvOptions): WriteCell {
  const times = new TimeText()
  const scratch = new DataView(new ArrayBuffer(8))
  const moment = { seconds: 0, nanoseconds: 0 }
  const now = Date.now()
  switch (type) {
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return ({ uint32 }, row, { view }, q) => kernel.writeUnsigned(view, q, uint32[row])
    case 'uint64':
    case 'int64': {
      const write = type === 'uint64' ? kernel.writeUnsigned64Text : kernel.writeSigned64Text
      return ({ uint32 }, row, { view }, q) => {
        if (uint32[2 * row + 1] === 0) return kernel.writeUnsigned(view, q, uint32[2 * row])
        scratch.setUint32(0, uint32[2 * row + 1])
        scratch.setUint32(4, uint32[2 * row])
        return write(scratch, 0, 8, view, q)
      }
    }
    case 'int8':
    case 'int16':
    case 'int32':
      return ({ float64 }, row, { view }, q) => kernel.writeSigned(view, q, float64[row])
    case 'float32':
    case 'float64':
      return ({ float64 }, row, { octets }, q) => writeNumber(octets, q, float64[row])
    case 'boolean':
      return ({ uint32 }, row, { octets }, q) => writeAscii(octets, q, booleans[uint32[row]] ?? '')
    case 'ipv4':
      return ({ octetsView }, row, { view }, q) => kernel.writeIPv4(view, q, octetsView.getInt32(16 * row + 12))
    case 'ipv6':
      return ({ octetsView }, row, { view }, q) => kernel.writeIPv6(octetsView, 16 * row, view, q)
    case 'address':
      return ({ octetsView }, row, { view }, q) =>
        isMapped(octetsView, 16 * row)
          ? kernel.writeIPv4(view, q, octetsView.getInt32(16 * row + 12))
          : kernel.writeIPv6(octetsView, 16 * row, view, q)
    case 'mac':
      return (column, row, { view }, q) => {
        const begin = beginOf(column, row)
        if (column.ends[row] - begin !== 6) return q
        return kernel.writeMac(column.octetsView, begin, view, q)
      }
    case 'octets':
      return (column, row, { view }, q) => {
        const begin = beginOf(column, row)
        return kernel.writeHex(column.octetsView, begin, column.ends[row] - begin, view, q, Infinity)
      }
    case 'string':
      return (column, row, { octets }, q) =>
        writeCsvText(column.octets, beginOf(column, row), column.ends[row], octets, q, formulaPrefix)
    case 'seconds':
      return ({ uint32 }, row, { octets }, q) => times.write(octets, q, uint32[row], 0, 0)
    case 'milliseconds':
    case 'microseconds':
    case 'nanoseconds': {
      const digits = type === 'milliseconds' ? 3 : type === 'microseconds' ? 6 : 9
      return ({ uint32 }, row, { octets }, q) => {
        momentOf(type, uint32[2 * row + 1], uint32[2 * row], now, moment)
        return times.write(octets, q, moment.seconds, moment.nanoseconds, digits)
      }
    }
  }
}

const booleans: readonly (string | undefined)[] = [undefined, 'true', 'false']

const beginOf = ({ ends }: Column, row: number): number => (row === 0 ? 0 : ends[row - 1])

/** Whether 16 octets are an IPv4-mapped address. */
const isMapped = (view: DataView, at: number): boolean =>
  view.getInt32(at) === 0 && view.getInt32(at + 4) === 0 && view.getInt32(at + 8) === 0xffff

/** What a table has no digits for (NaN, infinite) is empty, so that no text stands among numbers. */
function writeNumber(octets: Uint8Array, q: number, value: number): number {
  return Number.isFinite(value) ? writeAscii(octets, q, String(value)) : q
}

function writeAscii(octets: Uint8Array, q: number, text: string): number {
  for (let n = 0; n < text.length; n++) octets[q + n] = text.charCodeAt(n)
  return q + text.length
}
