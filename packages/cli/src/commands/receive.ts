import { Command, Option } from 'commander'
import { exitCodes } from '@weir/runtime'
import { stopSignal } from '../traffic/stop-signal.ts'
import type { TrafficTarget } from '@weir/analysis/replay'
import type { ReceiveReport } from '../traffic/traffic-receiver.ts'
import { parseTarget, wholeNumber } from '../traffic/parse-target.ts'

interface ReceiveCommandOptions {
  readonly listen: TrafficTarget
  readonly format: 'json' | 'none'
  readonly verify?: boolean
  readonly expect: number
  readonly idle: number
}

const examples = `
Examples:
  $ weir receive --listen tcp://127.0.0.1:4740                           one JSON object a record, until Ctrl-C
  $ weir receive --listen udp://127.0.0.1:4740 --format none --idle 5    count only, end 5 s after the last record
  $ weir receive --listen tcp://127.0.0.1:4740 --format none --verify --expect 100000

At its end one JSON object with the counts goes to standard output (to standard error with --format json). With --verify
it has the ground truth of weir generate: unique, duplicates, missing, by generator. --expect ends when so many (with
--verify: distinct) records have come.

Exit codes: 0 done; 1 something is wrong: a malformed Message, a Data Set without template, with --verify a missing record
or one without ground truth, with --expect too few; 64 wrong usage; 69 the port is not to be had.
`

/** `weir receive`: a downstream collector that prints or verifies. */
export function receiveCommand(): Command {
  return new Command('receive')
    .description('Be a downstream collector: decode what comes, print or verify it, count what is wrong.')
    .requiredOption('--listen <url>', 'udp://address:port or tcp://address:port; port 0 = any', parseTarget)
    .addOption(new Option('-f, --format <format>', 'print records').choices(['json', 'none']).default('json'))
    .option('--verify', 'look for the ground truth of weir generate in every record')
    .option('--expect <number>', 'end when so many records have come', wholeNumber(1), 0)
    .option(
      '--idle <seconds>',
      'end when so long nothing has come after the first record; 0 = never',
      wholeNumber(0),
      0
    )
    .addHelpText('after', examples)
    .action(run)
}

async function run(options: ReceiveCommandOptions): Promise<void> {
  const { TrafficReceiver } = await import('../traffic/traffic-receiver.ts')
  const stop = stopSignal()
  let lastMs = 0
  const isJson = options.format === 'json'
  const receiver = new TrafficReceiver({
    listen: options.listen,
    isVerifying: options.verify === true,
    onJson: isJson ? line => void process.stdout.write(line) : undefined,
    onRecords: () => {
      lastMs = performance.now()
    }
  })
  const port = await receiver.start()
  const { transport, host } = options.listen
  process.stderr.write(`listening on ${transport}://${host.includes(':') ? `[${host}]` : host}:${port}\n`)
  await new Promise<void>(resolve => {
    stop.signal.addEventListener('abort', () => resolve())
    const timer = setInterval(() => {
      const count = options.verify === true ? receiver.unique : receiver.records
      const isComplete = options.expect > 0 && count >= options.expect
      const isIdle = options.idle > 0 && lastMs > 0 && performance.now() - lastMs >= options.idle * 1000
      if (isComplete || isIdle || stop.signal.aborted) {
        clearInterval(timer)
        resolve()
      }
    }, 50)
  })
  await receiver.stop()
  stop.release()
  const report = receiver.report()
  ;(isJson ? process.stderr : process.stdout).write(`${JSON.stringify(report)}\n`)
  if (!isRight(report, options)) process.exitCode = exitCodes.failed
}

function isRight(report: ReceiveReport, { expect, verify }: ReceiveCommandOptions): boolean {
  if (report.malformedMessages > 0 || report.unknownTemplateSets > 0) return false
  if (report.truth !== undefined && (report.truth.missing > 0 || report.truth.without > 0)) return false
  return expect === 0 || (verify === true ? (report.truth?.unique ?? 0) : report.records) >= expect
}
