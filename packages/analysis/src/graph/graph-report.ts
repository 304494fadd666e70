import { plus, noSums } from './flow-graph.ts'
import type { EdgeCounter } from './edge-counter.ts'
import type { EdgeAttributes, FlowGraph, NodeAttributes, Sums } from './flow-graph.ts'
import type { GraphParams } from './graph-params.ts'
import type { GraphReport } from './graph-schema.ts'

const MAX_GROUPS = 1000
const weights = { octets: 'estimatedOctets', packets: 'estimatedPackets', flows: 'flows' } as const

/** What graph.json says. */
export function graphReport(flowGraph: FlowGraph, counter: EdgeCounter, params: Required<GraphParams>): GraphReport {
  const { graph, edges, cut } = flowGraph
  const components = groupsOf(flowGraph, ({ component }) => component)
  const communities = groupsOf(flowGraph, ({ community }) => community)
  const [octets, packets, flows, estimatedOctets, estimatedPackets] = counter.totals
  return {
    schema: 'weir.graph/1',
    filter: params.filter,
    nodeKind: params.nodes,
    measure: params.measure,
    totals: {
      records: counter.records,
      recordsWithoutAddresses: counter.recordsWithoutAddresses,
      octets,
      packets,
      flows,
      estimatedOctets,
      estimatedPackets,
      nodes: graph.order,
      edges: graph.size,
      density: flowGraph.density,
      components: components.length,
      stronglyConnectedComponents: flowGraph.stronglyConnected,
      communities: communities.length,
      modularity: flowGraph.modularity
    },
    cut,
    nodes: nodesOf(flowGraph, weights[params.measure]).map(([id, attributes]) => ({ id, ...attributes })),
    edges: edges.map(edge => ({
      source: graph.source(edge),
      target: graph.target(edge),
      ...graph.getEdgeAttributes(edge)
    })),
    components: components.slice(0, MAX_GROUPS).map(({ leaves: _none, ...component }) => component),
    communities: communities.slice(0, MAX_GROUPS)
  }
}

/** Nodes with the most sent and received first. */
export function nodesOf({ graph }: FlowGraph, weight: keyof Sums): [string, NodeAttributes][] {
  const all: [string, NodeAttributes][] = graph.mapNodes((node, attributes) => [node, attributes])
  const of = ({ sent, received }: NodeAttributes): number => sent[weight] + received[weight]
  return all.toSorted(([leftId, left], [rightId, right]) => of(right) - of(left) || (leftId < rightId ? -1 : 1))
}

interface Group {
  readonly id: number
  readonly nodes: number
  readonly within: Sums
  readonly leaves: Sums
}

function groupsOf({ graph }: FlowGraph, groupOf: (node: NodeAttributes) => number): Group[] {
  const groups: { id: number; nodes: number; within: Sums; leaves: Sums }[] = []
  graph.forEachNode((_node, attributes) => {
    const id = groupOf(attributes)
    groups[id] ??= { id, nodes: 0, within: noSums, leaves: noSums }
    groups[id].nodes++
  })
  graph.forEachEdge((_edge, sums, _source, _target, source, target) => {
    const group = groups[groupOf(source)]
    if (groupOf(source) === groupOf(target)) group.within = plus(group.within, onlySums(sums))
    else group.leaves = plus(group.leaves, onlySums(sums))
  })
  return groups
}

const onlySums = ({ octets, packets, flows, estimatedOctets, estimatedPackets }: EdgeAttributes): Sums => ({
  octets,
  packets,
  flows,
  estimatedOctets,
  estimatedPackets
})
