import { openFlows } from '../input/open-flows.ts'
import { ResultFolder } from '../result-folder.ts'
import { Comparer } from './comparer.ts'
import { CompareParams } from './compare-params.ts'
import type { Task } from '../task.ts'

/** What two Plans make of the same records. */
export const compareTask: Task<CompareParams> = {
  name: 'compare',
  summary: 'Two Plans on the same recorded flows: which records, fields and totals differ.',
  params: CompareParams,
  inputs: { min: 1, max: 64 },
  async run(params, context) {
    const { inputs, limits, signal } = context
    const flows = openFlows(inputs, { limits, signal, onProgress: now => context.progress(now) })
    const comparer = new Comparer(params, flows.registry)
    await flows.read({ onRun: run => comparer.add(run) })
    const report = comparer.report()
    const result = new ResultFolder(context)
    await result.write('compare.json', 'application/json', `${JSON.stringify(report)}\n`)
    return { files: result.files, summary: { isEqual: report.isEqual, ...report.records } }
  }
}
