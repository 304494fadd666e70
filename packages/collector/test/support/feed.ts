import type { Rig } from './rig.ts'

/** One datagram to the UDP listener of a rig, as if it had come from a port of ours, without a socket. */
export function feed(rig: Rig, octets: Uint8Array, port = 40_000, address = '127.0.0.1'): void {
  const { intake } = rig.collector.parts.udp[0]
  intake.begin()
  intake.fromText(address, port, octets, new DataView(octets.buffer, octets.byteOffset), 0, octets.length)
}

/** So many slices of work that does not wait for a clock. */
export async function settle(turns = 50): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
}
