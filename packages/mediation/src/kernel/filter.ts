import { readSigned, readUnsigned } from './integer.ts'
import {
  momentNanoseconds,
  momentSeconds,
  readDelta,
  readMicroseconds,
  readNanoseconds,
  readSeconds,
  readUptime
} from './time.ts'

const TWO_32 = 4294967296

/**
 * Whether a value is in one of `count` ranges.
 *
 * @param numbers - lowest and highest value of each range, in turn, sorted, from index `from` on.
 * @param value - NaN is in none.
 */
export function inRanges(value: number, numbers: Float64Array, from: number, count: number): boolean {
  let low = 0
  let high = count - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    if (value < numbers[from + 2 * middle]) high = middle - 1
    else if (value > numbers[from + 2 * middle + 1]) low = middle + 1
    else return value === value
  }
  return false
}

/**
 * Whether an IPv6 address is in one of `count` ranges.
 *
 * @param words - lowest and highest address of each range in turn, four numbers each, from index `from` on.
 */
export function inRanges16(view: DataView, at: number, words: Uint32Array, from: number, count: number): boolean {
  for (let index = from, end = from + 8 * count; index < end; index += 8) {
    if (compare16(view, at, words, index) >= 0 && compare16(view, at, words, index + 4) <= 0) return true
  }
  return false
}

function compare16(view: DataView, at: number, words: Uint32Array, index: number): number {
  for (let n = 0; n < 4; n++) {
    const difference = view.getUint32(at + 4 * n) - words[index + n]
    if (difference !== 0) return difference
  }
  return 0
}

const exporter = new DataView(new ArrayBuffer(16))

/** As {@link inRanges16} for an exporter's address. */
export function exporterInRanges(address: Uint8Array, words: Uint32Array, from: number, count: number): boolean {
  for (let n = 0; n < 16; n++) exporter.setUint8(n, address[n])
  return inRanges16(exporter, 0, words, from, count)
}

/** Octets of a text without the NULs at its end. */
export function textLength(view: DataView, at: number, length: number): number {
  let end = length
  while (end > 0 && view.getUint8(at + end - 1) === 0) end--
  return end
}

/** Whether a text is `texts[from..to)`. */
export function textEquals(
  view: DataView,
  at: number,
  length: number,
  texts: Uint8Array,
  from: number,
  to: number
): boolean {
  return length === to - from && textStarts(view, at, length, texts, from, to)
}

/** Whether a text begins with `texts[from..to)`. */
export function textStarts(
  view: DataView,
  at: number,
  length: number,
  texts: Uint8Array,
  from: number,
  to: number
): boolean {
  if (length < to - from) return false
  for (let n = from; n < to; n++) if (view.getUint8(at + n - from) !== texts[n]) return false
  return true
}

/**
 * Whether `texts[from..to)` stands in a text. Looks at each octet once (Knuth, Morris, Pratt), so that no text makes it slow.
 *
 * @param steps - for each octet of `texts` how many of those before it are matched still if it is the first that is not.
 */
export function textContains(
  view: DataView,
  at: number,
  length: number,
  texts: Uint8Array,
  steps: Uint16Array,
  from: number,
  to: number
): boolean {
  const wanted = to - from
  if (wanted === 0) return true
  let matched = 0
  for (let n = 0; n < length; n++) {
    const octet = view.getUint8(at + n)
    while (matched > 0 && texts[from + matched] !== octet) matched = steps[from + matched]
    if (texts[from + matched] === octet) matched++
    if (matched === wanted) return true
  }
  return false
}

/** A two's complement integer of 1..8 octets as a double: exact up to 2^53, nearest beyond. */
export function readSignedNumber(view: DataView, at: number, length: number): number {
  if (length <= 4) return readSigned(view, at, length)
  return readSigned(view, at, length - 4) * TWO_32 + view.getUint32(at + length - 4)
}

/** A float of 4 or 8 octets. */
export function readFloatNumber(view: DataView, at: number, length: number): number {
  return length === 4 ? view.getFloat32(at) : view.getFloat64(at)
}

/** Octets as an unsigned number; NaN if there are none, or more than 8. */
export function readOctetsNumber(view: DataView, at: number, length: number): number {
  return length < 1 || length > 8 ? NaN : readUnsigned(view, at, length)
}

const momentMs = (): number => momentSeconds() * 1000 + Math.floor(momentNanoseconds() / 1e6)

/** dateTimeSeconds as milliseconds since 1970. */
export function msOfSeconds(view: DataView, at: number, nowMs: number): number {
  readSeconds(view, at, nowMs)
  return momentMs()
}

/** dateTimeMicroseconds as milliseconds since 1970; what is finer is cut off. */
export function msOfMicroseconds(view: DataView, at: number, nowMs: number): number {
  readMicroseconds(view, at, nowMs)
  return momentMs()
}

/** dateTimeNanoseconds as milliseconds since 1970; what is finer is cut off. */
export function msOfNanoseconds(view: DataView, at: number, nowMs: number): number {
  readNanoseconds(view, at, nowMs)
  return momentMs()
}

/** Microseconds before the Export Time as milliseconds since 1970. */
export function msOfDelta(deltaMicroseconds: number, exportTimeSec: number): number {
  readDelta(deltaMicroseconds, exportTimeSec)
  return momentMs()
}

/** sysUpTime as milliseconds since 1970. */
export function msOfUptime(uptimeMs: number, bootTimeMs: number, exportTimeSec: number): number {
  readUptime(uptimeMs, bootTimeMs, exportTimeSec)
  return momentMs()
}
