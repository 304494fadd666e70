import { captureFaults, elementKey, faults, unnamed, VARIABLE_LENGTH } from '@weir/ipfix'
import { addressText } from '../text/address-text.ts'
import { DIRECTION } from './conversations.ts'
import { WITHOUT } from './mix.ts'
import { protocolName, serviceName, tcpFlagsText } from '../text/protocol-names.ts'
import { ESTIMATED_OCTETS, ESTIMATED_PACKETS, FLOWS, OCTETS, PACKETS } from './talkers.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { Flows } from '../input/open-flows.ts'
import type { FlowDomain } from '../input/flow-domain.ts'
import type { HeavyTable } from '../tables/heavy-table.ts'
import type { Analyser } from './analyser.ts'
import type { DomainTable } from './domain-sums.ts'
import type { Inventory, TemplateTally } from './inventory.ts'
import type { Mix } from './mix.ts'
import type { AnalysisReport } from './report-schema.ts'

const MAX_EXPORTERS = 1000
const MAX_TEMPLATES = 1000
const MAX_ELEMENTS = 5000

/** What was counted of one set of inputs. */
export interface Counted {
  readonly flows: Flows
  readonly analyser: Analyser
  readonly domains: DomainTable
  readonly inventory: Inventory
  /** Records that no Program could write. */
  readonly unreadable: number
  readonly filter: string | null
}

/** @param top - entries of each list of talkers, ports and conversations. */
export function buildReport(counted: Counted, top: number): AnalysisReport {
  const { flows, analyser, inventory } = counted
  const { counts, registry } = flows
  const domains = [...flows.domains()]
  return {
    schema: 'weir.analysis/1',
    inputs: counts.inputs.map(({ name, format, fault }) => ({
      name,
      format: format ?? null,
      fault: fault === undefined ? null : captureFaults[fault]
    })),
    filter: counted.filter,
    totals: {
      records: analyser.records,
      octets: analyser.octets,
      packets: analyser.packets,
      flows: analyser.flows,
      estimatedOctets: analyser.estimatedOctets,
      estimatedPackets: analyser.estimatedPackets,
      reverseOctets: analyser.reverseOctets,
      reversePackets: analyser.reversePackets,
      estimatedReverseOctets: analyser.estimatedReverseOctets,
      estimatedReversePackets: analyser.estimatedReversePackets,
      recordsRead: counts.records,
      optionsRecords: counts.optionsRecords,
      messages: counts.decoded.messages,
      malformedMessages: counts.decoded.malformedMessages,
      setsWithoutTemplate: counts.setsWithoutTemplate
    },
    coverage: {
      withoutOctets: analyser.recordsWithoutOctets,
      withoutPackets: analyser.recordsWithoutPackets,
      withoutAddresses: analyser.recordsWithoutAddresses,
      withoutTimes: analyser.recordsWithoutTimes,
      untimely: analyser.recordsUntimely,
      unknownSampling: analyser.recordsOfUnknownSampling,
      unreadable: counted.unreadable
    },
    timeSpan: {
      firstFlow: isoTime(analyser.series.firstMs),
      lastFlow: isoTime(analyser.series.lastMs),
      firstExport: isoTime(1000 * Math.min(...domains.map(each => each.firstExportTimeSec))),
      lastExport: isoTime(1000 * Math.max(...domains.map(each => each.lastExportTimeSec)))
    },
    exporters: {
      count: domains.length,
      list: domains
        .toSorted((left, right) => right.records - left.records)
        .slice(0, MAX_EXPORTERS)
        .map(each => exporterOf(each, counted.domains))
    },
    templates: {
      count: inventory.templates.length,
      list: inventory.templates
        .toSorted((left, right) => right.records - left.records)
        .slice(0, MAX_TEMPLATES)
        .map(each => templateOf(each, registry)),
      otherRecords: inventory.otherRecords
    },
    elements: elementsOf(inventory, registry),
    protocols: mixOf(analyser.protocols, value => ({
      protocol: value === WITHOUT ? null : value,
      name: value === WITHOUT ? null : protocolName(value)
    })).toSorted((left, right) => right.estimatedOctets - left.estimatedOctets || right.records - left.records),
    tcpFlags: mixOf(analyser.tcpFlags, value => ({
      flags: value === WITHOUT ? null : value,
      text: value === WITHOUT ? null : tcpFlagsText(value)
    })).toSorted((left, right) => right.flows - left.flows),
    sourcePorts: ranking(analyser.sourcePorts, top, portEntry),
    destinationPorts: ranking(analyser.destinationPorts, top, portEntry),
    sources: ranking(analyser.sources, top, addressEntry),
    destinations: ranking(analyser.destinations, top, addressEntry),
    conversations: ranking(analyser.conversations, top, conversationEntry),
    series: {
      binSeconds: analyser.series.binMs / 1000,
      areOldTimesBelieved: analyser.areOldTimesBelieved,
      bins: analyser.series.bins().map(({ startMs, ...bin }) => ({ start: isoTime(startMs) ?? '', ...bin }))
    },
    faults: faultsOf(counted)
  }
}

/** Beyond what a Date can say there is no time. */
function isoTime(timeMs: number): string | null {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : null
}

const sequenceUnits = { 1: 'none', 5: 'flows', 7: 'flows', 9: 'messages', 10: 'records' } as const

function exporterOf(domain: FlowDomain, table: DomainTable): AnalysisReport['exporters']['list'][number] {
  const { lost, reordered, duplicated, restarts, suspect, undecoded } = domain.sequence
  const { unknownRates, leastRate, greatestRate, ...sums } = table.of(domain)
  return {
    address: domain.exporter,
    port: domain.exporterPort,
    observationDomainId: domain.odid,
    version: domain.version,
    messages: domain.messages,
    messageOctets: domain.octets,
    records: domain.records,
    optionsRecords: domain.optionsRecords,
    setsWithoutTemplate: domain.unknownSets,
    firstExport: isoTime(domain.firstExportTimeSec * 1000),
    lastExport: isoTime(domain.lastExportTimeSec * 1000),
    sequence: {
      unit: sequenceUnits[domain.version as keyof typeof sequenceUnits] ?? 'none',
      lost,
      reordered,
      duplicated,
      restarts,
      suspect,
      undecoded
    },
    sampling: {
      leastRate: leastRate === 0 ? null : leastRate,
      greatestRate: greatestRate === 0 ? null : greatestRate,
      recordsOfUnknownRate: unknownRates
    },
    ...sums
  }
}

function templateOf(
  { domain, templateId, layout, records, announcements, redefinitions }: TemplateTally,
  registry: ElementRegistry
): AnalysisReport['templates']['list'][number] {
  return {
    exporter: domain.exporter,
    observationDomainId: domain.odid,
    templateId: domain.version < 9 ? null : templateId,
    isOptions: layout.scopeCount > 0,
    fields: layout.fields.map(({ pen, id, length }, index) => ({
      name: registry.get(pen, id)?.name ?? unnamed(pen, id),
      pen,
      id,
      length: length === VARIABLE_LENGTH ? 'variable' : length,
      isScope: index < layout.scopeCount
    })),
    records,
    announcements,
    redefinitions
  }
}

function elementsOf({ templates }: Inventory, registry: ElementRegistry): AnalysisReport['elements'] {
  const byKey = new Map<number, { pen: number; id: number; records: number; templates: number }>()
  let all = 0
  for (const { layout, records } of templates) {
    if (layout.scopeCount > 0) continue
    all += records
    const seen = new Set<number>()
    for (const { pen, id } of layout.fields) {
      const key = elementKey(pen, id)
      if (seen.has(key)) continue
      seen.add(key)
      const element = byKey.get(key) ?? { pen, id, records: 0, templates: 0 }
      byKey.set(key, element)
      element.records += records
      element.templates++
    }
  }
  return [...byKey.values()]
    .toSorted((left, right) => right.records - left.records || left.pen - right.pen || left.id - right.id)
    .slice(0, MAX_ELEMENTS)
    .map(({ pen, id, records, templates: definitions }) => {
      const known = registry.get(pen, id)
      const share = all === 0 ? 0 : records / all
      return {
        name: known?.name ?? unnamed(pen, id),
        pen,
        id,
        type: known?.type ?? null,
        records,
        share,
        templates: definitions
      }
    })
}

const mixOf = <T>(mix: Mix, describe: (value: number) => T) =>
  [...mix.values()].map(value => ({ ...describe(value), ...mix.of(value) }))

type Errors = AnalysisReport['sources']['mostUnseen']

function ranking<T>(
  table: HeavyTable,
  top: number,
  describe: (table: HeavyTable, entry: number) => T
): {
  isComplete: boolean
  distinct: number | null
  kept: number
  mostUnseen: Errors
  byOctets: (T & { mayHaveMissed: Errors })[]
  byPackets: (T & { mayHaveMissed: Errors })[]
  byFlows: (T & { mayHaveMissed: Errors })[]
} {
  const list = (measure: number): (T & { mayHaveMissed: Errors })[] =>
    table.top(measure, top).map(entry => ({
      ...describe(table, entry),
      mayHaveMissed: errors(each => table.missed(entry, each))
    }))
  return {
    isComplete: table.isComplete,
    distinct: table.isComplete ? table.size : null,
    kept: table.size,
    mostUnseen: errors(measure => table.floor(measure)),
    byOctets: list(0),
    byPackets: list(1),
    byFlows: list(2)
  }
}

function errors(of: (measure: number) => number): Errors {
  const [octets, packets, flows] = [of(0), of(1), of(2)]
  return octets + packets + flows === 0 ? null : { octets, packets, flows }
}

function sumsAt(sums: Float64Array, at: number) {
  return {
    octets: sums[at + OCTETS],
    packets: sums[at + PACKETS],
    flows: sums[at + FLOWS],
    estimatedOctets: sums[at + ESTIMATED_OCTETS],
    estimatedPackets: sums[at + ESTIMATED_PACKETS]
  }
}

const addressEntry = (table: HeavyTable, entry: number) => ({
  address: addressText(table.key(entry), 0),
  ...sumsAt(table.sums, entry * table.stride)
})

function portEntry(table: HeavyTable, entry: number) {
  const [key] = table.key(entry)
  const protocol = key >>> 16
  const port = key & 65_535
  const names = { protocolName: protocolName(protocol), port, service: serviceName(port) ?? null }
  return { protocol, ...names, ...sumsAt(table.sums, entry * table.stride) }
}

function conversationEntry(table: HeavyTable, entry: number) {
  const { sums, stride } = table
  const key = table.key(entry).slice()
  // Words are in the order of this machine, octets in that of the addresses.
  const isAbove = Buffer.compare(new Uint8Array(key.buffer, 0, 16), new Uint8Array(key.buffer, 16, 16)) > 0
  const at = entry * stride
  const aToB = sumsAt(sums, isAbove ? at + DIRECTION : at)
  const bToA = sumsAt(sums, isAbove ? at : at + DIRECTION)
  return {
    a: addressText(key, isAbove ? 4 : 0),
    b: addressText(key, isAbove ? 0 : 4),
    octets: aToB.octets + bToA.octets,
    packets: aToB.packets + bToA.packets,
    flows: aToB.flows + bToA.flows,
    estimatedOctets: aToB.estimatedOctets + bToA.estimatedOctets,
    estimatedPackets: aToB.estimatedPackets + bToA.estimatedPackets,
    aToB,
    bToA
  }
}

const sflowMalformed = 'sFlow datagram that could not be read; sFlow is counted only'

function faultsOf({ flows }: Counted): AnalysisReport['faults'] {
  const { decoded, capture, setsWithoutTemplate } = flows.counts
  const found = Object.entries(decoded.faults).map(([code, times]) => ({
    code,
    count: times,
    meaning: code === 'SFLOW_MALFORMED' ? sflowMalformed : (faults as Readonly<Record<string, string>>)[code]
  }))
  const others: readonly [code: string, count: number, meaning: string][] = [
    ['NO_TEMPLATE', setsWithoutTemplate, 'Data Sets that no template came for'],
    ['SFLOW_NOT_READ', decoded.sflowSamples, 'samples of sFlow: they are counted, not read'],
    ['OTHER_PAYLOAD', capture.otherPayloads, 'payloads that no flow export protocol begins like'],
    ['TRUNCATED_PACKET', capture.truncatedPackets, 'packets of which the capture holds less than was sent (snaplen)'],
    ['LOST_DATAGRAM', capture.lostDatagrams, 'IP datagrams given up: a fragment missing, overlapping, or past a bound'],
    ['TCP_GAP', capture.tcpGaps, 'gaps in TCP streams that nothing filled'],
    ['SKIPPED_OCTETS', capture.skippedOctets, 'octets passed over to find the next Message']
  ]
  for (const [code, times, meaning] of others) if (times > 0) found.push({ code, count: times, meaning })
  return found.toSorted((left, right) => right.count - left.count || (left.code < right.code ? -1 : 1))
}
