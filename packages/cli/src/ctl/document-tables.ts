import type { CoordinatorPaths } from '@weir/client'
import { tableOf } from './output.ts'
import type { Column } from './output.ts'

type Answer<P extends keyof CoordinatorPaths> = CoordinatorPaths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } }
}
  ? Body
  : never
type Ledger = Answer<'/v1/ledger'>
type Pipeline = Answer<'/v1/pipeline'>
type Status = Answer<'/v1/config/status'>

/** What each pod said; that of one pod has no name. */
interface Said<T> {
  readonly pod?: string
  readonly its: T
}

/** Of a fleet `items`, under a key; pods that are away have none. */
function saidOf<T>(answer: unknown, key: string): readonly Said<T>[] {
  const { items } = answer as { readonly items?: readonly Readonly<Record<string, unknown>>[] }
  if (items === undefined) return [{ its: answer as T }]
  return items.flatMap(item => {
    const its = item[key]
    return its === null || its === undefined ? [] : [{ pod: String(item.pod), its: its as T }]
  })
}

const pod: Column = ['POD', 'pod']
const nobody = 'No pod answers.'

const ledgerColumns: readonly Column[] = [
  pod,
  ['WHERE', 'where'],
  ['WHAT', 'what'],
  ['RECEIVED', 'received'],
  ['TAKEN OVER', 'takenOver'],
  ['FILTERED', 'filtered'],
  ['PASSED ON', 'passed'],
  ['WAITING', 'waiting'],
  ['HANDED OVER', 'handedOver'],
  ['DROPPED', 'dropped', 160]
]

/** Rows in which what came is what became of it: three of the collector, one of each destination; and whether it is so. */
export function ledgerTable(answer: unknown): string {
  const said = saidOf<Ledger>(answer, 'ledger')
  if (said.length === 0) return `${nobody}\n`
  const rows = said.flatMap(({ pod, its: { collector, mediator } }) => [
    ...(collector === null ? [{ pod, where: 'collector', what: 'away' }] : collectorRows(collector, pod)),
    ...(mediator === null ? [{ pod, where: 'mediator', what: 'away' }] : destinationRows(mediator, pod))
  ])
  const broken = said.flatMap(({ pod, its }) =>
    its.equations
      .filter(({ holds }) => !holds)
      .map(({ name, left, right }) => `${pod === undefined ? '' : `${pod}: `}${name}: ${left} is not ${right}\n`)
  )
  return `${tableOf(rows, ledgerColumns, nobody)}${broken.length === 0 ? 'It is closed: every equation holds.\n' : broken.join('')}`
}

function collectorRows({ messages, dataSets, records }: NonNullable<Ledger['collector']>, pod: string | undefined) {
  const { received, decodedOk, decodedPartial, dropped } = messages
  const of = { pod, where: 'collector' }
  return [
    { ...of, what: 'messages', received, passed: decodedOk + decodedPartial, dropped },
    {
      ...of,
      what: 'data sets',
      received: dataSets.received,
      takenOver: unlessNone(dataSets.takenOver),
      passed: dataSets.decoded,
      waiting: dataSets.pending,
      handedOver: unlessNone(dataSets.handedOver),
      dropped: dataSets.dropped
    },
    {
      ...of,
      what: 'records',
      received: records.decoded,
      filtered: records.filtered,
      passed: records.admitted,
      waiting: records.held,
      dropped: records.dropped
    }
  ]
}

const destinationRows = ({ destinations }: NonNullable<Ledger['mediator']>, pod: string | undefined) =>
  Object.entries(destinations).map(([id, { matched, filtered, sent, queued, dropped }]) => ({
    pod,
    where: `destination ${id}`,
    what: 'records',
    received: matched,
    filtered,
    passed: sent,
    waiting: queued,
    dropped
  }))

/** Columns of what is rare are there only if it has happened. */
const unlessNone = (count: number): number | undefined => (count === 0 ? undefined : count)

const pipelineColumns: readonly Column[] = [
  pod,
  ['KIND', 'kind'],
  ['NAME', 'name'],
  ['STATE', 'state'],
  ['WAITING', 'waiting', 160],
  ['DROPPED', 'dropped', 160],
  ['COUNTED (PER SECOND)', 'counted', 240]
]

/** A row for each hop. */
export function pipelineTable(answer: unknown): string {
  const rows = saidOf<Pipeline>(answer, 'pipeline').flatMap(({ pod, its }) =>
    its.nodes.map(({ kind, name, state, queue, drops, counters }) => ({
      pod,
      kind,
      name,
      state,
      waiting: queue === null ? null : waitingOf(queue),
      dropped: drops.length === 0 ? '0' : drops.map(({ reason, ...its }) => `${reason} ${countOf(its)}`).join(', '),
      counted: counters.map(({ name, ...its }) => `${name} ${countOf(its)}`).join(', ')
    }))
  )
  return tableOf(rows, pipelineColumns, nobody)
}

function waitingOf(queue: NonNullable<Pipeline['nodes'][number]['queue']>): string {
  const { limitOctets: _limit, ...waiting } = queue
  const some = Object.entries(waiting).filter(([, count]) => count !== null && count > 0)
  return some.length === 0 ? '0' : some.map(([what, count]) => `${count} ${what}`).join(', ')
}

const countOf = ({ total, unit, perSec }: { total: number; unit: string; perSec: number | null }): string =>
  `${total} ${unit}${perSec === null ? '' : ` (${perSec < 10 ? perSec.toFixed(1) : Math.round(perSec)})`}`

const statusColumns: readonly Column[] = [
  pod,
  ['REVISION', 'revision.number'],
  ['NEWEST', 'newest.number'],
  ['STORE', 'store'],
  ['CONVERGED', 'isConverged'],
  ['REASON', 'reason', 240]
]

/** A row for each pod; without the document. */
export const statusTable = (answer: unknown): string =>
  tableOf(
    saidOf<Status>(answer, 'status').map(({ pod, its }) => ({ ...its, pod })),
    statusColumns,
    nobody
  )
