import { isIPv4, isIPv6 } from 'node:net'
import { parsePeerAddress, peerAddressOfIPv6, type PeerAddress } from './peer-address.ts'

/** Why a PROXY header was not believed. */
export type ProxyFault =
  /** It begins as neither version does: the sender has no `send-proxy`, or is no balancer. */
  | 'PROXY_SIGNATURE'
  /** The signature of version 2, and another version. */
  | 'PROXY_VERSION'
  /** Neither LOCAL nor PROXY. */
  | 'PROXY_COMMAND'
  /** Addresses or ports that are none, or fewer octets than their family takes. */
  | 'PROXY_ADDRESS'
  /** Over 107 octets (v1) or {@link PROXY_MOST_OCTETS} (v2). */
  | 'PROXY_TOO_LONG'

/** Whose connection it is. */
export interface ProxySource {
  readonly address: PeerAddress
  readonly port: number
}

/** Longest header of version 2 that is taken, TLVs included. They are skipped, so this costs time and no memory. */
export const PROXY_MOST_OCTETS = 4_096

const V1_MOST_OCTETS = 107
const V1_START = Buffer.from('PROXY ', 'latin1')
const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
const V2_FIXED = 16
/** Command and family of the connections that have an address here: PROXY over TCP and IPv4 or IPv6. */
const addressOctets: ReadonlyMap<number, number> = new Map([
  [0x11, 12],
  [0x21, 36]
])
const LF = 0x0a
const CR = 0x0d

/** Whether octets that came where a Message should begin are a PROXY header that nobody asked for. */
export function looksLikeProxyHeader(octets: Uint8Array): boolean {
  return (
    octets.length >= 4 &&
    [V1_START, V2_SIGNATURE].some(start => start.subarray(0, 4).every((each, at) => each === octets[at]))
  )
}

/**
 * Reads one PROXY header, version 1 or 2, from the start of a connection, however it is cut. Only what names the source is
 * kept; TLVs are skipped.
 *
 *     v1  PROXY TCP4|TCP6|UNKNOWN source destination sourcePort destinationPort CR LF
 *     v2  signature (12) | version, command | family, protocol | length (2) | addresses and ports | TLVs
 *
 * @see https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt §2
 */
export class ProxyHeaderReader {
  /** The header is whole and right. */
  isWhole = false
  fault: ProxyFault | undefined
  /**
   * Undefined while it is not whole, and when the connection is the balancer's own (LOCAL: a health check) or of a family
   * that has no address here (UNKNOWN, UNSPEC, UNIX, datagrams): then its real endpoints count.
   */
  source: ProxySource | undefined
  readonly #kept = new Uint8Array(V1_MOST_OCTETS)
  #count = 0
  /** Version 2: octets up to and with the addresses; -1 while that is not known. */
  #addressEnd = -1
  /** Version 2: octets still to be skipped. */
  #toSkip = 0

  /** Octets of the header that have come. */
  get octets(): number {
    return this.#count
  }

  /**
   * Read on.
   *
   * @param chunk - not kept.
   * @returns how many of its octets belong to the header; all, while it is not whole. No meaning once there is a fault.
   */
  push(chunk: Uint8Array): number {
    let at = 0
    while (at < chunk.length && !this.isWhole && this.fault === undefined) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, chunk.length - at)
        at += skipped
        this.#toSkip -= skipped
        this.isWhole = this.#toSkip === 0
      } else {
        this.#kept[this.#count++] = chunk[at++]
        if (this.#kept[0] === CR) this.#readV2()
        else this.#readV1()
      }
    }
    return at
  }

  #readV1(): void {
    const last = this.#count - 1
    const octet = this.#kept[last]
    if (last < V1_START.length) {
      if (octet !== V1_START[last]) this.fault = 'PROXY_SIGNATURE'
      return
    }
    const isAfterCr = this.#kept[last - 1] === CR
    if (octet === LF && isAfterCr) this.#parseV1(Buffer.from(this.#kept.buffer, 0, last - 1).toString('latin1'))
    else if (octet === LF || isAfterCr) this.fault = 'PROXY_ADDRESS'
    else if (this.#count === V1_MOST_OCTETS) this.fault = 'PROXY_TOO_LONG'
  }

  #parseV1(line: string): void {
    const [, family, source, destination, sourcePort, destinationPort, ...rest] = line.split(' ')
    // What follows UNKNOWN MUST be ignored.
    if (family === 'UNKNOWN') {
      this.isWhole = true
      return
    }
    const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : () => false
    const isRight =
      rest.length === 0 &&
      isAddress(source ?? '') &&
      isAddress(destination ?? '') &&
      isPort(sourcePort) &&
      isPort(destinationPort)
    if (!isRight) {
      this.fault = 'PROXY_ADDRESS'
      return
    }
    this.source = { address: canonical(parsePeerAddress(source)), port: Number(sourcePort) }
    this.isWhole = true
  }

  #readV2(): void {
    const last = this.#count - 1
    if (last < V2_SIGNATURE.length) {
      if (this.#kept[last] !== V2_SIGNATURE[last]) this.fault = 'PROXY_SIGNATURE'
    } else if (last === 12) {
      if (this.#kept[12] >> 4 !== 2) this.fault = 'PROXY_VERSION'
      else if ((this.#kept[12] & 15) > 1) this.fault = 'PROXY_COMMAND'
    } else if (this.#count === V2_FIXED) {
      this.#planV2()
    } else if (this.#count === this.#addressEnd) {
      this.#parseV2()
    }
  }

  #planV2(): void {
    const kept = this.#kept
    const length = (kept[14] << 8) | kept[15]
    const isLocal = (kept[12] & 15) === 0
    const wanted = isLocal ? 0 : (addressOctets.get(kept[13]) ?? 0)
    if (V2_FIXED + length > PROXY_MOST_OCTETS) this.fault = 'PROXY_TOO_LONG'
    else if (length < wanted) this.fault = 'PROXY_ADDRESS'
    else if (wanted > 0) this.#addressEnd = V2_FIXED + wanted
    else this.#skip(length)
  }

  #parseV2(): void {
    const kept = this.#kept
    const isIPv4Family = this.#addressEnd === V2_FIXED + 12
    const portAt = V2_FIXED + (isIPv4Family ? 8 : 32)
    const address = isIPv4Family
      ? parsePeerAddress(kept.subarray(V2_FIXED, V2_FIXED + 4).join('.'))
      : canonical(peerAddressOfIPv6(kept.subarray(V2_FIXED, V2_FIXED + 16)))
    this.source = { address, port: (kept[portAt] << 8) | kept[portAt + 1] }
    this.#skip(((kept[14] << 8) | kept[15]) - (this.#addressEnd - V2_FIXED))
  }

  #skip(octets: number): void {
    this.#toSkip = octets
    this.isWhole = octets === 0
  }
}

const isPlainIPv6 = (text: string): boolean => isIPv6(text) && !text.includes('%')

const isPort = (text: string | undefined): boolean =>
  text !== undefined && /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535

/** One text for one address; a balancer that listens on IPv6 tells of IPv4 exporters as IPv4-mapped addresses. */
function canonical(address: PeerAddress): PeerAddress {
  if (!address.isIPv6) return address
  const { octets } = address
  const isMapped = octets.subarray(0, 10).every(octet => octet === 0) && octets[10] === 0xff && octets[11] === 0xff
  return isMapped ? parsePeerAddress(octets.subarray(12).join('.')) : peerAddressOfIPv6(octets)
}
