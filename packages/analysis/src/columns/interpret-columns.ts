import { columnKernel } from './column-kernel.ts'
import type { Column } from './column-batch.ts'
import type { ColumnPlace, ColumnPlan, ColumnStep } from './column-steps.ts'
import type { ReadColumns } from './compile-columns.ts'

/** Runs the steps of a plan one by one: same results as compiled code, slower. Nothing is allocated per record. */
export function interpretColumns({ steps, variables, end }: ColumnPlan): ReadColumns {
  const anchors = new Float64Array(variables.length + 1)
  const begins = new Float64Array(variables.length)
  const placeAt = ({ anchor, offset }: ColumnPlace): number => anchors[anchor] + offset

  /** Find the anchors of the record at `p`. @returns its end, or -1 if it is not whole. */
  const enter = (view: DataView, p: number, limit: number): number => {
    anchors[0] = p
    for (const [index, variable] of variables.entries()) {
      let begin = placeAt(variable)
      if (begin >= limit) return -1
      let length = view.getUint8(begin++)
      if (length === 255) {
        if (begin + 2 > limit) return -1
        length = view.getUint16(begin)
        begin += 2
      }
      begins[index] = begin
      anchors[index + 1] = begin + length
    }
    const recordEnd = placeAt(end)
    return recordEnd > limit ? -1 : recordEnd
  }

  const take = (view: DataView, step: ColumnStep, column: Column, row: number): void => {
    const { kind, place, length, space } = step
    const from = placeAt(place)
    switch (kind) {
      case 'uint32':
        column.uint32[row] = numberOf(view, from, step)
        return
      case 'float64':
        column.float64[row] = numberOf(view, from, step)
        return
      case 'samplingRate':
        column.float64[row] = columnKernel.rateOf(view.getUint32(from), view.getUint32(placeAt(space)))
        return
      case 'uint64':
        columnKernel.copyWords(view, from, length, column.uint32, row)
        return
      case 'address':
        if (length === 4) columnKernel.putIPv4(column.octetsView, row, view.getInt32(from))
        else columnKernel.putIPv6(view, from, column.octetsView, row)
        return
      case 'octets': {
        const begin = length < 0 ? begins[place.anchor] : from
        const octets = length < 0 ? anchors[place.anchor + 1] - begin : length
        columnKernel.appendOctets(view, begin, octets, column, row)
      }
    }
  }

  return (view, at, endOffset, columns, row, limit, place) => {
    let p = at
    let n = row
    while (n < limit && p < endOffset) {
      const next = enter(view, p, endOffset)
      if (next < 0) break
      for (const step of steps) take(view, step, columns[step.column], n)
      p = next
      n++
    }
    place[0] = p
    return n
  }
}

function numberOf(view: DataView, from: number, { format, length }: ColumnStep): number {
  if (format === 'float') return length === 4 ? view.getFloat32(from) : view.getFloat64(from)
  return format === 'signed'
    ? columnKernel.readSigned(view, from, length)
    : columnKernel.readUnsigned(view, from, length)
}
