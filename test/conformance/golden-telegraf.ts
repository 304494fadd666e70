import { takeField } from './golden-events.ts'
import fieldTable from './golden-telegraf-fields.json' with { type: 'json' }
import type { DecodedField } from './decoded-case.ts'
import type { Agrees, FoundRecord, GoldenEvent } from './golden-events.ts'

const elements: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.elements
const names: Readonly<Record<string, Readonly<Record<string, number>> | undefined>> = fieldTable.names

/** One line of InfluxDB's line protocol: `measurement,tags fields time`. */
export function eventOf(line: string): GoldenEvent {
  const start = line.indexOf(' ') + 1
  const fields = line.slice(start).replace(/ \d+$/, '')
  const event: Record<string, string> = {}
  for (const [, name, quoted, plain] of fields.matchAll(/([^=,]+)=(?:"((?:[^"\\]|\\.)*)"|([^,]+))(?:,|$)/g)) {
    event[name] = quoted ?? plain
  }
  return event
}

/** Whether a value of telegraf's is one of ours. */
export const agrees: Agrees = (name, value, record, taken) => {
  const theirs = String(value)
  // Status and reason are both of the forwarding status, which a record may have once.
  if (name === 'fwd_reason') return reasonAgrees(theirs, record)
  const typeCode = record.fields.find(field => field.name === 'icmpTypeCodeIPv4')
  if (typeCode !== undefined && name.startsWith('icmp_')) return icmpAgrees(name, theirs, Number(typeCode.value))
  const wanted = elements[name] ?? [elementName(name, record) ?? name]
  return takeField(wanted, record, taken, field => forms(name, field).includes(theirs))
}

function reasonAgrees(theirs: string, { fields }: FoundRecord): true | string {
  const field = fields.find(({ name }) => name === 'forwardingStatus')
  const reason = Number.parseInt(field?.hex ?? '', 16) & 0x3f
  return (theirs === 'unknown' && reason === 0) || theirs === String(reason) ? true : `we have reason ${reason}`
}

/** Type and code in one field: type * 256 + code. */
function icmpAgrees(name: string, theirs: string, typeCode: number): true | string {
  const ours = name === 'icmp_type' ? typeCode >> 8 : typeCode & 0xff
  return theirs === `${ours}u` ? true : `we have ${ours}`
}

/** Name of the element that `type_<pen>_<id>` or `type_<pen>_rev_<id>` stands for, if the record has it. */
function elementName(name: string, { fields }: FoundRecord): string | undefined {
  const [, pen, reverse, id] = /^type_(\d+)_(rev_)?(\d+)$/.exec(name) ?? []
  if (pen === undefined) return undefined
  const number = (Number(id) & 0x7fff) + (reverse === undefined ? 0 : 16384)
  return fields.find(field => field.pen === Number(pen) && field.id === number)?.name
}

/** The forms that telegraf may give a value of ours. */
function forms(name: string, { type, hex, value }: DecodedField): string[] {
  const text = value === null ? '' : String(value)
  const all = [text, `${text}u`, `0x${hex}`]
  if (type === 'dateTimeSeconds') all.push(`${Date.parse(text) / 1000}u`)
  if (type === 'dateTimeMilliseconds') all.push(`${Date.parse(text)}u`)
  if (name === 'tcp_flags') all.push(flagPicture(Number(value)))
  const table = names[name]
  const number = name === 'fwd_status' ? Number(value) & 0xc0 : Number(value)
  for (const [word, stands] of Object.entries(table ?? {})) if (stands === number) all.push(word)
  return all
}

const FLAGS = 'CEUAPRSF'

/** CWR to FIN, a dot for each that is not set. */
function flagPicture(bits: number): string {
  return Array.from(FLAGS, (letter, index) => ((bits >> (7 - index)) & 1 ? letter : '.')).join('')
}
