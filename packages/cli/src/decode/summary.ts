import { captureFaults, faults } from '@weir/ipfix'
import { plainTable, trimmed } from './plain-table.ts'
import type { CaptureCounters, DecodeCounts, DecodeSummary } from '@weir/ipfix'
import type { DecodePrinter } from './decode-printer.ts'

/** The counts as one JSON object. */
export class SummaryJson implements DecodePrinter {
  readonly wantsRecords = false

  record(): string {
    return ''
  }

  end(summary: DecodeSummary, capture: CaptureCounters): string {
    return `${JSON.stringify({ ...summary, capture })}\n`
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

  end(summary: DecodeSummary, counters: CaptureCounters): string {
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
    return `${trimmed(table.toString())}\n${faultLines(summary)}${captureLines(counters)}`
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

const notUsed: readonly (readonly [name: keyof CaptureCounters, text: string])[] = [
  ['otherPackets', 'packets that are not UDP or TCP, or go to another port'],
  ['otherPayloads', 'payloads that are no flow export'],
  ['truncatedPackets', 'packets that the capture cut short'],
  ['lostDatagrams', 'fragmented datagrams that are not whole'],
  ['tcpGaps', 'gaps in TCP streams'],
  ['skippedOctets', 'octets passed over to find the next Message']
]

function captureLines(counters: CaptureCounters): string {
  const lines = notUsed.filter(([name]) => counters[name] > 0)
  if (lines.length === 0) return ''
  const text = lines.map(([name, what]) => `  ${counters[name].toLocaleString('en')} ${what}\n`).join('')
  return `What the capture held besides:\n${text}`
}
