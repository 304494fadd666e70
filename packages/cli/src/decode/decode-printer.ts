import type { DecodeSummary } from '@weir/ipfix'
import type { DecodedRecord } from './decode-record.ts'

/** Turns what is decoded into text. */
export interface DecodePrinter {
  /** False if the records need not be made: only their number is wanted. */
  readonly wantsRecords: boolean
  /** @returns text to write now, often none. */
  record(record: DecodedRecord): string
  /** @returns the rest of the text. */
  end(summary: DecodeSummary): string
}
