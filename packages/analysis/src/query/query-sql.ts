import { queryField } from './query-table.ts'
import { paramsError } from './sql-writer.ts'
import type { ElementRegistry } from '@weir/ipfix'
import type { Metric, QueryParams } from './query-params.ts'
import type { QueryField, QueryTable } from './query-table.ts'
import type { SqlValues } from './sql-writer.ts'

const defaultMetrics: readonly Metric[] = [
  { of: 'sum', field: 'octets' },
  { of: 'sum', field: 'packets' },
  { of: 'flows' }
]

/** One metric, with its field. */
interface QueryMetric {
  readonly name: string
  readonly of: Metric['of']
  readonly field: QueryField | undefined
  readonly isScaled: boolean
}

/** What is asked, with every name found. */
export interface Query {
  readonly groups: readonly QueryField[]
  readonly metrics: readonly QueryMetric[]
  readonly time: QueryField | undefined
  readonly timeBucketSec: number | undefined
  readonly topN: number | undefined
  readonly orderBy: number
  readonly isAscending: boolean
  readonly limit: number
}

/** @throws CodedError TASK_PARAMS for a name that nothing has, or a metric that has no field. */
export function queryOf(params: QueryParams, registry: ElementRegistry): Query {
  const { groupBy = [], metrics = defaultMetrics, timeBucketSec, topN, order = {}, limit = 1000 } = params
  const orderBy = order.metric ?? 0
  if (orderBy >= metrics.length)
    throw paramsError(`There is no metric ${orderBy} to order by; there are ${metrics.length}`)
  if (topN !== undefined && groupBy.length === 0) throw paramsError('topN wants groups; say groupBy')
  const names = new Set(groupBy)
  if (names.size < groupBy.length) throw paramsError('groupBy names a field twice')
  const asked = metrics.map(metric => metricOf(metric, registry))
  if (new Set(asked.map(({ name }) => name)).size < asked.length)
    throw paramsError('metrics names the same metric twice')
  return {
    groups: groupBy.map(name => queryField(name, registry)),
    metrics: asked,
    time: timeBucketSec === undefined ? undefined : queryField(params.timeField ?? 'flowStartMilliseconds', registry),
    timeBucketSec,
    topN,
    orderBy,
    isAscending: order.direction === 'ascending',
    limit
  }
}

function metricOf({ of, field, isScaled = false }: Metric, registry: ElementRegistry): QueryMetric {
  if (of === 'flows') return { name: isScaled ? 'flows_scaled' : 'flows', of, field: undefined, isScaled }
  if (field === undefined) throw paramsError(`The metric ${of} wants a field`)
  const name = `${of}_${field}${isScaled && of === 'sum' ? '_scaled' : ''}`
  return { name, of, field: queryField(field, registry), isScaled }
}

/** All fields that a query reads. */
export function fieldsOf({ groups, metrics, time }: Query): QueryField[] {
  return [...groups, ...metrics.flatMap(({ field }) => field ?? []), ...(time === undefined ? [] : [time])]
}

/**
 * The statement: names of columns are those of the table, values stand apart.
 *
 * @param source - what stands behind FROM; its rows are filtered.
 */
export function querySql(query: Query, table: QueryTable, source: string, values: SqlValues): string {
  const { groups, metrics, time, timeBucketSec, topN, orderBy, isAscending, limit } = query
  const keys = groups.map((field, index) => ({ name: `g${index}`, sql: table.expression(field) }))
  const measures = metrics.map((metric, index) => ({ name: `m${index}`, sql: metricSql(metric, table) }))
  const bucket =
    time === undefined
      ? []
      : [{ name: 't', sql: bucketSql(table.expression(time), table, values.add(timeBucketSec! * 1000)) }]
  const selected = (parts: readonly { name: string; sql: string }[]): string =>
    parts.map(({ name, sql }) => `${sql} AS ${name}`).join(', ')
  const groupBy = (count: number): string =>
    count === 0 ? '' : ` GROUP BY ${Array.from({ length: count }, (_, n) => n + 1).join(', ')}`
  const direction = `${isAscending ? 'ASC' : 'DESC'} NULLS LAST`
  const rest = keys.map(({ name }) => `${name} ASC NULLS LAST`)
  const order = [`m${orderBy} ${direction}`, ...rest].join(', ')
  const tops =
    topN === undefined
      ? ''
      : `, tops AS (SELECT ${selected([...keys, measures[orderBy]])} FROM flows${groupBy(keys.length)} ORDER BY ${order} LIMIT ${values.add(topN)}::BIGINT)`
  const inner = `SELECT ${selected([...bucket, ...keys, ...measures])} FROM flows${groupBy(bucket.length + keys.length)}`
  const same = keys.map(({ name }) => `grouped.${name} IS NOT DISTINCT FROM tops.${name}`).join(' AND ')
  const where = topN === undefined ? '' : ` WHERE EXISTS (SELECT 1 FROM tops WHERE ${same})`
  const sorted = `ORDER BY ${[...(bucket.length > 0 ? ['t ASC NULLS LAST'] : []), order].join(', ')}`
  return `WITH flows AS (${source})${tops}, grouped AS (${inner}) SELECT * FROM grouped${where} ${sorted} LIMIT ${values.add(limit)}::BIGINT`
}

function metricSql({ of, field, isScaled }: QueryMetric, table: QueryTable): string {
  const rate = `coalesce(${table.expression({ name: '', elements: [{ pen: 0, id: 305 }] })}, 1)`
  if (of === 'flows') return isScaled ? `sum(${rate})` : 'count(*)'
  const value = table.expression(field!)
  switch (of) {
    case 'sum':
      if (value === 'NULL') return '0'
      return `coalesce(sum(${isScaled ? `${value} * ${rate}` : value}), 0)`
    case 'average':
      return `avg(${value})`
    case 'distinct':
      return `count(DISTINCT ${value})`
    default:
      return `${of}(${value})`
  }
}

/** Where the span begins that a time is in. */
function bucketSql(time: string, table: QueryTable, bucketMs: string): string {
  const received = table.expression({ name: '', elements: [{ pen: 0, id: 258 }] })
  const ms = `epoch_ms(coalesce(${time}::TIMESTAMP, ${received}::TIMESTAMP))`
  return `(${ms} // ${bucketMs}::BIGINT) * ${bucketMs}::BIGINT`
}
