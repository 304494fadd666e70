import type { DataType } from './data-type.ts'

/** The four types of an absolute time (RFC 7011 §6.1.7 to §6.1.10). */
export type TimeType = Extract<DataType, `dateTime${string}`>

/** True for the four dateTime types. */
export function isTimeType(type: DataType): type is TimeType {
  return type.startsWith('dateTime')
}

/** Seconds from the NTP epoch (1900) to the Unix epoch (1970). */
export const NTP_UNIX_SECONDS = 2_208_988_800

const ERA_SECONDS = 2 ** 32
const FIRST_MS = -NTP_UNIX_SECONDS * 1000
const LAST_MS = 253_402_300_799_999 // 9999-12-31T23:59:59.999Z: the text form has four digits for the year

/** Digits of a fraction of a second that the type can tell. */
export const fractionDigits: Readonly<Record<TimeType, 0 | 3 | 6 | 9>> = {
  dateTimeSeconds: 0,
  dateTimeMilliseconds: 3,
  dateTimeMicroseconds: 6,
  dateTimeNanoseconds: 9
}

/**
 * The seconds since 1970 nearest to now that a wrapping 32-bit count stands for (RFC 7011 §5.2: all such counts are
 * modulo 2^32).
 *
 * @param seconds - 0..2^32-1, since 1970 as in era 0.
 */
export function nearestEra(seconds: number, nowMs: number): number {
  const eras = Math.round((nowMs / 1000 - seconds) / ERA_SECONDS)
  return seconds + Math.max(0, eras) * ERA_SECONDS
}

/**
 * Read a time of eight octets in NTP form or four or eight octets in Unix form.
 *
 * The text is UTC in the form of RFC 7373 §4.8, without a zone: `2023-11-14T22:13:20.123456`. Times in NTP form are
 * rounded to the nearest micro- or nanosecond, so that a time written with that precision comes back as it was; the low
 * eleven bits of a dateTimeMicroseconds are ignored (RFC 7011 §6.1.9).
 *
 * @param nowMs - milliseconds since 1970; decides the era of what wraps (RFC 7011 §5.2).
 * @returns undefined if the time is beyond the year 9999.
 */
export function readTimeText(type: TimeType, view: DataView, offset: number, nowMs: number): string | undefined {
  if (type === 'dateTimeSeconds') return textOf(nearestEra(view.getUint32(offset), nowMs) * 1000, '')
  if (type === 'dateTimeMilliseconds') {
    const ms = view.getUint32(offset) * ERA_SECONDS + view.getUint32(offset + 4)
    return textOf(ms, digits(ms % 1000, 3))
  }
  const isMicro = type === 'dateTimeMicroseconds'
  let seconds = ntpToUnix(view.getUint32(offset), nowMs)
  const fraction = view.getUint32(offset + 4)
  // RFC 7011 §6.1.9: the bottom 11 bits MUST be ignored.
  let parts = isMicro ? Math.round((((fraction & ~0x7ff) >>> 0) * 1e6) / ERA_SECONDS) : nanosecondsOf(fraction)
  if (parts === (isMicro ? 1e6 : 1e9)) {
    parts = 0
    seconds++
  }
  return textOf(seconds * 1000, digits(parts, isMicro ? 6 : 9))
}

/** Seconds since 1970, in the era nearest to now, of the Seconds field of an NTP timestamp (RFC 7011 §5.2). */
export function ntpToUnix(seconds: number, nowMs: number): number {
  const unix = seconds - NTP_UNIX_SECONDS
  return unix + Math.max(0, Math.round((nowMs / 1000 - unix) / ERA_SECONDS)) * ERA_SECONDS
}

/** Nanoseconds, rounded to the nearest, of the Fraction field of an NTP timestamp: 0..1e9, exact beyond 2^53. */
export function nanosecondsOf(fraction: number): number {
  const high = (fraction >>> 16) * 1e9
  const whole = Math.floor(high / 65536)
  const rest = (high - whole * 65536) * 65536 + (fraction & 0xffff) * 1e9
  return whole + Math.round(rest / ERA_SECONDS)
}

/**
 * Write a time at its full size.
 *
 * @param seconds - since 1970, whole, not negative.
 * @param nanoseconds - 0..999999999; what the type cannot hold is cut off. The low eleven bits of a
 * dateTimeMicroseconds are written as zero (RFC 7011 §6.1.9).
 */
export function writeTime(type: TimeType, view: DataView, offset: number, seconds: number, nanoseconds: number): void {
  if (type === 'dateTimeSeconds') return view.setUint32(offset, seconds % ERA_SECONDS)
  if (type === 'dateTimeMilliseconds') {
    return view.setBigUint64(offset, BigInt(seconds) * 1000n + BigInt(Math.floor(nanoseconds / 1e6)))
  }
  view.setUint32(offset, (seconds + NTP_UNIX_SECONDS) % ERA_SECONDS)
  if (type === 'dateTimeMicroseconds') {
    // Up to the next value with its low 11 bits zero, which is less than half a microsecond away: then readers that cut
    // off and readers that round both find the microsecond that was written.
    const fraction = (Math.floor(nanoseconds / 1000) * ERA_SECONDS) / 1e6
    return view.setUint32(offset + 4, Math.ceil(fraction / 2048) * 2048)
  }
  view.setUint32(offset + 4, Number(((BigInt(nanoseconds) << 32n) + 999_999_999n) / 1_000_000_000n))
}

const digits = (value: number, count: number): string => String(value).padStart(count, '0')

function textOf(ms: number, fraction: string): string | undefined {
  if (!(ms >= FIRST_MS && ms <= LAST_MS)) return undefined
  const whole = new Date(ms - (ms % 1000)).toISOString().slice(0, 19)
  return fraction === '' ? whole : `${whole}.${fraction}`
}
