import type { Command } from 'commander'
import { jsonLinesOf } from '@weir/client'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { missingNotes, tellNotes } from '../../ctl/notes.ts'
import { print, tableOf, timeOf } from '../../ctl/output.ts'
import { getJson } from '../../ctl/read-list.ts'
import type { ListAnswer } from '../../ctl/read-list.ts'
import { pathOf } from '../../ctl/target.ts'
import type { Target } from '../../ctl/target.ts'
import { stopSignal } from '../../traffic/stop-signal.ts'
import { wholeNumber } from '../../traffic/parse-target.ts'

interface EventsOptions extends CtlOptions {
  readonly type?: string
  readonly exporter?: string
  readonly limit: number
  readonly follow?: boolean
}

interface Event {
  readonly pod?: string
  readonly type: string
  readonly atMs?: number
  readonly process?: string
  readonly data?: Readonly<Record<string, unknown>>
}

const paths = { front: '/api/v1/events', coordinator: '/v1/events' }

/** `weir ctl events`: what happened, and what happens. */
export function eventsCommand(): Command {
  return ctlCommand('events', 'Show what happened last; with --follow also what happens from now on.')
    .option('--type <names>', 'only these, separated by commas')
    .option('--exporter <address>', 'only about this exporter')
    .option('--limit <number>', 'of those before now', wholeNumber(1), 20)
    .option('-f, --follow', 'until Ctrl-C')
    .addHelpText('after', '\nExample:\n  $ weir ctl events --follow --type template_learned,exporter_rebooted\n')
    .action((options: EventsOptions) => withTarget(options, target => events(target, options)))
}

async function events(target: Target, options: EventsOptions): Promise<void> {
  const { type, exporter, limit, follow, output } = options
  const path = pathOf(target, paths, 'Events')
  const filters = { ...(type === undefined ? {} : { type }), ...(exporter === undefined ? {} : { exporter }) }
  const recent = (await getJson(
    target,
    `${path}/recent?${new URLSearchParams({ ...filters, limit: String(limit) })}`
  )) as ListAnswer
  tellNotes(missingNotes(recent))
  const oldestFirst = recent.items.toReversed()
  if (follow !== true) {
    print(oldestFirst, output, () => tableOf(oldestFirst.map(rowOf), columns, 'Nothing has happened.'))
    return
  }
  const show = (event: unknown): void => {
    process.stdout.write(output === 'table' ? lineOf(event as Event) : `${JSON.stringify(event)}\n`)
  }
  for (const event of oldestFirst) show(event)
  const stop = stopSignal()
  try {
    const query = new URLSearchParams({ ...filters, format: 'ndjson' })
    for await (const event of jsonLinesOf(target.options, `${path}?${query}`, stop.signal)) show(event)
  } finally {
    stop.release()
  }
}

const columns = [
  ['AT', 'at'],
  ['POD', 'pod'],
  ['PROCESS', 'process'],
  ['EVENT', 'type'],
  ['', 'text']
] as const

const textOf = ({ data = {} }: Event): string =>
  Object.entries(data)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')

const rowOf = (entry: unknown): object => {
  const event = entry as Event
  return { ...event, at: timeOf(event.atMs ?? Number.NaN), text: textOf(event) }
}

const lineOf = (event: Event): string =>
  `${[timeOf(event.atMs ?? Number.NaN), event.pod, event.type, textOf(event)].filter(part => part !== undefined && part !== '').join('  ')}\n`
