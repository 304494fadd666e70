import { ElementRegistry } from '@weir/ipfix'
import { damagedFilesOf } from '../input/flow-counts.ts'
import { openFlows } from '../input/open-flows.ts'
import { RunNormaliser } from '../input/run-normaliser.ts'
import { OutputBudget, OutputFile } from '../output/output-file.ts'
import { ParquetWriter } from '../parquet/parquet-writer.ts'
import { elementsNamed } from '../record-table/element-names.ts'
import { filterOf } from '../record-table/filter-text.ts'
import { elementsOf, tableColumns } from '../record-table/table-column.ts'
import { TableReader } from '../record-table/table-reader.ts'
import type { ConvertParams } from './convert-params.ts'
import { CsvWriter } from './csv-writer.ts'
import { IpfixFileWriter } from './ipfix-file-writer.ts'
import { NdjsonWriter } from './ndjson-writer.ts'
import type { Layout } from '@weir/ipfix'
import type { IpfixPlan } from '@weir/mediation'
import type { ElementId } from '../columns/column-batch.ts'
import type { FlowRun } from '../input/flow-run.ts'
import type { Flows } from '../input/open-flows.ts'
import type { TaskContext, TaskResult } from '../task.ts'

const mediaTypes = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
  ipfix: 'application/octet-stream'
} as const

/** What writes the records of one format. */
interface RecordWriter {
  readonly failedRecords: number
  readonly filteredRecords: number
  run(run: FlowRun): void
  end?(): void
}

/** Do a task `convert`. */
export async function runConvert(params: ConvertParams, context: TaskContext): Promise<TaskResult> {
  const registry = ElementRegistry.standard()
  const fields = params.fields === undefined ? undefined : elementsNamed(params.fields, registry)
  const { to, timestamps = 'milliseconds', lineage = true, sampling = true } = params
  const filter = typeof params.filter === 'string' ? filterOf(params.filter, registry) : undefined
  const plan: IpfixPlan = { kind: 'ipfix', timestamps, lineage, sampling, fields, filter }
  const isTable = to === 'csv' || to === 'parquet'
  const isScanned = isTable && fields === undefined
  const elements = isScanned ? await scanElements(plan, registry, context) : (fields ?? [])
  const file = new OutputFile(
    context.outputFolder,
    `flows.${to}`,
    mediaTypes[to],
    new OutputBudget(context.limits.outputOctets)
  )
  try {
    const flows = openPart(context, registry, isScanned ? 1 : 0, isScanned ? 2 : 1)
    const writer = writerOf(params, plan, elements, file, registry)
    const isWithOptions = !isTable && params.optionsRecords !== false
    await flows.read({
      onRun: run => writer.run(run),
      onOptions: run => {
        if (isWithOptions) writer.run(run)
      }
    })
    writer.end?.()
    return { files: [file.close()], summary: summaryOf(flows, writer, isWithOptions) }
  } finally {
    file.close()
  }
}

/** The inputs, read as one part of a task that reads them several times. */
function openPart(context: TaskContext, registry: ElementRegistry, part: number, parts: number): Flows {
  const { inputs, limits, signal, progress } = context
  return openFlows(inputs, {
    limits,
    signal,
    registry,
    onProgress: ({ octetsRead, octetsTotal, records }) =>
      progress({
        octetsRead: Math.floor((part * octetsTotal + octetsRead) / parts),
        octetsTotal,
        records: part + 1 === parts ? records : 0
      })
  })
}

/** All elements that normalised records of the inputs have. */
async function scanElements(plan: IpfixPlan, registry: ElementRegistry, context: TaskContext): Promise<ElementId[]> {
  const normaliser = new RunNormaliser(plan, registry)
  const layouts = new Set<Layout>()
  await openPart(context, registry, 0, 2).read({
    onRun: run => layouts.add(normaliser.outputOf(run.layout, run.context)!)
  })
  return elementsOf(layouts)
}

function writerOf(
  { to, numbers64 = 'number', formulaPrefix = true, addresses = 'binary' }: ConvertParams,
  plan: IpfixPlan,
  elements: readonly ElementId[],
  file: OutputFile,
  registry: ElementRegistry
): RecordWriter {
  if (to === 'ndjson') return new NdjsonWriter({ ...plan, kind: 'json', numbers64 }, file, registry)
  if (to === 'ipfix') return new IpfixFileWriter(plan, file, registry)
  const columns = tableColumns(elements, registry, plan)
  const sink =
    to === 'csv'
      ? new CsvWriter(columns, file, registry, { formulaPrefix })
      : new ParquetWriter(columns, file, registry, { addresses })
  const reader = new TableReader(columns, plan, registry, sink)
  return {
    get failedRecords() {
      return reader.failedRecords
    },
    get filteredRecords() {
      return reader.filteredRecords
    },
    run: run => reader.run(run),
    end: () => {
      reader.end()
      if (sink instanceof ParquetWriter) sink.end()
    }
  }
}

function summaryOf(
  { counts }: Flows,
  { failedRecords, filteredRecords }: RecordWriter,
  isWithOptions: boolean
): TaskResult['summary'] {
  return {
    records: counts.records - filteredRecords - failedRecords,
    filteredRecords,
    optionsRecords: isWithOptions ? counts.optionsRecords : 0,
    failedRecords,
    messages: counts.decoded.messages,
    malformedMessages: counts.decoded.malformedMessages,
    setsWithoutTemplate: counts.setsWithoutTemplate,
    damagedFiles: damagedFilesOf(counts)
  }
}
