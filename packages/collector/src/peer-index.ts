import { FewMap } from './few-map.ts'
import {
  normalisedText,
  parsePeerAddress,
  peerAddressOfIPv4,
  peerAddressOfIPv6,
  type PeerAddress
} from './peer-address.ts'
import type { Session } from './session.ts'

/** The sessions of one address at one UDP listener. */
export interface Peer {
  readonly address: PeerAddress
  readonly sessions: FewMap<number, Session>
  /** All ports are one session (policy `address`). */
  isOneSession: boolean
  /** The last session found and its key: exporters send many datagrams from one port. */
  lastKey: number
  last: Session | undefined
  /** Next peer with the same hash (IPv6 only). */
  next: Peer | undefined
}

/**
 * The peers of one UDP listener that have a session, by address in the forms in which sockets give it, so that no string
 * is built for a datagram: text (dgram), a number (IPv4 from recvmmsg), 16 octets (IPv6 from recvmmsg).
 */
export class PeerIndex {
  readonly #byText = new Map<string, Peer>()
  readonly #byIPv4 = new Map<number, Peer>()
  readonly #byHash = new Map<number, Peer>()
  readonly #seed = Math.trunc(Math.random() * 0x3fffffff)

  get size(): number {
    return this.#byText.size
  }

  /** @param text - as dgram gives it: the mapped form and the zone are looked up as what they mean. */
  findText(text: string): Peer | undefined {
    return this.#byText.get(text) ?? (hasNoise(text) ? this.#byText.get(normalisedText(text)) : undefined)
  }

  findIPv4(address: number): Peer | undefined {
    return this.#byIPv4.get(address)
  }

  /** @param offset - where the 16 octets begin. */
  findIPv6(octets: Uint8Array, offset: number): Peer | undefined {
    let peer = this.#byHash.get(this.#hash(octets, offset))
    while (peer !== undefined && !isEqual(peer.address.octets, octets, offset)) peer = peer.next
    return peer
  }

  /** A peer for an address that has none yet. */
  add(address: PeerAddress): Peer {
    const peer: Peer = {
      address,
      sessions: new FewMap(),
      isOneSession: false,
      lastKey: -1,
      last: undefined,
      next: undefined
    }
    this.#byText.set(address.text, peer)
    if (address.isIPv6) {
      const hash = this.#hash(address.octets, 0)
      peer.next = this.#byHash.get(hash)
      this.#byHash.set(hash, peer)
    } else {
      this.#byIPv4.set(ipv4NumberOf(address), peer)
    }
    return peer
  }

  /** Forget a session, and its peer when it was the last one. */
  remove(address: PeerAddress, session: Session): void {
    const peer = this.#byText.get(address.text)
    if (peer === undefined) return
    for (const [key, known] of peer.sessions) if (known === session) peer.sessions.delete(key)
    peer.last = undefined
    peer.lastKey = -1
    if (peer.sessions.size > 0) return
    this.#byText.delete(address.text)
    if (address.isIPv6) this.#unlink(peer)
    else this.#byIPv4.delete(ipv4NumberOf(address))
  }

  #unlink(peer: Peer): void {
    const hash = this.#hash(peer.address.octets, 0)
    const first = this.#byHash.get(hash)
    if (first === peer) {
      if (peer.next === undefined) this.#byHash.delete(hash)
      else this.#byHash.set(hash, peer.next)
      return
    }
    let before = first
    while (before !== undefined && before.next !== peer) before = before.next
    if (before !== undefined) before.next = peer.next
  }

  #hash(octets: Uint8Array, offset: number): number {
    let hash = this.#seed
    for (let at = offset; at < offset + 16; at++) hash = Math.imul(hash ^ octets[at], 0x01000193)
    return (hash ^ (hash >>> 15)) & 0x3fffffff
  }
}

/** What a socket said of a source that has no peer yet. */
export interface SourceAddress {
  /** As dgram gives it, or empty. */
  text: string
  /** 4 or 6; 0 if only the text is known. */
  family: 0 | 4 | 6
  ipv4: number
  ipv6: Uint8Array
  ipv6Offset: number
}

export function addressOf(source: SourceAddress): PeerAddress {
  if (source.family === 4) return peerAddressOfIPv4(source.ipv4)
  if (source.family === 6) return peerAddressOfIPv6(source.ipv6.subarray(source.ipv6Offset, source.ipv6Offset + 16))
  return parsePeerAddress(source.text)
}

const hasNoise = (text: string): boolean => text.startsWith('::ffff:') || text.includes('%')

const ipv4NumberOf = ({ octets: [a, b, c, d] }: PeerAddress): number => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0

function isEqual(known: Uint8Array, octets: Uint8Array, offset: number): boolean {
  for (let index = 0; index < 16; index++) if (known[index] !== octets[offset + index]) return false
  return true
}
