import type { FieldSpecifier, Layout } from '@weir/ipfix'

/** The documentation PEN (RFC 5612): elements 1 and 2 of it carry what a record was when it was made. */
export const GROUND_TRUTH_PEN = 32473
/** unsigned32: which generator made the record. */
export const GENERATOR_ID = 1
/** unsigned64: how many it had made before. */
export const SERIAL_ID = 2
/**
 * NetFlow v9 has no enterprise elements: types 60001 and 60002, which a collector reads as elements of PEN 9. No vendor has them; a
 * known element of another length would not be forwarded.
 */
export const V9_GENERATOR_TYPE = 60_001
export const V9_SERIAL_TYPE = 60_002
const V9_PEN = 9

/** True if the field is the element of this ground truth, in IPFIX or as it comes from NetFlow v9. */
export function isGroundTruth({ pen, id }: Pick<FieldSpecifier, 'pen' | 'id'>, element: 1 | 2): boolean {
  if (pen === GROUND_TRUTH_PEN) return id === element
  return pen === V9_PEN && id === V9_GENERATOR_TYPE - 32_768 + element - 1
}

/** Where the ground truth stands in records of a Layout without variable length; undefined if it is not (so) there. */
export function groundTruthOffsets(layout: Layout): { generator: number; serial: number } | undefined {
  let generator = -1
  let serial = -1
  let offset = 0
  if (layout.recordLength < 0) return undefined
  for (const field of layout.fields) {
    if (isGroundTruth(field, 1) && field.length === 4) generator = offset
    if (isGroundTruth(field, 2) && field.length === 8) serial = offset
    offset += field.length
  }
  return generator >= 0 && serial >= 0 ? { generator, serial } : undefined
}

/** Serials above this are not from a generator of ours; a bitmap for them would take all memory. */
const MAX_SERIAL = 2 ** 33

/** The serials of one generator that were seen: one bit each. */
export class SerialBitmap {
  /** Distinct serials seen. */
  unique = 0
  /** Serials seen again. */
  duplicates = 0
  /** Highest serial seen, -1 if none. */
  highest = -1
  /** Serials that no generator of ours makes. */
  absurd = 0
  #bits = new Uint8Array(8192)

  add(serial: number): void {
    if (serial > MAX_SERIAL) {
      this.absurd++
      return
    }
    const index = Math.floor(serial / 8)
    if (index >= this.#bits.length) this.#grow(index)
    const bit = 1 << (serial & 7)
    if ((this.#bits[index] & bit) !== 0) {
      this.duplicates++
      return
    }
    this.#bits[index] |= bit
    this.unique++
    if (serial > this.highest) this.highest = serial
  }

  /** Serials below the highest that were not seen. */
  get missing(): number {
    return this.highest + 1 - this.unique
  }

  #grow(index: number): void {
    const grown = new Uint8Array(Math.max(this.#bits.length * 2, index + 1))
    grown.set(this.#bits)
    this.#bits = grown
  }
}
