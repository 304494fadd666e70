import type { EntryContext } from '../program.ts'
import { writeInvalid } from './text-address.ts'
import { writeFourDigits, writeUnsigned } from './text-number.ts'
import { momentNanoseconds, momentSeconds, readMicroseconds, readNanoseconds, readSeconds } from './time.ts'

const TWO_32 = 4294967296
/** 10000-01-01: the year has four digits before (RFC 3339 §1). */
const YEAR_10000_MS = 253402300800000

const QUOTE = 34
const LETTER_Z = 90

// `YYYY-MM-DDTHH:MM` of 64 minutes, by the minute's low bits: dates cost one look-up while times are near each other.
const minutes = new Float64Array(64).fill(-1)
const prefixes = new Int32Array(256)
const prefixView = new DataView(new ArrayBuffer(20))
// `:SS.` and `mmmZ`.
const secondsText = new Int32Array(60)
const millisecondsText = new Int32Array(1000)
for (let value = 0; value < 1000; value++) {
  const hundreds = Math.floor(value / 100)
  const tens = Math.floor(value / 10)
  millisecondsText[value] = ((hundreds + 48) << 24) | (((tens % 10) + 48) << 16) | (((value % 10) + 48) << 8) | LETTER_Z
  if (value < 60) secondsText[value] = (58 << 24) | ((tens + 48) << 16) | (((value % 10) + 48) << 8) | 46
}

/** Write `YYYY-MM-DDTHH:MM`. */
function writeMinute(outView: DataView, q: number): void {
  const minute = Math.floor(instant[0] / 60000)
  const slot = minute & 63
  if (minutes[slot] !== minute) fillSlot(slot, minute)
  outView.setInt32(q, prefixes[slot * 4])
  outView.setInt32(q + 4, prefixes[slot * 4 + 1])
  outView.setInt32(q + 8, prefixes[slot * 4 + 2])
  outView.setInt32(q + 12, prefixes[slot * 4 + 3])
}

function fillSlot(slot: number, minute: number): void {
  const days = Math.floor(minute / 1440)
  // Days since 0000-03-01, so that the leap day is the last of its year.
  const shifted = days + 719468
  const era = Math.floor(shifted / 146097)
  const dayOfEra = shifted - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  const minuteOfDay = minute - days * 1440
  writeFourDigits(prefixView, 0, year)
  writeTwoDigits(4, 45, month)
  writeTwoDigits(7, 45, day)
  writeTwoDigits(10, 84, Math.floor(minuteOfDay / 60))
  writeTwoDigits(13, 58, minuteOfDay % 60)
  for (let n = 0; n < 4; n++) prefixes[slot * 4 + n] = prefixView.getInt32(n * 4)
  minutes[slot] = minute
}

function writeTwoDigits(at: number, mark: number, value: number): void {
  prefixView.setUint8(at, mark)
  prefixView.setUint8(at + 1, 48 + Math.floor(value / 10))
  prefixView.setUint8(at + 2, 48 + (value % 10))
}

// Milliseconds since 1970 of the instant to be written, 0..YEAR_10000_MS - 1. An array of the module and not an argument,
// because a double that is passed to a function may be an object on the heap.
const instant = new Float64Array(1)

/** Write the instant as `"YYYY-MM-DDTHH:MM:SS.mmmZ"`. */
function writeInstant(outView: DataView, q: number): number {
  const ms = instant[0]
  const minute = Math.floor(ms / 60000)
  const rest = ms - minute * 60000
  const second = (rest / 1000) | 0
  outView.setUint8(q, QUOTE)
  writeMinute(outView, q + 1)
  outView.setInt32(q + 17, secondsText[second])
  outView.setInt32(q + 21, millisecondsText[rest - second * 1000])
  outView.setUint8(q + 25, QUOTE)
  return q + 26
}

/** Write when the records were received: a time of the collector, not of the wire. */
export function writeReceivedAt(outView: DataView, q: number, context: EntryContext): number {
  const ms = context.receivedAtMs
  instant[0] = ms >= 0 && ms < YEAR_10000_MS ? Math.floor(ms) : 0
  return writeInstant(outView, q)
}

/** Write a dateTimeMilliseconds. Beyond the year 9999 it has no text and is `{"invalid":"<hex>"}`, in all four forms. */
export function writeMillisecondsText(view: DataView, at: number, outView: DataView, q: number): number {
  const ms = view.getUint32(at) * TWO_32 + view.getUint32(at + 4)
  if (ms >= YEAR_10000_MS) return writeInvalid(view, at, 8, outView, q, Infinity)
  instant[0] = ms
  return writeInstant(outView, q)
}

/** Write a dateTimeSeconds as `"YYYY-MM-DDTHH:MM:SSZ"`. */
export function writeSecondsText(
  view: DataView,
  at: number,
  outView: DataView,
  q: number,
  context: EntryContext
): number {
  readSeconds(view, at, context.receivedAtMs)
  if (momentSeconds() * 1000 >= YEAR_10000_MS) return writeInvalid(view, at, 4, outView, q, Infinity)
  instant[0] = momentSeconds() * 1000
  const end = writeInstant(outView, q) - 6
  outView.setUint16(end, (LETTER_Z << 8) | QUOTE)
  return end + 2
}

/** Write a dateTimeMicroseconds with six digits of the second. */
export function writeMicrosecondsText(
  view: DataView,
  at: number,
  outView: DataView,
  q: number,
  context: EntryContext
): number {
  readMicroseconds(view, at, context.receivedAtMs)
  return writeMoment(view, at, outView, q, 6)
}

/** Write a dateTimeNanoseconds with nine digits of the second. */
export function writeNanosecondsText(
  view: DataView,
  at: number,
  outView: DataView,
  q: number,
  context: EntryContext
): number {
  readNanoseconds(view, at, context.receivedAtMs)
  return writeMoment(view, at, outView, q, 9)
}

function writeMoment(view: DataView, at: number, outView: DataView, q: number, digits: number): number {
  const seconds = momentSeconds()
  if (seconds * 1000 >= YEAR_10000_MS) return writeInvalid(view, at, 8, outView, q, Infinity)
  instant[0] = seconds * 1000
  let end = writeInstant(outView, q) - 5
  // A leading 1 keeps the zeros; the point is written over it.
  const fraction = digits === 6 ? Math.floor(momentNanoseconds() / 1000) : momentNanoseconds()
  end = writeUnsigned(outView, end - 1, fraction + (digits === 6 ? 1e6 : 1e9))
  outView.setUint8(end - digits - 1, 46)
  outView.setUint16(end, (LETTER_Z << 8) | QUOTE)
  return end + 2
}
