import { CodedError, exitCodes } from '@weir/runtime'
import type { CollectorParts } from './collector.ts'
import { exporterSummary } from './collector-state.ts'
import type { Exporter } from './exporter.ts'
import { readCursor, writeCursor } from './page-cursor.ts'
import { PageSelection, type Order } from './page-selection.ts'
import { inSlices } from './slices.ts'
import { addressRank } from './template-place.ts'

/** What `collector.exporters` is asked for. */
export interface ExporterQuery {
  /** With what its id begins. */
  readonly id?: string
  /** That it sends: 1, 5, 7, 9 or 10. */
  readonly version?: number
  /** Where it is in its life. */
  readonly state?: string
  /** One of the keys of a listed exporter; a `-` before it turns the order round. Default: id. */
  readonly sort?: string
  /** `next` of the page before. */
  readonly cursor?: string
  readonly offset: number
  readonly limit: number
}

interface Rank {
  readonly id: string
  readonly rank: number
  readonly value: string | number
}

interface Candidate extends Rank {
  readonly exporter: Exporter
}

const sorts: Readonly<Record<string, (exporter: Exporter) => string | number>> = {
  id: () => 0,
  address: () => 0,
  state: ({ life }) => life.state,
  stateSinceAtMs: ({ life }) => life.sinceAtMs,
  sessions: ({ sessions }) => sessions.size,
  domains: exporter => exporterSummary(exporter).domains,
  templates: exporter => exporterSummary(exporter).templates,
  firstSeenAtMs: ({ firstSeenAtMs }) => firstSeenAtMs,
  lastSeenAtMs: ({ lastSeenAtMs }) => lastSeenAtMs,
  messages: ({ messages }) => messages,
  octets: ({ octets }) => octets,
  records: ({ records }) => records,
  malformed: ({ malformed }) => malformed,
  droppedSets: ({ droppedSets }) => droppedSets,
  droppedRecords: ({ droppedRecords }) => droppedRecords,
  clockSkewMs: ({ clockSkewMs }) => clockSkewMs
}

/** As for templates. */
const MAX_OFFSET = 10_000

/**
 * Answer of `collector.exporters`: a page of them, and how many match in all.
 *
 * @throws CodedError BAD_CURSOR, SORT_UNKNOWN, OFFSET_TOO_LARGE
 */
export async function exporterList(parts: CollectorParts, query: ExporterQuery) {
  const { sort = 'id', cursor, offset, limit } = query
  const isTurned = sort.startsWith('-')
  const valueOf = sortOf(isTurned ? sort.slice(1) : sort)
  if (offset > MAX_OFFSET) {
    const message = `offset is ${offset}; at most ${MAX_OFFSET} are passed over, go on with the cursor in \`next\` instead.`
    throw new CodedError('OFFSET_TOO_LARGE', message, exitCodes.failed)
  }
  const after = cursor === undefined ? undefined : readRank(sort, cursor)
  const size = offset + limit + 1
  const selection = new PageSelection<Rank>(isTurned ? (one, other) => inOrder(other, one) : inOrder, size, after)
  let total = 0
  function* walk(): Generator<void> {
    for (const exporter of parts.exporters.values()) {
      yield
      if (!isAsked(exporter, query)) continue
      total++
      const { id } = exporter
      const candidate: Candidate = { id, rank: addressRank(id), value: valueOf(exporter), exporter }
      if (selection.takes(candidate)) selection.keep(candidate)
    }
  }
  await inSlices(walk(), parts.clock)
  const found = selection.inOrder() as Candidate[]
  const page = found.slice(offset, offset + limit)
  const last = page.at(-1)
  const next =
    last !== undefined && found.length === size ? writeCursor(`exporters ${sort}`, [last.value, last.id]) : null
  return { total, offset, limit, next, exporters: page.map(({ exporter }) => exporterSummary(exporter)) }
}

function isAsked(exporter: Exporter, { id, version, state }: ExporterQuery): boolean {
  if (id !== undefined && !exporter.id.startsWith(id)) return false
  if (state !== undefined && exporter.life.state !== state) return false
  if (version === undefined) return true
  for (const session of exporter.sessions.values()) if (session.identity.version === version) return true
  return false
}

function sortOf(sort: string): (exporter: Exporter) => string | number {
  const valueOf = Object.hasOwn(sorts, sort) ? sorts[sort] : undefined
  if (valueOf !== undefined) return valueOf
  const known = Object.keys(sorts).join(', ')
  throw new CodedError(
    'SORT_UNKNOWN',
    `There is no key ${JSON.stringify(sort)} to sort by; there are ${known}.`,
    exitCodes.failed
  )
}

const inOrder: Order<Rank> = (one, other) =>
  compareValues(one.value, other.value) || one.rank - other.rank || compareValues(one.id, other.id)

const compareValues = (one: string | number, other: string | number): number => (one < other ? -1 : one > other ? 1 : 0)

function readRank(sort: string, cursor: string): Rank {
  const [value, id] = readCursor(`exporters ${sort}`, cursor, ['any', 'string']) as [string | number, string]
  return { value, id, rank: addressRank(id) }
}
