/** One end of a flow of packets. */
export interface Endpoint {
  /** Text form: dotted IPv4, or IPv6 of RFC 5952; '' for a file. */
  readonly address: string
  /** 0 for a file. */
  readonly port: number
}

/** How a captured payload travelled. */
export type CaptureTransport = 'udp' | 'tcp' | 'file'

/** One datagram payload, or one IPFIX Message cut out of a TCP stream or an IPFIX File. */
export interface CapturedMessage {
  /** The payload alone. Aliases memory of the reader: valid until the next item is asked for; copy what is kept. */
  readonly octets: Uint8Array
  /** When it was captured, milliseconds since 1970 UTC with a fraction; 0 where the file does not say. */
  readonly timestampMs: number
  readonly transport: CaptureTransport
  readonly source: Endpoint
  readonly destination: Endpoint
  /**
   * Number of the Transport Session: a TCP connection (a new SYN begins a new one), the four addresses and ports of UDP,
   * one IPFIX File (RFC 5655 §7.1), or all raw datagrams of one reader together. From 1, in order of appearance.
   */
  readonly session: number
}

/** What a reader could not use, counted; nothing is left out silently. */
export interface CaptureCounters {
  /** Packets of the capture file, or payloads of a raw file. */
  packets: number
  /** Octets of the file that were read. */
  octets: number
  /** Packets that are not UDP or TCP over IPv4 or IPv6 on a link type that is known, or not to a wanted port. */
  otherPackets: number
  /** UDP payloads to a wanted port that no flow export protocol begins like. */
  otherPayloads: number
  /** Packets of which the capture holds less than was sent (snaplen). */
  truncatedPackets: number
  /** IP datagrams given up: a fragment missing, overlapping, or past a bound. */
  lostDatagrams: number
  /** Gaps in TCP streams that nothing filled. */
  tcpGaps: number
  /** Octets of TCP streams and IPFIX Files passed over to find the next Message (RFC 5655 §10.3). */
  skippedOctets: number
}

/** All zero. */
export function captureCounters(): CaptureCounters {
  return {
    packets: 0,
    octets: 0,
    otherPackets: 0,
    otherPayloads: 0,
    truncatedPackets: 0,
    lostDatagrams: 0,
    tcpGaps: 0,
    skippedOctets: 0
  }
}
