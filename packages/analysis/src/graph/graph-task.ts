import { GraphParams } from './graph-params.ts'
import type { Task } from '../task.ts'

/** Who speaks with whom: the communication graph of recorded flows. */
export const graphTask: Task<GraphParams> = {
  name: 'graph',
  summary:
    'The communication graph of recorded flows: nodes, edges, degrees, components and communities, as JSON, GraphML, GEXF and Grafana node graph.',
  params: GraphParams,
  inputs: { min: 1, max: 64 },
  run: async (params, context) => (await import('./run-graph.ts')).runGraph(params, context)
}
