/** Why a capture file cannot be read any further. What was read before stands. */
export const captureFaults = {
  CAPTURE_UNKNOWN: 'The file is neither pcap, pcapng, an IPFIX File (RFC 5655) nor a NetFlow, IPFIX or sFlow payload',
  CAPTURE_CUT: 'The file ends inside a packet, block or Message',
  CAPTURE_PACKET_LENGTH: 'A pcap packet claims more octets than its bound of 262144',
  CAPTURE_BLOCK_LENGTH:
    'A pcapng block claims less than 12 octets, more than its bound, or a length that is no multiple of 4',
  CAPTURE_BYTE_ORDER: 'A pcapng Section Header Block has no byte-order magic'
} as const satisfies Record<string, string>

export type CaptureFault = keyof typeof captureFaults
