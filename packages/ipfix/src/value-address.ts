/** Dotted quad of the four octets at `offset` (RFC 7373 §4.9). */
export function ipv4Text(view: DataView, offset: number): string {
  return `${view.getUint8(offset)}.${view.getUint8(offset + 1)}.${view.getUint8(offset + 2)}.${view.getUint8(offset + 3)}`
}

/**
 * Text of the sixteen octets at `offset` as RFC 5952 wants it: lower case, no leading zeros, the longest run of two or
 * more zero groups (the first of equals) as `::`, IPv4-mapped addresses with a dotted quad (§5).
 */
export function ipv6Text(view: DataView, offset: number): string {
  const groups: number[] = []
  for (let at = offset; at < offset + 16; at += 2) groups.push(view.getUint16(at))
  if (groups[5] === 0xffff && groups.slice(0, 5).every(group => group === 0)) {
    return `::ffff:${ipv4Text(view, offset + 12)}`
  }
  const { start, length } = longestZeroRun(groups)
  if (length < 2) return hexGroups(groups)
  return `${hexGroups(groups.slice(0, start))}::${hexGroups(groups.slice(start + length))}`
}

/** Six pairs of lower-case digits with colons (RFC 7373 §4.6). */
export function macText(view: DataView, offset: number): string {
  let text = hexPair(view.getUint8(offset))
  for (let at = offset + 1; at < offset + 6; at++) text += `:${hexPair(view.getUint8(at))}`
  return text
}

/** Octets of a dotted quad, or undefined. No leading zeros, no short forms. */
export function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined
  return parts.map(Number)
}

/** Octets of an IPv6 address in any form of RFC 4291 §2.2, without a zone; or undefined. */
export function parseIpv6(text: string): number[] | undefined {
  const quad = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const tail = quad === null ? [] : parseIpv4(quad[2])
  if (tail === undefined) return undefined
  const groups = tail.length === 0 ? text : `${quad?.[1]}${pairHex(tail[0], tail[1])}:${pairHex(tail[2], tail[3])}`
  const halves = groups.split('::')
  if (halves.length > 2) return undefined
  const [head, rest] = halves.map(half => (half === '' ? [] : half.split(':')))
  const count = head.length + (rest?.length ?? 0)
  if (rest === undefined ? count !== 8 : count > 7) return undefined
  const all = rest === undefined ? head : [...head, ...Array<string>(8 - count).fill('0'), ...rest]
  if (!all.every(group => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined
  return all.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
}

/** Octets of a MAC address with colons (or hyphens, as IEEE 802 writes it), or undefined. */
export function parseMac(text: string): number[] | undefined {
  if (!/^[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}$/.test(text)) return undefined
  return text.split(/[:-]/).map(pair => Number.parseInt(pair, 16))
}

/** Pairs of lower-case digits, one for each octet (RFC 7373 §4.1). */
export function hexText(view: DataView, offset: number, length: number): string {
  let text = ''
  for (let at = offset; at < offset + length; at++) text += hexPair(view.getUint8(at))
  return text
}

const hexPairs = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))
const hexPair = (octet: number): string => hexPairs[octet]
const pairHex = (high: number, low: number): string => (high * 256 + low).toString(16)
const hexGroups = (groups: readonly number[]): string => groups.map(group => group.toString(16)).join(':')

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 0 }
  let length = 0
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: index - length + 1, length }
  }
  return best
}
