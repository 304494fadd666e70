import { Command, Option } from 'commander'
import { stopSignal } from '../traffic/stop-signal.ts'
import { parseTarget, wholeNumber } from '../traffic/parse-target.ts'
import type { TrafficTarget } from '@weir/analysis/replay'

interface GenerateOptions {
  readonly to: TrafficTarget
  readonly rate: number
  readonly exporters: number
  readonly templates: number
  readonly records: number
  readonly duration: number
  readonly seed: number
  readonly version: string
  readonly recordsPerMessage: number
  readonly templateRefresh: number
  readonly sourceAddresses?: boolean
  readonly generatorId: number
}

const examples = `
Examples:
  $ weir generate --to tcp://127.0.0.1:4739 --rate 50000 --duration 60
  $ weir generate --to udp://127.0.0.1:2055 --version 9 --exporters 8 --templates 4 --records 100000 --rate 20000
  $ weir generate --to tcp://127.0.0.1:4739 --records 5000000        as fast as the collector takes them

Every record carries elements 1 (unsigned32: generator) and 2 (unsigned64: serial from 0) of PEN 32473, in NetFlow v9 types
60001 and 60002; weir receive --verify tells which arrived. The last line of standard output is JSON: what was sent exactly.

Exit codes: 0 done (also after Ctrl-C), 64 wrong usage, 69 nobody takes the connection.
`

/** `weir generate`: exporters made up, deterministic by seed, with ground truth. */
export function generateCommand(): Command {
  return new Command('generate')
    .description('Send made-up flows of many exporters, with serial numbers so that any loss shows.')
    .requiredOption('--to <url>', 'udp://host:port or tcp://host:port', parseTarget)
    .option('--rate <number>', 'records a second of all exporters together; 0 = as fast as possible', wholeNumber(0), 0)
    .option('--exporters <number>', 'exporters, each with a socket of its own', wholeNumber(1), 1)
    .option('--templates <number>', 'templates of each exporter', wholeNumber(1), 1)
    .option('--records <number>', 'stop after so many records of all together; 0 = never', wholeNumber(0), 0)
    .option('--duration <seconds>', 'stop after so many seconds; 0 = never', wholeNumber(0), 0)
    .option('--seed <number>', 'other seed, other values', wholeNumber(0), 1)
    .addOption(new Option('--version <number>', 'wire version').choices(['5', '9', '10']).default('10'))
    .option('--records-per-message <number>', 'at most so many records in a Message', wholeNumber(1), 18)
    .option('--template-refresh <seconds>', 'repeat templates over UDP', wholeNumber(1), 10)
    .option('--source-addresses', 'send from 127.0.0.2, 127.0.0.3, … so that each exporter has its own address')
    .option('--generator-id <number>', 'id of the first generator, and its Observation Domain', wholeNumber(1), 1)
    .addHelpText('after', examples)
    .action(run)
}

async function run(options: GenerateOptions): Promise<void> {
  const { SingleBar, Presets } = await import('cli-progress')
  const { generateTraffic } = await import('../traffic/generate-traffic.ts')
  const isTerminal = process.stderr.isTTY === true && options.records > 0
  const format = 'sending {bar} {percentage}% | {value}/{total} records | {eta_formatted} left'
  const bar = new SingleBar({ format, clearOnComplete: true, stream: process.stderr }, Presets.shades_classic)
  if (isTerminal) bar.start(options.records, 0)
  const stop = stopSignal()
  try {
    const report = await generateTraffic(
      {
        to: options.to,
        rate: options.rate,
        exporters: options.exporters,
        templates: options.templates,
        records: options.records,
        durationMs: options.duration * 1000,
        seed: options.seed,
        version: Number(options.version) as 5 | 9 | 10,
        recordsPerMessage: options.recordsPerMessage,
        templateRefreshMs: options.templateRefresh * 1000,
        isManyAddresses: options.sourceAddresses === true,
        firstGeneratorId: options.generatorId
      },
      stop.signal,
      records => isTerminal && bar.update(records)
    )
    bar.stop()
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } finally {
    bar.stop()
    stop.release()
  }
}
