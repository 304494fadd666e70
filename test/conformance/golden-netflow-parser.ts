import names from './golden-netflow-parser-names.json' with { type: 'json' }
import type { DecodedField, DecodedMessage, DecodedTemplate } from './decoded-case.ts'

type Tree = { readonly [key: string]: unknown }
type GoldenField = readonly [name: unknown, value: unknown]

interface GoldenTemplate extends Tree {
  readonly template_id: number
  readonly fields?: readonly Tree[]
  readonly scope_fields?: readonly Tree[]
  readonly option_fields?: readonly Tree[]
}

/** One packet of a snapshot, under the name of its version. */
export interface GoldenPacket {
  readonly header: Readonly<Record<string, number>>
  readonly flowsets: readonly Tree[]
}

const v9Names: Readonly<Record<string, string | undefined>> = names.v9
const ciscoNames: Readonly<Record<string, string | undefined>> = names.Cisco
const protocols: Readonly<Record<string, number | undefined>> = names.protocols
const flags: Readonly<Record<string, number>> = names.flags

/** Values compared, for the report. */
export const tally = { values: 0 }

/** Whether a packet of a snapshot and a Message of ours are the same, by version, sequence and domain. */
export function isSamePacket({ header }: GoldenPacket, ours: DecodedMessage): boolean {
  const odid = header.observation_domain_id ?? header.source_id ?? ours.odid
  const sequence = header.sequence_number ?? header.flow_sequence
  return header.version === ours.version && sequence === ours.sequence && odid === ours.odid
}

/** Everything of one packet that differs. */
export function packetDifferences({ header, flowsets }: GoldenPacket, ours: DecodedMessage): string[] {
  const differences: string[] = []
  const differ = (what: string, theirs: unknown, own: unknown): void => {
    tally.values++
    if (theirs !== own) differences.push(`${what}: netflow_parser ${String(theirs)}, we ${String(own)}`)
  }
  differ('time', header.export_time ?? header.unix_secs, ours.exportTimeSec)
  if (header.length !== undefined) differ('length', header.length, ours.lengthOctets)
  if (header.engine_type !== undefined) differ('engine', header.engine_type * 256 + header.engine_id, ours.odid)
  if (ours.version === 5) {
    for (const [index, record] of flowsets.entries())
      v5Differences(record, ours.sets[0]?.records?.[index] ?? [], differ)
    return differences
  }
  const bodies = flowsets.map(({ header: head, body }) => ({
    id: idOf(head as Tree),
    body: body as Record<string, Tree>
  }))
  const templates = bodies.flatMap(({ body }) => templatesOf(body))
  differ('templates', templates.length, ours.templates.length)
  for (const [index, template] of templates.entries()) templateDifferences(template, ours.templates[index], differ)
  const sets = bodies.filter(({ id }) => id >= 256)
  differ('data sets', sets.length, ours.sets.length)
  for (const [index, { id, body }] of sets.entries()) {
    differ('template', id, ours.sets[index]?.templateId)
    const records = recordsOf(body)
    const own = ours.sets[index]?.records
    differ(`records of ${id}`, records?.length, own?.length)
    for (const [at, record] of (records ?? []).entries()) {
      differ(`fields of ${id}`, record.length, own?.[at]?.length)
      for (const [place, [name, value]] of record.entries()) {
        const field = own?.[at]?.[place]
        differ('element', elementName(name, field), field?.name)
        if (field !== undefined) differ(field.name, valueText(value), valueForm(value, field))
      }
    }
  }
  return differences
}

const idOf = (head: Tree): number => Number(head.flowset_id ?? head.header_id)

function templatesOf(body: Readonly<Record<string, Tree>>): GoldenTemplate[] {
  return Object.entries(body).flatMap(([kind, value]) => {
    if (!kind.includes('Template') || kind === 'NoTemplate') return []
    if (Array.isArray(value)) return value as GoldenTemplate[]
    return (value.templates ?? [value]) as GoldenTemplate[]
  })
}

/** Records of a data FlowSet, scope fields first; undefined if its template was not known. */
function recordsOf({ Data, OptionsData }: Readonly<Record<string, Tree | undefined>>): GoldenField[][] | undefined {
  const records = (Data ?? OptionsData)?.fields as readonly unknown[] | undefined
  return records?.map(record => {
    if (Array.isArray(record)) return record as GoldenField[]
    const { scope_fields: scope, options_fields: options } = record as {
      scope_fields: Tree[]
      options_fields: GoldenField[]
    }
    return [...scope.map((field): GoldenField => [Object.keys(field)[0], { Vec: Object.values(field)[0] }]), ...options]
  })
}

type Differ = (what: string, theirs: unknown, own: unknown) => void

function templateDifferences(theirs: GoldenTemplate, ours: DecodedTemplate | undefined, differ: Differ): void {
  const fields = theirs.fields ?? [...(theirs.scope_fields ?? []), ...(theirs.option_fields ?? [])]
  differ('template', theirs.template_id, ours?.templateId)
  differ(`fields of template ${theirs.template_id}`, fields.length, ours?.layout.fields.length)
  for (const [index, field] of fields.entries()) {
    const own = ours?.layout.fields[index]
    const isScope = index < (ours?.layout.scopeCount ?? 0) && theirs.scope_fields !== undefined && own?.pen === 0
    differ(`length ${index}`, field.field_length, own?.length)
    // NetFlow v9 scope types are no element ids (RFC 3954 §6.1).
    if (!isScope) differ(`id ${index}`, Number(field.field_type_number) & 0x7fff, own?.id)
    if (field.enterprise_number !== undefined) differ(`enterprise ${index}`, field.enterprise_number ?? 0, own?.pen)
  }
}

function v5Differences(record: Tree, ours: readonly DecodedField[], differ: Differ): void {
  for (const [index, name] of names.v5.entries()) {
    const field = ours[index]
    const isAddress = field?.type === 'ipv4Address'
    const own = isAddress ? field.value : Number.parseInt(field?.hex ?? '', 16)
    differ(`${name} (${field?.name})`, record[name], own)
  }
}

/** The element's name as ours, if it is the same; else as netflow_parser has it. */
function elementName(name: unknown, ours: DecodedField | undefined): string | undefined {
  if (typeof name === 'string') return v9Names[name] ?? name
  const [[kind, what]] = Object.entries(name as Tree)
  if (typeof what === 'string') {
    if (kind === 'Cisco') return ciscoNames[what] ?? what
    return what.toLowerCase() === ours?.name.toLowerCase() ? ours.name : what
  }
  const { enterprise_number: pen, field_number: id } = (what ?? {}) as Readonly<Record<string, number>>
  const numbers =
    kind === 'Enterprise' ? `${pen}.${id}` : kind === 'Cisco' ? `9.${(what as Tree).Unknown}` : `0.${String(what)}`
  return numbers === `${ours?.pen}.${ours?.id}` ? ours?.name : numbers
}

const kindOf = (value: unknown): string => (typeof value === 'object' && value !== null ? Object.keys(value)[0] : '')

/** What netflow_parser's value says, as text. */
function valueText(value: unknown): string {
  const kind = kindOf(value)
  const what = (value as Tree)[kind]
  switch (kind) {
    case 'DataNumber':
      return String(Object.values(what as Tree)[0])
    case 'Vec':
      return Buffer.from(what as number[]).toString('hex')
    case 'ProtocolType':
      return String(protocols[String(what)] ?? what)
    case 'Duration':
      return String(Number((what as Tree).secs) * 1000 + Number((what as Tree).nanos) / 1e6)
    case 'TcpControlBits': {
      const set = Object.entries(what as Tree).filter(([, isSet]) => isSet === true)
      return String(set.reduce((bits, [flag]) => bits | (flags[flag] ?? 0), 0))
    }
    case 'ApplicationId': {
      const { classification_engine_id: engine, selector_id: selector } = what as Tree
      return `${String(engine)} ${selectorText(selector)}`
    }
    default:
      return String(what)
  }
}

function selectorText(selector: unknown): string {
  if (typeof selector !== 'object' || selector === null) return String(selector)
  const [value] = Object.values(selector)
  return Array.isArray(value)
    ? String(Number.parseInt(Buffer.from(value as number[]).toString('hex'), 16))
    : selectorText(value)
}

/** Our value in the form that this kind of theirs has. */
function valueForm(value: unknown, { hex, value: own, type }: DecodedField): string {
  switch (kindOf(value)) {
    case 'DataNumber':
    case 'ProtocolType':
    case 'TcpControlBits':
      return BigInt(`0x${hex}`).toString()
    case 'Vec':
      return hex
    case 'Duration':
      return String(type.startsWith('dateTime') ? Date.parse(String(own)) : own)
    case 'ApplicationId':
      return `${Number.parseInt(hex.slice(0, 2), 16)} ${Number.parseInt(hex.slice(2), 16)}`
    case 'String':
      return Buffer.from(hex, 'hex')
        .toString('latin1')
        .replaceAll(/[^ -~]/g, '')
    default:
      return String(own)
  }
}
