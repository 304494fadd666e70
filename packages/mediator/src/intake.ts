import { OptionsState } from '@weir/templates'
import { HeldBatch } from './held-batch.ts'
import { SourceState } from './source-state.ts'
import type { Layout } from '@weir/ipfix'
import type { ReceivedBatch, Source } from '@weir/link'

/** HeldBatch objects kept for use again. */
const MAX_FREE = 256

/** Options records begin at these boundaries in a snapshot, as entries of a batch do. */
const ALIGNMENT = 8

/** Takes batches of the link apart into entries, learns from options records, and hands the rest to the destinations. */
export class Intake {
  /** Records received for export; state entries do not count. */
  receivedRecords = 0
  redeliveredRecords = 0
  receivedBatches = 0
  settledBatches = 0
  /** Batches that a destination still needs. */
  unsettledBatches = 0
  stateEntries = 0
  readonly options = new OptionsState<Source>()
  readonly #states = new Map<Source, SourceState>()
  readonly #contexts = new Map<Source, ReadonlyMap<number, Layout>>()
  readonly #free: HeldBatch[] = []
  readonly #deliver: (held: HeldBatch) => void
  readonly #onState: () => void

  /**
   * @param deliver - takes its own references; the intake's ends with the call.
   * @param onState - state entries were learned from: options records that a mediator before us exported.
   */
  constructor(deliver: (held: HeldBatch) => void, onState: () => void = () => undefined) {
    this.#deliver = deliver
    this.#onState = onState
  }

  get sources(): number {
    return this.#states.size
  }

  onBatch(batch: ReceivedBatch): void {
    const held = this.#take(batch)
    const { entries } = batch
    let lastSource: Source | undefined
    let state: SourceState | undefined
    const stateEntries = this.stateEntries
    entries.reset()
    while (entries.next()) {
      const { source, layout } = entries
      if (source !== lastSource || state === undefined) {
        lastSource = source
        state = this.#stateOf(source)
      }
      if (layout.scopeCount > 0) this.#learn(batch, state)
      // Its own source has it too: there it is kept and repeated.
      if (entries.isSibling) continue
      if (entries.isState) {
        this.stateEntries++
        continue
      }
      held.add(
        layout,
        source,
        state,
        entries.context,
        entries.exportTimeSec,
        entries.receivedAtMs,
        entries.bootTimeMs,
        entries.records,
        entries.offset,
        entries.lengthOctets
      )
    }
    this.receivedBatches++
    this.unsettledBatches++
    this.receivedRecords += held.records
    if (batch.isRedelivered) this.redeliveredRecords += held.records
    if (this.stateEntries > stateEntries) this.#onState()
    if (held.entries > 0) this.#deliver(held)
    held.releaseCredit()
    held.release()
  }

  /** All options records known now, to be sent once more; with one reference, undefined if there are none. */
  optionsSnapshot(): HeldBatch | undefined {
    const { records, octets: sizeOctets } = this.options.stats
    if (records === 0) return undefined
    // The state counts its overhead too, which is more than the alignment needs.
    const octets = new Uint8Array(sizeOctets)
    const held = this.#take(undefined, octets)
    held.isRepeat = true
    let offset = 0
    for (const source of this.options.sources()) {
      const state = this.#stateOf(source)
      for (const record of this.options.recordsOf(source)) {
        octets.set(record.octets, offset)
        held.add(
          record.layout,
          source,
          state,
          this.#contexts.get(source),
          record.exportTimeSec,
          record.receivedAtMs,
          record.bootTimeMs,
          1,
          offset,
          record.octets.length
        )
        offset += Math.ceil(record.octets.length / ALIGNMENT) * ALIGNMENT
      }
    }
    return held
  }

  /** No batch will name this source again. */
  forgetSource(source: Source): void {
    this.options.forget(source)
    this.#contexts.delete(source)
    this.#states.delete(source)
  }

  #learn(batch: ReceivedBatch, state: SourceState): void {
    const { source, layout, context, exportTimeSec, receivedAtMs, bootTimeMs, offset, lengthOctets } = batch.entries
    state.learn(layout, batch.octets, batch.view, offset, lengthOctets)
    if (batch.entries.isSibling) return
    if (context !== undefined) this.#contexts.set(source, context)
    this.options.update(source, layout, batch.octets, offset, lengthOctets, exportTimeSec, receivedAtMs, bootTimeMs)
  }

  #stateOf(source: Source): SourceState {
    const known = this.#states.get(source)
    if (known !== undefined) return known
    const state = new SourceState(source)
    this.#states.set(source, state)
    return state
  }

  #take(batch: ReceivedBatch | undefined, octets = batch?.octets ?? new Uint8Array(0)): HeldBatch {
    const held = this.#free.pop() ?? new HeldBatch()
    const view = batch?.view ?? new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    held.open(batch, octets, view, batch === undefined ? this.#onFree : this.#onSettled)
    return held
  }

  readonly #onFree = (held: HeldBatch): void => {
    if (this.#free.length < MAX_FREE) this.#free.push(held)
  }

  readonly #onSettled = (held: HeldBatch): void => {
    this.settledBatches++
    this.unsettledBatches--
    this.#onFree(held)
  }
}
