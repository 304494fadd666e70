import valueTable from './golden-netgauze-values.json' with { type: 'json' }
import type { DecodedField, DecodedMessage, DecodedTemplate } from './decoded-case.ts'

/** A value as NetGauze writes it. */
export type NetGauzeValue = string | number | boolean | null | readonly number[] | Readonly<Record<string, unknown>>
type NetGauzeField = Readonly<Record<string, NetGauzeValue>>

interface NetGauzeSpecifier {
  readonly element_id: string | Readonly<Record<string, unknown>>
  readonly length: number
}

interface NetGauzeTemplate {
  readonly id: number
  readonly scope_field_specifiers?: readonly NetGauzeSpecifier[]
  readonly field_specifiers: readonly NetGauzeSpecifier[]
}

interface NetGauzeSet {
  readonly Template?: readonly NetGauzeTemplate[]
  readonly OptionsTemplate?: readonly NetGauzeTemplate[]
  readonly Data?: {
    readonly id: number
    readonly records: readonly {
      readonly scope_fields: readonly NetGauzeField[]
      readonly fields: readonly NetGauzeField[]
    }[]
  }
}

/** One line of a `*-flow.json`: a Message under the name of its protocol. */
export interface NetGauzeMessage {
  readonly version: number
  readonly export_time?: string
  readonly unix_time?: string
  readonly sys_up_time?: number
  readonly sequence_number: number
  readonly observation_domain_id?: number
  readonly source_id?: number
  readonly sets: readonly NetGauzeSet[]
}

const names: Readonly<Record<string, Readonly<Record<string, number>> | undefined>> = valueTable.names
const flags: Readonly<Record<string, number>> = valueTable.flags
const enterprises: Readonly<Record<string, number | undefined>> = valueTable.enterprises

/** Values compared, for the report. */
export const tally = { values: 0 }

/** Everything of one Message that differs. */
export function messageDifferences(theirs: NetGauzeMessage, ours: DecodedMessage): string[] {
  const differences: string[] = []
  const differ = (what: string, their: unknown, own: unknown): void => {
    tally.values++
    if (their !== own) differences.push(`${what}: NetGauze ${JSON.stringify(their)}, we ${JSON.stringify(own)}`)
  }
  const time = Date.parse(theirs.export_time ?? theirs.unix_time ?? '') / 1000
  differ('version', theirs.version, ours.version)
  differ('export time', time, ours.exportTimeSec)
  differ('sequence', theirs.sequence_number, ours.sequence)
  differ('domain', theirs.observation_domain_id ?? theirs.source_id, ours.odid)
  if (theirs.sys_up_time !== undefined)
    differ('sysUpTime', theirs.sys_up_time, ours.exportTimeSec * 1000 - ours.bootTimeMs)

  const templates = theirs.sets.flatMap(set => [...(set.Template ?? []), ...(set.OptionsTemplate ?? [])])
  differ('templates', templates.length, ours.templates.length)
  for (const [index, template] of templates.entries()) templateDifferences(template, ours.templates[index], differ)

  const sets = theirs.sets.flatMap(set => (set.Data === undefined ? [] : [set.Data]))
  differ('data sets', sets.length, ours.sets.length)
  for (const [index, { id, records }] of sets.entries()) {
    const own = ours.sets[index]
    differ(`data set ${index}`, id, own?.templateId)
    differ(`records of ${id}`, records.length, own?.records?.length)
    for (const [at, record] of records.entries()) {
      const fields = own?.records?.[at] ?? []
      const golden = [...record.scope_fields, ...record.fields]
      differ(`fields of ${id}`, golden.length, fields.length)
      for (const [place, field] of golden.entries()) fieldDifferences(field, fields[place], differ)
    }
  }
  return differences
}

type Differ = (what: string, their: unknown, own: unknown) => void

function templateDifferences(theirs: NetGauzeTemplate, ours: DecodedTemplate | undefined, differ: Differ): void {
  const scope = theirs.scope_field_specifiers ?? []
  const specifiers = [...scope, ...theirs.field_specifiers]
  const fields = ours?.layout.fields ?? []
  differ('template', theirs.id, ours?.templateId)
  differ(`scope of ${theirs.id}`, scope.length, ours?.layout.scopeCount)
  differ(`fields of template ${theirs.id}`, specifiers.length, fields.length)
  for (const [index, { length }] of specifiers.entries())
    differ(`length ${index} of ${theirs.id}`, length, fields[index]?.length)
}

function fieldDifferences(golden: NetGauzeField, ours: DecodedField | undefined, differ: Differ): void {
  for (const [name, value] of Object.entries(golden)) {
    const pen = enterprises[name]
    if (pen !== undefined) {
      const { Unknown } = value as { Unknown: { id: number; value: number[] } }
      differ(name, `${pen}.${Unknown.id} ${hexOf(Unknown.value)}`, `${ours?.pen}.${ours?.id} ${ours?.hex}`)
      continue
    }
    differ('element', name, ours?.name)
    if (ours === undefined) continue
    if (Array.isArray(value)) differ(name, padded(hexOf(value), ours.hex), ours.hex)
    else differ(name, numberOf(name, value), comparable(ours))
  }
}

const hexOf = (octets: readonly number[]): string => Buffer.from(octets).toString('hex')

/** NetGauze writes an unsigned256 at its full size: its leading zeros are no difference. */
const padded = (theirs: string, ours: string): string => {
  const extra = theirs.length - ours.length
  return extra > 0 && /^0*$/.test(theirs.slice(0, extra)) ? theirs.slice(extra) : theirs
}

/** What a value that NetGauze gives a name is as a number; other values as text. */
function numberOf(name: string, value: NetGauzeValue): unknown {
  if (name === 'tcpControlBits' && typeof value === 'object') {
    const set = Object.entries(value as Record<string, boolean>).filter(([, isSet]) => isSet)
    return String(set.reduce((bits, [flag]) => bits | flags[flag], 0))
  }
  const table = names[name]
  if (table === undefined) return String(value)
  if (typeof value === 'string') return String(table[value] ?? value)
  const [[kind, what]] = Object.entries(value as Record<string, unknown>)
  if (kind === 'Unassigned') return String(what)
  if (typeof what === 'string') return String(table[`${kind} ${what}`] ?? `${kind} ${what}`)
  return String((what as { Unassigned: number }).Unassigned)
}

/** Our value as text: of tcpControlBits the flags that NetGauze has, times without a fraction of zero. */
function comparable({ name, type, value }: DecodedField): string {
  if (type.startsWith('dateTime')) return String(value).replace(/\.0+Z$/, 'Z')
  return String(name === 'tcpControlBits' ? Number(value) & 0xff : value)
}
