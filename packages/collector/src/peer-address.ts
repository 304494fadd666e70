import { isIPv4, isIPv6 } from 'node:net'

/** An exporter's address. IPv4-mapped IPv6 addresses are IPv4 here, so that a dual-stack socket changes nothing. */
export interface PeerAddress {
  /** Canonical text, no zone: `192.0.2.1`, `2001:db8::1`. */
  readonly text: string
  readonly isIPv6: boolean
  /** 16 octets; IPv4 in the first four. */
  readonly octets: Uint8Array
}

const MAPPED_PREFIX = '::ffff:'

/**
 * An address as sockets report it.
 *
 * @param text - IPv4, IPv6 with or without zone, or IPv4-mapped IPv6.
 */
export function parsePeerAddress(text: string): PeerAddress {
  const plain = normalisedText(text)
  if (isIPv4(plain)) return new TextAddress(plain)
  const octets = new Uint8Array(16)
  if (isIPv6(plain)) writeIPv6(plain, octets)
  return { text: plain, isIPv6: true, octets }
}

/** Canonical text of an address as sockets report it: no zone, no mapping. */
export function normalisedText(text: string): string {
  const zone = text.indexOf('%')
  const bare = zone === -1 ? text : text.slice(0, zone)
  return bare.startsWith(MAPPED_PREFIX) && isIPv4(bare.slice(7)) ? bare.slice(7) : bare
}

/** @param address - IPv4 as one number, 0..2^32-1. */
export function peerAddressOfIPv4(address: number): PeerAddress {
  // One flat string: a template literal would keep its parts, and floods come through here.
  return new TextAddress([address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.'))
}

/** Makes its octets when they are asked for: of most addresses of a flood they never are. */
class TextAddress implements PeerAddress {
  readonly text: string
  readonly isIPv6 = false

  constructor(text: string) {
    this.text = text
  }

  get octets(): Uint8Array {
    const octets = new Uint8Array(16)
    writeIPv4(this.text, octets, 0)
    return octets
  }
}

/** @param octets - 16 octets; copied. */
export function peerAddressOfIPv6(octets: Uint8Array): PeerAddress {
  return { text: textOfIPv6(octets), isIPv6: true, octets: octets.slice() }
}

function writeIPv4(text: string, octets: Uint8Array, offset: number): void {
  let at = offset
  for (const part of text.split('.')) octets[at++] = Number(part)
}

function writeIPv6(text: string, octets: Uint8Array): void {
  const [head, tail] = text.split('::')
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  left.forEach((group, index) => writeGroup(octets, index, group))
  right.forEach((group, index) => writeGroup(octets, 8 - right.length + index, group))
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a, b, c, d] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}

function writeGroup(octets: Uint8Array, index: number, group: number): void {
  octets[index * 2] = group >> 8
  octets[index * 2 + 1] = group & 255
}

/** RFC 5952: lower case, the longest run of zero groups (two at least, the first of equals) as `::`. */
function textOfIPv6(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (octets[index * 2] << 8) | octets[index * 2 + 1])
  let runStart = -1
  let runLength = 1
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > runLength) {
      runStart = start
      runLength = length
    }
  }
  if (runStart === -1) return groupsText(groups)
  return `${groupsText(groups.slice(0, runStart))}::${groupsText(groups.slice(runStart + runLength))}`
}

const groupsText = (groups: readonly number[]): string => groups.map(group => group.toString(16)).join(':')
