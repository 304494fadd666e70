import { readOptionsFacts } from './options-facts.ts'
import type { Layout } from '@weir/ipfix'
import type { OptionsFacts } from './options-facts.ts'

/** Where a sampling rate was learned; the numbers of {@link EntryContext.samplingOrigin}. */
export const samplingOrigins = { nowhere: 0, header: 1, options: 2, record: 3, configuration: 4 } as const

/** Samplers, and as many interfaces, kept of one source. */
const MAX_SAMPLERS = 4_096
const MAX_INTERFACES = 4_096

const V5_SAMPLING_INTERVAL = 0x3fff

/** What options records and headers said of one source, as far as Programs ask for it. */
export class SourceFacts {
  /** One packet in so many, 0 = unknown. */
  samplingRate = 0
  samplingOrigin: number = samplingOrigins.nowhere
  /** From systemInitTimeMilliseconds (160), or NaN. */
  bootTimeMs: number = Number.NaN
  readonly #rateOfSampler = new Map<number, number>()
  /** By ifIndex, and by -1 - ifIndex those of the packets that leave by the interface. */
  readonly #rateOfInterface = new Map<number, number>()

  /** @param v5Sampling - as a MessageHeader gives it: the sampling field of NetFlow v5, or less than 0. */
  constructor(v5Sampling: number = -1) {
    this.takeHeader(v5Sampling)
  }

  /** Take the sampling field of another header. */
  takeHeader(v5Sampling: number): void {
    if (v5Sampling < 0) return
    // An interval of 0 is what routers write that do not sample.
    this.samplingRate = Math.max(1, v5Sampling & V5_SAMPLING_INTERVAL)
    this.samplingOrigin = samplingOrigins.header
  }

  get effectiveRate(): number {
    return this.samplingRate
  }

  get effectiveOrigin(): number {
    return this.samplingOrigin
  }

  get effectiveBootTimeMs(): number {
    return this.bootTimeMs
  }

  /** The rate of one sampler or selector, 0 if it is not known. */
  rateOfSampler(samplerId: number): number {
    return this.#rateOfSampler.get(samplerId) ?? 0
  }

  /** Whether there is a rate of any interface. Not where the header of each Message tells the rate of its records. */
  get hasInterfaceRates(): boolean {
    if (this.samplingOrigin === samplingOrigins.header) return false
    return this.#rateOfInterface.size > 0
  }

  /** The rate of one interface, 0 if it is not known; that of what enters by it, else of what leaves. */
  rateOfInterface(ifIndex: number): number {
    const rates = this.#rateOfInterface
    return rates.get(ifIndex) ?? rates.get(-1 - ifIndex) ?? 0
  }

  /** Learn from the records of one options Data Set. */
  learn(layout: Layout, octets: Uint8Array, view: DataView, offset: number, lengthOctets: number): void {
    readOptionsFacts(layout, octets, view, offset, lengthOctets, this.#onFacts)
  }

  readonly #onFacts = (facts: OptionsFacts): void => this.apply(facts)

  /** Take what one options record says. */
  apply({ samplerId, ifIndex, isEgress, samplingRate, bootTimeMs, isNarrow }: OptionsFacts): void {
    if (!Number.isNaN(bootTimeMs)) this.bootTimeMs = bootTimeMs
    if (samplingRate === 0) return
    if (samplerId >= 0) {
      if (this.#rateOfSampler.size < MAX_SAMPLERS || this.#rateOfSampler.has(samplerId)) {
        this.#rateOfSampler.set(samplerId, samplingRate)
      }
      // Records of an exporter with one sampler need not name it; with several, only those that name theirs have a rate.
      this.#setRate(this.#rateOfSampler.size === 1 ? samplingRate : 0)
    } else if (ifIndex >= 0) {
      const key = isEgress ? -1 - ifIndex : ifIndex
      if (this.#rateOfInterface.size < MAX_INTERFACES || this.#rateOfInterface.has(key)) {
        this.#rateOfInterface.set(key, samplingRate)
      }
    } else if (!isNarrow) this.#setRate(samplingRate)
  }

  #setRate(samplingRate: number): void {
    if (this.samplingOrigin === samplingOrigins.header) return
    this.samplingRate = samplingRate
    this.samplingOrigin = samplingRate === 0 ? samplingOrigins.nowhere : samplingOrigins.options
  }
}
