import { plainTable, trimmed } from '../decode/plain-table.ts'
import type { AnalysisReport } from '@weir/analysis'

const digits = (value: number): string => new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 }).format(value)

const SHOWN = 20

interface Sums {
  readonly estimatedOctets: number
  readonly estimatedPackets: number
  readonly flows: number
}

/** What a person wants to know first of a report; everything is in its JSON. */
export function reportText(report: AnalysisReport): string {
  const { totals, timeSpan, exporters, coverage, faults, conversations, protocols } = report
  const { sources, destinations, destinationPorts } = report
  const lost = exporters.list.reduce((sum, { sequence }) => sum + sequence.lost, 0)
  const isSampled = totals.estimatedOctets !== totals.octets || totals.estimatedPackets !== totals.packets
  const sums = plainTable(['', 'octets', 'packets', 'flows'], ['left', 'right', 'right', 'right'])
  sums.push(['as recorded', digits(totals.octets), digits(totals.packets), digits(totals.flows)])
  if (isSampled) sums.push(['estimated', digits(totals.estimatedOctets), digits(totals.estimatedPackets), ''])
  const time = timeSpan.firstFlow === null ? '' : `, ${timeSpan.firstFlow} to ${timeSpan.lastFlow}`
  const head = `${digits(totals.records)} records of ${digits(exporters.count)} exporters and domains${time}`
  const notes = [
    lost > 0 ? `${digits(lost)} units are missing by sequence numbers` : '',
    coverage.unknownSampling > 0 ? `the sampling of ${digits(coverage.unknownSampling)} records is not known` : '',
    sources.isComplete ? '' : 'not all addresses fitted into the memory: give more by --memory-mebibytes'
  ].filter(note => note !== '')
  const sections = [
    section('Exporters', ['version', 'records', 'octets', 'missing'], exporters.list.slice(0, SHOWN), each => [
      `${each.address === '' ? '(not told)' : each.address} ${each.observationDomainId}`,
      String(each.version),
      digits(each.records),
      digits(each.estimatedOctets),
      digits(each.sequence.lost)
    ]),
    sumsSection('Protocols', protocols, ({ name }) => name ?? '(not told)'),
    sumsSection('Sources', sources.byOctets, ({ address }) => address),
    sumsSection('Destinations', destinations.byOctets, ({ address }) => address),
    sumsSection('Destination ports', destinationPorts.byOctets, each =>
      [`${each.port}/${each.protocolName}`, each.service ?? ''].join(' ').trim()
    ),
    sumsSection('Conversations', conversations.byOctets, ({ a, b }) => `${a} ${b}`),
    section('Faults', ['times', 'what it means'], faults, ({ code, count, meaning }) => [code, digits(count), meaning])
  ]
  return `${[head, trimmed(sums.toString()), ...notes, ...sections].filter(text => text !== '').join('\n')}\n`
}

const sumsSection = <T extends Sums>(title: string, entries: readonly T[], nameOf: (entry: T) => string): string =>
  section(title, ['octets', 'packets', 'flows'], entries, entry => [
    nameOf(entry),
    digits(entry.estimatedOctets),
    digits(entry.estimatedPackets),
    digits(entry.flows)
  ])

function section<T>(
  title: string,
  head: readonly string[],
  entries: readonly T[],
  rowOf: (entry: T) => readonly string[]
): string {
  if (entries.length === 0) return ''
  const isText = (name: string): boolean => name === 'what it means'
  const table = plainTable([title, ...head], ['left', ...head.map(name => (isText(name) ? 'left' : 'right'))])
  for (const entry of entries) table.push([...rowOf(entry)])
  return `\n${trimmed(table.toString())}`
}
