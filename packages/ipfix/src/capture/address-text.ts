/**
 * Text of an IPv4 (dotted) or IPv6 address (RFC 5952: lower case, the longest run of zero groups as `::`, IPv4-mapped
 * addresses with a dotted tail).
 *
 * @param lengthOctets - 4 or 16.
 */
export function addressText(view: DataView, offset: number, lengthOctets: 4 | 16): string {
  return lengthOctets === 4 ? dotted(view, offset) : ipv6Text(view, offset)
}

function dotted(view: DataView, offset: number): string {
  const octet = (index: number): number => view.getUint8(offset + index)
  return `${octet(0)}.${octet(1)}.${octet(2)}.${octet(3)}`
}

function ipv6Text(view: DataView, offset: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(offset + index * 2))
  if (groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff)
    return `::ffff:${dotted(view, offset + 12)}`
  const run = longestZeroRun(groups)
  if (run.length < 2) return hex(groups)
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`
}

const hex = (groups: readonly number[]): string => groups.map(group => group.toString(16)).join(':')

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) continue
    if (index - start > best.length) best = { start, length: index - start }
    start = index + 1
  }
  return best
}
