import { openFlows } from '../input/open-flows.ts'
import { FlowReader } from '../flows/flow-reader.ts'
import { filterOf } from '../record-table/filter-text.ts'
import { ResultFolder } from '../result-folder.ts'
import { Analyser } from './analyser.ts'
import { buildReport } from './build-report.ts'
import { DomainTable } from './domain-sums.ts'
import { Inventory } from './inventory.ts'
import { reportPage } from './report-page.ts'
import type { FlowColumns } from '../flows/flow-columns.ts'
import type { TaskContext, TaskResult } from '../task.ts'
import type { AnalysisReport } from './report-schema.ts'
import type { AnalyseParams } from './analyse-params.ts'

/** Share of the memory for what is counted; the rest is for reading. */
const TABLES = 0.75

/** Count what is in recorded flows. Reads the inputs once; see {@link analysisSchema}. */
export async function analyseFlows(
  { top = 20, filter = null }: AnalyseParams,
  context: Omit<TaskContext, 'outputFolder'>
): Promise<AnalysisReport> {
  const { inputs, limits, signal } = context
  const flows = openFlows(inputs, { limits, signal, onProgress: now => context.progress(now) })
  const analyser = new Analyser(limits.memoryOctets * TABLES)
  const domains = new DomainTable()
  const inventory = new Inventory()
  const count = (columns: FlowColumns): void => {
    analyser.add(columns)
    domains.add(columns)
  }
  const reader = new FlowReader(flows.registry, count, filter === null ? undefined : filterOf(filter, flows.registry))
  await flows.read({
    onRun(run) {
      inventory.takeRun(run)
      reader.domainNumber = domains.numberOf(run.context.domain)
      reader.read(run)
    },
    onOptions: run => inventory.takeRun(run),
    onTemplate: (event, domain) => inventory.takeTemplate(event, domain)
  })
  reader.flush()
  const unreadable = reader.failedRecords
  return buildReport({ flows, analyser, domains, inventory, unreadable, filter }, top)
}

/** Do a task `analyse`. */
export async function runAnalyse(given: AnalyseParams, context: TaskContext): Promise<TaskResult> {
  const report = await analyseFlows(given, context)
  const result = new ResultFolder(context)
  await result.write('report.json', 'application/json', `${JSON.stringify(report)}\n`)
  await result.write('report.html', 'text/html', reportPage(report))
  const { records, octets, packets, flows } = report.totals
  return {
    files: result.files,
    summary: {
      records,
      octets,
      packets,
      flows,
      exporters: report.exporters.count,
      faults: report.faults.length,
      damagedFiles: report.inputs.filter(({ fault }) => fault !== null).length
    }
  }
}
