import { AnalyseParams } from './analyse-params.ts'
import type { Task } from '../task.ts'

/** What recorded flows add up to. */
export const analyseTask: Task<AnalyseParams> = {
  name: 'analyse',
  summary:
    'What is in recorded flows: exporters, templates, elements, loss, protocols, ports, top talkers, conversations, a time series.',
  params: AnalyseParams,
  inputs: { min: 1, max: 1000 },
  run: async (params, context) => (await import('./run-analyse.ts')).runAnalyse(params, context)
}
