import type { MessageHeader } from './message-visitor.ts'

/** What one Message's sequence number meant; see {@link SequenceTracker.update}. */
export type SequenceStep =
  /** The first Message, or the first after a restart that was confirmed. */
  | 'first'
  | 'next'
  /** Something is missing before it: `lost` (or `undecoded`) went up. */
  | 'gap'
  /** It fills a gap: `reordered` went up, `lost` down. */
  | 'late'
  | 'duplicate'
  /** A number far off; counted only if the next ones go on from it (R7011-11.6-1). */
  | 'suspect'
  /** The exporter restarted or set its clock: templates are to be marked stale (D15). */
  | 'restart'

/**
 * Follows the sequence numbers of one (Transport Session, Observation Domain) and counts what is missing. The unit is the
 * version's: IPFIX Data Records, v9 packets, v5 and v7 flows; v1 has no numbers.
 */
export class SequenceTracker {
  /** Units missing. Goes down when late ones come. */
  lost = 0
  /** Messages that came twice. */
  duplicated = 0
  /** Messages that came late, within the window. */
  reordered = 0
  /** Restarts of the exporter, confirmed by three Messages that agree. */
  restarts = 0
  /** Messages whose number was far off. */
  suspect = 0
  /** IPFIX records in Sets or Messages that could not be decoded, as far as the numbers show. Never in `lost`. */
  undecoded = 0

  /**
   * Take one Message, after it was decoded.
   *
   * @param header - as `onMessage` gave it.
   * @param units - IPFIX: Data Records decoded, options records too; v5, v7: records; v9: not used (one packet).
   * @param isComplete - false if a Data Set of it could not be decoded, so that `units` is not all (IPFIX).
   */
  update(_header: MessageHeader, _units: number, _isComplete: boolean): SequenceStep {
    return 'next'
  }

  /** A Message of this domain was discarded: what it held must not count as lost (IPFIX, v5, v7). */
  noteDiscarded(): void {}
}
