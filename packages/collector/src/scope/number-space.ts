import type { MessageHeader } from '@weir/ipfix'
import type { ScopeMember } from './scope-member.ts'

/** Exact steps between two ports' numbers, in a row, that make them one count. */
const VOTES_TO_LINK = 3
/** The same while the numbers are small: two exporters that booted together are near each other by themselves. */
const YOUNG = 65_536
const VOTES_TO_LINK_YOUNG = 8
/** Steps that show two counts, in a row, that end what was taken for one. */
const VOTES_TO_PART = 2
/** Boot times of one exporter differ by the rounding of Export Time to seconds. */
const SAME_BOOT_MS = 2_000
/** Numbers of each port that are remembered: no number is used twice in one count. */
const WINDOW = 32

/** The sequence numbers of one source port, as far as other ports may go on from them. */
export class PortNumbers {
  /** What the last Message counted for; NaN if it held Data Sets that nobody could measure. */
  units = 0
  /** The number that goes on from it. */
  next = Number.NaN
  /** Which Message of the group it was. */
  ordinal = 0
  /** Records of the Data Sets of the Message in hand that only another port's template could measure. */
  measured = 0
  readonly #used = new Float64Array(WINDOW).fill(-1)
  #usedAt = 0

  /** Note the number of a Message that counted for something. */
  use(sequence: number): void {
    this.#used[this.#usedAt] = sequence
    this.#usedAt = (this.#usedAt + 1) % WINDOW
  }

  hasUsed(sequence: number): boolean {
    return this.#used.includes(sequence)
  }
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
      const needed = sequence < YOUNG ? VOTES_TO_LINK_YOUNG : VOTES_TO_LINK
      if (pair.oneSpaceVotes >= needed && member.space !== other.space) onLink(member, other)
      continue
    }
    const pair = member.pairs.get(other)
    if (pair === undefined) continue
    const isUsedTwice = units !== 0 && numbers.hasUsed(sequence)
    // It goes on from itself, though the other one has sent since.
    const isOwnCount = numbers.ordinal > own.ordinal && numbers.units !== 0 && own.units > 0 && own.next === sequence
    if (!isUsedTwice && !isOwnCount) continue
    pair.oneSpaceVotes = 0
    pair.twoSpacesVotes += isUsedTwice ? VOTES_TO_PART : 1
    if (pair.twoSpacesVotes >= VOTES_TO_PART && member.space === other.space) onPart(member, other)
  }
  if (units !== 0) own.use(sequence)
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
