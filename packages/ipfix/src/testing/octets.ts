/** Octets of a hexadecimal text; blanks are left out. */
export function octetsOf(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new TypeError(`not hexadecimal: ${hex.slice(0, 40)}`)
  const octets = new Uint8Array(digits.length / 2)
  for (let at = 0; at < octets.length; at++) octets[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)
  return octets
}

/** Hexadecimal text of octets, lower case. */
export function hexOf(octets: Uint8Array, offset = 0, end: number = octets.length): string {
  let hex = ''
  for (let at = offset; at < end; at++) hex += octets[at].toString(16).padStart(2, '0')
  return hex
}

/** Big-endian octets of a number, `length` of them (1..8). */
export function numberOctets(value: number | bigint, length: number): number[] {
  const octets: number[] = []
  let rest = BigInt.asUintN(8 * length, BigInt(value))
  for (let at = 0; at < length; at++) {
    octets.unshift(Number(rest & 0xffn))
    rest >>= 8n
  }
  return octets
}
