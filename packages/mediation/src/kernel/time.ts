import { writeUnsigned64 } from './integer.ts'

const TWO_32 = 4294967296
/** Seconds from the NTP epoch (1900) to the Unix epoch (RFC 7011 §6.1.9). */
const NTP_UNIX_SECONDS = 2208988800

// The time that was read last, between a `read…` and a `write…` of this file: whole seconds since 1970 and nanoseconds.
// An array of the module and not a result, because a result of two numbers is an object per call.
const moment = new Float64Array(2)

function setMoment(seconds: number, nanoseconds: number): void {
  // No element can tell a time before 1970 in milliseconds.
  moment[0] = seconds < 0 ? 0 : seconds
  moment[1] = seconds < 0 ? 0 : nanoseconds
}

/** Whole seconds of the time that was read last. */
export function momentSeconds(): number {
  return moment[0]
}

/** Nanoseconds within the second of the time that was read last. */
export function momentNanoseconds(): number {
  return moment[1]
}

/** The era of a count of seconds that wraps is the one nearest to now (RFC 7011 §5.2). */
function nearestEra(seconds: number, nowMs: number): number {
  const eras = Math.round((nowMs / 1000 - seconds) / TWO_32)
  return eras > 0 ? seconds + eras * TWO_32 : seconds
}

/** dateTimeSeconds. */
export function readSeconds(view: DataView, at: number, nowMs: number): void {
  setMoment(nearestEra(view.getUint32(at), nowMs), 0)
}

/** dateTimeMilliseconds; exact up to 2^53 milliseconds. */
export function readMilliseconds(view: DataView, at: number): void {
  const ms = view.getUint32(at) * TWO_32 + view.getUint32(at + 4)
  const seconds = Math.floor(ms / 1000)
  setMoment(seconds, (ms - seconds * 1000) * 1e6)
}

/** dateTimeMicroseconds: to the nearest microsecond. RFC 7011 §6.1.9: the bottom 11 bits MUST be ignored. */
export function readMicroseconds(view: DataView, at: number, nowMs: number): void {
  const fraction = (view.getUint32(at + 4) & ~0x7ff) >>> 0
  readNtp(view.getUint32(at), Math.round((fraction * 1e6) / TWO_32) * 1000, nowMs)
}

/** dateTimeNanoseconds: to the nearest nanosecond. 10^9 / 2^32 = 1953125 / 2^23, of which each step is exact. */
export function readNanoseconds(view: DataView, at: number, nowMs: number): void {
  readNtp(view.getUint32(at), Math.round((view.getUint32(at + 4) * 1953125) / 8388608), nowMs)
}

function readNtp(ntpSeconds: number, nanoseconds: number, nowMs: number): void {
  const seconds = nearestEra(ntpSeconds - NTP_UNIX_SECONDS, nowMs)
  if (nanoseconds < 1e9) setMoment(seconds, nanoseconds)
  else setMoment(seconds + 1, 0)
}

/** flowStart/EndDeltaMicroseconds: before the Export Time of the Message (RFC 7011 §5.1). */
export function readDelta(deltaMicroseconds: number, exportTimeSec: number): void {
  const microseconds = exportTimeSec * 1e6 - deltaMicroseconds
  const seconds = Math.floor(microseconds / 1e6)
  setMoment(seconds, (microseconds - seconds * 1e6) * 1000)
}

/**
 * flowStart/EndSysUpTime: milliseconds since the exporter's sysUpTime was 0. Both wrap at 2^32, so the time is the one
 * nearest to the Export Time, before or after it (RFC 3954 §8).
 */
export function readUptime(uptimeMs: number, bootTimeMs: number, exportTimeSec: number): void {
  const referenceMs = exportTimeSec * 1000
  const ms = referenceMs + ((Math.floor(bootTimeMs) + uptimeMs - referenceMs) | 0)
  const seconds = Math.floor(ms / 1000)
  setMoment(seconds, (ms - seconds * 1000) * 1e6)
}

/** As dateTimeMilliseconds; what is finer is cut off. */
export function writeMilliseconds(outView: DataView, to: number): void {
  writeUnsigned64(outView, to, moment[0] * 1000 + Math.floor(moment[1] / 1e6))
}

/**
 * As dateTimeMicroseconds: up to the next fraction whose low 11 bits are 0, less than half a microsecond away, so that
 * readers that cut off and readers that round both get the same microsecond.
 */
export function writeMicroseconds(outView: DataView, to: number): void {
  outView.setUint32(to, (moment[0] + NTP_UNIX_SECONDS) % TWO_32)
  outView.setUint32(to + 4, Math.ceil((Math.floor(moment[1] / 1000) * TWO_32) / 2048e6) * 2048)
}

/** As dateTimeNanoseconds, rounded up to what the fraction can tell: a reader gets the same nanosecond. */
export function writeNanoseconds(outView: DataView, to: number): void {
  outView.setUint32(to, (moment[0] + NTP_UNIX_SECONDS) % TWO_32)
  outView.setUint32(to + 4, Math.ceil((moment[1] * 8388608) / 1953125))
}
