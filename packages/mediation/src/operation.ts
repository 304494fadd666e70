import type { RecordFilter } from './filter/condition.ts'
import type { AbsoluteForm, TimeForm } from './time-form.ts'

/**
 * A place in the input record. `anchor` 0 is the record's begin; anchor n is the end of its n-th variable-length field
 * (from 1); `offset` counts octets from there.
 */
export interface Place {
  readonly anchor: number
  readonly offset: number
}

/** A fixed-length value in the input record. */
export interface FixedValue extends Place {
  readonly length: number
}

/** A value in the input record: fixed, or the n-th variable-length field (from 0). */
export type InputValue = FixedValue | { readonly variable: number }

/** What is constant over an entry. */
export type ContextName = 'exporterIPv4' | 'exporterIPv6' | 'odid' | 'receivedAt'

/** A time in another absolute form: 8 octets. */
export interface TimeOperation {
  readonly op: 'time'
  readonly form: TimeForm
  readonly to: AbsoluteForm
  readonly value: FixedValue
  /** For `uptime`: the place of systemInitTimeMilliseconds in the record, or the context's boot time. */
  readonly boot: FixedValue | 'context' | undefined
}

/** 35 or 49 as 304: 2 octets. */
export interface SelectorOperation {
  readonly op: 'selectorAlgorithm'
  readonly value: FixedValue
}

/** 6 in two octets without the four bits that mean nothing: 2 octets. */
export interface FlagsOperation {
  readonly op: 'tcpControlBits'
  readonly value: FixedValue
}

/** The rate of sampling: of the record, else of its sampler or its interface, else of the source. */
export interface SamplingRate {
  readonly rate: FixedValue | undefined
  readonly sampler: FixedValue | undefined
  /** Only without `rate` and `sampler`. */
  readonly ifIndex: FixedValue | undefined
  readonly isFallback: boolean
}

/** How a value becomes text. Those of the last line write as much as the value's octets ask for. */
export type TextWriter =
  | 'unsigned'
  | 'unsigned64'
  | 'signed'
  | 'float'
  | 'boolean'
  | 'ipv4'
  | 'ipv6'
  | 'mac'
  | 'seconds'
  | 'milliseconds'
  | 'microseconds'
  | 'nanoseconds'
  | 'hex'
  | 'string'
  | 'unsigned256'
  | 'basicList'
  | 'subTemplateList'
  | 'subTemplateMultiList'

/** One step in writing an output record; steps follow each other in the output. */
export type Operation =
  | { readonly op: 'copy'; readonly value: FixedValue }
  | { readonly op: 'expandUnsigned' | 'expandSigned'; readonly value: FixedValue; readonly toLength: number }
  | { readonly op: 'expandFloat'; readonly value: FixedValue }
  | TimeOperation
  | SelectorOperation
  | FlagsOperation
  | { readonly op: 'templateId'; readonly value: FixedValue }
  /** 173 of the template that `template` (145) names: the bits of its fields where `plan` puts them; 8 octets. */
  | {
      readonly op: 'flowKeys'
      readonly value: FixedValue
      readonly template: FixedValue
      /** As `planNumber` gives it. */
      readonly plan: number
    }
  | ({ readonly op: 'samplingPair' } & SamplingRate)
  | { readonly op: 'context'; readonly name: ContextName }
  | { readonly op: 'zero'; readonly length: number }
  /** A variable-length value with its prefix. */
  | { readonly op: 'variable'; readonly variable: number }
  /** A list; the template ids in it are written as the destination knows them. */
  | { readonly op: 'list'; readonly listType: number; readonly value: InputValue }
  | { readonly op: 'literal'; readonly octets: Uint8Array }
  /** `areNumbers64Text` is for lists: 64-bit integers in them are strings. */
  | {
      readonly op: 'text'
      readonly writer: TextWriter
      readonly value: InputValue | TimeOperation | SelectorOperation | FlagsOperation
      readonly areNumbers64Text: boolean
    }
  | { readonly op: 'contextText'; readonly name: ContextName }
  /** `null` or the rate, and where it was learned. `interval` and `space`: 305 and 306 of the record. */
  | ({
      readonly op: 'samplingText'
      readonly interval: FixedValue | undefined
      readonly space: FixedValue | undefined
    } & SamplingRate)

/** The steps that write one record. */
export interface RecordPlan {
  readonly operations: readonly Operation[]
  /** Prefix places of the input's variable-length fields, in order. */
  readonly variables: readonly Place[]
  /** Where the record ends: its last anchor and the octets behind it. */
  readonly end: Place
  /** Octets of the output that do not depend on variable-length values: exact for IPFIX, an upper bound for text. */
  readonly fixedOutput: number
  /** True if each output record has `fixedOutput` octets. */
  readonly isFixedOutput: boolean
  /** Records for which it does not hold are read and not written. */
  readonly filter?: RecordFilter
}
