import type { CapturedFrame } from './captured-frame.ts'

/** LINKTYPE_ values that are understood. */
const linkTypes = {
  NULL: 0,
  ETHERNET: 1,
  RAW: 12,
  RAW_OPENBSD: 14,
  RAW_IP: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276
} as const

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const ETHERTYPE_PPPOE_SESSION = 0x8864
const PPP_IPV4 = 0x0021
const PPP_IPV6 = 0x0057
const VLAN_ETHERTYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200])
const MPLS_ETHERTYPES: ReadonlySet<number> = new Set([0x8847, 0x8848])
/** More VLAN tags or MPLS labels than this are no traffic that carries flow export. */
const MAX_TAGS = 16

/**
 * Where the IP header begins in a frame, or -1 if the frame carries no IP or its link type is not known.
 *
 * Understands Ethernet with any VLAN tags (802.1Q, 802.1ad), MPLS labels and PPPoE, Linux cooked captures v1 and v2,
 * BSD loopback in both byte orders, and raw IP. The version nibble is left to the IP reader.
 */
export function ipOffset({ view, offset, lengthOctets, linkType }: CapturedFrame): number {
  const end = offset + lengthOctets
  switch (linkType) {
    case linkTypes.ETHERNET:
      return lengthOctets < 14 ? -1 : behindEthertype(view, offset + 12, offset + 14, end)
    case linkTypes.LINUX_SLL:
      return lengthOctets < 16 ? -1 : behindEthertype(view, offset + 14, offset + 16, end)
    case linkTypes.LINUX_SLL2:
      return lengthOctets < 20 ? -1 : behindEthertype(view, offset, offset + 20, end)
    case linkTypes.NULL:
    case linkTypes.LOOP:
      // The address family's value differs by system and byte order: the version nibble says it better.
      return lengthOctets < 4 ? -1 : offset + 4
    case linkTypes.RAW:
    case linkTypes.RAW_OPENBSD:
    case linkTypes.RAW_IP:
    case linkTypes.IPV4:
    case linkTypes.IPV6:
      return offset
    default:
      return -1
  }
}

function behindEthertype(view: DataView, typeOffset: number, bodyOffset: number, end: number): number {
  let ethertype = view.getUint16(typeOffset)
  let body = bodyOffset
  for (let tags = 0; VLAN_ETHERTYPES.has(ethertype); tags++) {
    if (tags === MAX_TAGS || body + 4 > end) return -1
    ethertype = view.getUint16(body + 2)
    body += 4
  }
  if (ethertype === ETHERTYPE_IPV4 || ethertype === ETHERTYPE_IPV6) return body
  if (MPLS_ETHERTYPES.has(ethertype)) return behindLabels(view, body, end)
  if (ethertype !== ETHERTYPE_PPPOE_SESSION || body + 8 > end) return -1
  const protocol = view.getUint16(body + 6)
  return protocol === PPP_IPV4 || protocol === PPP_IPV6 ? body + 8 : -1
}

/** Behind the label whose bottom-of-stack bit is set (RFC 3032 §2.1). */
function behindLabels(view: DataView, offset: number, end: number): number {
  let at = offset
  for (let labels = 0; labels < MAX_TAGS && at + 4 <= end; labels++) {
    at += 4
    if ((view.getUint8(at - 2) & 1) === 1) return at
  }
  return -1
}
