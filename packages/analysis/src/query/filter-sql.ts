import { alternatives } from './query-table.ts'
import { paramsError, quoted } from './sql-writer.ts'
import type { Filter } from '@weir/mediation'
import type { QueryColumn, QueryTable } from './query-table.ts'
import type { SqlValues } from './sql-writer.ts'

type FilterNode = Filter['root']
type Comparison = Extract<FilterNode, { kind: 'comparison' }>
type FilterTest = Comparison['test']
type Domain = Comparison['domain']

/**
 * A filter as a condition of SQL: true where the compiled filter matches, else false, never NULL.
 *
 * @param values - takes what is compared with: no text or number of the filter stands in the condition.
 * @throws CodedError TASK_PARAMS for what a table cannot be asked.
 */
export function filterSql(node: FilterNode, table: QueryTable, values: SqlValues): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return `(${node.nodes.map(each => filterSql(each, table, values)).join(node.kind === 'and' ? ' AND ' : ' OR ')})`
    case 'not':
      return `(NOT ${filterSql(node.node, table, values)})`
    case 'has':
      return anyOf(columnsOf(node.fields, table).map(({ name }) => `${quoted(name)} IS NOT NULL`))
    case 'comparison':
      return comparisonSql(node, table, values)
  }
}

function columnsOf(fields: Comparison['fields'], table: QueryTable): QueryColumn[] {
  const columns = new Map<string, QueryColumn>()
  for (const field of fields) {
    for (const element of alternatives(field)) {
      const column = table.columnOf(element)
      if (column === undefined) continue
      columns.set(column.name, column)
      break
    }
  }
  return [...columns.values()]
}

function comparisonSql(
  { fields, domain, isDifferent, test }: Comparison,
  table: QueryTable,
  values: SqlValues
): string {
  const rate = fields.find(({ pen, id }) => pen === 0 && (id === 305 || id === 306))
  if (rate !== undefined) return rateSql(rate.id, test, isDifferent, table, values)
  const columns = columnsOf(fields, table)
  const any = anyOf(columns.map(column => `coalesce(${testSql(column, domain, test, values)}, false)`))
  if (!isDifferent) return any
  return `(${anyOf(columns.map(({ name }) => `${quoted(name)} IS NOT NULL`))} AND NOT ${any})`
}

/** 305 and 306 are there always in a normalised record: 1 and rate - 1, or 0 and 0. */
function rateSql(id: number, test: FilterTest, isDifferent: boolean, table: QueryTable, values: SqlValues): string {
  const column = table.columnOf({ pen: 0, id })
  const name = column === undefined ? 'NULL' : quoted(column.name)
  const number = id === 305 ? `CASE WHEN ${name} IS NULL THEN 0 ELSE 1 END` : `coalesce(${name} - 1, 0)`
  const any = numbersSql(`(${number})`, test, values)
  return isDifferent ? `(NOT ${any})` : any
}

const anyOf = (conditions: readonly string[]): string =>
  conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`

function testSql(column: QueryColumn, domain: Domain, test: FilterTest, values: SqlValues): string {
  const name = quoted(column.name)
  if (test.of === 'addresses') return addressesSql(column, test, values)
  if (test.of === 'texts') return textsSql(column, test, values)
  switch (domain) {
    case 'boolean':
      return numbersSql(`(CASE WHEN ${name} THEN 1 ELSE 2 END)`, test, values)
    case 'time':
      return numbersSql(`epoch_ms(${name}::TIMESTAMP)`, test, values)
    case 'mac':
    case 'octets':
      if (column.type === 'VARCHAR')
        return numbersSql(`TRY_CAST('0x' || replace(${name}, ':', '') AS UBIGINT)`, test, values)
      return numbersSql(`TRY_CAST('0x' || hex(${name}) AS UBIGINT)`, test, values)
    default:
      return numbersSql(name, test, values, column.type === 'FLOAT' ? 'FLOAT' : 'DOUBLE')
  }
}

function numbersSql(expression: string, test: FilterTest, values: SqlValues, type = 'DOUBLE'): string {
  const bound = (value: number): string => `${values.add(value)}::${type}`
  if (test.of === 'order') return `(${expression} ${test.order} ${bound(test.value)})`
  if (test.of !== 'ranges') throw paramsError('The filter compares a number with what is none')
  return anyOf(
    test.ranges.map(([low, high]) =>
      low === high ? `${expression} = ${bound(low)}` : `${expression} BETWEEN ${bound(low)} AND ${bound(high)}`
    )
  )
}

function addressesSql(
  { name, type }: QueryColumn,
  { four, sixteen }: Extract<FilterTest, { of: 'addresses' }>,
  values: SqlValues
): string {
  const column = quoted(name)
  if (type !== 'BLOB') {
    throw paramsError(
      `Column ${name} has addresses as text, which a filter cannot compare; convert with addresses: binary`
    )
  }
  const ranges = [
    ...four.map(([low, high]) => [fourOctets(low), fourOctets(high)]),
    ...sixteen.map(([low, high]) => [Uint8Array.from(low), Uint8Array.from(high)])
  ]
  return anyOf(
    ranges.map(
      ([low, high]) =>
        `(octet_length(${column}) = ${low.length} AND ${column} BETWEEN ${values.add(low)} AND ${values.add(high)})`
    )
  )
}

const fourOctets = (address: number): Uint8Array =>
  Uint8Array.of(address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255)

function textsSql(
  { name, type }: QueryColumn,
  { match, texts }: Extract<FilterTest, { of: 'texts' }>,
  values: SqlValues
): string {
  const column = quoted(name)
  if (type !== 'VARCHAR' && match === 'contains') {
    throw paramsError(`Column ${name} has octets, in which contains cannot look; convert with this filter first`)
  }
  return anyOf(
    texts.map(text => {
      if (type !== 'VARCHAR') {
        const octets = `hex(${column})`
        const wanted = values.add(Buffer.from(text).toString('hex').toUpperCase())
        return match === 'equals' ? `${octets} = ${wanted}` : `starts_with(${octets}, ${wanted})`
      }
      const wanted = values.add(text)
      if (match === 'equals') return `${column} = ${wanted}`
      return match === 'contains' ? `contains(${column}, ${wanted})` : `starts_with(${column}, ${wanted})`
    })
  )
}
