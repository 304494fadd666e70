import type { Layout } from '@weir/ipfix'

/** Where a Program stands. One object, reused for every call: the Program writes all three before it returns. */
export interface Cursor {
  /** Next unread octet of the input. */
  in: number
  /** Next unwritten octet of the output. */
  out: number
  /** Records written by this call. */
  records: number
  /** Records that the Plan's filter kept back: read and not written. */
  filtered: number
}

/** Names the output's template ids for values that name the input's (RFC 6313 lists, templateId 145). */
export interface TemplateIds {
  /**
   * @param templateId - as the exporter wrote it.
   * @returns the id under which this destination knows that template, announced before the record that names it; 0 if unknown.
   */
  exportedId(templateId: number): number
  /**
   * What the exporter defines under that id, so that lists inside the records of a list are found too. Without it only
   * the outermost list's ids are written anew.
   */
  layoutOf?(templateId: number): Layout | undefined
}

/** What is constant over one Data Set entry. One object, reused. Times are milliseconds since 1970 UTC. */
export interface EntryContext {
  /** The exporter's address, 16 octets; IPv4 in the first four. */
  exporterAddress: Uint8Array
  exporterIsIPv6: boolean
  odid: number
  /** Wire version the records came in: 1, 5, 7, 9, 10. */
  version: number
  exportTimeSec: number
  receivedAtMs: number
  /** When sysUpTime was 0, or NaN when it is not known. */
  bootTimeMs: number
  /** Effective sampling of the source as far as it is known without the record: one packet selected in `samplingRate`. 0 = unknown. */
  samplingRate: number
  /** Where `samplingRate` was learned: 0 nowhere, 1 header (v5), 2 options record, 3 the record itself, 4 configuration. */
  samplingOrigin: number
  /** The rate of one sampler or selector (IE 48, 302), or 0 when unknown. */
  samplingRateOf(samplerId: number): number
  /** Whether a rate is known of any interface: Programs of records that name none do not ask further. */
  hasInterfaceRates: boolean
  /** The rate of one interface (IE 10, 14), told by options records scoped by it; 0 when unknown. */
  samplingRateOfInterface(ifIndex: number): number
  templateIds: TemplateIds
}

/**
 * A function made from one input Layout and one Plan: reads records, writes records.
 *
 * It reads whole records from `octets[inOffset..inEnd)` and writes as many as fit whole in `out[outOffset..outLimit)`.
 * `cursor.in` is then the first unread record, `cursor.out` the end of what was written. If not even one record fits,
 * `cursor.in` is `inOffset`: the caller makes room, or gives up on that record. Records that a filter keeps back need no
 * room: with none, the Program reads up to the first that matches.
 * The input was checked by the collector: every record is whole. It never allocates per record (JSON strings excepted).
 */
export interface Program {
  readonly input: Layout
  /** The output's Layout (IPFIX plans), or undefined (text). */
  readonly output: Layout | undefined
  readonly isCompiled: boolean
  run(
    octets: Uint8Array,
    view: DataView,
    inOffset: number,
    inEnd: number,
    out: Uint8Array,
    outView: DataView,
    outOffset: number,
    outLimit: number,
    context: EntryContext,
    cursor: Cursor
  ): void
}
