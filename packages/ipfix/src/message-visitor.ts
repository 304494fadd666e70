import type { Layout } from './layout.ts'
import type { TemplateDoubt } from './template-table.ts'
import type { FaultCode } from './faults.ts'

/** What the header of a Message says, in the terms of IPFIX. One object, reused: copy what is kept. */
export interface MessageHeader {
  /** 1, 5, 7, 9 or 10. */
  version: number
  /** Octets of the Message, header included (for v9 and the fixed versions: of the datagram). */
  lengthOctets: number
  /** Export Time, seconds since 1970 UTC. */
  exportTimeSec: number
  /** The header's sequence number: IPFIX Data Records, v9 packets, v5/v7 flows; v1 has none (0). */
  sequence: number
  /** Observation Domain id (IPFIX), Source ID (v9), engineType * 256 + engineId (v5), 0 (v1, v7). */
  odid: number
  /** Milliseconds since 1970 UTC at which sysUpTime was 0 (v1, v5, v7, v9), or NaN (IPFIX has no sysUpTime in its header). */
  bootTimeMs: number
  /** The v5 header's sampling field (2 bits mode, 14 bits interval), else -1. */
  v5Sampling: number
}

/** One Data Set whose template is known. One object, reused: copy what is kept. */
export interface DataSetView {
  templateId: number
  layout: Layout
  /** Where the first record begins, in the octets given to the decoder. */
  offset: number
  /** Octets of the records alone: no Set header, no padding. */
  lengthOctets: number
  /** Whole records in it, 0 or more. */
  records: number
}

/** One Data Set whose template is not known, or in doubt. One object, reused: copy what is kept. */
export interface UnknownSetView {
  templateId: number
  /** Why it is not decoded although there is a template, in a guarded table; undefined if there is none. */
  doubt: TemplateDoubt | undefined
  /** Where the Set's body begins (behind the Set header), in the octets given to the decoder. */
  offset: number
  lengthOctets: number
}

/** What happened to a template. */
export type TemplateChange =
  /** A new id. */
  | 'learned'
  /** The same definition again. */
  | 'refreshed'
  /** Another definition under a live id. */
  | 'redefined'
  /** Withdrawn by the exporter (TCP, files). */
  | 'withdrawn'
  /** Ended by its lifetime (UDP). */
  | 'expired'
  /** Ended by a limit. */
  | 'evicted'

export interface TemplateEvent {
  change: TemplateChange
  odid: number
  templateId: number
  /** The definition it has now, or had when it ended. */
  layout: Layout
  /** The definition it had before, for `redefined`. */
  previous?: Layout
  /** What ended was a hint that the exporter contradicted: it may announce the id yet. */
  wasHint?: boolean
}

/**
 * What a decoder tells of one Message. Nothing is called before the whole Message has been checked, except `onFault`;
 * a Message that is malformed causes `onFault` alone (message-atomic, RFC 7011 §9.1).
 */
export interface MessageVisitor {
  onMessage(header: MessageHeader): void
  /** In wire order with the Sets. */
  onTemplate(event: TemplateEvent): void
  onDataSet(set: DataSetView): void
  onUnknownSet(set: UnknownSetView): void
  /**
   * @param offset - in the octets given to the decoder.
   * @param setId - Set ID, or the Template ID for a fault that costs a template (`faultEffectOf`); 0 where neither is.
   */
  onFault(code: FaultCode, offset: number, setId: number): void
}
