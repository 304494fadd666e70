import { allowedAt, configSchema, restartsFor, taggedVariants, variablesOf, withoutNull } from '@weir/config'
import type { SchemaNode } from '@weir/config'
import { code, generatedHead, table } from './markdown.ts'

const intro = `One document, \`weir.yaml\`, says what Weir does; without it the defaults hold. \`weir check FILE\` names every error in it,
\`weir dump FILE\` prints it with every default in place.

Precedence: the defaults, the file over them, the environment over both. Over these comes what was changed through the control API,
kept as revisions of the whole document in \`revisions.db\` under \`stateDir\`, as long as file and environment are the ones it was a
change of. If they are changed, they hold at the next start, as a new revision; the earlier ones stay for
\`POST /v1/config/rollback\`.

A key is changed through the API while Weir runs, unless *Restart* is said of it: then the API refuses another value (409
\`RESTART_NEEDED\`, with the processes that have to begin anew), and it belongs into the file. \`POST /v1/config/plan\` says what a
change would do. A lowered bound ends nothing that is there; above it nothing more is taken.

Environment: the variable of a key is \`WEIR_\` and its path in upper snake case: \`collector.http.port\` is
\`WEIR_COLLECTOR_HTTP_PORT\`. Lists are one variable of JSON: \`WEIR_COLLECTOR_ALLOW='["192.0.2.0/24"]'\`. A section that may be
null is turned off by \`null\`: \`WEIR_COLLECTOR_HTTP=null\`. A variable of our prefix that sets nothing is warned of.

Unknown keys are errors. YAML has no custom tags here, no merge keys, at most 100 alias expansions, one document.
`

const show = (value: unknown): string => {
  if (value === undefined) return ''
  if (Array.isArray(value) && value.length > 0) return 'see below'
  return code(JSON.stringify(value))
}

/** @param path - of the key; undefined in lists, whose keys are as live as the list. */
const descriptionOf = (node: SchemaNode, path?: string): string =>
  [
    path !== undefined && restartsFor(path).length > 0 ? '*Restart.*' : '',
    node.description ?? withoutNull(node).description ?? '',
    node.limit === undefined ? '' : `(${node.limit})`
  ]
    .filter(part => part !== '')
    .join(' ')

/** Keys below one object, depth first: path, node. */
function* leavesOf(node: SchemaNode, path: string): Generator<[string, SchemaNode]> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const here = path === '' ? key : `${path}.${key}`
    const inner = withoutNull(child)
    if (child !== inner || inner.type !== 'object') yield [here, child]
    if (inner.type === 'object') yield* leavesOf(inner, here)
  }
}

const variables = new Map(variablesOf(configSchema).map(({ name, path }) => [path.join('.'), name]))

function sectionPage(key: string, node: SchemaNode): string {
  const inner = withoutNull(node)
  if (inner.type !== 'object') {
    const row = [
      code(key),
      allowedAt(node),
      show(node.default),
      code(variables.get(key) ?? ''),
      descriptionOf(node, key)
    ]
    return `## ${key}\n\n${table(head, [row])}\n${kindPages(key, node)}`
  }
  const leaves = [...leavesOf(inner, key)]
  const rows = leaves.map(([path, leaf]) => [
    code(path),
    allowedAt(leaf),
    show(leaf.default),
    code(variables.get(path) ?? ''),
    descriptionOf(leaf, path)
  ])
  const lists = leaves.map(([path, leaf]) => kindPages(path, leaf)).join('')
  return `## ${key}\n\n${inner.description ?? ''}\n\n${table(head, rows)}\n${lists}`
}

const head = ['key', 'allowed', 'default', 'variable', 'what it is']

/** The keys of a list of objects, and of a section of several kinds: a table for each kind. */
function kindPages(path: string, node: SchemaNode): string {
  const { items, default: given } = node
  const initial =
    items !== undefined && Array.isArray(given) && given.length > 0
      ? `Default: ${given.map(each => code(JSON.stringify(each))).join(', ')}.\n\n`
      : ''
  return (
    initial + [...kindsOf(path, node)].map(([title, kind, at]) => `### ${title}\n\n${keyTable(kind, at)}\n`).join('')
  )
}

/** Title, keys, and the path of the keys where each has a variable of its own. */
function* kindsOf(path: string, node: SchemaNode): Generator<[string, SchemaNode, string | undefined]> {
  const { items } = node
  const of = items ?? withoutNull(node)
  const where = items === undefined ? path : `${path}[]`
  const at = items === undefined ? path : undefined
  const variants = taggedVariants(of)
  for (const [kind, variant] of variants ?? []) yield [`${where}, ${of.tag}: ${kind}`, variant, at]
  if (variants === undefined && items?.type === 'object') yield [where, items, undefined]
}

function keyTable(kind: SchemaNode, at: string | undefined): string {
  const rows = [...leavesOf(kind, '')].map(([key, leaf]) => [
    code(key),
    allowedAt(leaf),
    kind.required?.includes(key) === true && leaf.default === undefined ? 'required' : show(leaf.default),
    ...(at === undefined ? [] : [code(variables.get(`${at}.${key}`) ?? '')]),
    descriptionOf(leaf, at === undefined ? undefined : `${at}.${key}`)
  ])
  return table(at === undefined ? head.filter(column => column !== 'variable') : head, rows)
}

/** docs/reference/configuration.md */
export function configurationPage(): string {
  const sections = Object.entries(configSchema.properties!).map(([key, node]) => sectionPage(key, node))
  return `${generatedHead('Configuration')}${intro}\n${sections.join('')}`.trimEnd() + '\n'
}
