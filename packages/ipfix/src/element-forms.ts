import { enterpriseTable } from './registry-vendors.gen.ts'
import { forwardingStatusTable, natEventTable } from './registry-iana.gen.ts'
import { ipv6Text } from './value-address.ts'
import { readUnsigned } from './value-number.ts'

/** Ids of the IANA elements whose octets have a form of their own. */
export const formIds = {
  tcpControlBits: 6,
  forwardingStatus: 89,
  applicationId: 95,
  natEvent: 230,
  bgpExtendedCommunity: 486,
  bgpLargeCommunity: 489,
  srhSegmentIPv6ListSection: 497,
  ipv6ExtensionHeadersFull: 515,
  tcpOptionsFull: 520
} as const

/**
 * What tcpControlBits (6) says (RFC 9565 §3): the top four bits of its two octets, the old data offset, are ignored; one
 * octet has the low eight flags alone and says nothing of the others.
 *
 * @param length - 1 or 2 octets.
 * @returns the flags, 0..0xfff, and which of them are known: 0xff or 0xfff.
 */
export function tcpControlBits(view: DataView, offset: number, length: number): { bits: number; known: number } {
  if (length === 1) return { bits: view.getUint8(offset), known: 0xff }
  return { bits: view.getUint16(offset) & 0xfff, known: 0xfff }
}

/**
 * What forwardingStatus (89) says (RFC 7270 §4.12, RFC 9710): the low octet counts, whatever the field's length; two bits
 * of status and six of reason.
 *
 * @param length - 1 or more octets.
 */
export function forwardingStatus(view: DataView, offset: number, length: number): { status: number; reason: number } {
  const octet = view.getUint8(offset + length - 1)
  return { status: octet >> 6, reason: octet & 0x3f }
}

const statusNames = ['Unknown', 'Forwarded', 'Dropped', 'Consumed']
const forwardingNames = namesOf(forwardingStatusTable)
const natEventNames = namesOf(natEventTable)
const enterpriseNames = namesOf(enterpriseTable)

/** `Dropped: bad TTL`, by IANA's registry; the number of the reason if it has no name there. */
export function forwardingStatusName(status: number, reason: number): string {
  const name = forwardingNames.get(status * 64 + reason)
  return `${statusNames[status]}: ${name ?? reason}`
}

/** Name of a value of natEvent (230), or undefined if IANA has none (RFC 8158 §4). */
export function natEventName(value: number): string | undefined {
  return natEventNames.get(value)
}

/** Name of an enterprise whose elements we know, or undefined. */
export function enterpriseName(pen: number): string | undefined {
  return enterpriseNames.get(pen)
}

const PANA_L7_PEN = 20

/**
 * Text of an applicationId (95): `<engine>..<selector>`, or `20..<PEN>..<selector>` for PANA-L7-PEN (RFC 6759 §4.1). The
 * selector stands in the low octets, so a longer or a shorter one has the same text (§4.2).
 *
 * @returns undefined if there are not enough octets.
 */
export function applicationIdText(view: DataView, offset: number, length: number): string | undefined {
  if (length < 1) return undefined
  const engine = view.getUint8(offset)
  const selectorAt = engine === PANA_L7_PEN ? 5 : 1
  if (length < selectorAt) return undefined
  const selector = length === selectorAt ? 0n : bigUnsigned(view, offset + selectorAt, length - selectorAt)
  if (engine === PANA_L7_PEN) return `${engine}..${view.getUint32(offset + 1)}..${selector}`
  return `${engine}..${selector}`
}

/**
 * Addresses of srhSegmentIPv6ListSection (497), in the order of the octets (RFC 9487 §4.5): what a
 * srhSegmentIPv6BasicList (496) says element by element.
 *
 * @returns undefined if the octets are not a whole number of addresses.
 */
export function srhSegments(view: DataView, offset: number, length: number): string[] | undefined {
  if (length % 16 !== 0) return undefined
  return Array.from({ length: length / 16 }, (_, index) => ipv6Text(view, offset + 16 * index))
}

/**
 * The bits that are set in a flags field of any size, ascending, bit 0 the least significant: for
 * ipv6ExtensionHeadersFull (515) and tcpOptionsFull (520) bit n stands for value n (RFC 9740 §3, §4).
 */
export function setBits(view: DataView, offset: number, length: number): number[] {
  const bits: number[] = []
  for (let bit = 0; bit < 8 * length; bit++) {
    if ((view.getUint8(offset + length - 1 - (bit >> 3)) >> (bit & 7)) & 1) bits.push(bit)
  }
  return bits
}

const flagNames = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE']

/**
 * What a value of an IANA element says beyond its type, for people; undefined for elements without such a form and for
 * octets that it does not fit. The elements: those of {@link formIds} but the BGP communities.
 *
 * @param id - of PEN 0, or of PEN 29305 (a reverse element says the same).
 */
export function describeValue(id: number, view: DataView, offset: number, length: number): string | undefined {
  if (length === 0) return undefined
  switch (id) {
    case formIds.tcpControlBits:
      return length > 2 ? undefined : describeFlags(view, offset, length)
    case formIds.forwardingStatus: {
      const { status, reason } = forwardingStatus(view, offset, length)
      return forwardingStatusName(status, reason)
    }
    case formIds.applicationId:
      return applicationIdText(view, offset, length)
    case formIds.natEvent:
      return natEventName(view.getUint8(offset + length - 1))
    case formIds.srhSegmentIPv6ListSection:
      return srhSegments(view, offset, length)?.join(' ')
    case formIds.ipv6ExtensionHeadersFull:
    case formIds.tcpOptionsFull:
      return length > 32 ? undefined : setBits(view, offset, length).join(',')
    default:
      return undefined
  }
}

function describeFlags(view: DataView, offset: number, length: number): string {
  const { bits, known } = tcpControlBits(view, offset, length)
  const names = Array.from({ length: 12 }, (_, bit) => ((bits >> bit) & 1 ? (flagNames[bit] ?? `bit${bit}`) : ''))
  const text = names.filter(name => name !== '').join(' ')
  return known === 0xff ? `${text} (high bits unknown)`.trimStart() : text
}

function bigUnsigned(view: DataView, offset: number, length: number): bigint {
  let at = offset
  while (at < offset + length - 1 && view.getUint8(at) === 0) at++
  // A selector of more than 32 octets is no number of anybody's: its low octets stand for it.
  const from = Math.max(at, offset + length - 32)
  return BigInt(readUnsigned(view, from, offset + length - from))
}

function namesOf(table: string): Map<number, string> {
  const names = new Map<number, string>()
  for (const row of table.split('\n')) {
    const comma = row.indexOf(',')
    if (comma > 0) names.set(Number(row.slice(0, comma)), row.slice(comma + 1))
  }
  return names
}
