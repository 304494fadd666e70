/**
 * Read a big-endian unsigned integer of any size (RFC 7011 §6.1.1, §6.2).
 *
 * @param length - 1..32 octets.
 * @returns a number while it is exact (up to 2^53-1), else a bigint.
 */
export function readUnsigned(view: DataView, offset: number, length: number): number | bigint {
  if (length <= 6) return readSmall(view, offset, length)
  let value = BigInt(readSmall(view, offset, length & 3))
  for (let at = offset + (length & 3); at < offset + length; at += 4)
    value = (value << 32n) | BigInt(view.getUint32(at))
  return narrow(value)
}

/**
 * Read a big-endian two's complement integer of any size; the sign of a reduced size is kept (RFC 7011 §6.2).
 *
 * @param length - 1..8 octets.
 * @returns a number while it is exact, else a bigint.
 */
export function readSigned(view: DataView, offset: number, length: number): number | bigint {
  const value = readUnsigned(view, offset, length)
  if (view.getInt8(offset) >= 0) return value
  if (length <= 6) return Number(value) - 2 ** (8 * length)
  return narrow(BigInt(value) - (1n << BigInt(8 * length)))
}

/** An integer as a number if that is exact. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/**
 * Write an integer big-endian into `length` octets (1..32), two's complement if negative; the caller has checked that it
 * fits.
 */
export function writeInteger(view: DataView, offset: number, length: number, value: bigint): void {
  let rest = value
  for (let at = offset + length - 1; at >= offset; at--) {
    view.setUint8(at, Number(rest & 0xffn))
    rest >>= 8n
  }
}

/** @param length - 0..6 octets. */
function readSmall(view: DataView, offset: number, length: number): number {
  let value = 0
  for (let at = offset; at < offset + length; at++) value = value * 256 + view.getUint8(at)
  return value
}
