import { existsSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ConvertRequest } from '../convert/run-convert.ts'

interface ConvertOptions {
  readonly output: string
  readonly to?: ConvertRequest['params']['to']
  readonly fields?: readonly string[]
  readonly filter?: string
  readonly timestamps: string
  readonly lineage: boolean
  readonly sampling: boolean
  readonly optionsRecords: boolean
  readonly formulaPrefix: boolean
  readonly addresses: string
  readonly numbers64: string
  readonly force?: boolean
}

const examples = `
Examples:
  $ weir convert capture.pcap -o flows.parquet
  $ weir convert *.pcap.gz -o flows.csv --fields sourceIPv4Address,destinationIPv4Address,octetDeltaCount
  $ weir convert capture.pcap -o web.ndjson --filter 'proto = tcp and port in (80, 443)'
  $ weir convert capture.pcap -o normalised.ipfix

The records are normalised as a destination gets them. The last line of standard output is JSON: how many there are.

Exit codes: 0 converted, 64 wrong usage, 65 nothing in the input could be decoded, 66 a file cannot be read, 74 the output cannot be written.
`

const byEnding: Readonly<Record<string, ConvertRequest['params']['to']>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.csv': 'csv',
  '.parquet': 'parquet',
  '.ipfix': 'ipfix'
}

/** `weir convert`: the job type of the same name, here and now. */
export function convertCommand(): Command {
  return new Command('convert')
    .description('Write what captures, IPFIX Files and Parquet hold as NDJSON, CSV, Parquet or an IPFIX File.')
    .argument('<file...>', 'files, one case in order; gzip is decompressed')
    .requiredOption('-o, --output <file>', 'where to; its ending says the format (.ndjson, .csv, .parquet, .ipfix)')
    .addOption(
      new Option('-t, --to <format>', 'the format, whatever the ending').choices(['ndjson', 'csv', 'parquet', 'ipfix'])
    )
    .addOption(
      new Option('--fields <names>', 'elements that are wanted, with commas between them; all if left out').argParser(
        names
      )
    )
    .option('--filter <text>', 'records that are wanted, in the filter language of destinations')
    .addOption(
      new Option('--timestamps <form>', 'elements of start and end')
        .choices(['milliseconds', 'nanoseconds', 'preserve'])
        .default('milliseconds')
    )
    .option('--no-lineage', 'leave out exporter, domain and time of collection')
    .option('--no-sampling', 'leave out the sampling rate')
    .option('--no-options-records', 'NDJSON and IPFIX: leave out records of options')
    .option('--no-formula-prefix', "CSV: no ' before text that a spreadsheet would take for a formula")
    .addOption(new Option('--addresses <form>', 'addresses in Parquet').choices(['binary', 'text']).default('binary'))
    .addOption(
      new Option('--numbers64 <form>', '64-bit integers in NDJSON').choices(['number', 'string']).default('number')
    )
    .option('--force', 'write over a file that is there')
    .addHelpText('after', examples)
    .action(run)
}

async function run(
  files: string[],
  { output, force, to, ...options }: ConvertOptions,
  command: Command
): Promise<void> {
  const format = to ?? byEnding[/\.[a-z]+$/.exec(output)?.[0] ?? '']
  if (format === undefined) command.error(`error: ${output} has no ending that says a format; say it with --to`)
  if (existsSync(output) && force !== true) command.error(`error: ${output} is there already; --force writes over it`)
  // What only this command needs is loaded with it.
  const { runConvert } = await import('../convert/run-convert.ts')
  const result = await runConvert({ files, output, params: { ...options, to: format } }, process.stderr)
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

function names(text: string): string[] {
  const list = text.split(',').map(name => name.trim())
  if (list.some(name => name === '')) throw new InvalidArgumentError('Names of elements stand between commas.')
  return list
}
