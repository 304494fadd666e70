/** Octets of numbers (one each), hex text, or octets, in a row. */
export function octetsOf(...parts: readonly (number | string | Uint8Array)[]): Uint8Array {
  const all: number[] = []
  for (const part of parts) {
    if (typeof part === 'number') all.push(part)
    else if (typeof part === 'string') all.push(...Buffer.from(part, 'hex'))
    else for (const octet of part) all.push(octet)
  }
  return Uint8Array.from(all)
}

/** `size` octets of an unsigned number, big-endian unless told. */
export function number(value: number, size: 2 | 4 | 8, isLittle = false): Uint8Array {
  const octets = new Uint8Array(size)
  const view = new DataView(octets.buffer)
  if (size === 2) view.setUint16(0, value, isLittle)
  else if (size === 4) view.setUint32(0, value >>> 0, isLittle)
  else view.setBigUint64(0, BigInt(value), isLittle)
  return octets
}

const IPV4_SOURCE = 'c000020a'
const IPV4_DESTINATION = '7f000001'
const IPV6_SOURCE = '20010db8000000000000000000000001'
const IPV6_DESTINATION = '00000000000000000000000000000001'

/** An IPFIX Message with one Data Set of `bodyOctets` octets, filled with the low octet of `sequence`. */
export function message(sequence: number, bodyOctets = 4): Uint8Array {
  const length = 20 + bodyOctets
  const body = new Uint8Array(bodyOctets).fill(sequence & 0xff)
  const header = octetsOf('000a', number(length, 2), '6553f100', number(sequence, 4), '00000001')
  return octetsOf(header, '0100', number(bodyOctets + 4, 2), body)
}

export function udp(payload: Uint8Array, sourcePort = 50000, destinationPort = 4739): Uint8Array {
  return octetsOf(number(sourcePort, 2), number(destinationPort, 2), number(8 + payload.length, 2), '0000', payload)
}

export interface TcpFields {
  readonly sequence: number
  readonly flags?: number
  readonly payload?: Uint8Array
  readonly sourcePort?: number
}

export function tcp({ sequence, flags = 0x10, payload = octetsOf(), sourcePort = 50000 }: TcpFields): Uint8Array {
  const ports = octetsOf(number(sourcePort, 2), number(4739, 2))
  return octetsOf(ports, number(sequence, 4), '00000000', 0x50, flags, 'ffff00000000', payload)
}

export interface IpFields {
  readonly protocol?: number
  readonly id?: number
  readonly fragmentOffset?: number
  readonly hasMore?: boolean
}

export function ipv4(
  payload: Uint8Array,
  { protocol = 17, id = 1, fragmentOffset = 0, hasMore = false }: IpFields = {}
) {
  const flags = (hasMore ? 0x2000 : 0) | (fragmentOffset / 8)
  const length = number(20 + payload.length, 2)
  const start = octetsOf('4500', length, number(id, 2), number(flags, 2), 64, protocol, '0000')
  return octetsOf(start, IPV4_SOURCE, IPV4_DESTINATION, payload)
}

/** @param extensions - extension headers whose last names the payload's protocol; `nextHeader` names the first. */
export function ipv6(payload: Uint8Array, nextHeader = 17, extensions = octetsOf()): Uint8Array {
  const length = number(extensions.length + payload.length, 2)
  return octetsOf('60000000', length, nextHeader, 64, IPV6_SOURCE, IPV6_DESTINATION, extensions, payload)
}

export function ipv6Fragment(part: Uint8Array, offset: number, hasMore: boolean, protocol = 17, id = 7): Uint8Array {
  return ipv6(part, 44, octetsOf(protocol, 0, number(offset | (hasMore ? 1 : 0), 2), number(id, 4)))
}

/** @param tags - VLAN or MPLS octets between the addresses and the payload, with their ethertypes. */
export function ethernet(packet: Uint8Array, tags = ''): Uint8Array {
  const ethertype = packet[0] >> 4 === 4 ? '0800' : '86dd'
  return octetsOf('020000000001020000000002', tags === '' ? ethertype : tags, packet)
}

export interface PcapFields {
  readonly linkType?: number
  readonly isLittle?: boolean
  readonly isNanoseconds?: boolean
  readonly fraction?: number
  readonly cutAt?: number
}

/** A classic pcap file. */
export function pcap(frames: readonly Uint8Array[], fields: PcapFields = {}): Uint8Array {
  const { linkType = 1, isLittle = false, isNanoseconds = false, fraction = 250000, cutAt = Infinity } = fields
  const u32 = (value: number): Uint8Array => number(value, 4, isLittle)
  const magic = u32(isNanoseconds ? 0xa1b23c4d : 0xa1b2c3d4)
  const header = octetsOf(
    magic,
    number(2, 2, isLittle),
    number(4, 2, isLittle),
    u32(0),
    u32(0),
    u32(65535),
    u32(linkType)
  )
  const packets = frames.map(frame => {
    const captured = frame.subarray(0, cutAt)
    return octetsOf(u32(1700000000), u32(fraction), u32(captured.length), u32(frame.length), captured)
  })
  return octetsOf(header, ...packets)
}

/** One pcapng block around its body, padded to 4 octets. */
export function block(type: number, body: Uint8Array, isLittle = false): Uint8Array {
  const padding = new Uint8Array(-body.length & 3)
  const length = number(12 + body.length + padding.length, 4, isLittle)
  return octetsOf(number(type, 4, isLittle), length, body, padding, length)
}

export function section(isLittle = false): Uint8Array {
  const body = octetsOf(number(0x1a2b3c4d, 4, isLittle), number(1, 2, isLittle), '0000', 'ffffffffffffffff')
  return block(0x0a0d0d0a, body, isLittle)
}

export interface InterfaceFields {
  readonly linkType?: number
  readonly options?: Uint8Array
  readonly isLittle?: boolean
}

export function describedInterface({
  linkType = 1,
  options = octetsOf(),
  isLittle = false
}: InterfaceFields = {}): Uint8Array {
  return block(1, octetsOf(number(linkType, 2, isLittle), '0000', number(65535, 4, isLittle), options), isLittle)
}

/** @param ticks - of the interface's resolution. */
export function enhancedPacket(
  frame: Uint8Array,
  interfaceId = 0,
  ticks = 1700000000250000,
  isLittle = false
): Uint8Array {
  const u32 = (value: number): Uint8Array => number(value, 4, isLittle)
  const time = octetsOf(u32(Math.floor(ticks / 2 ** 32)), u32(ticks % 2 ** 32))
  return block(6, octetsOf(u32(interfaceId), time, u32(frame.length), u32(frame.length), frame), isLittle)
}
