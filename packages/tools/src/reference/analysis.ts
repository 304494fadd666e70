import { analysisSchema, compareSchema, graphSchema, tasks } from '@weir/analysis'
import { code, generatedHead, table } from './markdown.ts'

/** As much of JSON Schema as the results use. */
interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

const intro = `What the jobs \`analyse\`, \`graph\` and \`compare\` take and write. Addresses are IPv4, or IPv6 as RFC 5952 writes it; times are
ISO 8601 in UTC; sums are doubles, exact up to 2^53.

Sums are there twice: as the records say, and estimated, times the sampling rate of each record (its own, its sampler's, its
interface's or its source's, as in every output of Weir). Lists are ordered by the estimate. Where more addresses, ports or
conversations come than fit into the memory that a job may use, the light ones go; each list says whether that happened, what
an entry may have missed, and what one that is not in it can have had, at most.
`

const results: readonly (readonly [task: string, file: string, schema: Node])[] = [
  ['analyse', 'report.json', analysisSchema as unknown as Node],
  ['graph', 'graph.json', graphSchema as unknown as Node],
  ['compare', 'compare.json', compareSchema as unknown as Node]
]

/** The page of parameters and results. */
export function analysisPage(): string {
  const sections = results.map(([name, file, schema]) => {
    const task = tasks.find(each => each.name === name)!
    const params = Object.entries((task.params as unknown as Node).properties ?? {})
    const rows = params.map(([key, node]) => [
      code(key),
      typeOf(node),
      node.default === undefined ? '' : code(JSON.stringify(node.default)),
      node.description ?? ''
    ])
    const fields = [...fieldsOf(schema, '')].map(([path, node]) => [code(path), typeOf(node), node.description ?? ''])
    return [
      `## ${name}\n\n${task.summary}\n\n`,
      rows.length === 0 ? '' : `${table(['parameter', 'type', 'default', 'what it is'], rows)}\n`,
      `### ${file}\n\n${table(['field', 'type', 'what it is'], fields)}`
    ].join('')
  })
  return `${generatedHead('Analysis of recorded flows')}${intro}\n${sections.join('\n')}`
}

/** Every field, depth first. */
function* fieldsOf(node: Node, path: string): Generator<[string, Node]> {
  const inner = node.anyOf?.find(each => each.type !== 'null' && each.properties !== undefined) ?? node
  for (const [key, child] of Object.entries(inner.properties ?? {})) {
    const here = path === '' ? key : `${path}.${key}`
    const isList = child.type === 'array'
    yield [isList ? `${here}[]` : here, child]
    yield* fieldsOf(isList ? (child.items ?? {}) : child, isList ? `${here}[]` : here)
  }
}

function typeOf({ type, anyOf, items, const: constant, minimum, maximum, maxLength, maxItems }: Node): string {
  if (constant !== undefined) return code(JSON.stringify(constant))
  if (anyOf !== undefined) return anyOf.map(typeOf).join(', ')
  if (type === 'array') return `list of ${typeOf(items ?? {})}${maxItems === undefined ? '' : `, at most ${maxItems}`}`
  const bounds = maximum === undefined ? '' : ` ${minimum ?? 0} to ${maximum}`
  return `${type ?? 'any'}${bounds}${maxLength === undefined ? '' : ` of up to ${maxLength} characters`}`
}
