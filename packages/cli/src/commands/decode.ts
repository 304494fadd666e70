import { Command, InvalidArgumentError, Option } from 'commander'
import type { DecodeRequest } from '../decode/run-decode.ts'

interface DecodeOptions {
  readonly format: DecodeRequest['format']
  readonly json?: boolean
  readonly port: readonly number[]
  readonly input: DecodeRequest['input']
  readonly numbers64: DecodeRequest['numbers64']
  readonly strict?: boolean
  readonly elements: readonly string[]
  readonly maxMebibytes: number
}

const examples = `
Examples:
  $ weir decode capture.pcap                            every record, a table for each template
  $ weir decode --format json capture.pcapng | jq .     one JSON object a line
  $ weir decode --format summary --json a.pcap b.pcap   counts of both as one case, for a program
  $ weir decode template.dat data.dat                   payloads, one datagram a file
  $ zstdcat flows.ipfix.zst | weir decode -             an IPFIX File (RFC 5655) from a pipe

Exit codes: 0 decoded, 64 wrong usage, 65 nothing in the input could be decoded, 66 a file cannot be read.
What is malformed is discarded and counted; see --format summary.
`

/** `weir decode`: what is in captures, IPFIX Files and payloads. */
export function decodeCommand(): Command {
  return new Command('decode')
    .description(
      'Show what is in captures (pcap, pcapng), IPFIX Files and payloads of NetFlow v1, v5, v7, v9, IPFIX, sFlow.'
    )
    .argument('<file...>', 'files, one case in order; gzip is decompressed; - is standard input')
    .addOption(
      new Option('-f, --format <format>', 'what to print').choices(['table', 'json', 'summary']).default('table')
    )
    .option('--json', 'print for a program: JSON lines, or one object with --format summary')
    .addOption(
      new Option('-p, --port <number>', 'look only at packets to this port (may be repeated)')
        .argParser(collectPort)
        .default([], 'all')
    )
    .addOption(
      new Option('-i, --input <format>', 'what the files are; auto looks at their first octets and their names')
        .choices(['auto', 'pcap', 'pcapng', 'ipfix-file', 'datagram'])
        .default('auto')
    )
    .addOption(
      new Option('--numbers64 <form>', 'integers beyond 2^53 in JSON').choices(['string', 'number']).default('string')
    )
    .addOption(
      new Option('--elements <file>', 'elements of your own, CSV or JSON (may be repeated)')
        .argParser(collect)
        .default([], 'none')
    )
    .option('--strict', 'answer faults as RFC 5471 does where RFC 7011 is milder')
    .option('--max-mebibytes <number>', 'most that a compressed file may become', positive, 2048)
    .addHelpText('after', examples)
    .action(async (files: string[], options: DecodeOptions) => {
      const { runDecode } = await import('../decode/run-decode.ts')
      await runDecode(
        {
          files,
          format: options.format,
          isJson: options.json === true,
          ports: options.port,
          input: options.input,
          numbers64: options.numbers64,
          isStrict: options.strict === true,
          elementFiles: options.elements,
          maxMebibytes: options.maxMebibytes
        },
        process
      )
    })
}

function collectPort(text: string, ports: number[]): number[] {
  const port = positive(text)
  if (port > 65535) throw new InvalidArgumentError('A port is a number from 1 to 65535.')
  return [...ports, port]
}

function collect(text: string, list: string[]): string[] {
  return [...list, text]
}

function positive(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1 on.')
  return value
}
