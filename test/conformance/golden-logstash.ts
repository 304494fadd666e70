import { takeField } from './golden-events.ts'
import fieldTable from './golden-logstash-fields.json' with { type: 'json' }
import type { DecodedField } from './decoded-case.ts'
import type { Agrees, FoundRecord } from './golden-events.ts'

const elements: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.elements

/** Whether a value of logstash-codec-netflow is one of ours; names as in golden-logstash-fields.json, else the same. */
export const agrees: Agrees = (name, value, record, taken) => {
  const { message, templateId } = record
  switch (name) {
    case 'version':
      return same(value, message.version)
    case 'flow_seq_num':
      return same(value, message.sequence)
    case 'flowset_id':
      return same(value, templateId)
    default:
      return takeField(elements[name] ?? [name], record, taken, field => forms(field, record).includes(textOf(value)))
  }
}

const same = (theirs: unknown, ours: unknown): true | string => (theirs === ours ? true : `we have ${String(ours)}`)

/** An object (MPLS label, forwarding status) as its numbers in the order of the octets. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const { label, experimental, bottom_of_stack: bottom, ttl, status, reason } = value as Record<string, number>
  return status === undefined ? `${label}/${experimental}/${bottom}/${ttl}` : `${status}/${reason}`
}

/** The forms that logstash may give a value of ours: as we do, or as its codec does for the type. */
function forms({ name, type, hex, value }: DecodedField, { message }: FoundRecord): string[] {
  const text = value === null ? '' : String(value)
  const number = hex === '' ? 0n : BigInt(`0x${hex}`)
  const all = [text]
  // Elements it reads as numbers where IANA has octets or addresses, and flags that it does not mask.
  if (hex.length <= 16) all.push(String(number))
  if (name.endsWith('SysUpTime')) all.push(isoTime(message.bootTimeMs + Number(value) + LATE_MS))
  if (type.startsWith('dateTime')) all.push(isoTime(Date.parse(text)), `${text.slice(0, 20)}${nanoseconds(hex)}Z`)
  if (name === 'applicationId') all.push(applicationText(hex))
  if (name === 'forwardingStatus') all.push(`${number >> 6n}/${number & 0x3fn}`)
  if (name === 'mplsLabelStackLength') {
    all.push(`${number >> 12n}/${(number >> 9n) & 7n}/${(number >> 8n) & 1n}/${number & 0xffn}`)
  }
  return all
}

/** See golden-logstash-fields.json. */
const LATE_MS = 1000

/** Nine digits of the fraction of a time in NTP form. */
const nanoseconds = (hex: string): string => {
  return String((BigInt(`0x${hex.slice(8) || '0'}`) * 1_000_000_000n) >> 32n).padStart(9, '0')
}

const isoTime = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString() : '')

/** RFC 6759 §4.1: engine and selector; engine 20 has the enterprise's number before the selector. */
function applicationText(hex: string): string {
  const engine = Number.parseInt(hex.slice(0, 2), 16)
  if (engine !== 20) return `${engine}..${Number.parseInt(hex.slice(2), 16)}`
  return `${engine}..${Number.parseInt(hex.slice(2, 10), 16)}..${Number.parseInt(hex.slice(10), 16)}`
}
