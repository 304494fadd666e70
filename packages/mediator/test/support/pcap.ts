/** A capture file of octets that were received, for readers that want one: Ethernet-less (raw IPv4), checksums 0. */
export class PcapWriter {
  readonly #parts: Buffer[] = []
  #tcpSequence = 1
  #seconds = 1_700_000_000

  constructor() {
    const header = Buffer.alloc(24)
    header.writeUInt32LE(0xa1b2c3d4, 0)
    header.writeUInt16LE(2, 4)
    header.writeUInt16LE(4, 6)
    header.writeUInt32LE(262_144, 16)
    // LINKTYPE_RAW
    header.writeUInt32LE(101, 20)
    this.#parts.push(header)
  }

  udp(payload: Uint8Array, port: number): void {
    const head = Buffer.alloc(8)
    head.writeUInt16BE(50_000, 0)
    head.writeUInt16BE(port, 2)
    head.writeUInt16BE(8 + payload.length, 4)
    this.#packet(17, Buffer.concat([head, payload]))
  }

  /** The next octets of one TCP stream. */
  tcp(octets: Uint8Array, port: number): void {
    for (let at = 0; at < octets.length; at += 1_400) {
      const payload = octets.subarray(at, at + 1_400)
      const head = Buffer.alloc(20)
      head.writeUInt16BE(50_000, 0)
      head.writeUInt16BE(port, 2)
      head.writeUInt32BE(this.#tcpSequence, 4)
      head.writeUInt32BE(1, 8)
      head[12] = 0x50
      head[13] = 0x18
      head.writeUInt16BE(65_535, 14)
      this.#tcpSequence += payload.length
      this.#packet(6, Buffer.concat([head, payload]))
    }
  }

  get octets(): Buffer {
    return Buffer.concat(this.#parts)
  }

  #packet(protocol: number, payload: Buffer): void {
    const ip = Buffer.alloc(20)
    ip[0] = 0x45
    ip.writeUInt16BE(20 + payload.length, 2)
    ip[8] = 64
    ip[9] = protocol
    ip.set([127, 0, 0, 1, 127, 0, 0, 1], 12)
    const record = Buffer.alloc(16)
    record.writeUInt32LE(this.#seconds++, 0)
    record.writeUInt32LE(20 + payload.length, 8)
    record.writeUInt32LE(20 + payload.length, 12)
    this.#parts.push(record, ip, payload)
  }
}
