import { elementKey, VARIABLE_LENGTH } from '@weir/ipfix'
import type { Layout } from '@weir/ipfix'

/** Where the fields of one record are; written over by the next. */
export class FieldPlaces {
  offsets = new Int32Array(64)
  lengths = new Int32Array(64)

  /** @param view - a whole record at `offset`. */
  read({ fields }: Layout, view: DataView, offset: number): void {
    if (fields.length > this.offsets.length) {
      this.offsets = new Int32Array(2 * fields.length)
      this.lengths = new Int32Array(2 * fields.length)
    }
    let at = offset
    for (const [index, field] of fields.entries()) {
      let { length } = field
      if (length === VARIABLE_LENGTH) {
        length = view.getUint8(at++)
        if (length === 255) {
          length = view.getUint16(at)
          at += 2
        }
      }
      this.offsets[index] = at
      this.lengths[index] = length
      at += length
    }
  }
}

/** Which field of one Layout is which of another: the same element, and of repeated ones the same in order. */
export interface FieldPair {
  readonly pen: number
  readonly id: number
  /** Index in the Layout, or -1: it has no such field. */
  readonly a: number
  readonly b: number
}

/** All fields of both, those of `a` first. */
export function pairFields(a: Layout, b: Layout): FieldPair[] {
  const left = new Map<number, number[]>()
  for (const [index, { pen, id }] of b.fields.entries()) {
    const key = elementKey(pen, id)
    const indexes = left.get(key) ?? []
    indexes.push(index)
    left.set(key, indexes)
  }
  const pairs = a.fields.map(({ pen, id }, index): FieldPair => {
    const match = left.get(elementKey(pen, id))?.shift() ?? -1
    return { pen, id, a: index, b: match }
  })
  const rest = [...left.values()].flat().toSorted((one, other) => one - other)
  for (const index of rest) pairs.push({ pen: b.fields[index].pen, id: b.fields[index].id, a: -1, b: index })
  return pairs
}
