/**
 * Copy octets of any number; source and target do not overlap. A loop, because `set(subarray())` allocates and
 * `Buffer.copy` costs more up to hundreds of octets.
 *
 * @returns the end of what was written.
 */
export function copyOctets(view: DataView, at: number, outView: DataView, to: number, length: number): number {
  let n = 0
  for (const words = length - 7; n < words; n += 8) outView.setBigUint64(to + n, view.getBigUint64(at + n))
  if (length - n >= 4) {
    outView.setUint32(to + n, view.getUint32(at + n))
    n += 4
  }
  for (; n < length; n++) outView.setUint8(to + n, view.getUint8(at + n))
  return to + length
}

/** Write an exporter's IPv6 address. */
export function writeAddress16(address: Uint8Array, outView: DataView, to: number): void {
  for (let n = 0; n < 16; n++) outView.setUint8(to + n, address[n])
}

/** An exporter's IPv4 address as a number. */
export function address4(address: Uint8Array): number {
  return ((address[0] << 24) | (address[1] << 16) | (address[2] << 8) | address[3]) >>> 0
}
