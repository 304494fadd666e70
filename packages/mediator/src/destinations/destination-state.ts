import type { QueuePolicy } from '../input-queue.ts'
import type { DestinationMode } from './destination-mode.ts'
import type { DestinationLedger } from '../ledger.ts'
import type { EncoderState } from './encoder.ts'
import type { OutputState } from './output.ts'

/** All of one destination, as plain data for the API and the metrics. */
export interface DestinationState {
  readonly id: string
  readonly type: string
  readonly mode: DestinationMode
  readonly output: OutputState
  readonly encoder: EncoderState
  readonly queue: {
    readonly records: number
    readonly octets: number
    readonly batches: number
    readonly limitOctets: number
    readonly policy: QueuePolicy
  }
  readonly ledger: DestinationLedger
  /** Options records sent once more, outside the ledger. */
  readonly repeatedRecords: number
  readonly isStopping: boolean
}
