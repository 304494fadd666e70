import { writeAscii } from './text-number.ts'

// `n.` of 0..255 at the left of an int32, and how many octets of it count.
const dotted = new Int32Array(256)
const dottedLength = new Uint8Array(256)
// Two hex digits of 0..255.
const hexPairs = new Uint16Array(256)
const hexDigits = new Uint8Array(16)
for (let value = 0; value < 16; value++) hexDigits[value] = value.toString(16).charCodeAt(0)
for (let value = 0; value < 256; value++) {
  const text = `${value}.`
  dottedLength[value] = text.length
  for (let n = 0; n < text.length; n++) dotted[value] |= text.charCodeAt(n) << (24 - 8 * n)
  hexPairs[value] = (hexDigits[value >>> 4] << 8) | hexDigits[value & 15]
}

/** Write `a.b.c.d` of a number of 32 bits, signed so that it needs no object; may touch four octets behind its end. */
export function writeIPv4(outView: DataView, q: number, address: number): number {
  const a = address >>> 24
  const b = (address >>> 16) & 255
  const c = (address >>> 8) & 255
  const d = address & 255
  outView.setInt32(q, dotted[a])
  q += dottedLength[a]
  outView.setInt32(q, dotted[b])
  q += dottedLength[b]
  outView.setInt32(q, dotted[c])
  q += dottedLength[c]
  outView.setInt32(q, dotted[d])
  return q + dottedLength[d] - 1
}

/** Write an IPv6 address of 16 octets in the form of RFC 5952. */
export function writeIPv6(view: DataView, at: number, outView: DataView, q: number): number {
  if (isMappedIPv4(view, at)) return writeIPv4(outView, writeAscii(outView, q, '::ffff:'), view.getInt32(at + 12))
  const run = zeroRun(view, at)
  const runStart = run >>> 4
  const runEnd = runStart + (run & 15)
  for (let group = 0; group < 8; group++) {
    if (group === runStart && runEnd > runStart) {
      outView.setUint16(q, 0x3a3a)
      q += 2
      group = runEnd - 1
      continue
    }
    if (group > 0 && group !== runEnd) outView.setUint8(q++, 58)
    q = writeGroup(outView, q, view.getUint16(at + 2 * group))
  }
  return q
}

// RFC 5952 §5: the embedded IPv4 address in dots where the prefix tells that there is one.
function isMappedIPv4(view: DataView, at: number): boolean {
  return view.getUint32(at) === 0 && view.getUint32(at + 4) === 0 && view.getUint32(at + 8) === 0xffff
}

/** The first longest run of at least two zero groups: start * 16 + length; 0 if there is none. */
function zeroRun(view: DataView, at: number): number {
  let best = 0
  let length = 0
  for (let group = 0; group < 8; group++) {
    length = view.getUint16(at + 2 * group) === 0 ? length + 1 : 0
    if (length > 1 && length > (best & 15)) best = (group - length + 1) * 16 + length
  }
  return best
}

function writeGroup(outView: DataView, q: number, group: number): number {
  for (let shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    outView.setUint8(q++, hexDigits[(group >>> shift) & 15])
  }
  return q
}

/** Write `00:11:22:33:44:55` of 6 octets. */
export function writeMac(view: DataView, at: number, outView: DataView, q: number): number {
  for (let n = 0; n < 6; n++) {
    outView.setUint16(q, hexPairs[view.getUint8(at + n)])
    outView.setUint8(q + 2, 58)
    q += 3
  }
  return q - 1
}

/** Write octets as hex digits. @returns the end, or -1 if that is beyond `limit`. */
export function writeHex(
  view: DataView,
  at: number,
  length: number,
  outView: DataView,
  q: number,
  limit: number
): number {
  if (q + 2 * length > limit) return -1
  for (let n = 0; n < length; n++) outView.setUint16(q + 2 * n, hexPairs[view.getUint8(at + n)])
  return q + 2 * length
}

/** Write what has no meaning in its type: `{"invalid":"<hex>"}`. @returns the end, or -1 if that is beyond `limit`. */
export function writeInvalid(
  view: DataView,
  at: number,
  length: number,
  outView: DataView,
  q: number,
  limit: number
): number {
  if (q + 14 + 2 * length > limit) return -1
  const end = writeHex(view, at, length, outView, writeAscii(outView, q, '{"invalid":"'), limit)
  return writeAscii(outView, end, '"}')
}

/** Write a boolean: 1 true, 2 false, others have no meaning (RFC 7011 §6.1.5). */
export function writeBoolean(view: DataView, at: number, outView: DataView, q: number): number {
  const octet = view.getUint8(at)
  if (octet === 1) return writeAscii(outView, q, 'true')
  if (octet === 2) return writeAscii(outView, q, 'false')
  return writeInvalid(view, at, 1, outView, q, Infinity)
}

/** Write an exporter's address; IPv4 has it in the first four octets. */
export function writeExporter(address: Uint8Array, isIPv6: boolean, outView: DataView, q: number): number {
  if (!isIPv6) return writeIPv4(outView, q, (address[0] << 24) | (address[1] << 16) | (address[2] << 8) | address[3])
  for (let n = 0; n < 16; n++) scratch.setUint8(n, address[n])
  return writeIPv6(scratch, 0, outView, q)
}

const scratch = new DataView(new ArrayBuffer(16))
