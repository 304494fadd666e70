/** Octets of a PROXY header of version 1. */
export const proxyV1 = (line: string): Uint8Array => Buffer.from(`PROXY ${line}\r\n`, 'latin1')

export interface ProxyV2 {
  /** 0 = LOCAL, 1 = PROXY. */
  readonly command?: number
  /** 0x11 = TCP over IPv4, 0x21 = TCP over IPv6, 0 = UNSPEC, 0x31 = UNIX stream. */
  readonly family?: number
  readonly version?: number
  /** Addresses and ports. */
  readonly addresses?: Uint8Array
  readonly tlvs?: Uint8Array
  /** What the header says of the octets that follow it. */
  readonly length?: number
}

/** Octets of a PROXY header of version 2, right by default: 192.0.2.1 port 4321 to 192.0.2.254 port 4739 over TCP. */
export function proxyV2(header: ProxyV2 = {}): Uint8Array {
  const addresses = header.addresses ?? ipv4Addresses('192.0.2.1', 4321)
  const tlvs = header.tlvs ?? new Uint8Array(0)
  const length = header.length ?? addresses.length + tlvs.length
  const fixed = Uint8Array.of(
    ...Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
    ((header.version ?? 2) << 4) | (header.command ?? 1),
    header.family ?? 0x11,
    length >> 8,
    length & 255
  )
  return Buffer.concat([fixed, addresses, tlvs])
}

/** The address block of a connection over IPv4. */
export const ipv4Addresses = (source: string, port: number): Uint8Array =>
  Uint8Array.of(...source.split('.').map(Number), 192, 0, 2, 254, port >> 8, port & 255, 0x12, 0x83)

/** The address block of a connection over IPv6. @param source - 32 hex digits. */
export const ipv6Addresses = (source: string, port: number): Uint8Array =>
  Buffer.concat([
    Buffer.from(source + '20010db8'.padEnd(32, '0'), 'hex'),
    Uint8Array.of(port >> 8, port & 255, 0x12, 0x83)
  ])

/** One TLV of version 2. */
export const tlv = (type: number, length: number): Uint8Array =>
  Buffer.concat([Uint8Array.of(type, length >> 8, length & 255), new Uint8Array(length)])
