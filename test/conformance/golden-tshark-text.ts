import type { DecodedField } from './decoded-case.ts'

/** Values that tshark shows by their name, in another unit or with another meaning than their octets have. */
const named = new Set([
  'cflow.mpls_label',
  'cflow.mpls_exp',
  'cflow.forwarding_status',
  'cflow.mpls_vpn_rd',
  'cflow.padding'
])

/**
 * Whether the value that tshark shows is not the one we have.
 *
 * @returns false if they agree, a sentence if not, undefined if the form that tshark shows cannot be compared: names of
 * values, octets with colons (their hex has been compared), durations.
 */
export function shownDisagrees(name: string, shown: string, field: DecodedField): string | false | undefined {
  if (named.has(name) || field.hex === '') return undefined
  const theirs = shown.trim()
  // Octets of fields that tshark does not know: the same as their hex.
  if (/^[0-9a-f]{2}(?::[0-9a-f]{2})*$/.test(theirs) && theirs.replaceAll(':', '') === field.hex) return undefined
  const ours = comparable(field, theirs)
  if (ours === undefined) return undefined
  return ours === theirs
    ? false
    : `${name}: tshark shows ${theirs}, we have ${ours} (${field.name} ${field.type} ${field.hex})`
}

/** Our value in the form that tshark's has, or undefined if that form says too little. */
function comparable({ type, value, hex, name }: DecodedField, shown: string): string | undefined {
  switch (type) {
    case 'ipv4Address':
    case 'ipv6Address':
    case 'macAddress':
      return String(value)
    case 'string':
      return /^[\x21-\x7e]*$/.test(String(value)) && shown !== '' && !shown.includes('\\') ? String(value) : undefined
    case 'dateTimeSeconds':
    case 'dateTimeMilliseconds':
    case 'dateTimeMicroseconds':
    case 'dateTimeNanoseconds':
      return timeLike(String(value), shown)
    default:
      break
  }
  // Of some NetFlow v9 exporters tshark shows a sysUpTime of 0 as the year 1970.
  if (name.endsWith('SysUpTime')) return shown.endsWith('UTC') ? undefined : (Number(value) / 1000).toFixed(9)
  if (/^\d+$/.test(shown) && (type.startsWith('unsigned') || type === 'octetArray'))
    return BigInt(`0x${hex}`).toString()
  if (/^0x[0-9a-f]+$/.test(shown))
    return `0x${BigInt(`0x${hex}`)
      .toString(16)
      .padStart(shown.length - 2, '0')}`
  return undefined
}

/**
 * Our time as tshark writes times, `Jan  1, 2000 07:47:50.501268999 UTC`, if it is the same to the precision that ours
 * has; tshark cuts fractions off where we round, and keeps the low bits that RFC 7011 §6.1.9 says are to be ignored.
 */
function timeLike(value: string, shown: string): string | undefined {
  const [, whole, fraction = ''] = /^(.*?)(?:\.(\d+))? UTC$/.exec(shown) ?? []
  if (whole === undefined) return undefined
  const shownMs = Date.parse(`${whole} UTC`)
  const digits = /\.(\d+)Z$/.exec(value)?.[1] ?? ''
  const oursNs = BigInt(Date.parse(value.replace(/\.\d+Z$/, 'Z'))) * 1_000_000n + BigInt(digits.padEnd(9, '0'))
  const shownNs = BigInt(shownMs) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  const apart = oursNs > shownNs ? oursNs - shownNs : shownNs - oursNs
  const precisionNs = digits.length === 6 ? 1000n : digits.length === 9 ? 1n : 0n
  return apart <= precisionNs ? shown : value
}
