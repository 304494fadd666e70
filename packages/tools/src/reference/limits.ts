import { configSchema, taggedVariants, withoutNull } from '@weir/config'
import type { SchemaNode } from '@weir/config'
import { dropReasons } from '@weir/ipfix'
import { code, generatedHead, table } from './markdown.ts'
import type { DeclaredMetric } from './metrics.ts'

interface Limit {
  readonly number: string
  readonly key: string
  readonly value: string
  readonly memory: string
  readonly whenReached: string
}

/** Bounds that are no keys, because nobody has a reason to change them. */
const fixedLimits: readonly Limit[] = [
  {
    number: 'L-16',
    key: '',
    value: 'type records (RFC 5610) of a session in `weir decode`: 1,024; Weir itself learns none',
    memory: '',
    whenReached: 'the one unused for longest is forgotten'
  },
  {
    number: 'L-18',
    key: '',
    value:
      'templates and options records of one exporter written to the stores: as many as it may have live (L-11, L-16) in a minute, twice as many at once',
    memory: '',
    whenReached:
      'not written until there is room again, and an older definition of the same id is removed there; decoding is not concerned'
  },
  {
    number: 'L-21',
    key: '',
    value: 'octets that a Message becomes when decoded: none, values are not decoded but copied from octets to octets',
    memory: '',
    whenReached: ''
  },
  {
    number: 'L-22',
    key: '',
    value: 'octets of a value that is kept: values are kept in options records alone, whole, within 32 MiB in all',
    memory: '32 MiB',
    whenReached: 'nothing new is learned; known records still change'
  },
  { number: 'L-50', key: '', value: '64 frames', memory: '', whenReached: 'the link waits for credit' },
  { number: 'L-54', key: '', value: 'reconnection of the link every 100 ms', memory: '', whenReached: '' },
  {
    number: 'L-74',
    key: '',
    value: 'health and metrics: 64 connections, 3 s to read, 5 s to write',
    memory: '',
    whenReached: 'the connection is closed'
  },
  {
    number: 'L-76',
    key: '',
    value: 'log lines of one code: 100 a minute, 10 for one exporter',
    memory: '',
    whenReached: 'suppressed and counted in a summary line'
  },
  {
    number: 'L-80',
    key: '',
    value: 'changes that wait for the shared store: 500,000, the newest of each entry',
    memory: '',
    whenReached: 'those that wait longest are given up; what is live is put again when the store is back'
  }
]

function* limitsOf(node: SchemaNode, path: string): Generator<Limit> {
  const { limit, unit = '', default: value, memory = '', whenReached = '' } = node
  if (limit !== undefined) {
    const shown =
      node.type === 'array' ? `${node.maxItems} entries` : `${Number(value).toLocaleString('en')} ${unit}`.trim()
    yield { number: limit, key: path, value: shown, memory, whenReached }
  }
  const inner = withoutNull(node)
  for (const [key, child] of Object.entries(inner.properties ?? {}))
    yield* limitsOf(child, path === '' ? key : `${path}.${key}`)
  const of = inner.items ?? inner
  const variants = taggedVariants(of)
  if (inner.items === undefined && variants === undefined) return
  // Kinds share keys: a limit of several is told once.
  const seen = new Set<string>()
  for (const variant of variants?.values() ?? [of]) {
    for (const found of limitsOf(variant, inner.items === undefined ? path : `${path}[]`)) {
      if (!seen.has(found.key)) yield found
      seen.add(found.key)
    }
  }
}

/** The counters of drops for the reasons that the text names in parentheses. */
function dropsOf(key: string, whenReached: string): string[] {
  const named = /\(([a-z_, ]+)\)/.exec(whenReached)?.[1]?.split(', ') ?? []
  const series = key.startsWith('collector')
    ? 'weir_collector_*_dropped_total'
    : 'weir_mediator_destination_dropped_records_total'
  return named
    .filter(each => dropReasons.some(reason => reason === each))
    .map(reason => code(`${series}{reason="${reason}"}`))
}

/** docs/reference/limits.md. A metric belongs to a limit if its help names the limit's number. */
export function limitsPage(metrics: readonly DeclaredMetric[]): string {
  const limits = [...limitsOf(configSchema, ''), ...fixedLimits].toSorted((one, other) =>
    one.number.localeCompare(other.number)
  )
  // A metric that names the number of a key does not show the fixed bound beside it.
  const keyed = new Set(limits.flatMap(({ number, key }) => (key === '' ? [] : [number])))
  const rows = limits.map(({ number, key, value, memory, whenReached }) => [
    number,
    key === '' ? 'fixed' : code(key),
    value,
    memory,
    whenReached,
    [
      ...(key === '' && keyed.has(number) ? [] : metrics)
        .filter(({ help }) => help.includes(number))
        .map(({ name }) => code(name)),
      ...dropsOf(key, whenReached)
    ].join(', ')
  ])
  const head = ['number', 'key', 'default', 'memory', 'when it is reached', 'metrics that show it']
  return `${generatedHead('Limits')}Everything that others can make Weir hold or do is bounded. [configuration.md](configuration.md) has the reason of each default.\n\n${table(head, rows)}`
}
