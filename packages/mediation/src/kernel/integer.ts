const TWO_32 = 4294967296

/**
 * Read a big-endian unsigned integer of 0..8 octets as a double: exact up to 2^53, nearest above.
 *
 * @param view - `length` octets from `at` are there.
 */
export function readUnsigned(view: DataView, at: number, length: number): number {
  switch (length) {
    case 1:
      return view.getUint8(at)
    case 2:
      return view.getUint16(at)
    case 4:
      return view.getUint32(at)
    case 8:
      return view.getUint32(at) * TWO_32 + view.getUint32(at + 4)
  }
  let value = 0
  for (let n = 0; n < length; n++) value = value * 256 + view.getUint8(at + n)
  return value
}

/** Read a big-endian two's complement integer of 1..4 octets. */
export function readSigned(view: DataView, at: number, length: number): number {
  const shift = 32 - 8 * length
  return (readUnsigned(view, at, length) << shift) >> shift
}

/** Write an unsigned integer of `length` octets with `toLength` octets, value kept (RFC 7011 §6.2). */
export function expandUnsigned(
  view: DataView,
  at: number,
  length: number,
  outView: DataView,
  to: number,
  toLength: number
): void {
  const lead = toLength - length
  for (let n = 0; n < lead; n++) outView.setUint8(to + n, 0)
  for (let n = 0; n < length; n++) outView.setUint8(to + lead + n, view.getUint8(at + n))
}

/** Write a signed integer of `length` octets, at least 1, with `toLength` octets, sign kept (RFC 7011 §6.2). */
export function expandSigned(
  view: DataView,
  at: number,
  length: number,
  outView: DataView,
  to: number,
  toLength: number
): void {
  const lead = toLength - length
  const fill = view.getUint8(at) > 127 ? 255 : 0
  for (let n = 0; n < lead; n++) outView.setUint8(to + n, fill)
  for (let n = 0; n < length; n++) outView.setUint8(to + lead + n, view.getUint8(at + n))
}

/**
 * Write a float32 as float64. Bit by bit where it is not a number: an engine may change the payload of a NaN, and two
 * runs must give the same octets.
 */
export function expandFloat(view: DataView, at: number, outView: DataView, to: number): void {
  const bits = view.getUint32(at)
  if (((bits >>> 23) & 255) !== 255) return outView.setFloat64(to, view.getFloat32(at))
  outView.setUint32(to, ((bits & 0x80000000) | 0x7ff00000 | ((bits & 0x7fffff) >>> 3)) >>> 0)
  outView.setUint32(to + 4, (bits << 29) >>> 0)
}

/** Write an integer 0..2^64 as unsigned64. */
export function writeUnsigned64(outView: DataView, to: number, value: number): void {
  outView.setUint32(to, value / TWO_32)
  outView.setUint32(to + 4, value)
}

/** flowSamplerMode (49) or samplingAlgorithm (35) as selectorAlgorithm (304): 1 to 1, 2 (random) to 3, else 0. */
export function selectorAlgorithm(mode: number): number {
  return mode === 1 ? 1 : mode === 2 ? 3 : 0
}

/** Rates above 32 bits or that are no integers become the nearest that the elements can tell. */
export function boundedRate(rate: number): number {
  return rate >= 1 ? Math.min(Math.floor(rate), 0xffffffff) : 0
}
