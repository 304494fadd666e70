import { takeField } from './golden-events.ts'
import fieldTable from './golden-pmacct-fields.json' with { type: 'json' }
import type { DecodedField } from './decoded-case.ts'
import type { FoundRecord, GoldenEvent } from './golden-events.ts'

const elements: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.elements
const protocols: Readonly<Record<string, number | undefined>> = fieldTable.protocols
const forwarding: Readonly<Record<string, number | undefined>> = fieldTable.forwarding
const flags: Readonly<Record<string, number>> = fieldTable.flags
const samplingRates: Readonly<Record<string, number | undefined>> = fieldTable.samplingRates
const outside = new Set(fieldTable.notOfTheRecord)
const outsideWithBgp = new Set([...outside, ...fieldTable.notOfTheRecordWithBgp])
const otherExporters: Readonly<Record<string, readonly string[] | undefined>> = fieldTable.otherExporters
const counters = ['packets', 'bytes'] as const
const aggregated = new Set(['packets', 'bytes', 'tcp_flags'])

/** A record and the boot time that its exporter told of in options (systemInitTimeMilliseconds), if so. */
export interface TimedRecord extends FoundRecord {
  readonly initTimeMs: number | undefined
}

/** Values compared, for the report. */
export const tally = { values: 0 }

/** The flow records of a case, each with what its exporter had told of its start. */
export function timedRecords(records: readonly FoundRecord[]): TimedRecord[] {
  const initTimes = new Map<string, number>()
  const timed: TimedRecord[] = []
  for (const record of records) {
    const key = `${record.message.source}/${record.message.odid}`
    const init = record.fields.find(({ name }) => name === 'systemInitTimeMilliseconds')
    if (init !== undefined) initTimes.set(key, Date.parse(String(init.value)))
    const isFlow = record.fields.some(({ name }) => name === 'octetDeltaCount')
    if (isFlow) timed.push({ ...record, initTimeMs: initTimes.get(key) })
  }
  return timed
}

/** What the configuration of one of pmacct's tests did to its output. */
export interface OutputRules {
  /** Rate by which packets and bytes are multiplied. */
  readonly samplingRate: number
  /** Names that say nothing of the flow record. */
  readonly outside: ReadonlySet<string>
  /** peer_ip_src of lines that are of another capture of the same test. */
  readonly otherExporters: readonly string[]
}

/** @param file - folder of the test and name of its output. */
export function outputRulesOf(file: string): OutputRules {
  return {
    samplingRate: samplingRates[file] ?? 1,
    outside: /BGP|BMP/.test(file) ? outsideWithBgp : outside,
    otherExporters: otherExporters[file] ?? []
  }
}

/**
 * What differs between nfacctd's line and ours: the flow records that agree with all its keys must add up to its packets
 * and bytes, and their TCP flags together be its own, as nfacctd aggregates.
 */
export function lineDifferences(event: GoldenEvent, records: readonly TimedRecord[], rules: OutputRules): string[] {
  const keys = keysOf(event, rules)
  tally.values += keys.length + counters.length
  let best: string[] | undefined
  const group: TimedRecord[] = []
  for (const record of records) {
    const differences = keyDifferences(keys, record)
    if (differences.length === 0) group.push(record)
    if (best === undefined || differences.length < best.length) best = differences
  }
  if (group.length === 0) return best ?? ['no record']
  const bits = group.reduce((union, record) => union | (Number(fieldOf(record, 'tcp_flags')?.value ?? 0) & 0xff), 0)
  const wanted = (event.tcp_flags as string[] | undefined)?.reduce((union, flag) => union | flags[flag], 0)
  const others = wanted === undefined || wanted === bits ? [] : [`tcp_flags = ${wanted}: we have ${bits}`]
  return others.concat(
    counters.flatMap(name => {
      const sum =
        group.reduce((total, record) => total + Number(fieldOf(record, name)?.value ?? 0), 0) * rules.samplingRate
      return sum === event[name] ? [] : [`${name} = ${String(event[name])}: we have ${sum} in ${group.length} records`]
    })
  )
}

function keysOf(event: GoldenEvent, rules: OutputRules): (readonly [name: string, value: unknown])[] {
  const own = Object.entries(event).filter(([name]) => name !== 'custom_primitives')
  const custom = Object.entries((event.custom_primitives ?? {}) as GoldenEvent)
  return [...own, ...custom].filter(([name]) => !rules.outside.has(name) && !aggregated.has(name))
}

function keyDifferences(keys: readonly (readonly [name: string, value: unknown])[], record: TimedRecord): string[] {
  const taken = new Set<DecodedField>()
  const differences: string[] = []
  for (const [name, value] of keys) {
    const answer = agrees(name, value, record, taken)
    if (answer !== true) differences.push(`${name} = ${JSON.stringify(value)}: ${answer}`)
  }
  return differences
}

const fieldOf = ({ fields }: FoundRecord, name: string): DecodedField | undefined =>
  fields.find(field => elements[name]?.includes(field.name))

function agrees(name: string, value: unknown, record: TimedRecord, taken: Set<DecodedField>): true | string {
  if (name === 'mpls_label_stack') return labelsAgree(value as readonly string[], record)
  if (name.startsWith('timestamp_')) return timeAgrees(name, Number(value), record)
  if (name === 'etype' && fieldOf(record, name) === undefined) return etypeAgrees(String(value), record)
  // What the record does not have, nfacctd shows as zero, empty or unknown.
  const isEmpty = value === 0 || value === '' || value === '0' || (Array.isArray(value) && value.length === 0)
  const isNothing = isEmpty || /^(?:0\.0\.0\.0|::|00:00:00:00:00:00|UNKNOWN Unclassified)$/.test(String(value))
  if (isNothing && (fieldOf(record, name) === undefined || name.startsWith('tunnel_'))) return true
  return takeField(elements[name] ?? [name], record, taken, field => valueText(name, value) === fieldText(name, field))
}

function valueText(name: string, value: unknown): string {
  if (name.endsWith('ip_proto')) return String(protocols[String(value)] ?? value)
  if (name === 'fwd_status') return String(forwarding[String(value)] ?? value)
  return String(value)
}

function fieldText(name: string, { hex, value }: DecodedField): string {
  return name === 'etype' ? Number.parseInt(hex, 16).toString(16) : String(value)
}

/** Of a record without an ethernetType, the one of its addresses. */
function etypeAgrees(theirs: string, { fields }: FoundRecord): true | string {
  const has = (type: string): boolean => fields.some(field => field.type === type)
  return has(theirs === '800' ? 'ipv4Address' : 'ipv6Address') ? true : 'we have no such address'
}

/** Labels by their place in the stack, those that are not zero: `0-24001`. */
function labelsAgree(theirs: readonly string[], { fields }: FoundRecord): true | string {
  const stack = fields.filter(({ name }) => /^mpls\w*LabelStackSection\d*$/.test(name))
  const labels = stack.map(({ hex }, index) => `${index}-${Number.parseInt(hex, 16) >> 4}`)
  const ours = labels.filter(label => !label.endsWith('-0'))
  return ours.join() === theirs.join() ? true : `we have ${ours.join()}`
}

/**
 * nfacctd's seconds: of an absolute time the whole seconds; of sysUpTime the header's or the exporter's start plus whole
 * seconds of the rest.
 */
function timeAgrees(name: string, theirs: number, { fields, message, initTimeMs }: TimedRecord): true | string {
  const which = name === 'timestamp_start' ? 'Start' : 'End'
  const absolute = fields.find(field => field.name === `flow${which}Milliseconds`)
  if (absolute !== undefined) {
    const seconds = Math.floor(Date.parse(String(absolute.value)) / 1000)
    return seconds === theirs ? true : `we have ${seconds}`
  }
  const uptime = fields.find(field => field.name === `flow${which}SysUpTime`)
  if (uptime === undefined) return theirs === 0 ? true : `we have no flow${which}`
  const value = Number(uptime.value)
  const startMs = initTimeMs ?? Number.NaN
  const candidates = [
    message.exportTimeSec,
    message.exportTimeSec - Math.trunc((message.exportTimeSec * 1000 - message.bootTimeMs - value) / 1000),
    Math.floor(startMs / 1000) + Math.floor(value / 1000),
    Math.floor((startMs + value) / 1000)
  ]
  return candidates.includes(theirs) ? true : `we have ${candidates.join(' or ')}`
}
