import { decimal, hexadecimal, parseIPv4, parseIPv6 } from './address-text.ts'
import type { Range, Range16 } from './filter.ts'

const multipliers: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9 }

/**
 * A number: digits with a sign, a fraction, and k, M or G (powers of 1000), or `0x` and hex digits.
 *
 * @returns a double; undefined if the text is no number. Those beyond 2^53 - 1 are none: they would not be exact.
 */
export function parseNumber(text: string): number | undefined {
  if (text.startsWith('0x') || text.startsWith('0X')) return safe(hexadecimal(text.slice(2), 14))
  const isNegative = text.startsWith('-')
  const bare = isNegative ? text.slice(1) : text
  const multiplier = multipliers[bare.slice(-1)]
  const digits = multiplier === undefined ? bare : bare.slice(0, -1)
  const point = digits.indexOf('.')
  const whole = point < 0 ? digits : digits.slice(0, point)
  const fraction = point < 0 ? '0' : digits.slice(point + 1)
  if (decimal(whole, Infinity) === undefined || decimal(fraction, Infinity) === undefined) return undefined
  // In one piece, so that 1.1k is 1100 and not 1100.0000000000002.
  const exponent = multiplier === undefined ? 0 : Math.log10(multiplier)
  const value = Number(`${whole}.${fraction}e${Math.round(exponent)}`)
  if (value > Number.MAX_SAFE_INTEGER) return undefined
  return isNegative && value !== 0 ? -value : value
}

const safe = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isSafeInteger(value) ? value : undefined

/** A prefix or an address of IPv4 as the addresses in it. */
export function parseRange4(text: string): Range | undefined {
  const { address, bits } = splitPrefix(text, 32)
  const value = parseIPv4(address)
  if (value === undefined || bits === undefined) return undefined
  const size = 2 ** (32 - bits)
  const low = Math.floor(value / size) * size
  return [low, low + size - 1]
}

/** A prefix or an address of IPv6 as the addresses in it. */
export function parseRange16(text: string): Range16 | undefined {
  const { address, bits } = splitPrefix(text, 128)
  const octets = parseIPv6(address)
  if (octets === undefined || bits === undefined) return undefined
  const masks = octets.map((_, index) => 255 >>> Math.min(8, Math.max(0, bits - index * 8)))
  return [octets.map((octet, index) => octet & ~masks[index]), octets.map((octet, index) => octet | masks[index])]
}

function splitPrefix(text: string, most: number): { address: string; bits: number | undefined } {
  const slash = text.indexOf('/')
  if (slash < 0) return { address: text, bits: most }
  return { address: text.slice(0, slash), bits: decimal(text.slice(slash + 1), most) }
}

/**
 * A time of ISO 8601: a date, or a date and a time of day with seconds and milliseconds if wanted; with `Z`, an offset, or
 * neither (UTC).
 *
 * @returns milliseconds since 1970 UTC; undefined if it is none, or before 1970.
 */
export function parseTime(text: string): number | undefined {
  const [date, clock = '00:00Z'] = splitAt(text, text.indexOf('T'))
  const days = dayOf(date)
  if (days === undefined) return undefined
  let sign = Math.max(clock.indexOf('+'), clock.indexOf('-'))
  if (clock.endsWith('Z')) sign = clock.length - 1
  const [time, zone = ''] = sign < 0 ? [clock] : [clock.slice(0, sign), clock.slice(sign)]
  const ofDay = timeOfDay(time)
  const offset = zoneOffset(zone)
  if (ofDay === undefined || offset === undefined) return undefined
  const ms = days + ofDay - offset
  return ms >= 0 ? ms : undefined
}

const splitAt = (text: string, at: number): [string, string?] =>
  at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]

function dayOf(text: string): number | undefined {
  const [year, month, day, ...more] = text.split('-')
  if (year?.length !== 4 || month?.length !== 2 || day?.length !== 2 || more.length > 0) return undefined
  const numbers = [decimal(year, 9999), decimal(month, 12), decimal(day, 31)]
  if (numbers.some(number => number === undefined)) return undefined
  const [y, m, d] = numbers as number[]
  const ms = Date.UTC(y, m - 1, d)
  return new Date(ms).getUTCDate() === d && m > 0 && y >= 1970 ? ms : undefined
}

function timeOfDay(text: string): number | undefined {
  const [hours, minutes, seconds = '00', ...more] = text.split(':')
  const [whole, fraction, ...rest] = seconds.split('.')
  if (hours?.length !== 2 || minutes?.length !== 2 || whole.length !== 2 || more.length + rest.length > 0) {
    return undefined
  }
  if (fraction !== undefined && (fraction.length < 1 || fraction.length > 3)) return undefined
  const numbers = [decimal(hours, 23), decimal(minutes, 59), decimal(whole, 59), decimal(fraction ?? '0', 999)]
  if (numbers.some(number => number === undefined)) return undefined
  const [h, m, s] = numbers as number[]
  return ((h * 60 + m) * 60 + s) * 1000 + Number((fraction ?? '').padEnd(3, '0'))
}

function zoneOffset(text: string): number | undefined {
  if (text === '' || text === 'Z') return 0
  const [hours, minutes, ...more] = text.slice(1).split(':')
  if (hours?.length !== 2 || minutes?.length !== 2 || more.length > 0) return undefined
  const [h, m] = [decimal(hours, 23), decimal(minutes, 59)]
  if (h === undefined || m === undefined) return undefined
  return (text.startsWith('-') ? -1 : 1) * (h * 60 + m) * 60_000
}
