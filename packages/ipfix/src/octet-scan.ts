/** Whether all octets of `[offset, end)` are 0. */
export function isZero(octets: Uint8Array, offset: number, end: number): boolean {
  for (let at = offset; at < end; at++) if (octets[at] !== 0) return false
  return true
}
