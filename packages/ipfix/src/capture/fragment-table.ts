import { ipText } from './ip-packet.ts'
import type { IpPacket } from './ip-packet.ts'

const MAX_DATAGRAMS = 1024
const MAX_TOTAL_OCTETS = 16 * 1024 * 1024
const MAX_DATAGRAM_OCTETS = 65535
/** RFC 8200 §4.5: 60 s after the first fragment; RFC 791 §3.2 gives less. */
const LIFETIME_MS = 60_000

interface Piece {
  readonly start: number
  readonly octets: Uint8Array
}

interface Datagram {
  readonly firstSeenMs: number
  readonly pieces: Piece[]
  heldOctets: number
  /** Octets of the whole datagram's payload, once its last fragment is there. */
  totalOctets: number | undefined
  /** True if it has been given up: later fragments are ignored, too. */
  isLost: boolean
}

/**
 * Puts the payloads of fragmented IPv4 and IPv6 datagrams together. Fragments in any order; an exact repetition is
 * ignored, an overlap gives the whole datagram up (RFC 5722 §4, RFC 8200 §4.5; the same for IPv4). Bounded: 1024 open
 * datagrams, 16 MiB, 60 s of capture time.
 */
export class FragmentTable {
  /** Datagrams given up. */
  lostDatagrams = 0
  readonly #open = new Map<string, Datagram>()
  #heldOctets = 0

  /**
   * Take one fragment.
   *
   * @returns the payload of the whole datagram if this was the last piece missing.
   */
  add(octets: Uint8Array, view: DataView, packet: IpPacket, nowMs: number): Uint8Array | undefined {
    this.#expire(nowMs)
    const key = keyOf(view, packet)
    let datagram = this.#open.get(key)
    if (datagram === undefined) {
      datagram = { firstSeenMs: nowMs, pieces: [], heldOctets: 0, totalOctets: undefined, isLost: false }
      this.#open.set(key, datagram)
    }
    if (datagram.isLost) return undefined
    if (packet.isTruncated || !this.#insert(datagram, octets.slice(packet.payloadOffset, packet.payloadEnd), packet)) {
      this.#giveUp(datagram)
      return undefined
    }
    if (datagram.heldOctets !== datagram.totalOctets) {
      this.#enforceBounds()
      return undefined
    }
    this.#release(key, datagram)
    return joined(datagram.pieces, datagram.totalOctets)
  }

  /** The capture ends: what is open is lost. */
  end(): void {
    for (const [key, datagram] of this.#open) this.#drop(key, datagram)
  }

  /** False if the fragment contradicts what is there. */
  #insert(datagram: Datagram, octets: Uint8Array, packet: IpPacket): boolean {
    const start = packet.fragmentOffset
    const end = start + octets.length
    if (octets.length === 0 || end > MAX_DATAGRAM_OCTETS) return false
    if (!packet.hasMoreFragments) {
      if (datagram.totalOctets !== undefined && datagram.totalOctets !== end) return false
      datagram.totalOctets = end
    }
    if (datagram.totalOctets !== undefined && end > datagram.totalOctets) return false
    let index = datagram.pieces.findIndex(piece => piece.start >= start)
    if (index < 0) index = datagram.pieces.length
    const before = datagram.pieces[index - 1]
    const after = datagram.pieces[index]
    if (after !== undefined && after.start === start && areEqual(after.octets, octets)) return true
    if (before !== undefined && before.start + before.octets.length > start) return false
    if (after !== undefined && after.start < end) return false
    datagram.pieces.splice(index, 0, { start, octets })
    datagram.heldOctets += octets.length
    this.#heldOctets += octets.length
    const last = datagram.pieces[datagram.pieces.length - 1]
    return datagram.totalOctets === undefined || last.start + last.octets.length <= datagram.totalOctets
  }

  #giveUp(datagram: Datagram): void {
    this.lostDatagrams++
    this.#heldOctets -= datagram.heldOctets
    datagram.heldOctets = 0
    datagram.pieces.length = 0
    datagram.isLost = true
  }

  #release(key: string, datagram: Datagram): void {
    this.#open.delete(key)
    this.#heldOctets -= datagram.heldOctets
  }

  #drop(key: string, datagram: Datagram): void {
    if (!datagram.isLost) this.lostDatagrams++
    this.#release(key, datagram)
  }

  #expire(nowMs: number): void {
    for (const [key, datagram] of this.#open) {
      if (nowMs - datagram.firstSeenMs <= LIFETIME_MS) return
      this.#drop(key, datagram)
    }
  }

  #enforceBounds(): void {
    for (const [key, datagram] of this.#open) {
      if (this.#open.size <= MAX_DATAGRAMS && this.#heldOctets <= MAX_TOTAL_OCTETS) return
      this.#drop(key, datagram)
    }
  }
}

/** RFC 791 §3.2: source, destination, protocol, identification; RFC 8200 §4.5: without the protocol. */
function keyOf(view: DataView, packet: IpPacket): string {
  const { version } = packet
  const source = ipText(view, packet.sourceOffset, version)
  const destination = ipText(view, packet.destinationOffset, version)
  return `${source}>${destination}#${packet.fragmentId}/${packet.version === 4 ? packet.protocol : ''}`
}

function areEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index])
}

function joined(pieces: readonly Piece[], totalOctets: number): Uint8Array {
  const whole = new Uint8Array(totalOctets)
  for (const { start, octets } of pieces) whole.set(octets, start)
  return whole
}
