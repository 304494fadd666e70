import { gunzipSync } from 'node:zlib'
import { octetsOf } from './capture-cases.ts'
import { shownDisagrees } from './golden-tshark-text.ts'
import fieldTable from './golden-tshark-fields.json' with { type: 'json' }
import type { CaptureCase } from './capture-cases.ts'
import type { DecodedField, DecodedMessage, DecodedTemplate } from './decoded-case.ts'

/** One field as tshark has it: its filter name, the value it shows, the octets in hex. */
export type GoldenField = readonly [name: string, shown: string, hex: string]
export type GoldenRecord = readonly GoldenField[]

export interface GoldenTemplate {
  readonly desc: string
  readonly fields: readonly (readonly [name: string, value: string])[]
}

export interface GoldenMessage {
  readonly frame: number
  readonly src: string
  readonly header: readonly (readonly [name: string, value: string])[]
  readonly sets?: readonly {
    readonly id: number
    readonly records: readonly GoldenRecord[]
    readonly templates?: readonly GoldenTemplate[]
    readonly noTemplate?: string
  }[]
  /** NetFlow v1, v5, v7. */
  readonly records?: readonly GoldenRecord[]
  /** sFlow. */
  readonly fields?: unknown
}

/** What tshark 4.0.17 says of a case, Message by Message; undefined if there is no such file. */
export function goldenMessagesOf({ golden }: CaptureCase): GoldenMessage[] | undefined {
  const path = golden.find(file => file.startsWith('golden-tshark/'))
  if (path === undefined) return undefined
  const lines = gunzipSync(octetsOf(path)).toString().split('\n')
  return lines.filter(line => line !== '').map(line => JSON.parse(line) as GoldenMessage)
}

/** How tshark's names read in ours; see golden-tshark-fields.json. */
const whole: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.whole
const part: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.part
const pair: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.pair

const ANY = '*'
const reverseName = (name: string): string => `reverse${name[0].toUpperCase()}${name.slice(1)}`

/** True if a field of ours is one of these elements, or the reverse of one (RFC 5103: tshark names both alike). */
function isOneOf({ name }: DecodedField, names: readonly string[]): boolean {
  return names.includes(ANY) || names.includes(name) || names.some(forward => reverseName(forward) === name)
}

/** Values compared, for the report. */
export const tally = { fields: 0, shown: 0 }

/** Which of our fields tshark has shown so far. */
interface ShownFields {
  readonly isUsed: boolean[]
  /** `<name of tshark>@<index>` of fields shown by parts. */
  readonly parts: Set<string>
  last: number
}

/**
 * Everything of one record that differs.
 *
 * Each of tshark's fields must be a field of ours with the element that its name stands for and the same octets, equal
 * elements in the order of the template, and every field of ours must be one of tshark's. tshark shows some fields more
 * than once, by parts (`part`: octets of the beginning or the end of the field), or two as one (`pair`). It gives times
 * a place of their own in a record, so that the order of different elements cannot be compared here: it is, by the
 * templates.
 */
export function recordDifferences(golden: GoldenRecord, ours: readonly DecodedField[]): string[] {
  const differences: string[] = []
  const shownFields: ShownFields = { isUsed: ours.map(() => false), parts: new Set(), last: -1 }
  const { isUsed } = shownFields
  for (const field of golden) {
    tally.fields++
    const [name, shown, hex] = field
    const index = wholeField(field, ours, isUsed)
    if (index >= 0) {
      isUsed[index] = true
      shownFields.last = index
      const difference = shownDisagrees(name, shown, ours[index])
      if (difference === false) tally.shown++
      else if (difference !== undefined) differences.push(difference)
    } else if (!usePart(field, ours, shownFields) && !usePair(field, ours, shownFields)) {
      differences.push(`tshark has ${name} = ${shown} (${hex}), we have no such field`)
    }
  }
  for (const [index, field] of ours.entries()) {
    // A value of no octets has no octets that tshark could show.
    if (!isUsed[index] && field.hex !== '')
      differences.push(`we have ${field.name} = ${field.hex}, tshark has no such field`)
  }
  return differences
}

function wholeField([name, , hex]: GoldenField, ours: readonly DecodedField[], isUsed: readonly boolean[]): number {
  const names = whole[name]
  if (names === undefined) return -1
  return ours.findIndex((field, index) => !isUsed[index] && field.hex === hex && isOneOf(field, names))
}

/** Fields shown by parts: the one before again, else one that was not shown yet; never twice under one name. */
function usePart([name, , hex]: GoldenField, ours: readonly DecodedField[], shown: ShownFields): boolean {
  const names = part[name]
  if (names === undefined) return false
  const holds = (field: DecodedField, index: number): boolean =>
    isOneOf(field, names) &&
    (field.hex.startsWith(hex) || field.hex.endsWith(hex)) &&
    !shown.parts.has(`${name}@${index}`)
  const { last } = shown
  const fresh = ours.findIndex((field, index) => !shown.isUsed[index] && holds(field, index))
  const index = last >= 0 && holds(ours[last], last) ? last : fresh >= 0 ? fresh : ours.findIndex(holds)
  if (index < 0) return false
  shown.parts.add(`${name}@${index}`)
  shown.isUsed[index] = true
  shown.last = index
  return true
}

function usePair([name, , hex]: GoldenField, ours: readonly DecodedField[], { isUsed }: ShownFields): boolean {
  const names = pair[name]
  if (names === undefined) return false
  const indexes = names.map(element => ours.findIndex(field => field.name === element))
  if (indexes.includes(-1) || indexes.map(index => ours[index].hex).join('') !== hex) return false
  for (const index of indexes) isUsed[index] = true
  return true
}

/** NetFlow v9 scope types as the elements that we read them as (RFC 3954 §6.1). */
const scopeElements: Readonly<Record<string, readonly number[]>> = {
  1: [130, 144, 131],
  2: [10],
  3: [141],
  4: [143],
  5: [145]
}

/** Everything of one template that differs: ids, enterprise numbers as far as tshark shows them, lengths, scope, order. */
export function templateDifferences(golden: GoldenTemplate, ours: DecodedTemplate): string[] {
  const differences: string[] = []
  const differ = (what: string, theirs: unknown, own: unknown): void => {
    if (String(theirs) !== String(own))
      differences.push(`template ${ours.templateId}: ${what}: tshark ${String(theirs)}, we ${String(own)}`)
  }
  const { fields, scopeCount } = ours.layout
  let index = -1
  let isStarted = false
  for (const [name, value] of golden.fields) {
    const isType = name.endsWith('field_type') || name.endsWith('field_type_enterprise')
    if (isType) {
      index++
      isStarted = true
    }
    const field = fields[index]
    switch (name) {
      case 'template_id':
        differ('id', value, ours.templateId)
        break
      case 'template_ipfix_scope_field_count':
        differ('scope fields', value, scopeCount)
        break
      case 'option_scope_length':
        differ('scope fields', Number(value) / 4, scopeCount)
        break
      case 'scope_field_type':
        if (!(scopeElements[value] ?? []).includes(field?.id)) differ(`scope ${index}`, value, field?.id)
        break
      case 'template_field_type': {
        const type = Number(value)
        differ(`field ${index}`, type < 32768 ? `0.${type}` : `9.${type - 32768}`, `${field?.pen}.${field?.id}`)
        break
      }
      case 'template_ipfix_field_type':
      case 'template_ipfix_field_type_enterprise':
        differ(`field ${index}`, value, field?.id)
        break
      case 'template_ipfix_field_pen':
        differ(`enterprise of field ${index}`, value, field?.pen)
        break
      case 'template_field_length':
        // Elements of enterprises that tshark knows have names of their own, which the golden file leaves out.
        if (!isStarted) index++
        isStarted = false
        differ(`length of field ${index}`, value, fields[index]?.length)
        break
      default:
        differences.push(`template ${ours.templateId}: ${name} is not understood`)
    }
  }
  differ('fields', index + 1, fields.length)
  return differences
}

/** Everything of the header that differs. */
export function headerDifferences({ header }: GoldenMessage, ours: DecodedMessage): string[] {
  const shown = new Map(header)
  const pairs: readonly (readonly [name: string, own: unknown])[] = [
    ['cflow.version', ours.version],
    ['cflow.len', ours.lengthOctets],
    ['cflow.sequence', ours.sequence],
    ['cflow.od_id', ours.odid],
    ['cflow.source_id', ours.odid],
    ['cflow.engine_type', ours.odid >> 8],
    ['cflow.engine_id', ours.odid & 0xff]
  ]
  const isFixed = shown.has('cflow.engine_type')
  const differences: string[] = []
  for (const [name, own] of pairs) {
    const value = shown.get(name)
    const isOurs = !name.includes('engine') || (isFixed && ours.version === 5)
    if (value !== undefined && isOurs && value !== String(own))
      differences.push(`${name}: tshark ${value}, we ${String(own)}`)
  }
  const time = shown.get('cflow.timestamp')
  const timeSec = time === undefined ? undefined : Math.floor(Date.parse(time.replace(/\.\d+ UTC/, ' UTC')) / 1000)
  if (timeSec !== undefined && timeSec !== ours.exportTimeSec) {
    differences.push(`cflow.timestamp: tshark ${time}, we ${ours.exportTimeSec}`)
  }
  return differences
}
