import { damagedFilesOf } from '../input/flow-counts.ts'
import { openFlows } from '../input/open-flows.ts'
import { ResultFolder } from '../result-folder.ts'
import { Comparer } from './comparer.ts'
import type { CompareParams } from './compare-params.ts'
import type { TaskContext, TaskResult } from '../task.ts'

/** Do a task `compare`. */
export async function runCompare(params: CompareParams, context: TaskContext): Promise<TaskResult> {
  const { inputs, limits, signal } = context
  const flows = openFlows(inputs, { limits, signal, onProgress: now => context.progress(now) })
  const comparer = new Comparer(params, flows.registry)
  await flows.read({ onRun: run => comparer.add(run) })
  const report = comparer.report()
  const result = new ResultFolder(context)
  await result.write('compare.json', 'application/json', `${JSON.stringify(report)}\n`)
  return {
    files: result.files,
    summary: { isEqual: report.isEqual, ...report.records, damagedFiles: damagedFilesOf(flows.counts) }
  }
}
