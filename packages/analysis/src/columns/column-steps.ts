import { VARIABLE_LENGTH } from '@weir/ipfix'
import type { Layout } from '@weir/ipfix'
import type { ColumnKind, ColumnWanted } from './column-batch.ts'

/**
 * A place in a record: `anchor` 0 is its begin, anchor n the end of its n-th variable-length field (from 1), `offset` counts
 * from there.
 */
export interface ColumnPlace {
  readonly anchor: number
  readonly offset: number
}

/** How the value of one column is read out of a record. */
export interface ColumnStep {
  /** Index of the column. */
  readonly column: number
  readonly kind: ColumnKind
  readonly format: 'unsigned' | 'signed' | 'float'
  /** Of a value of fixed length; of variable ones, the place of the length. */
  readonly place: ColumnPlace
  /** Octets, or -1 for variable length. */
  readonly length: number
  /** `samplingRate`: where samplingPacketSpace is. */
  readonly space: ColumnPlace
}

/** How the records of a Layout are read into columns. */
export interface ColumnPlan {
  readonly steps: readonly ColumnStep[]
  /** Columns that no record of this Layout has. */
  readonly absent: readonly number[]
  /** Places of the lengths of variable-length fields, in order. */
  readonly variables: readonly ColumnPlace[]
  /** Where the record ends. */
  readonly end: ColumnPlace
}

const nowhere: ColumnPlace = { anchor: 0, offset: 0 }
const most: Readonly<Record<ColumnKind, number>> = {
  uint32: 8,
  float64: 8,
  uint64: 8,
  address: 16,
  octets: 65_535,
  samplingRate: 4
}

/** The analysis of one Layout and the columns that are wanted of it. Equal arguments give equal steps. */
export function planColumns(layout: Layout, wanted: readonly ColumnWanted[]): ColumnPlan {
  const places: ColumnPlace[] = []
  const variables: ColumnPlace[] = []
  let anchor = 0
  let offset = 0
  for (const { length } of layout.fields) {
    places.push({ anchor, offset })
    if (length === VARIABLE_LENGTH) {
      variables.push({ anchor, offset })
      anchor++
      offset = 0
    } else offset += length
  }
  const indexOf = (pen: number, id: number, kind: ColumnKind): number =>
    layout.fields.findIndex(field => field.pen === pen && field.id === id && isReadable(field.length, kind))
  const steps: ColumnStep[] = []
  const absent: number[] = []
  for (const [column, { kind, elements, format: wantedFormat = 'unsigned' }] of wanted.entries()) {
    const format = kind === 'float64' ? wantedFormat : 'unsigned'
    const isRate = kind === 'samplingRate'
    const index = isRate
      ? indexOf(0, 305, kind)
      : (elements.map(({ pen, id }) => indexOf(pen, id, kind)).find(each => each >= 0) ?? -1)
    const spaceIndex = isRate ? indexOf(0, 306, kind) : -1
    const { length } = layout.fields[index] ?? { length: 0 }
    if (index < 0 || (isRate && spaceIndex < 0) || (format === 'float' && length !== 4 && length !== 8)) {
      absent.push(column)
      continue
    }
    const place = places[index]
    const space = isRate ? places[spaceIndex] : nowhere
    steps.push({ column, kind, format, place, length: length === VARIABLE_LENGTH ? -1 : length, space })
  }
  return { steps, absent, variables, end: { anchor, offset } }
}

function isReadable(length: number, kind: ColumnKind): boolean {
  if (kind === 'octets') return true
  if (kind === 'address') return length === 4 || length === 16
  if (kind === 'samplingRate') return length === 4
  return length > 0 && length <= most[kind]
}
