import type { Layout } from '@weir/ipfix'
import type { ReceivedBatch, Source } from '@weir/link'
import type { SourceState } from './source-state.ts'

/**
 * One batch while any destination still needs it. Its entries are listed once, at intake, so that each destination can stand
 * at its own place in it. Settled on the link when the last reference is gone. The lists are used again.
 */
export class HeldBatch {
  octets: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(new ArrayBuffer(0))
  /** Entries to be exported; state entries are not among them. */
  entries = 0
  /** Records of these entries. */
  records = 0
  /** Octets of memory that it holds. */
  heldOctets = 0
  isRedelivered = false
  /** Repeated options state: sent, but no part of the ledger. */
  isRepeat = false
  readonly layouts: Layout[] = []
  readonly sources: Source[] = []
  readonly states: SourceState[] = []
  readonly contexts: (ReadonlyMap<number, Layout> | undefined)[] = []
  readonly exportTimeSec: number[] = []
  readonly receivedAtMs: number[] = []
  readonly bootTimeMs: number[] = []
  readonly entryRecords: number[] = []
  readonly offsets: number[] = []
  readonly lengths: number[] = []
  #batch: ReceivedBatch | undefined
  #references = 0
  #blocking = 0
  #onFree: ((held: HeldBatch) => void) | undefined

  /** Take a batch with one reference, that of the intake. `batch` is undefined for what did not come over the link. */
  open(batch: ReceivedBatch | undefined, octets: Uint8Array, view: DataView, onFree: (held: HeldBatch) => void): void {
    this.#batch = batch
    this.#references = 1
    this.#blocking = 0
    this.#onFree = onFree
    this.octets = octets
    this.view = view
    this.heldOctets = octets.byteLength
    this.isRedelivered = batch?.isRedelivered ?? false
    this.isRepeat = false
    this.entries = 0
    this.records = 0
  }

  add(
    layout: Layout,
    source: Source,
    state: SourceState,
    context: ReadonlyMap<number, Layout> | undefined,
    exportTimeSec: number,
    receivedAtMs: number,
    bootTimeMs: number,
    records: number,
    offset: number,
    lengthOctets: number
  ): void {
    const index = this.entries++
    this.layouts[index] = layout
    this.sources[index] = source
    this.states[index] = state
    this.contexts[index] = context
    this.exportTimeSec[index] = exportTimeSec
    this.receivedAtMs[index] = receivedAtMs
    this.bootTimeMs[index] = bootTimeMs
    this.entryRecords[index] = records
    this.offsets[index] = offset
    this.lengths[index] = lengthOctets
    this.records += records
  }

  retain(): void {
    this.#references++
  }

  /** A destination that blocks needs it: it holds the collector's credit. */
  hold(): void {
    this.#blocking++
  }

  /** That destination needs it no more, or does not block any more. */
  unhold(): void {
    this.#blocking--
    this.releaseCredit()
  }

  /** Let the collector go on, unless a destination that blocks holds it. Asked once all destinations were offered the batch. */
  releaseCredit(): void {
    if (this.#blocking === 0) this.#batch?.releaseCredit()
  }

  /** Give one reference back; the last one settles the batch. */
  release(): void {
    if (--this.#references > 0) return
    this.#batch?.settle()
    this.#batch = undefined
    this.octets = empty
    this.view = emptyView
    this.contexts.length = 0
    this.#onFree?.(this)
  }
}

const empty = new Uint8Array(0)
const emptyView = new DataView(empty.buffer)
