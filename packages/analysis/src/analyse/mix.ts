import type { FlowColumns } from '../flows/flow-columns.ts'

const COLUMNS = 6
const VALUES = 257
/** The row of records that do not have the element. */
export const WITHOUT = 256

/** Sums of one value. */
export interface MixSums {
  readonly octets: number
  readonly packets: number
  readonly flows: number
  readonly estimatedOctets: number
  readonly estimatedPackets: number
  readonly records: number
}

/** Sums by a value of one octet. */
export class Mix {
  readonly #sums = new Float64Array(VALUES * COLUMNS)

  add(value: number, columns: FlowColumns, row: number): void {
    const at = value * COLUMNS
    const sums = this.#sums
    sums[at] += columns.octets.float64[row]
    sums[at + 1] += columns.packets.float64[row]
    sums[at + 2] += columns.flows[row]
    sums[at + 3] += columns.estimatedOctets[row]
    sums[at + 4] += columns.estimatedPackets[row]
    sums[at + 5]++
  }

  of(value: number): MixSums {
    const [octets, packets, flows, estimatedOctets, estimatedPackets, records] = this.#sums.subarray(
      value * COLUMNS,
      (value + 1) * COLUMNS
    )
    return { octets, packets, flows, estimatedOctets, estimatedPackets, records }
  }

  /** Values that occurred. */
  *values(): Generator<number> {
    for (let value = 0; value < VALUES; value++) if (this.#sums[value * COLUMNS + 5] > 0) yield value
  }
}
