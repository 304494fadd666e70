import type { FixedValue, InputValue, SamplingRate } from '../operation.ts'
import type { TimeForm } from '../time-form.ts'
import type { Order, TextMatch } from './filter.ts'

/** Where a number to compare comes from. */
export type NumberSource =
  | {
      readonly from: 'unsigned' | 'signed' | 'float' | 'selectorAlgorithm' | 'tcpControlBits'
      readonly value: FixedValue
    }
  /** Octets of any type as an unsigned number. */
  | { readonly from: 'octets'; readonly value: InputValue }
  /** Milliseconds since 1970. `boot` as in an operation `time`. */
  | {
      readonly from: 'time'
      readonly form: TimeForm
      readonly value: FixedValue
      readonly boot: FixedValue | 'context' | undefined
    }
  | ({ readonly from: 'samplingInterval' | 'samplingSpace' } & SamplingRate)
  | { readonly from: 'exporterIPv4' | 'odid' | 'receivedAt' | 'zero' }

/** What is to hold for a record of one Layout. Values of the filter stand in {@link FilterConstants}, here by index. */
export type Condition =
  | { readonly op: 'constant'; readonly holds: boolean }
  | { readonly op: 'and' | 'or'; readonly conditions: readonly Condition[] }
  | { readonly op: 'not'; readonly condition: Condition }
  | { readonly op: 'order'; readonly source: NumberSource; readonly order: Order; readonly number: number }
  | { readonly op: 'ranges'; readonly source: NumberSource; readonly from: number; readonly count: number }
  | {
      readonly op: 'ranges16'
      readonly value: FixedValue | 'exporter'
      readonly from: number
      readonly count: number
    }
  | {
      readonly op: 'text'
      readonly match: TextMatch
      readonly value: InputValue
      /** NULs at its end do not count. */
      readonly isTrimmed: boolean
      readonly from: number
      readonly to: number
    }

/** The values of a filter: parameters of compiled code, never part of its text. */
export interface FilterConstants {
  readonly numbers: Float64Array
  /** IPv6 addresses, four numbers each. */
  readonly words: Uint32Array
  readonly texts: Uint8Array
  /** As `textContains` wants them, one for each octet of `texts`. */
  readonly steps: Uint16Array
}

/** A filter as it is asked of the records of one Layout. */
export interface RecordFilter {
  readonly condition: Condition
  readonly constants: FilterConstants
  /** Conditions in it. */
  readonly size: number
}
