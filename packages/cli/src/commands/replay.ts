import { Command, Option } from 'commander'
import type { ReplayInput, TrafficTarget } from '@weir/analysis/replay'
import { exitCodes } from '@weir/runtime'
import { stopSignal } from '../traffic/stop-signal.ts'
import { factor, parseTarget, wholeNumber } from '../traffic/parse-target.ts'

interface ReplayOptions {
  readonly to: TrafficTarget
  readonly speed: number
  readonly asFastAsPossible?: boolean
  readonly rate: number
  readonly loop?: boolean
  readonly restamp?: boolean
}

const MAX_MEBIBYTES = 16384
const REMEDY = 'decompress it first if it is to be trusted'

const examples = `
Examples:
  $ weir replay capture.pcap --to udp://127.0.0.1:2055               at the capture's own pace
  $ weir replay capture.pcap --to udp://127.0.0.1:2055 --speed 10    ten times as fast
  $ weir replay flows.ipfix --to tcp://127.0.0.1:4739 --rate 1000    so many Messages a second
  $ weir replay *.pcap --to udp://127.0.0.1:2055 --loop --restamp    for ever, with the time of today

Each Transport Session of the capture is sent from a port of its own, and Messages keep their boundaries. Pauses longer than 5 s are
cut. The last line of standard output is JSON: what was sent, and what could not be.

Exit codes: 0 done (also after Ctrl-C), 1 nothing in the files could be sent, 64 wrong usage, 65 a file is damaged,
66 a file cannot be read, 69 nobody takes the connection.
`

/** `weir replay`: captures as they were sent. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('Send what captures (pcap, pcapng), IPFIX Files and payloads hold, as it was sent then.')
    .argument('<file...>', 'files in order; gzip is decompressed; - is standard input')
    .requiredOption('--to <url>', 'udp://host:port or tcp://host:port', parseTarget)
    .addOption(
      new Option('--speed <factor>', 'times as fast as captured; 0 = do not wait at all')
        .argParser(factor)
        .default(1)
        .conflicts('rate')
    )
    .addOption(new Option('--as-fast-as-possible', 'the same as --speed 0').conflicts(['rate', 'speed']))
    .option('--rate <number>', "Messages a second instead of the capture's timing", wholeNumber(1), 0)
    .option('--loop', 'begin again at the end, until Ctrl-C')
    .option('--restamp', 'write the time of sending into the headers (Export Time)')
    .addHelpText('after', examples)
    .action(run)
}

async function run(files: string[], options: ReplayOptions): Promise<void> {
  const { Presets, SingleBar } = await import('cli-progress')
  const { chunksOf, formatByName } = await import('@weir/analysis/files')
  const { inputName, octetsOfFiles, sizeBound } = await import('../decode/capture-input.ts')
  const { replayTraffic } = await import('@weir/analysis/replay')
  const total = octetsOfFiles(files)
  const isTerminal = process.stderr.isTTY === true && total !== undefined && options.loop !== true
  const format = 'replaying {bar} {percentage}% | {eta_formatted} left'
  const bar = new SingleBar({ format, clearOnComplete: true, stream: process.stderr }, Presets.shades_classic)
  if (isTerminal) bar.start(total, 0)
  const onRead = (octets: number): void => {
    if (isTerminal) bar.increment(octets)
  }
  const inputs = files.map((name): ReplayInput => ({
    name,
    format: formatByName(name) === 'auto-datagram' ? 'auto-datagram' : 'auto',
    chunks: () => chunksOf({ path: name, name: inputName(name), bound: sizeBound(name, MAX_MEBIBYTES, REMEDY) }, onRead)
  }))
  const stop = stopSignal()
  try {
    const { to, rate } = options
    const speed = options.asFastAsPossible === true ? 0 : options.speed
    const isLooping = options.loop === true
    const isRestamping = options.restamp === true
    const report = await replayTraffic({ inputs, to, speed, rate, isLooping, isRestamping }, stop.signal)
    bar.stop()
    process.stdout.write(`${JSON.stringify(report)}\n`)
    if (report.damagedFiles > 0) process.exitCode = exitCodes.badInput
    else if (report.messages === 0) process.exitCode = exitCodes.failed
  } finally {
    bar.stop()
    stop.release()
  }
}
