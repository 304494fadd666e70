import { parseIpv4, parseIpv6 } from '@weir/ipfix'
import { CodedError, exitCodes } from '@weir/runtime'
import { addressText } from '../text/address-text.ts'
import { visibleText } from '../text/visible-text.ts'
import type { GraphParams } from './graph-params.ts'

/** Makes keys of nodes, of four words each, from addresses. */
export interface NodeKeys {
  /** @param addresses - 16 octets each, IPv4 as IPv4-mapped; `keys` is written and may be the same. */
  map(addresses: Uint32Array, count: number, keys: Uint32Array): void
  /** What people call the node. Different keys have different names. */
  nameOf(key: Uint32Array): string
}

/** Words as they stand in memory, of octets. */
const wordsOf = (octets: Uint8Array): Uint32Array => new Uint32Array(octets.slice().buffer)

const MAPPED_OCTETS = 12
const mapped = wordsOf(new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]))

const isIPv4 = (words: Uint32Array, at: number): boolean =>
  words[at] === 0 && words[at + 1] === 0 && words[at + 2] === mapped[2]

/** Each address is a node. */
export const addressKeys: NodeKeys = {
  map(addresses, count, keys) {
    if (keys !== addresses) keys.set(addresses.subarray(0, 4 * count))
  },
  nameOf: key => addressText(key, 0)
}

/** Addresses of one prefix are one node. */
export function prefixKeys(ipv4Length: number, ipv6Length: number): NodeKeys {
  const ipv4 = maskOf(8 * MAPPED_OCTETS + ipv4Length)
  const ipv6 = maskOf(ipv6Length)
  return {
    map(addresses, count, keys) {
      for (let at = 0; at < 4 * count; at += 4) {
        const mask = isIPv4(addresses, at) ? ipv4 : ipv6
        for (let word = 0; word < 4; word++) keys[at + word] = addresses[at + word] & mask[word]
      }
    },
    // An IPv6 prefix shorter than 96 bits may hold ::ffff:0:0, but its own address is never that.
    nameOf: key => `${addressText(key, 0)}/${isIPv4(key, 0) ? ipv4Length : ipv6Length}`
  }
}

function maskOf(bits: number): Uint32Array {
  const octets = new Uint8Array(16)
  for (let bit = 0; bit < bits; bit++) octets[bit >> 3] |= 0x80 >> (bit & 7)
  return wordsOf(octets)
}

const OTHER = 'other'

interface Interval {
  /** Octets of its first address as a number. */
  readonly first: bigint
  readonly last: bigint
  readonly length: number
  readonly name: number
}

/**
 * Addresses of one name are one node. Prefixes become stretches of addresses that do not overlap, each with the name of the
 * longest prefix that holds it: an address is found by halving.
 *
 * @throws CodedError TASK_PARAMS if a prefix is none.
 */
export function nameKeys(entries: NonNullable<GraphParams['names']>): NodeKeys {
  const names = [OTHER]
  const numbers = new Map([[OTHER, 0]])
  const intervals = entries.map(({ prefix, name }): Interval => {
    const shown = visibleText(name)
    let number = numbers.get(shown)
    if (number === undefined) {
      number = names.push(shown) - 1
      numbers.set(shown, number)
    }
    return { ...intervalOf(prefix), name: number }
  })
  const { starts, owners } = stretchesOf(intervals)
  return {
    map(addresses, count, keys) {
      const view = new DataView(addresses.buffer, addresses.byteOffset)
      for (let at = 0; at < 4 * count; at += 4) {
        const owner = owners[stretchAt(starts, view, 4 * at)]
        keys[at] = 0
        keys[at + 1] = 0
        keys[at + 2] = 0
        keys[at + 3] = owner
      }
    },
    nameOf: key => names[key[3]]
  }
}

function intervalOf(prefix: string): Omit<Interval, 'name'> {
  const [address, lengthText, ...more] = prefix.split('/')
  const ipv4 = parseIpv4(address)
  const octets = ipv4 === undefined ? parseIpv6(address) : [...new Uint8Array(mapped.buffer, 0, MAPPED_OCTETS), ...ipv4]
  const most = ipv4 === undefined ? 128 : 32
  const length = lengthText === undefined ? most : Number(lengthText)
  const isLength = lengthText === undefined || (/^\d{1,3}$/.test(lengthText) && length <= most)
  if (octets === undefined || !isLength || more.length > 0) {
    const message = `${JSON.stringify(prefix)} in \`names\` is no prefix; write one like 10.1.0.0/16 or 2001:db8::/32`
    throw new CodedError('TASK_PARAMS', message, exitCodes.usage, { prefix })
  }
  const bits = length + (128 - most)
  const size = 1n << BigInt(128 - bits)
  const first = (octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n) / size) * size
  return { first, last: first + size - 1n, length: bits }
}

interface Stretches {
  /** First addresses, four words each, most significant first; the first of them is ::. */
  readonly starts: Uint32Array
  /** Number of the name of each. */
  readonly owners: Uint32Array
}

function stretchesOf(intervals: readonly Interval[]): Stretches {
  const bounds = new Set([0n])
  for (const { first, last } of intervals) {
    bounds.add(first)
    if (last < 2n ** 128n - 1n) bounds.add(last + 1n)
  }
  const all = [...bounds].toSorted((left, right) => (left < right ? -1 : 1))
  // A longer prefix is within the shorter ones that it overlaps: the last one opened that has not ended is the longest.
  const open: Interval[] = []
  const inOrder = intervals.toSorted((left, right) =>
    left.first === right.first ? left.length - right.length : left.first < right.first ? -1 : 1
  )
  let next = 0
  const owners = all.map(bound => {
    while (open.length > 0 && open.at(-1)!.last < bound) open.pop()
    while (next < inOrder.length && inOrder[next].first === bound) open.push(inOrder[next++])
    return open.at(-1)?.name ?? 0
  })
  const starts = all.flatMap(bound => [96n, 64n, 32n, 0n].map(shift => Number((bound >> shift) & 0xffffffffn)))
  return { starts: Uint32Array.from(starts), owners: Uint32Array.from(owners) }
}

/** The last stretch that begins at or before an address. */
function stretchAt(starts: Uint32Array, view: DataView, at: number): number {
  let low = 0
  let high = starts.length >> 2
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (isAtOrBefore(starts, 4 * middle, view, at)) low = middle
    else high = middle
  }
  return low
}

function isAtOrBefore(starts: Uint32Array, start: number, view: DataView, at: number): boolean {
  for (let word = 0; word < 4; word++) {
    const wanted = view.getUint32(at + 4 * word)
    if (starts[start + word] !== wanted) return starts[start + word] < wanted
  }
  return true
}

/** The nodes that parameters ask for. */
export function nodeKeysOf({ nodes, ipv4Prefix, ipv6Prefix, names }: Required<GraphParams>): NodeKeys {
  if (nodes === 'names') return nameKeys(names)
  return nodes === 'prefixes' ? prefixKeys(ipv4Prefix, ipv6Prefix) : addressKeys
}
