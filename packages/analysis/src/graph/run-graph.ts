import { FlowReader } from '../flows/flow-reader.ts'
import { damagedFilesOf } from '../input/flow-counts.ts'
import { openFlows } from '../input/open-flows.ts'
import { filterOf } from '../record-table/filter-text.ts'
import { ResultFolder } from '../result-folder.ts'
import { EdgeCounter } from './edge-counter.ts'
import { buildGraph } from './flow-graph.ts'
import { gexfText, graphmlText } from './graph-files.ts'
import { withDefaults } from './graph-params.ts'
import type { GraphParams } from './graph-params.ts'
import { graphReport } from './graph-report.ts'
import { grafanaFrames } from './grafana-frames.ts'
import { nodeKeysOf } from './node-keys.ts'
import type { TaskContext, TaskResult } from '../task.ts'

/** Share of the memory for edges and ports while reading; the graph itself comes behind it. */
const TABLES = 0.5
const weights = { octets: 'estimatedOctets', packets: 'estimatedPackets', flows: 'flows' } as const

/** Do a task `graph`. */
export async function runGraph(given: GraphParams, context: TaskContext): Promise<TaskResult> {
  const params = withDefaults(given)
  const { inputs, limits, signal } = context
  const nodes = nodeKeysOf(params)
  const flows = openFlows(inputs, { limits, signal, onProgress: now => context.progress(now) })
  const filter = params.filter === null ? undefined : filterOf(params.filter, flows.registry)
  const counter = new EdgeCounter(nodes, limits.memoryOctets * TABLES)
  const reader = new FlowReader(flows.registry, columns => counter.add(columns), filter)
  await flows.read({ onRun: run => reader.read(run) })
  reader.flush()
  const graph = buildGraph(counter, nodes, params)
  const report = graphReport(graph, counter, params)
  const weight = weights[params.measure]
  const files = {
    json: ['graph.json', 'application/json', () => `${JSON.stringify(report)}\n`],
    graphml: ['graph.graphml', 'application/graphml+xml', () => graphmlText(graph)],
    gexf: ['graph.gexf', 'application/gexf+xml', () => gexfText(graph, weight)],
    grafana: ['grafana.json', 'application/json', () => `${JSON.stringify(grafanaFrames(graph, weight))}\n`]
  } as const
  const result = new ResultFolder(context)
  for (const format of params.formats) {
    signal.throwIfAborted()
    const [name, mediaType, textOf] = files[format]
    await result.write(name, mediaType, textOf())
  }
  const { records, nodes: nodeCount, edges, components, communities } = report.totals
  return {
    files: result.files,
    summary: {
      records,
      nodes: nodeCount,
      edges,
      components,
      communities,
      edgesCut: report.cut.edges,
      damagedFiles: damagedFilesOf(flows.counts)
    }
  }
}
