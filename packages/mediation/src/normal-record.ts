import type { InformationElement } from '@weir/ipfix'
import type { AbsoluteForm, TimeForm } from './time-form.ts'

/** Where a field of a normalised record has its value from. `index` is a field of the input Layout. */
export type NormalValue =
  /** The octets as they are; a variable-length value with its prefix. */
  | { readonly from: 'field'; readonly index: number }
  /** A reduced-size integer or float at its natural length (RFC 7011 §6.2). */
  | { readonly from: 'expand'; readonly index: number }
  /** A time in another form. `boot`: where sysUpTime's zero is known from, for the form `uptime`. */
  | {
      readonly from: 'time'
      readonly index: number
      readonly form: TimeForm
      readonly to: AbsoluteForm
      readonly boot?: number | 'context'
    }
  /** 6 in two octets: the four bits that were the data offset once are 0 (RFC 9565 §3). */
  | { readonly from: 'tcpControlBits'; readonly index: number }
  /** 35 or 49 as 304. */
  | { readonly from: 'selectorAlgorithm'; readonly index: number }
  /**
   * 305 and 306 together, 8 octets: from a rate in the record, else of a sampler or an interface, else (`isFallback`) of
   * the source.
   */
  | {
      readonly from: 'samplingPair'
      readonly rate?: number
      readonly sampler?: number
      /** Field of an interface; only without `rate` and `sampler`. */
      readonly ifIndex?: number
      readonly isFallback: boolean
    }
  | { readonly from: 'exporterAddress' }
  | { readonly from: 'odid' }
  | { readonly from: 'receivedAt' }
  | { readonly from: 'zero' }

/** One field of a normalised record. */
export interface NormalField {
  readonly pen: number
  readonly id: number
  /** Octets in the output, or VARIABLE_LENGTH. A `samplingPair` has 8 for both its elements. */
  readonly length: number
  /** What is known of (pen, id); undefined = octetArray. */
  readonly element: InformationElement | undefined
  readonly value: NormalValue
  /** False if the length is none its type may have (NetFlow v9 only): no IPFIX, hex in JSON. */
  readonly isLegal: boolean
}

/** A record's normalised form, before an encoding is chosen: scope fields in their own order, then canonical order. */
export interface NormalRecord {
  readonly scope: readonly NormalField[]
  readonly fields: readonly NormalField[]
}
