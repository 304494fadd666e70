import type { MessageHeader } from '@weir/ipfix'
import type { ScopeMember } from './scope-member.ts'

/** Exact steps between two ports' numbers that make them one count. */
const VOTES_TO_LINK = 3
/** Steps that show two counts, in a row, that end what was taken for one. */
const VOTES_TO_PART = 2
/** Boot times of one exporter differ by the rounding of Export Time to seconds. */
const SAME_BOOT_MS = 2_000

/** The sequence numbers of one source port, as far as other ports may go on from them. */
export class PortNumbers {
  /** Of the last Message; NaN before the first. */
  sequence = Number.NaN
  /** What the last Message counted for; NaN if it held Data Sets that nobody could measure. */
  units = 0
  /** The number that goes on from it. */
  next = Number.NaN
  /** Which Message of the group it was. */
  ordinal = 0
  /** Records of the Data Sets of the Message in hand that only another port's template could measure. */
  measured = 0
}

export const isSameBoot = (one: number, other: number): boolean => Math.abs(one - other) <= SAME_BOOT_MS

/**
 * Compare a Message's number with what the other ports of the group would have next. In one number space a Message goes on
 * exactly from the last one, whatever port that came from, and a port never goes on from itself when another one has sent
 * in between. Allocates only for ports that agree for the first time.
 *
 * @param units - IPFIX: Data Records of the Message, NaN if not known; v9: 1.
 * @param onLink - two ports are shown to count together.
 * @param onPart - two ports that were taken for one count are not.
 */
export function followNumbers(
  member: ScopeMember,
  header: MessageHeader,
  units: number,
  onLink: (one: ScopeMember, other: ScopeMember) => void,
  onPart: (one: ScopeMember, other: ScopeMember) => void
): void {
  const { sequence } = header
  const own = member.numbers
  for (const other of member.group.members) {
    if (other === member) continue
    const { numbers } = other
    if (goesOn(member, other, sequence)) {
      const pair = member.pairWith(other)
      pair.oneSpaceVotes++
      pair.twoSpacesVotes = 0
      if (pair.oneSpaceVotes >= VOTES_TO_LINK && member.space !== other.space) onLink(member, other)
    } else if (numbers.ordinal > own.ordinal && numbers.units !== 0 && showsTwoCounts(own, numbers, sequence, units)) {
      const pair = member.pairs.get(other)
      if (pair === undefined) continue
      pair.oneSpaceVotes = 0
      if (++pair.twoSpacesVotes >= VOTES_TO_PART && member.space === other.space) onPart(member, other)
    }
  }
  own.sequence = sequence
  own.units = units
  own.next = (sequence + units) >>> 0
  if (Number.isNaN(units)) own.next = Number.NaN
  own.ordinal = ++member.group.ordinal
}

function goesOn(member: ScopeMember, { numbers, bootTimeMs }: ScopeMember, sequence: number): boolean {
  if (numbers.next !== sequence || !(numbers.units > 0) || member.numbers.next === sequence) return false
  // NaN on both sides where the protocol has no boot time.
  return Number.isNaN(bootTimeMs) || isSameBoot(bootTimeMs, member.bootTimeMs)
}

/** It goes on from itself though the other has sent since, or both used the same number. */
const showsTwoCounts = (own: PortNumbers, other: PortNumbers, sequence: number, units: number): boolean =>
  (own.next === sequence && own.units > 0) || (other.sequence === sequence && units > 0)
