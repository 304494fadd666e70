import { ipv4Text, ipv6Text } from '../value-address.ts'

/** Protocol numbers of the payloads that are read. */
export const PROTOCOL_TCP = 6
export const PROTOCOL_UDP = 17

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION_OPTIONS = 60
const MOBILITY = 135
const HIP = 139
const SHIM6 = 140
/** Extension headers of one packet that are walked. */
const MAX_EXTENSIONS = 32

/** The network layer of one packet. One object, reused: copy what is kept. */
export interface IpPacket {
  version: 4 | 6
  /** Protocol of the payload, behind all IPv6 extension headers. */
  protocol: number
  /** Where source and destination address begin; 4 or 16 octets each. */
  sourceOffset: number
  destinationOffset: number
  /** Where the payload begins, and behind its last octet; the capture may have cut it. */
  payloadOffset: number
  payloadEnd: number
  /** True if the header tells of more octets than the capture holds. */
  isTruncated: boolean
  isFragment: boolean
  fragmentId: number
  /** Octets before this fragment's payload in its datagram. */
  fragmentOffset: number
  hasMoreFragments: boolean
}

/** Text of an address of 4 or 16 octets. */
export function ipText(view: DataView, offset: number, version: 4 | 6): string {
  return version === 4 ? ipv4Text(view, offset) : ipv6Text(view, offset)
}

export function emptyIpPacket(): IpPacket {
  return {
    version: 4,
    protocol: 0,
    sourceOffset: 0,
    destinationOffset: 0,
    payloadOffset: 0,
    payloadEnd: 0,
    isTruncated: false,
    isFragment: false,
    fragmentId: 0,
    fragmentOffset: 0,
    hasMoreFragments: false
  }
}

/**
 * Read an IPv4 or IPv6 header and all extension headers.
 *
 * @param offset - of the IP header.
 * @param end - behind the last captured octet; octets behind the packet's own length (Ethernet padding, FCS) are left out.
 * @param packet - filled in.
 * @returns false if it is not IP, or too short to say.
 * @see RFC 791 §3.1, RFC 8200 §4
 */
export function readIpPacket(view: DataView, offset: number, end: number, packet: IpPacket): boolean {
  if (end - offset < 20) return false
  const version = view.getUint8(offset) >> 4
  if (version === 4) return readIpv4(view, offset, end, packet)
  return version === 6 && end - offset >= 40 && readIpv6(view, offset, end, packet)
}

function readIpv4(view: DataView, offset: number, end: number, packet: IpPacket): boolean {
  const headerOctets = (view.getUint8(offset) & 0x0f) * 4
  // A total length of 0 is what segmentation offload leaves on the sending host: the capture's own length then counts.
  const totalOctets = view.getUint16(offset + 2) || end - offset
  if (headerOctets < 20 || headerOctets > totalOctets || offset + headerOctets > end) return false
  const flags = view.getUint16(offset + 6)
  packet.version = 4
  packet.protocol = view.getUint8(offset + 9)
  packet.sourceOffset = offset + 12
  packet.destinationOffset = offset + 16
  packet.payloadOffset = offset + headerOctets
  packet.payloadEnd = Math.min(offset + totalOctets, end)
  packet.isTruncated = offset + totalOctets > end
  packet.fragmentId = view.getUint16(offset + 4)
  packet.fragmentOffset = (flags & 0x1fff) * 8
  packet.hasMoreFragments = (flags & 0x2000) !== 0
  packet.isFragment = packet.hasMoreFragments || packet.fragmentOffset > 0
  return true
}

function readIpv6(view: DataView, offset: number, end: number, packet: IpPacket): boolean {
  const payloadOctets = view.getUint16(offset + 4) || end - offset - 40
  packet.version = 6
  packet.sourceOffset = offset + 8
  packet.destinationOffset = offset + 24
  packet.payloadEnd = Math.min(offset + 40 + payloadOctets, end)
  packet.isTruncated = offset + 40 + payloadOctets > end
  packet.isFragment = packet.hasMoreFragments = false
  packet.fragmentId = packet.fragmentOffset = 0
  return walkExtensions(view, view.getUint8(offset + 6), offset + 40, packet)
}

/**
 * Find the payload of a reassembled datagram: fragmentation hides the headers behind the Fragment header.
 *
 * @param view - of the datagram's fragmentable part, whole.
 * @param packet - of any of its fragments; payload and protocol are set anew.
 */
export function readUpperLayer(view: DataView, packet: IpPacket): boolean {
  packet.payloadOffset = 0
  packet.payloadEnd = view.byteLength
  packet.isFragment = false
  return packet.version === 4 || (walkExtensions(view, packet.protocol, 0, packet) && !packet.isFragment)
}

function walkExtensions(view: DataView, firstHeader: number, offset: number, packet: IpPacket): boolean {
  let header = firstHeader
  let at = offset
  for (let headers = 0; headers < MAX_EXTENSIONS; headers++) {
    const octets = extensionOctets(view, header, at, packet.payloadEnd)
    if (octets < 0) return false
    if (octets === 0) {
      packet.protocol = header
      packet.payloadOffset = at
      return true
    }
    if (header === FRAGMENT) {
      const field = view.getUint16(at + 2)
      packet.fragmentOffset = field & 0xfff8
      packet.hasMoreFragments = (field & 1) === 1
      packet.fragmentId = view.getUint32(at + 4)
      // An atomic fragment (RFC 6946) is a whole packet.
      packet.isFragment = packet.hasMoreFragments || packet.fragmentOffset > 0
    }
    header = view.getUint8(at)
    at += octets
    // What follows may be in another fragment.
    if (packet.isFragment) {
      packet.protocol = header
      packet.payloadOffset = at
      return true
    }
  }
  return false
}

/** Octets of an extension header, 0 if this is an upper-layer header, -1 if the packet ends before it does. */
function extensionOctets(view: DataView, header: number, at: number, end: number): number {
  let octets: number
  switch (header) {
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HIP:
    case SHIM6:
      octets = at + 2 > end ? -1 : (view.getUint8(at + 1) + 1) * 8
      break
    case AUTHENTICATION:
      octets = at + 2 > end ? -1 : (view.getUint8(at + 1) + 2) * 4
      break
    case FRAGMENT:
      octets = 8
      break
    default:
      return 0
  }
  return octets < 0 || at + octets > end ? -1 : octets
}
