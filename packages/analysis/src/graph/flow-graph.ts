import { DirectedGraph } from 'graphology'
import louvainModule from 'graphology-communities-louvain'
import { connectedComponents, stronglyConnectedComponents } from 'graphology-components'
import { directedDensity } from 'graphology-metrics/graph/density.js'
import { protocolName, serviceName } from '../text/protocol-names.ts'
import { edgeColumns, hasPorts, UNKNOWN_PROTOCOL } from './edge-counter.ts'
import type { EdgeCounter } from './edge-counter.ts'
import type { GraphParams } from './graph-params.ts'
import type { NodeKeys } from './node-keys.ts'

// The package is CommonJS and exports the function itself; its types say that it is a default.
const louvain = louvainModule as unknown as typeof louvainModule.default

/** What goes over edges. */
export interface Sums {
  readonly octets: number
  readonly packets: number
  readonly flows: number
  readonly estimatedOctets: number
  readonly estimatedPackets: number
}

export interface NodeAttributes {
  sent: Sums
  received: Sums
  degree: number
  inDegree: number
  outDegree: number
  component: number
  community: number
}

/** What runs over an edge: a protocol and, where it has any, the lower of both ports. */
export interface EdgePort extends Sums {
  readonly protocol: number | null
  readonly protocolName: string | null
  readonly port: number | null
  readonly service: string | null
}

export interface EdgeAttributes extends Sums {
  /** What it may have had, of the measure, before there was room for it. */
  mayHaveMissed: number
  ports: EdgePort[]
}

/** A graph that fits its bounds, and what was cut to make it fit. */
export interface FlowGraph {
  readonly graph: DirectedGraph<NodeAttributes, EdgeAttributes>
  /** Edge keys, heaviest first. */
  readonly edges: readonly string[]
  readonly density: number
  readonly stronglyConnected: number
  readonly modularity: number
  readonly cut: {
    /** Edges that were counted and are not in it; null if not all could be held. */
    readonly edges: number | null
    readonly sums: Sums
    /** The most, of the measure, that an edge can have that could not be held; 0 if all were. */
    readonly heaviestUnseen: number
    readonly arePortsComplete: boolean
  }
}

const PORTS_OF_EDGE = 8
/** Edges that are looked at for each that is wanted: some lead to nodes that there is no room for. */
const CANDIDATES = 4
const measureNumbers = { octets: 0, packets: 1, flows: 2 } as const
const weights = { octets: 'estimatedOctets', packets: 'estimatedPackets', flows: 'flows' } as const

/** The heaviest edges that fit, their nodes, and the measures of the graph that they are. */
export function buildGraph(counter: EdgeCounter, nodes: NodeKeys, params: Required<GraphParams>): FlowGraph {
  const { measure, maxNodes, maxEdges } = params
  const table = counter.edges
  const number = measureNumbers[measure]
  const graph = new DirectedGraph<NodeAttributes, EdgeAttributes>({ allowSelfLoops: true })
  const edges: string[] = []
  const edgeOf = new Map<string, string>()
  for (const entry of table.top(number, CANDIDATES * maxEdges)) {
    if (edges.length >= maxEdges) break
    const key = table.key(entry)
    const source = nodes.nameOf(key.subarray(0, 4))
    const target = nodes.nameOf(key.subarray(4, 8))
    const missing = [...new Set([source, target])].filter(node => !graph.hasNode(node))
    if (graph.order + missing.length > maxNodes) continue
    for (const node of missing) graph.addNode(node, emptyNode())
    const sums = sumsAt(table.sums, entry * table.stride)
    const edge = `${edges.length}`
    graph.addDirectedEdgeWithKey(edge, source, target, {
      ...sums,
      mayHaveMissed: table.missed(entry, number),
      ports: []
    })
    graph.updateNodeAttribute(source, 'sent', before => plus(before!, sums))
    graph.updateNodeAttribute(target, 'received', before => plus(before!, sums))
    edges.push(edge)
    edgeOf.set(textOf(key), edge)
  }
  addPorts(graph, counter, edgeOf, weights[measure])
  const shown = edges.map(edge => graph.getEdgeAttributes(edge)).reduce<Sums>((sum, each) => plus(sum, each), noSums)
  return {
    graph,
    edges,
    density: graph.order < 2 ? 0 : directedDensity(graph),
    stronglyConnected: stronglyConnectedComponents(graph).length,
    modularity: describe(graph, weights[measure]),
    cut: {
      edges: table.isComplete ? table.size - edges.length : null,
      sums: plus(sumsAt(counter.totals, 0), shown, -1),
      heaviestUnseen: table.floor(number),
      arePortsComplete: counter.ports.isComplete
    }
  }
}

export const noSums: Sums = { octets: 0, packets: 0, flows: 0, estimatedOctets: 0, estimatedPackets: 0 }

const emptyNode = (): NodeAttributes => ({
  sent: noSums,
  received: noSums,
  degree: 0,
  inDegree: 0,
  outDegree: 0,
  component: 0,
  community: 0
})

export const plus = (left: Sums, right: Sums, sign: number = 1): Sums => ({
  octets: left.octets + sign * right.octets,
  packets: left.packets + sign * right.packets,
  flows: left.flows + sign * right.flows,
  estimatedOctets: left.estimatedOctets + sign * right.estimatedOctets,
  estimatedPackets: left.estimatedPackets + sign * right.estimatedPackets
})

const sumsAt = (sums: Float64Array, at: number): Sums => ({
  octets: sums[at + edgeColumns.octets],
  packets: sums[at + edgeColumns.packets],
  flows: sums[at + edgeColumns.flows],
  estimatedOctets: sums[at + edgeColumns.estimatedOctets],
  estimatedPackets: sums[at + edgeColumns.estimatedPackets]
})

/** The words of a key as text, for a Map. */
const textOf = (key: Uint32Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')

/** The heaviest ports of each edge of the graph. */
function addPorts(
  graph: FlowGraph['graph'],
  { ports }: EdgeCounter,
  edgeOf: ReadonlyMap<string, string>,
  weight: keyof Sums
): void {
  for (let entry = 0; entry < ports.size; entry++) {
    const key = ports.key(entry)
    const edge = edgeOf.get(textOf(key.subarray(0, 8)))
    if (edge !== undefined)
      graph.getEdgeAttribute(edge, 'ports').push(portOf(key[8], sumsAt(ports.sums, entry * ports.stride)))
  }
  const order = (left: EdgePort, right: EdgePort): number =>
    right[weight] - left[weight] ||
    Number(left.protocol) - Number(right.protocol) ||
    Number(left.port) - Number(right.port)
  graph.forEachEdge((edge, { ports: list }) => {
    graph.setEdgeAttribute(edge, 'ports', list.toSorted(order).slice(0, PORTS_OF_EDGE))
  })
}

function portOf(key: number, sums: Sums): EdgePort {
  const protocol = key >>> 16
  const port = key & 65_535
  const isPort = hasPorts(protocol)
  return {
    protocol: protocol === UNKNOWN_PROTOCOL ? null : protocol,
    protocolName: protocol === UNKNOWN_PROTOCOL ? null : protocolName(protocol),
    port: isPort ? port : null,
    service: isPort ? (serviceName(port) ?? null) : null,
    ...sums
  }
}

/**
 * Degrees, components (whichever way edges go) and communities (Louvain, by weight) as attributes of the nodes; components and
 * communities are numbered from 0, those with the most nodes first.
 *
 * @returns the modularity of the communities.
 * @see Blondel et al., "Fast unfolding of communities in large networks", 2008
 */
function describe(graph: FlowGraph['graph'], weight: 'estimatedOctets' | 'estimatedPackets' | 'flows'): number {
  graph.updateEachNodeAttributes((node, attributes) => ({
    ...attributes,
    degree: graph.degree(node),
    inDegree: graph.inDegree(node),
    outDegree: graph.outDegree(node)
  }))
  for (const [component, members] of bySize(connectedComponents(graph)).entries()) {
    for (const node of members) graph.setNodeAttribute(node, 'component', component)
  }
  const isWeighted = graph.someEdge((_edge, attributes) => attributes[weight] > 0)
  if (!isWeighted) {
    graph.forEachNode((node, { component }) => graph.setNodeAttribute(node, 'community', component))
    return 0
  }
  const { communities, modularity } = louvain.detailed(graph, {
    getEdgeWeight: (_edge, attributes) => attributes[weight],
    rng: repeatable()
  })
  const groups = Map.groupBy(Object.entries(communities), ([, community]) => community)
  const members = bySize([...groups.values()].map(group => group.map(([node]) => node)))
  for (const [community, group] of members.entries()) {
    for (const node of group) graph.setNodeAttribute(node, 'community', community)
  }
  return modularity
}

const bySize = (groups: readonly string[][]): string[][] =>
  groups
    .map(group => group.toSorted())
    .toSorted((left, right) => right.length - left.length || (left[0] < right[0] ? -1 : 1))

/** Louvain visits nodes at random: with this the same graph has the same communities every time. */
function repeatable(): () => number {
  let state = 0x9e3779b9
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}
