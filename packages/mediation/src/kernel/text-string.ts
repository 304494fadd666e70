import { writeHex, writeInvalid } from './text-address.ts'

const QUOTE = 34
const BACKSLASH = 92

/** Octets of text that one octet of a string can become: `\u0000`. */
const MOST_PER_OCTET = 6

/**
 * Write a string in quotes, without the NUL octets at its end that fill strings of fixed length (RFC 7011 §6.1.6).
 *
 * Controls, separators and marks of direction are escaped, so that a value can be shown as it is. What is not well-formed
 * UTF-8 is `{"invalid":"<hex>"}`: ignored as a value, kept as octets.
 *
 * @returns the end, or -1 if that is beyond `limit`.
 */
export function writeString(
  view: DataView,
  at: number,
  length: number,
  outView: DataView,
  q: number,
  limit: number
): number {
  let used = length
  while (used > 0 && view.getUint8(at + used - 1) === 0) used--
  if (q + 2 + MOST_PER_OCTET * used > limit) {
    const total = textLength(view, at, used)
    if (total < 0) return writeInvalid(view, at, length, outView, q, limit)
    if (q + total > limit) return -1
  }
  const end = at + used
  let to = q
  outView.setUint8(to++, QUOTE)
  for (let from = at; from < end; from++) {
    const octet = view.getUint8(from)
    if (octet >= 32 && octet < 127 && octet !== QUOTE && octet !== BACKSLASH) outView.setUint8(to++, octet)
    else if (octet < 128) to = writeEscapedAscii(outView, to, octet)
    else {
      const size = sequenceLength(view, from, end)
      if (size === 0) return writeInvalid(view, at, length, outView, q, limit)
      to = writeCharacter(view, from, size, outView, to)
      from += size - 1
    }
  }
  outView.setUint8(to, QUOTE)
  return to + 1
}

/** Octets that the text of a string takes, quotes included; -1 if it is ill-formed. */
function textLength(view: DataView, at: number, length: number): number {
  let total = 2
  const end = at + length
  for (let from = at; from < end; from++) {
    const octet = view.getUint8(from)
    if (octet < 128) total += octet === QUOTE || octet === BACKSLASH ? 2 : octet < 32 || octet === 127 ? 6 : 1
    else {
      const size = sequenceLength(view, from, end)
      if (size === 0) return -1
      total += isUnsafe(view, from, size) ? 6 : size
      from += size - 1
    }
  }
  return total
}

function writeEscapedAscii(outView: DataView, q: number, octet: number): number {
  outView.setUint8(q, BACKSLASH)
  if (octet === QUOTE || octet === BACKSLASH) {
    outView.setUint8(q + 1, octet)
    return q + 2
  }
  return writeUnicodeEscape(outView, q, octet)
}

const escapeScratch = new DataView(new ArrayBuffer(2))

function writeUnicodeEscape(outView: DataView, q: number, codePoint: number): number {
  escapeScratch.setUint16(0, codePoint)
  outView.setUint16(q, (BACKSLASH << 8) | 117)
  return writeHex(escapeScratch, 0, 2, outView, q + 2, Infinity)
}

function writeCharacter(view: DataView, at: number, size: number, outView: DataView, q: number): number {
  if (isUnsafe(view, at, size)) return writeUnicodeEscape(outView, q, codePointOf(view, at, size))
  for (let n = 0; n < size; n++) outView.setUint8(q + n, view.getUint8(at + n))
  return q + size
}

/** Octets of the well-formed UTF-8 sequence that begins here (Unicode table 3-7), or 0. The first octet is above 127. */
function sequenceLength(view: DataView, at: number, end: number): number {
  const lead = view.getUint8(at)
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  if (size === 0 || at + size > end) return 0
  const second = view.getUint8(at + 1)
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most) return 0
  for (let n = 2; n < size; n++) if ((view.getUint8(at + n) & 0xc0) !== 0x80) return 0
  return size
}

/** Code point of a sequence of two or three octets. */
function codePointOf(view: DataView, at: number, size: number): number {
  if (size === 2) return ((view.getUint8(at) & 31) << 6) | (view.getUint8(at + 1) & 63)
  return ((view.getUint8(at) & 15) << 12) | ((view.getUint8(at + 1) & 63) << 6) | (view.getUint8(at + 2) & 63)
}

/** C1 controls, line and paragraph separators, marks that turn the direction of text, the byte order mark. */
function isUnsafe(view: DataView, at: number, size: number): boolean {
  if (size === 4) return false
  const code = codePointOf(view, at, size)
  return (
    (code >= 0x80 && code <= 0x9f) ||
    code === 0x61c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    code === 0xfeff
  )
}
