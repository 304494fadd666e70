import { Argument, Option } from 'commander'
import type { Command } from 'commander'
import { writeYaml } from '@weir/config/yaml'
import { CodedError, exitCodes } from '@weir/runtime'
import { configApiOf } from '../../ctl/config-api.ts'
import { ctlCommand, withTarget } from '../../ctl/ctl-command.ts'
import type { CtlOptions } from '../../ctl/ctl-command.ts'
import { listNotes, missingNotes, standingNotesOf, tellNotes } from '../../ctl/notes.ts'
import { at, print, tableOf } from '../../ctl/output.ts'
import { getJson, getText, readList } from '../../ctl/read-list.ts'
import type { ListAnswer } from '../../ctl/read-list.ts'
import { documents, resources } from '../../ctl/resources.ts'
import type { Resource, SingleDocument } from '../../ctl/resources.ts'
import { pathOf } from '../../ctl/target.ts'
import type { Target } from '../../ctl/target.ts'
import { wholeNumber } from '../../traffic/parse-target.ts'

interface GetOptions extends CtlOptions {
  readonly where: readonly string[]
  readonly sort?: string
  readonly limit: number
  readonly all?: boolean
  readonly format?: string
}

const known: Readonly<Record<string, Resource | SingleDocument>> = { ...resources, ...documents }
const config = 'config'
const list = [...Object.entries(known), [config, { summary: 'the configuration in force' }] as const].map(
  ([name, { summary }]) => `  ${name.padEnd(14)}${summary}`
)

const help = `
What there is:
${list.join('\n')}

Examples:
  $ weir ctl get exporters --where state=silent --sort -lastSeenAtMs
  $ weir ctl get exporters 192.0.2.1 -o json
  $ weir ctl get templates --all -o json
  $ weir ctl get destinations --url http://127.0.0.1:8090
  $ weir ctl get job-types analyse
  $ weir ctl get config > weir.yaml
  $ weir ctl get pipeline --format dot | dot -Tsvg > pipeline.svg
`

/** `weir ctl get`: a list, one entry of it, or a document. */
export function getCommand(): Command {
  return ctlCommand('get', 'Show what the API knows: a list, or one entry of it.')
    .addArgument(new Argument('[what]', 'see below; without it this list').choices([...Object.keys(known), config]))
    .argument('[id]', 'one entry')
    .addOption(
      new Option('--where <key=value>', 'a filter of the list, as the API reference has it; may be repeated')
        .argParser((value: string, before: readonly string[]) => [...before, value])
        .default([], 'none')
    )
    .option('--sort <key>', 'key to order by; - before it turns the order round')
    .option('--limit <number>', 'entries at most', wholeNumber(1), 100)
    .option('--all', 'all entries')
    .addOption(new Option('--format <form>', 'the pipeline as a graph').choices(['mermaid', 'dot']))
    .addHelpText('after', help)
    .action(async (what: string | undefined, id: string | undefined, options: GetOptions) => {
      if (what === undefined) process.stdout.write(`${list.join('\n')}\n`)
      else await withTarget(options, target => get(target, what, id, options))
    })
}

async function get(target: Target, what: string, id: string | undefined, options: GetOptions): Promise<void> {
  const isGraph = what in documents && documents[what]!.isGraph === true
  if (options.format !== undefined && !isGraph) {
    throw new CodedError('OPTION_USELESS', `--format means nothing for ${what}; leave it out.`, exitCodes.usage)
  }
  if (what === config) {
    const { document, notes } = await configApiOf(target).read()
    print(document, options.output, () => writeYaml(document))
    tellNotes(notes)
    return
  }
  const resource = known[what]!
  const path = pathOf(target, resource, what)
  const form = options.output
  if (options.format !== undefined) {
    process.stdout.write(await getText(target, `${path}?format=${options.format}`))
    return
  }
  if (id !== undefined || !('columns' in resource) || resource.isWhole === true) checkNoFilters(options, what, id)
  if (id !== undefined && 'searched' in resource && resource.searched?.includes(target.kind) === true) {
    const found = await entriesOf(target, resource, path, id)
    const shown = found.length === 1 ? found[0] : found
    print(shown, form, () => writeYaml(shown))
    return
  }
  if (id !== undefined || !('columns' in resource)) {
    const entry = await getJson(target, id === undefined ? path : `${path}/${encodeURIComponent(id)}`)
    const table = 'table' in resource && id === undefined ? resource.table : undefined
    print(entry, form, () => (table ?? writeYaml)(entry))
    if (id === undefined) tellNotes(missingNotes(entry as ListAnswer))
    else if (what === 'revisions') tellNotes(await standingNotesOf(target))
    return
  }
  const query = { ...queryOf(options.where), ...(options.sort === undefined ? {} : { sort: options.sort }) }
  const most = options.all === true ? Number.POSITIVE_INFINITY : options.limit
  const answer =
    resource.isWhole === true
      ? ((await getJson(target, path)) as ListAnswer)
      : await readList(target, path, query, most)
  print(answer.items, form, () => tableOf(answer.items, resource.columns, resource.empty))
  tellNotes(listNotes(answer))
  if (what === 'revisions') tellNotes(await standingNotesOf(target))
}

/** Every entry of a list that has this id: in a fleet one a pod. */
async function entriesOf(
  target: Target,
  { key, isWhole }: Resource,
  path: string,
  id: string
): Promise<readonly unknown[]> {
  const answer =
    isWhole === true
      ? ((await getJson(target, path)) as ListAnswer)
      : await readList(target, path, {}, Number.POSITIVE_INFINITY)
  tellNotes(listNotes(answer))
  const found = answer.items.filter(item => at(item, key!) === id)
  if (found.length > 0) return found
  throw new CodedError('NOT_FOUND', `There is no ${JSON.stringify(id)}; without it all are listed.`, exitCodes.failed)
}

/** What would have no effect is said, not left out. */
function checkNoFilters({ where, sort }: GetOptions, what: string, id: string | undefined): void {
  if (where.length === 0 && sort === undefined) return
  const of = id === undefined ? what : `one entry of ${what}`
  throw new CodedError('OPTION_USELESS', `--where and --sort mean nothing for ${of}; leave them out.`, exitCodes.usage)
}

function queryOf(where: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    where.map(each => {
      const at = each.indexOf('=')
      if (at > 0) return [each.slice(0, at), each.slice(at + 1)]
      throw new CodedError('WHERE_INVALID', `--where wants key=value, not ${JSON.stringify(each)}.`, exitCodes.usage)
    })
  )
}
