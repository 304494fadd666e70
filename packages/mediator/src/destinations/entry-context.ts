import type { EntryContext, TemplateIds } from '@weir/mediation'
import type { HeldBatch } from '../held-batch.ts'
import type { SourceState } from '../source-state.ts'

/** The context that Programs see; one for each destination, filled for each entry. */
export class DestinationContext implements EntryContext {
  exporterAddress: Uint8Array = new Uint8Array(16)
  exporterIsIPv6 = false
  odid = 0
  version = 10
  exportTimeSec = 0
  receivedAtMs = 0
  bootTimeMs = Number.NaN
  samplingRate = 0
  samplingOrigin = 0
  hasInterfaceRates = false
  readonly templateIds: TemplateIds
  #state: SourceState | undefined

  constructor(templateIds: TemplateIds) {
    this.templateIds = templateIds
  }

  fill(held: HeldBatch, entry: number): void {
    const source = held.sources[entry]!
    const state = held.states[entry]!
    const bootTimeMs = held.bootTimeMs[entry]!
    this.exporterAddress = source.address
    this.exporterIsIPv6 = source.isIPv6
    this.odid = source.odid
    this.version = source.version
    this.exportTimeSec = held.exportTimeSec[entry]!
    this.receivedAtMs = held.receivedAtMs[entry]!
    this.bootTimeMs = Number.isNaN(bootTimeMs) ? state.effectiveBootTimeMs : bootTimeMs
    this.samplingRate = state.effectiveRate
    this.samplingOrigin = state.effectiveOrigin
    this.hasInterfaceRates = state.hasInterfaceRates
    this.#state = state
  }

  samplingRateOf(samplerId: number): number {
    return this.#state?.rateOfSampler(samplerId) ?? 0
  }

  samplingRateOfInterface(ifIndex: number): number {
    return this.#state?.rateOfInterface(ifIndex) ?? 0
  }
}
