import type { Command } from 'commander'
import { jsonLinesOf } from '@weir/client'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { at } from '../../ctl/output.ts'
import { pathOf } from '../../ctl/target.ts'
import type { Target } from '../../ctl/target.ts'
import { stopSignal } from '../../traffic/stop-signal.ts'
import { wholeNumber } from '../../traffic/parse-target.ts'

interface TapOptions extends CtlOptions {
  readonly filter?: string
  readonly exporter?: string
  readonly destination?: string
  readonly rate: number
  readonly limit: number
}

const help = `
Examples:
  $ weir ctl tap --filter "proto = tcp and port = 443" --limit 20
  $ weir ctl tap --destination out -o json | jq .sourceIPv4Address

What does not fit the rate is sampled, and what this reader does not take is dropped; no destination misses it. The last line says how
many there were.
`

/** `weir ctl tap`: records as they go by. */
export function tapCommand(): Command {
  return ctlCommand('tap', 'Show records as they go by, until the limit or Ctrl-C.')
    .option('--filter <text>', 'only records that match (docs/reference/filter.md)')
    .option('--exporter <address>', 'only of this exporter')
    .option('--destination <id>', 'as they are encoded for this destination')
    .option('--rate <number>', 'records a second at most', wholeNumber(1), 100)
    .option('--limit <number>', 'records in all', wholeNumber(1), 1_000)
    .addHelpText('after', help)
    .action((options: TapOptions) => withTarget(options, target => tap(target, options)))
}

async function tap(target: Target, options: TapOptions): Promise<void> {
  const { filter, exporter, destination, rate, limit, output } = options
  const wanted = Object.entries({ filter, exporter, destination }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]]
  )
  const query = new URLSearchParams([...wanted, ['rate', String(rate)], ['limit', String(limit)], ['format', 'ndjson']])
  const path = pathOf(target, { front: '/api/v1/tap', coordinator: '/v1/tap' }, 'A tap')
  const stop = stopSignal()
  try {
    for await (const line of jsonLinesOf(target.options, `${path}?${query}`, stop.signal)) {
      const kind = at(line, 'recordType')
      if (kind === 'counts') continue
      if (kind === undefined || kind === 'options') process.stdout.write(textOf(line as object, output))
      else process.stderr.write(`weir: ${noteOf(line as object)}\n`)
    }
  } finally {
    stop.release()
  }
}

/** Keys that every line has are left to programs. */
const quiet = new Set(['recordType', 'collectionTimeMilliseconds', 'samplingOrigin'])

function textOf(line: object, output: CtlOptions['output']): string {
  if (output !== 'table') return `${JSON.stringify(line)}\n`
  const parts = Object.entries(line).flatMap(([key, value]) =>
    quiet.has(key) || value === null
      ? []
      : [`${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`]
  )
  return `${parts.join(' ')}\n`
}

function noteOf(line: object): string {
  const { recordType, pod, reason, detail, counts } = line as Readonly<Record<string, unknown>>
  const numbers =
    typeof counts === 'object' && counts !== null
      ? Object.entries(counts).map(([name, n]) => `${name} ${String(n)}`)
      : []
  return [recordType, pod, reason, detail, numbers.join(', ')]
    .filter(part => typeof part === 'string' && part !== '')
    .join(': ')
}
