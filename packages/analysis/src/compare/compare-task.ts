import { CompareParams } from './compare-params.ts'
import type { Task } from '../task.ts'

/** What two Plans make of the same records. */
export const compareTask: Task<CompareParams> = {
  name: 'compare',
  summary: 'Two Plans on the same recorded flows: which records, fields and totals differ.',
  params: CompareParams,
  inputs: { min: 1, max: 64 },
  run: async (params, context) => (await import('./run-compare.ts')).runCompare(params, context)
}
