import { captureFaults, faults } from '@weir/ipfix'
import { plainTable, trimmed } from './plain-table.ts'
import type { DecodeCounts, DecodeSummary } from '@weir/ipfix'
import type { DecodePrinter } from './decode-printer.ts'

/** The counts as one JSON object. */
export class SummaryJson implements DecodePrinter {
  readonly wantsRecords = false

  record(): string {
    return ''
  }

  end(summary: DecodeSummary): string {
    return `${JSON.stringify(summary)}\n`
  }
}

const rows: readonly (readonly [name: keyof DecodeCounts, text: string])[] = [
  ['messages', 'Messages'],
  ['malformedMessages', 'malformed Messages (discarded)'],
  ['templates', 'Templates'],
  ['optionsTemplates', 'Options Templates'],
  ['withdrawals', 'withdrawals'],
  ['dataRecords', 'Data Records'],
  ['optionsRecords', 'options records'],
  ['undecodableSets', 'Data Sets without a template'],
  ['sflowSamples', 'sFlow samples']
]

const versionNames: Readonly<Record<string, string>> = {
  9: 'NetFlow v9',
  10: 'IPFIX',
  sflow: 'sFlow v5',
  other: 'unknown'
}

/** The counts as a table for people: a column for each version, and the faults that were met. */
export class SummaryText implements DecodePrinter {
  readonly wantsRecords = false

  record(): string {
    return ''
  }

  end(summary: DecodeSummary): string {
    const versions = Object.entries(summary.byVersion)
    const names = versions.map(([version]) => versionNames[version] ?? `NetFlow v${version}`)
    const head = versions.length > 1 ? ['', ...names, 'all'] : ['', names[0] ?? 'all']
    const table = plainTable(
      head,
      head.map((_, at) => (at === 0 ? 'left' : 'right'))
    )
    for (const [field, text] of rows) {
      const counts = versions.map(([, of]) => of[field].toLocaleString('en'))
      table.push([text, ...counts, ...(versions.length === 1 ? [] : [summary[field].toLocaleString('en')])])
    }
    return `${trimmed(table.toString())}\n${faultLines(summary)}`
  }
}

function faultLines(summary: DecodeSummary): string {
  const sentences: Readonly<Record<string, string>> = {
    ...faults,
    ...captureFaults,
    SFLOW_MALFORMED: 'sFlow datagram whose lengths or counts do not fit'
  }
  const lines = Object.entries(summary.faults).map(
    ([code, count]) => `  ${count.toLocaleString('en')} × ${code}: ${sentences[code] ?? ''}\n`
  )
  return lines.length === 0 ? '' : `What was odd:\n${lines.join('')}`
}
