import { writeFileSync } from 'node:fs'

const LINKTYPE_RAW = 101

/**
 * Write datagrams as a capture that tshark reads: for what was sent with UDP_SEGMENT, which a capture of the loopback
 * interface shows before the kernel has cut it into its datagrams.
 *
 * @param port - where they were received.
 */
export function writeDatagrams(path: string, datagrams: readonly Buffer[], port: number): void {
  const file = Buffer.alloc(24)
  file.writeUInt32LE(0xa1b2c3d4, 0)
  file.writeUInt16LE(2, 4)
  file.writeUInt16LE(4, 6)
  file.writeUInt32LE(262_144, 16)
  file.writeUInt32LE(LINKTYPE_RAW, 20)
  writeFileSync(path, Buffer.concat([file, ...datagrams.flatMap((octets, at) => packetOf(octets, at, port))]))
}

function packetOf(octets: Buffer, at: number, port: number): Buffer[] {
  const header = Buffer.alloc(16 + 28)
  const length = 28 + octets.length
  header.writeUInt32LE(1_767_607_200, 0)
  header.writeUInt32LE(at % 1_000_000, 4)
  header.writeUInt32LE(length, 8)
  header.writeUInt32LE(length, 12)
  header.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1], 16)
  header.writeUInt16BE(40_000, 36)
  header.writeUInt16BE(port, 38)
  header.writeUInt16BE(8 + octets.length, 40)
  return [header, octets]
}
