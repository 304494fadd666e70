import type { DropReason } from '@weir/ipfix'
import type { ShelvedSet } from './pending-shelf.ts'

/** Why a Data Set waits although a template of its id is there; '' if it waits for a template that is not. */
export type HeldReason =
  | ''
  /** Its exporter has restarted and has not announced the id since. */
  | 'restart'
  /** It did not fit the template, or an earlier Set of the id did not. */
  | 'misfit'

/** A Data Set that waits, with all that its decoding needs; owned by whoever has it. */
export interface WaitingSet extends ShelvedSet {
  readonly held: HeldReason
}

/** Told of a Data Set that leaves without having been decoded; it is counted by who is told. */
export type OnWaitingDrop = (address: string, reason: DropReason) => void

/** Memory or disk of one beyond its octets, estimated. */
export const SET_OVERHEAD_OCTETS = 200

/** What one costs within the bounds. */
export const costOf = ({ octets }: { readonly octets: Uint8Array }): number => octets.length + SET_OVERHEAD_OCTETS

/** The order of delivery: Export Time, then sequence number. Stable sorting lets arrival decide. Sequence numbers wrap. */
export function inOrder(
  a: Pick<WaitingSet, 'exportTimeSec' | 'sequence'>,
  b: Pick<WaitingSet, 'exportTimeSec' | 'sequence'>
): number {
  return a.exportTimeSec - b.exportTimeSec || (a.sequence - b.sequence) | 0
}
