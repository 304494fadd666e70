import type { Layout } from '@weir/ipfix'
import type { Source } from './source.ts'

/**
 * A cursor over the entries of a batch: `reset()`, then `next()` until it returns false. The fields hold the entry that the
 * last `next()` stood on. Nothing is allocated.
 */
export interface BatchEntries {
  reset(): void
  next(): boolean
  readonly layout: Layout
  readonly source: Source
  /** Template id → Layout as it stood in the session; undefined if no value of this Layout names a template. */
  readonly context: ReadonlyMap<number, Layout> | undefined
  readonly exportTimeSec: number
  readonly receivedAtMs: number
  /** NaN if unknown. */
  readonly bootTimeMs: number
  readonly records: number
  /** Where the first record begins in the batch's octets; a multiple of 8. */
  readonly offset: number
  /** Octets of the records alone. */
  readonly lengthOctets: number
  /** True: known options records repeated to a restarted receiver. Learn from them, export nothing. */
  readonly isState: boolean
  /** True beside `isState`: another source's options records, which hold for this one too; that one's are repeated. */
  readonly isSibling: boolean
}

/** One batch, checked throughout (every entry within the frame, every id known, every record count right). */
export interface ReceivedBatch {
  /** Counts from 1 within a sender's epoch; 0 for a batch of state entries alone. */
  readonly id: number
  /** The sender's epoch, 16 hexadecimal digits. */
  readonly senderEpoch: string
  /** The frame; must not be written. Settling detaches it: copy what is needed longer. `view` and `entries` end with it. */
  readonly octets: Uint8Array
  readonly view: DataView
  /** Records of the entries that are not state. */
  readonly records: number
  /** True if an earlier receiver was sent this batch: its records may have been exported before. */
  readonly isRedelivered: boolean
  readonly entries: BatchEntries
  /**
   * For every destination the records are in the kernel's send buffer, in a file, or counted as dropped. Call once; a second
   * call does nothing. The acknowledgement leaves at the end of the event-loop turn. Gives the credit back too.
   */
  settle(): void
  /** Give the credit back early: the batch is held by queues of non-blocking destinations alone. Idempotent. */
  releaseCredit(): void
}
