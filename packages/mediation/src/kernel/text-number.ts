import { readUnsigned } from './integer.ts'

const TWO_32 = 4294967296

// Four digits of 0..9999 in one int32: with leading zeros, and at the left with what follows to be overwritten.
const padded = new Int32Array(10000)
const left = new Int32Array(10000)
for (let value = 0; value < 10000; value++) {
  padded[value] = fourOctets(String(value).padStart(4, '0'))
  left[value] = fourOctets(String(value).padEnd(4, '0'))
}

function fourOctets(text: string): number {
  return (text.charCodeAt(0) << 24) | (text.charCodeAt(1) << 16) | (text.charCodeAt(2) << 8) | text.charCodeAt(3)
}

/** Write exactly four digits of 0..9999. */
export function writeFourDigits(outView: DataView, q: number, value: number): number {
  outView.setInt32(q, padded[value])
  return q + 4
}

/** Write an integer 0..2^53-1 in decimal; may touch three octets behind its end. @returns the end. */
export function writeUnsigned(outView: DataView, q: number, value: number): number {
  if (value < 10000) {
    outView.setInt32(q, left[value])
    return q + (value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4)
  }
  if (value < 100000000) {
    const high = (value / 10000) | 0
    return writeFourDigits(outView, writeUnsigned(outView, q, high), value - high * 10000)
  }
  const high = Math.floor(value / 100000000)
  const low = value - high * 100000000
  const middle = (low / 10000) | 0
  const end = writeFourDigits(outView, writeUnsigned(outView, q, high), middle)
  return writeFourDigits(outView, end, low - middle * 10000)
}

/** Write a signed integer of 32 bits in decimal. */
export function writeSigned(outView: DataView, q: number, value: number): number {
  if (value >= 0) return writeUnsigned(outView, q, value)
  outView.setUint8(q, 45)
  return writeUnsigned(outView, q + 1, -value)
}

/** Write high * 2^32 + low in decimal, all digits. */
export function writeWords(outView: DataView, q: number, high: number, low: number): number {
  if (high < 2097152) return writeUnsigned(outView, q, high * TWO_32 + low)
  // Long division of four 16-bit limbs by 10^4, three times: every step stays exact, and nothing is allocated.
  let a = high >>> 16
  let b = high & 0xffff
  let c = low >>> 16
  let d = low & 0xffff
  let at = q
  const digits = groups
  for (let n = 0; n < 3; n++) {
    let rest = a % 10000
    a = (a / 10000) | 0
    rest = rest * 65536 + b
    b = (rest / 10000) | 0
    rest = (rest % 10000) * 65536 + c
    c = (rest / 10000) | 0
    rest = (rest % 10000) * 65536 + d
    d = (rest / 10000) | 0
    digits[n] = rest % 10000
  }
  at = writeUnsigned(outView, at, c * 65536 + d)
  for (let n = 2; n >= 0; n--) at = writeFourDigits(outView, at, digits[n])
  return at
}

const groups = new Int32Array(3)

/** Write an unsigned integer of 1..8 octets in decimal. */
export function writeUnsigned64Text(view: DataView, at: number, length: number, outView: DataView, q: number): number {
  if (length === 8) return writeWords(outView, q, view.getUint32(at), view.getUint32(at + 4))
  if (length <= 4) return writeUnsigned(outView, q, readUnsigned(view, at, length))
  return writeWords(outView, q, readUnsigned(view, at, length - 4), view.getUint32(at + length - 4))
}

/** Write a signed integer of 1..8 octets in decimal. */
export function writeSigned64Text(view: DataView, at: number, length: number, outView: DataView, q: number): number {
  if (view.getUint8(at) < 128) return writeUnsigned64Text(view, at, length, outView, q)
  outView.setUint8(q, 45)
  let low = 0
  let high = 0xffffffff
  if (length >= 4) low = view.getUint32(at + length - 4)
  else low = (readUnsigned(view, at, length) | (-1 << (8 * length))) >>> 0
  if (length > 4) high = signExtended(readUnsigned(view, at, length - 4), length - 4)
  low = (~low + 1) >>> 0
  high = (low === 0 ? ~high + 1 : ~high) >>> 0
  return writeWords(outView, q + 1, high, low)
}

const signExtended = (value: number, length: number): number =>
  (length === 4 ? value : value | (-1 << (8 * length))) >>> 0

/** Write text of ASCII characters. */
export function writeAscii(outView: DataView, q: number, text: string): number {
  for (let n = 0; n < text.length; n++) outView.setUint8(q + n, text.charCodeAt(n))
  return q + text.length
}

/** Write a float32 (4 octets) or float64 (8); what JSON has no number for is `"NaN"`, `"+inf"`, `"-inf"`. Allocates a string. */
export function writeFloat(view: DataView, at: number, length: number, outView: DataView, q: number): number {
  return writeDouble(outView, q, length === 4 ? view.getFloat32(at) : view.getFloat64(at))
}

/** Write a double as {@link writeFloat} does. */
export function writeDouble(outView: DataView, q: number, value: number): number {
  if (Object.is(value, -0)) return writeAscii(outView, q, '-0')
  if (Number.isFinite(value)) return writeAscii(outView, q, String(value))
  return writeAscii(outView, q, Number.isNaN(value) ? '"NaN"' : value > 0 ? '"+inf"' : '"-inf"')
}

/** Write an unsigned integer of 9..32 octets (RFC 9740) in decimal. Allocates. */
export function writeUnsigned256(view: DataView, at: number, length: number, outView: DataView, q: number): number {
  let value = 0n
  for (let n = 0; n < length; n++) value = (value << 8n) | BigInt(view.getUint8(at + n))
  return writeAscii(outView, q, String(value))
}
