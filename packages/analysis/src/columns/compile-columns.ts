import { checkSource, integerText, MOST_SOURCE_OCTETS } from '@weir/mediation'
import { columnKernel } from './column-kernel.ts'
import { planColumns } from './column-steps.ts'
import { interpretColumns } from './interpret-columns.ts'
import type { Layout } from '@weir/ipfix'
import type { Column, ColumnBatch, ColumnWanted } from './column-batch.ts'
import type { ColumnPlace, ColumnPlan, ColumnStep } from './column-steps.ts'

/**
 * Reads whole records into rows from `row` on, at most up to `limit`.
 *
 * @param at - where the first record begins.
 * @param end - where the octets of records end.
 * @returns where the first unread record begins, in `place[0]`, and in the result the row behind the last one.
 */
export type ReadColumns = (
  view: DataView,
  at: number,
  end: number,
  columns: readonly Column[],
  row: number,
  limit: number,
  place: Float64Array
) => number

const words = ['view', 'at', 'end', 'columns', 'row', 'limit', 'place', 'kernel', 'uint32', 'float64', 'octetsView']
const more = ['getInt8', 'getInt16', 'getFloat32', 'getFloat64', 'while', 'length', 'n', 'q']
const names: ReadonlySet<string> = new Set([...words, ...more, ...locals(), ...Object.keys(columnKernel)])

/** c0.. arrays of columns; s.. and z..: begin and length of variable-length fields. */
function locals(): string[] {
  return Array.from({ length: 256 }, (_, n) => [`c${n}`, `z${n}`, `s${n}`]).flat()
}

const READS: readonly (string | undefined)[] = [undefined, 'getUint8', 'getUint16', undefined, 'getUint32']
const SIGNED_READS: readonly (string | undefined)[] = [undefined, 'getInt8', 'getInt16', undefined, 'getInt32']
const MAX_COLUMNS = 256

/** The text that is compiled for a plan: integers and words of a closed list. */
export function columnSource({ steps, variables, end }: ColumnPlan): string {
  const used = Object.keys(columnKernel).map(name => `const ${name} = kernel.${name}`)
  const arrays = steps.map(step => {
    const array = arrayOf(step)
    const index = integerText(step.column)
    return `const c${index} = columns[${index}]${array === '' ? '' : `.${array}`}`
  })
  const walk = variables.flatMap((place, index) => walkVariable(place, index))
  const rest = [`const q = ${at(end)}`, 'if (q > end) break']
  const body = steps.map(stepText)
  return [
    ...used,
    'return function (view, at, end, columns, row, limit, place) {',
    ...arrays,
    'let p = at',
    'let n = row',
    'while (n < limit && p < end) {',
    ...walk,
    ...rest,
    ...body,
    'p = q',
    'n++',
    '}',
    'place[0] = p',
    'return n',
    '}'
  ].join('\n')
}

function walkVariable(place: ColumnPlace, index: number): string[] {
  const k = integerText(index)
  return [
    `let s${k} = ${at(place)}`,
    `if (s${k} >= end) break`,
    `let z${k} = view.getUint8(s${k})`,
    `s${k} = s${k} + 1`,
    `if (z${k} === 255) {`,
    `if (s${k} + 2 > end) break`,
    `z${k} = view.getUint16(s${k})`,
    `s${k} = s${k} + 2`,
    '}',
    `const p${integerText(index + 1)} = s${k} + z${k}`
  ]
}

const at = ({ anchor, offset }: ColumnPlace): string => {
  const name = anchor === 0 ? 'p' : `p${integerText(anchor)}`
  return offset === 0 ? name : `${name} + ${integerText(offset)}`
}

function arrayOf({ kind }: ColumnStep): string {
  if (kind === 'uint32' || kind === 'uint64') return 'uint32'
  if (kind === 'float64' || kind === 'samplingRate') return 'float64'
  return kind === 'address' ? 'octetsView' : ''
}

function stepText(step: ColumnStep): string {
  const { kind, place, length, space } = step
  const column = `c${integerText(step.column)}`
  const from = at(place)
  switch (kind) {
    case 'uint32':
    case 'float64':
      return `${column}[n] = ${numberText(step)}`
    case 'samplingRate':
      return `${column}[n] = rateOf(view.getUint32(${from}), view.getUint32(${at(space)}))`
    case 'uint64':
      if (length !== 8) return `copyWords(view, ${from}, ${integerText(length)}, ${column}, n)`
      return `${column}[2 * n] = view.getUint32(${at({ ...place, offset: place.offset + 4 })})\n${column}[2 * n + 1] = view.getUint32(${from})`
    case 'address':
      if (length === 4) return `putIPv4(${column}, n, view.getInt32(${from}))`
      return `putIPv6(view, ${from}, ${column}, n)`
    case 'octets': {
      // The field's own anchor is that of the length before it.
      const k = integerText(place.anchor)
      const [begin, octets] = length < 0 ? [`s${k}`, `z${k}`] : [from, integerText(length)]
      return `appendOctets(view, ${begin}, ${octets}, ${column}, n)`
    }
  }
}

function numberText({ format, place, length }: ColumnStep): string {
  const from = at(place)
  if (format === 'float') return `view.${length === 4 ? 'getFloat32' : 'getFloat64'}(${from})`
  const reads = format === 'signed' ? SIGNED_READS : READS
  if (reads[length] !== undefined) return `view.${reads[length]}(${from})`
  if (format === 'unsigned' && length === 8) {
    const low = at({ ...place, offset: place.offset + 4 })
    return `view.getUint32(${from}) * 4294967296 + view.getUint32(${low})`
  }
  return `${format === 'signed' ? 'readSigned' : 'readUnsigned'}(view, ${from}, ${integerText(length)})`
}

/** @returns undefined where code generation is disallowed, or the text would be too long. */
function compile(plan: ColumnPlan): ReadColumns | undefined {
  if (plan.steps.some(({ column }) => column >= MAX_COLUMNS) || plan.variables.length > MAX_COLUMNS) return undefined
  const source = columnSource(plan)
  if (source.length > MOST_SOURCE_OCTETS) return undefined
  checkSource(source, names)
  try {
    // The text has passed: integers and words of our own list only.
    // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
    const make = new Function('kernel', source) as (kernel: typeof columnKernel) => ReadColumns
    return make(columnKernel)
  } catch (error) {
    if (!(error instanceof EvalError)) throw error
    return undefined
  }
}

/** Reads the records of one Layout into the columns of a batch. */
export interface ColumnReader {
  readonly isCompiled: boolean
  /**
   * Read until the records or the room are used up.
   *
   * @param view - over octets whose records are whole.
   * @param offset - where the first record begins.
   * @param endOffset - where the last one ends.
   * @returns where the first unread record begins; `endOffset` (or padding before it) when all were read.
   */
  read(view: DataView, offset: number, endOffset: number, batch: ColumnBatch): number
}

/**
 * Make the reader of one Layout's records, compiled where that is allowed.
 *
 * @param wanted - as the batch was made of.
 */
export function compileColumns(layout: Layout, wanted: readonly ColumnWanted[]): ColumnReader {
  const plan = planColumns(layout, wanted)
  const compiled = compile(plan)
  return readerOf(plan, compiled ?? interpretColumns(plan), compiled !== undefined)
}

/** The twin of {@link compileColumns} that generates no code: for rare Layouts, and the oracle of tests. */
export function interpretedColumns(layout: Layout, wanted: readonly ColumnWanted[]): ColumnReader {
  const plan = planColumns(layout, wanted)
  return readerOf(plan, interpretColumns(plan), false)
}

function readerOf({ steps, absent }: ColumnPlan, readColumns: ReadColumns, isCompiled: boolean): ColumnReader {
  const place = new Float64Array(1)
  return {
    isCompiled,
    read(view, offset, endOffset, batch) {
      const { columns, rows } = batch
      const next = readColumns(view, offset, endOffset, columns, rows, batch.capacity, place)
      for (const { column } of steps) columns[column].present.fill(1, rows, next)
      for (const column of absent) clearRows(columns[column], rows, next)
      batch.rows = next
      return place[0]
    }
  }
}

function clearRows(column: Column, from: number, to: number): void {
  const { kind, present, uint32, float64, octets, ends } = column
  present.fill(0, from, to)
  if (kind === 'uint32') uint32.fill(0, from, to)
  else if (kind === 'uint64') uint32.fill(0, 2 * from, 2 * to)
  else if (kind === 'address') octets.fill(0, 16 * from, 16 * to)
  else if (kind === 'octets') ends.fill(from === 0 ? 0 : ends[from - 1], from, to)
  else float64.fill(0, from, to)
}

/** Column readers by Layout, made when first needed. */
export class ColumnReaders {
  readonly #wanted: readonly ColumnWanted[]
  readonly #readers = new WeakMap<Layout, ColumnReader>()

  constructor(wanted: readonly ColumnWanted[]) {
    this.#wanted = wanted
  }

  of(layout: Layout): ColumnReader {
    const known = this.#readers.get(layout)
    if (known !== undefined) return known
    const reader = compileColumns(layout, this.#wanted)
    this.#readers.set(layout, reader)
    return reader
  }
}
