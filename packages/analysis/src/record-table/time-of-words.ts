import { nanosecondsOf, ntpToUnix } from '@weir/ipfix'

const TWO_32 = 4_294_967_296

/** The last second whose year has four digits: a later time is none that anybody meant, and few programs can read it. */
export const LAST_SECOND = 253_402_300_799
const LAST_MS = LAST_SECOND * 1000 + 999

/** Whether a dateTimeMilliseconds, by its two words, is one that can be meant. */
export const isPossibleMs = (high: number, low: number): boolean => high * TWO_32 + low <= LAST_MS

/** The two words of a time of 64 bits as it stands in a column. One object, reused. */
export interface Moment {
  /** Seconds since 1970 UTC. */
  seconds: number
  nanoseconds: number
}

/**
 * Read a dateTimeMilliseconds, or an NTP format (dateTimeMicroseconds, dateTimeNanoseconds), into a moment.
 *
 * @param high - first 32 bits.
 * @param nowMs - decides the NTP era (RFC 7011 §5.2).
 */
export function momentOf(
  type: 'milliseconds' | 'microseconds' | 'nanoseconds',
  high: number,
  low: number,
  nowMs: number,
  into: Moment
): void {
  if (type === 'milliseconds') {
    const ms = high * TWO_32 + low
    into.seconds = Math.floor(ms / 1000)
    into.nanoseconds = (ms - into.seconds * 1000) * 1e6
    return
  }
  into.seconds = ntpToUnix(high, nowMs)
  // RFC 7011 §6.1.9: the bottom 11 bits of dateTimeMicroseconds MUST be ignored.
  into.nanoseconds = type === 'nanoseconds' ? nanosecondsOf(low) : microsecondsOf(low) * 1000
  if (into.nanoseconds >= 1e9) {
    into.seconds++
    into.nanoseconds -= 1e9
  }
}

const microsecondsOf = (fraction: number): number => Math.round((((fraction & ~0x7ff) >>> 0) * 1e6) / TWO_32)
