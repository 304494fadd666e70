import type { FlowColumns } from '../flows/flow-columns.ts'
import type { FlowDomain } from '../input/flow-domain.ts'

/** What the records of one Observation Domain add up to. */
export interface DomainSums {
  readonly octets: number
  readonly packets: number
  readonly flows: number
  readonly estimatedOctets: number
  readonly estimatedPackets: number
  /** Records whose sampling rate is not known. */
  readonly unknownRates: number
  /** Least and greatest rate of those that have one; 0 if none has. */
  readonly leastRate: number
  readonly greatestRate: number
}

const COLUMNS = 8
const FIRST_DOMAINS = 64

/** Sums by Observation Domain: rows say by number which one they are of. */
export class DomainTable {
  readonly #numbers = new Map<FlowDomain, number>()
  #sums = new Float64Array(FIRST_DOMAINS * COLUMNS)
  #lastDomain: FlowDomain | undefined
  #lastNumber = 0

  /** The number of a domain, from 0. */
  numberOf(domain: FlowDomain): number {
    if (domain === this.#lastDomain) return this.#lastNumber
    let number = this.#numbers.get(domain)
    if (number === undefined) {
      number = this.#numbers.size
      this.#numbers.set(domain, number)
      if ((number + 1) * COLUMNS > this.#sums.length) {
        const larger = new Float64Array(2 * this.#sums.length)
        larger.set(this.#sums)
        this.#sums = larger
      }
    }
    this.#lastDomain = domain
    this.#lastNumber = number
    return number
  }

  add({ rows, octets, packets, flows, estimatedOctets, estimatedPackets, rate, domains }: FlowColumns): void {
    const sums = this.#sums
    for (let row = 0; row < rows; row++) {
      const at = domains[row] * COLUMNS
      sums[at] += octets.float64[row]
      sums[at + 1] += packets.float64[row]
      sums[at + 2] += flows[row]
      sums[at + 3] += estimatedOctets[row]
      sums[at + 4] += estimatedPackets[row]
      const oneIn = rate.float64[row]
      if (oneIn > 0) {
        if (sums[at + 6] === 0 || oneIn < sums[at + 6]) sums[at + 6] = oneIn
        if (oneIn > sums[at + 7]) sums[at + 7] = oneIn
      } else sums[at + 5]++
    }
  }

  of(domain: FlowDomain): DomainSums {
    const number = this.#numbers.get(domain)
    const from = number === undefined ? this.#sums.length : number * COLUMNS
    const sums = this.#sums.subarray(from, from + COLUMNS)
    const at = (column: number): number => sums[column] ?? 0
    return {
      octets: at(0),
      packets: at(1),
      flows: at(2),
      estimatedOctets: at(3),
      estimatedPackets: at(4),
      unknownRates: at(5),
      leastRate: at(6),
      greatestRate: at(7)
    }
  }
}
