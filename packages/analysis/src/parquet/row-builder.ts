import { VARIABLE_LENGTH } from '@weir/ipfix'
import { ParquetFault } from './parquet-fault.ts'
import { valueWriter } from './value-writer.ts'
import type { FieldSpecifier, Layout, LayoutTable } from '@weir/ipfix'
import type { StoredValues } from './chunk-reader.ts'
import type { StoredColumn } from './parquet-footer.ts'
import type { AddressForm } from './parquet-types.ts'
import type { ValueWriter } from './value-writer.ts'

/** Rows that stand one after the other and have the same fields. One object, reused. */
export interface RowRun {
  layout: Layout
  octets: Uint8Array
  view: DataView
  offset: number
  endOffset: number
  records: number
  /** Of the first row, in the row group. */
  row: number
}

/** Rows of a run at most: whoever reads them lets others in between. */
export const MOST_RUN_ROWS = 4_096
/** Sets of columns that rows of one group have: exporters have a few templates each. */
const MAX_SHAPES = 4096
const MAX_OCTETS = 1024 * 1024 * 1024

/** Makes records of rows again: octets in the order of the rows, column by column, without an object per record. */
export class RowBuilder {
  readonly #layouts: LayoutTable
  readonly #columns: readonly { readonly index: number; readonly field: FieldSpecifier; readonly writer: ValueWriter }[]
  readonly #run: RowRun
  #octets = new Uint8Array(0)
  #view = new DataView(this.#octets.buffer)

  /** @param isField - whether a column becomes a field of the records. */
  constructor(
    columns: readonly StoredColumn[],
    addresses: AddressForm,
    layouts: LayoutTable,
    isField: (column: StoredColumn) => boolean
  ) {
    this.#layouts = layouts
    this.#columns = columns.flatMap((column, index) => {
      if (!isField(column)) return []
      const writer = valueWriter(column, addresses)
      return [{ index, field: { ...column.elements[0], length: writer.length }, writer }]
    })
    const octets = this.#octets
    this.#run = { layout: undefined as never, octets, view: this.#view, offset: 0, endOffset: 0, records: 0, row: 0 }
  }

  /**
   * @param columns - of a row group.
   * @param breaks - 1 where a run must not go on from the row before; or undefined.
   * @yields a run, or undefined where others may be let in before the next one. Rows without any value have no record, and no run.
   * @throws ParquetFault if there is no sense in them.
   */
  *build(columns: readonly StoredValues[], breaks: Uint8Array | undefined): Generator<RowRun | undefined, void, void> {
    const rows = columns[0]?.rows ?? 0
    const shapes = new Uint32Array(rows)
    const ends = new Float64Array(rows)
    const fields = this.#measure(columns, shapes, ends)
    let total = 0
    for (let row = 0; row < rows; row++) {
      const length = ends[row]
      ends[row] = total
      total += length
    }
    if (total > MAX_OCTETS) throw new ParquetFault('a row group is too large')
    if (total > this.#octets.length) {
      this.#octets = new Uint8Array(total)
      this.#view = new DataView(this.#octets.buffer)
    }
    yield* this.#write(columns, ends)
    yield* this.#runs(shapes, ends, breaks, fields)
  }

  /** Sizes of the records, and which fields each has: rows of the same shape have the same. */
  #measure(
    columns: readonly StoredValues[],
    shapes: Uint32Array,
    sizes: Float64Array
  ): readonly (readonly FieldSpecifier[])[] {
    let fieldsOf: (readonly FieldSpecifier[])[] = [[]]
    for (const { index, field, writer } of this.#columns) {
      const { present, presence, rows } = columns[index]
      if (presence === 'none') continue
      if (field.length === VARIABLE_LENGTH) addSizes(writer, columns[index], sizes)
      else for (let row = 0; row < rows; row++) sizes[row] += present[row] * field.length
      if (presence === 'all') {
        fieldsOf = fieldsOf.map(fields => [...fields, field])
        continue
      }
      // A shape before this column, with it or without, is a shape after it.
      const next: (readonly FieldSpecifier[])[] = []
      const known = new Int32Array(2 * fieldsOf.length).fill(-1)
      for (let row = 0; row < rows; row++) {
        const key = 2 * shapes[row] + present[row]
        if (known[key] < 0) {
          if (next.length >= MAX_SHAPES)
            throw new ParquetFault('too many rows have fields of their own; query it instead')
          const before = fieldsOf[shapes[row]]
          known[key] = next.push(present[row] === 0 ? before : [...before, field]) - 1
        }
        shapes[row] = known[key]
      }
      fieldsOf = next
    }
    return fieldsOf
  }

  *#write(columns: readonly StoredValues[], ends: Float64Array): Generator<undefined, void, void> {
    for (const { index, writer } of this.#columns) {
      const { values, present, presence, rows } = columns[index]
      if (presence === 'none') continue
      for (let row = 0; row < rows; row++) {
        if (present[row] === 1) ends[row] = writer.write(values[row], this.#octets, this.#view, ends[row])
      }
      yield undefined
    }
  }

  *#runs(
    shapes: Uint32Array,
    ends: Float64Array,
    breaks: Uint8Array | undefined,
    fieldsOf: readonly (readonly FieldSpecifier[])[]
  ): Generator<RowRun, void, void> {
    const run = this.#run
    run.octets = this.#octets
    run.view = this.#view
    const layouts = fieldsOf.map(fields => (fields.length === 0 ? undefined : this.#layouts.intern(fields, 0)))
    let first = 0
    for (let row = 1; row <= shapes.length; row++) {
      const isOn = row < shapes.length && shapes[row] === shapes[first] && breaks?.[row] !== 1
      if (isOn && row - first < MOST_RUN_ROWS) continue
      const layout = layouts[shapes[first]]
      if (layout !== undefined) {
        run.layout = layout
        run.offset = first === 0 ? 0 : ends[first - 1]
        run.endOffset = ends[row - 1]
        run.records = row - first
        run.row = first
        yield run
      }
      first = row
    }
  }
}

function addSizes(writer: ValueWriter, { values, present }: StoredValues, sizes: Float64Array): void {
  for (let row = 0; row < present.length; row++) {
    if (present[row] === 1) sizes[row] += writer.sizeOf(values[row])
  }
}
