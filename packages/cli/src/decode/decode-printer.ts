import type { CaptureCounters, DecodeSummary } from '@weir/ipfix'
import type { DecodedRecord } from './decode-record.ts'

/** Turns what is decoded into text. */
export interface DecodePrinter {
  /** False if the records need not be made: only their number is wanted. */
  readonly wantsRecords: boolean
  /** @returns text to write now, often none. */
  record(record: DecodedRecord): string
  /**
   * @param counters - what the capture held that is no flow export, or could not be used.
   * @returns the rest of the text.
   */
  end(summary: DecodeSummary, counters: CaptureCounters): string
}
