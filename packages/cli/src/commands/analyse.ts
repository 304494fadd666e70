import { Command, InvalidArgumentError } from 'commander'

interface AnalyseOptions {
  readonly html?: string
  readonly json?: boolean
  readonly filter?: string
  readonly top: number
  readonly memoryMebibytes: number
}

const examples = `
Examples:
  $ weir analyse capture.pcap                           exporters, protocols, top talkers, conversations, faults
  $ weir analyse --html report.html *.pcap              one page with charts, which needs no network
  $ weir analyse --json flows.ipfix | jq .totals        everything, for a program; docs/reference/analysis.md
  $ weir analyse --filter 'proto = 17 and port = 53' capture.pcapng.gz

Exit codes: 0 analysed, 64 wrong usage, 65 nothing in the input could be decoded, 66 a file cannot be read, 74 the page cannot
be written.
`

/** `weir analyse`: what is in recorded flows, in sums. */
export function analyseCommand(): Command {
  return new Command('analyse')
    .description(
      'Sum up what is in captures, IPFIX Files and Parquet that Weir wrote: the job `analyse`, here and now.'
    )
    .argument('<file...>', 'files in order; gzip is decompressed; - is standard input')
    .option('--html <file>', 'write the report as one page of HTML')
    .option('--json', 'print the report for a program: one JSON object')
    .option('--filter <text>', 'count these Data Records only; the filter language of destinations')
    .option('--top <number>', 'entries of each list', whole(1, 1000), 10)
    .option(
      '--memory-mebibytes <number>',
      'for what is counted; light entries go when it is full',
      whole(8, 65_536),
      256
    )
    .addHelpText('after', examples)
    .action(async (files: string[], { html, json, filter, top, memoryMebibytes }: AnalyseOptions) => {
      // Loaded only here: other commands, and `weir up`, do without it.
      const { runAnalyse } = await import('../analyse/run-analyse.ts')
      await runAnalyse({ files, htmlFile: html, isJson: json === true, filter, top, memoryMebibytes }, process)
    })
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
    }
    return value
  }
