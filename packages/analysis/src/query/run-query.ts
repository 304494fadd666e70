import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ElementRegistry } from '@weir/ipfix'
import { damagedFilesOf } from '../input/flow-counts.ts'
import { openFlows } from '../input/open-flows.ts'
import { OutputBudget, OutputFile } from '../output/output-file.ts'
import { isParquetFile } from '../parquet/is-parquet-file.ts'
import { ParquetWriter } from '../parquet/parquet-writer.ts'
import { filterOf } from '../record-table/filter-text.ts'
import { tableColumns } from '../record-table/table-column.ts'
import { TableReader } from '../record-table/table-reader.ts'
import { DuckdbSession } from './duckdb-session.ts'
import { filterSql } from './filter-sql.ts'
import type { QueryParams } from './query-params.ts'
import { resultColumns, resultValue, writeResultCsv, writeResultJson } from './query-result.ts'
import { fieldsOf, queryOf, querySql } from './query-sql.ts'
import { QueryTable } from './query-table.ts'
import { paramsError, SqlValues } from './sql-writer.ts'
import type { Filter, IpfixPlan } from '@weir/mediation'
import type { ElementId } from '../columns/column-batch.ts'
import type { TaskContext, TaskInput, TaskResult } from '../task.ts'
import type { Query } from './query-sql.ts'

const SCRATCH = 'scratch.parquet'

/** Do a task `query`. */
export async function runQuery(params: QueryParams, context: TaskContext): Promise<TaskResult> {
  const registry = ElementRegistry.standard()
  const query = queryOf(params, registry)
  const filter = typeof params.filter === 'string' ? filterOf(params.filter, registry) : undefined
  const stored = context.inputs.filter(({ path }) => isParquetFile(path))
  const captured = context.inputs.filter(input => !stored.includes(input))
  const scratch = join(context.outputFolder, SCRATCH)
  try {
    const isCaptured = captured.length > 0
    const damagedFiles = isCaptured ? await convertCaptures(captured, query, filter, registry, context) : 0
    const { files, summary } = await answer(query, filter, stored, isCaptured ? scratch : undefined, registry, context)
    return { files, summary: { ...summary, damagedFiles } }
  } finally {
    rmSync(scratch, { force: true })
    rmSync(join(context.outputFolder, 'duckdb-scratch'), { recursive: true, force: true })
  }
}

/**
 * What a query wants of captures, as Parquet: the columns that it reads of the records that match.
 *
 * @returns how many could not be read to their end.
 */
async function convertCaptures(
  inputs: readonly TaskInput[],
  query: Query,
  filter: Filter | undefined,
  registry: ElementRegistry,
  { outputFolder, limits, signal, progress }: TaskContext
): Promise<number> {
  const elements: ElementId[] = fieldsOf(query).flatMap(field => field.elements)
  const plan: IpfixPlan = {
    kind: 'ipfix',
    timestamps: 'milliseconds',
    lineage: true,
    sampling: true,
    fields: elements,
    filter
  }
  const columns = tableColumns(elements, registry, plan)
  const file = new OutputFile(outputFolder, SCRATCH, '', new OutputBudget(limits.outputOctets))
  const writer = new ParquetWriter(columns, file, registry, { addresses: 'binary' })
  const reader = new TableReader(columns, plan, registry, writer)
  try {
    const flows = openFlows(inputs, { limits, signal, registry, onProgress: progress })
    await flows.read({ onRun: run => reader.run(run) })
    reader.end()
    writer.end()
    return damagedFilesOf(flows.counts)
  } finally {
    file.close()
  }
}

async function answer(
  query: Query,
  filter: Filter | undefined,
  stored: readonly TaskInput[],
  scratch: string | undefined,
  registry: ElementRegistry,
  { outputFolder, limits, signal }: TaskContext
): Promise<TaskResult> {
  const files = [...stored.map(({ path }) => path), ...(scratch === undefined ? [] : [scratch])]
  const bounds = {
    memoryOctets: limits.memoryOctets,
    files,
    scratchFolder: outputFolder,
    scratchOctets: limits.outputOctets,
    signal
  }
  const session = await DuckdbSession.open(bounds)
  try {
    const values = new SqlValues()
    const sources: string[] = []
    if (stored.length > 0) {
      const read = `SELECT * FROM read_parquet([${stored.map(({ path }) => values.add(path)).join(', ')}], union_by_name = true)`
      await checkAddressForms(session, files, registry)
      const table = await tableOf(session, read, values, registry)
      sources.push(filter === undefined ? read : `${read} WHERE ${filterSql(filter.root, table, values)}`)
    }
    if (scratch !== undefined) sources.push(`SELECT * FROM read_parquet(${values.add(scratch)})`)
    const source = sources.join(' UNION ALL BY NAME ')
    const table = await tableOf(session, source, values, registry)
    const sql = querySql(query, table, source, values)
    const columns = resultColumns(query)
    const reader = await session.rows(sql, values.values)
    const rows = reader.getRows().map(row => row.map((value, index) => resultValue(value, columns[index])))
    return write(columns, rows, outputFolder, limits.outputOctets)
  } finally {
    session.close()
  }
}

/** Tables are read together: what is octets in one of them may not be text in another. */
async function checkAddressForms(
  session: DuckdbSession,
  files: readonly string[],
  registry: ElementRegistry
): Promise<void> {
  const types = new Map<string, string>()
  for (const path of files) {
    const values = new SqlValues()
    const table = await tableOf(session, `SELECT * FROM read_parquet(${values.add(path)})`, values, registry)
    for (const { name, type } of table.columns()) {
      const known = types.get(name) ?? type
      if (known !== type && (known === 'BLOB' || type === 'BLOB')) {
        throw paramsError(
          `Column ${name} is octets in one input and text in another; convert them with the same addresses`
        )
      }
      types.set(name, type)
    }
  }
}

/** The columns of what can be read from. */
async function tableOf(
  session: DuckdbSession,
  source: string,
  { values }: SqlValues,
  registry: ElementRegistry
): Promise<QueryTable> {
  const described = await session.rows(`DESCRIBE ${source}`, values)
  return new QueryTable(
    described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) })),
    registry
  )
}

function write(
  columns: ReturnType<typeof resultColumns>,
  rows: Parameters<typeof writeResultJson>[2],
  folder: string,
  outputOctets: number
): TaskResult {
  const budget = new OutputBudget(outputOctets)
  const json = new OutputFile(folder, 'query.json', 'application/json', budget)
  const csv = new OutputFile(folder, 'query.csv', 'text/csv; charset=utf-8; header=present', budget)
  try {
    writeResultJson(json, columns, rows)
    writeResultCsv(csv, columns, rows)
    return { files: [json.close(), csv.close()], summary: { rows: rows.length } }
  } finally {
    json.close()
    csv.close()
  }
}
