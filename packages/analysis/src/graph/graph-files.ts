import { write } from 'graphology-gexf'
import type { EdgeAttributes, EdgePort, FlowGraph, NodeAttributes } from './flow-graph.ts'

type Values = Readonly<Record<string, string | number>>

/** What a node, or an edge, has in files of graphs: flat, one name and one type each. */
const nodeValues = ({ sent, received, degree, inDegree, outDegree, component, community }: NodeAttributes): Values => ({
  degree,
  inDegree,
  outDegree,
  component,
  community,
  octetsSent: sent.octets,
  octetsReceived: received.octets,
  packetsSent: sent.packets,
  packetsReceived: received.packets,
  flowsSent: sent.flows,
  flowsReceived: received.flows,
  estimatedOctetsSent: sent.estimatedOctets,
  estimatedOctetsReceived: received.estimatedOctets,
  estimatedPacketsSent: sent.estimatedPackets,
  estimatedPacketsReceived: received.estimatedPackets
})

const edgeValues = ({ octets, packets, flows, estimatedOctets, estimatedPackets, ports }: EdgeAttributes): Values => ({
  octets,
  packets,
  flows,
  estimatedOctets,
  estimatedPackets,
  ports: ports.map(portText).join(' '),
  protocols: [...new Set(ports.map(({ protocolName }) => protocolName ?? 'unknown'))].join(' ')
})

/** `443/tcp`, or the protocol alone. */
export function portText({ port, protocolName }: EdgePort): string {
  const protocol = protocolName ?? 'unknown'
  return port === null ? protocol : `${port}/${protocol}`
}

/** GEXF 1.2, what Gephi reads. Weights of edges are of the measure. */
export function gexfText({ graph }: FlowGraph, weight: 'estimatedOctets' | 'estimatedPackets' | 'flows'): string {
  return write<NodeAttributes, EdgeAttributes, Values, Values>(graph, {
    version: '1.2',
    formatNode: (node, attributes) => ({ label: node, attributes: nodeValues(attributes) }),
    formatEdge: (_edge, attributes) => ({ weight: attributes[weight], attributes: edgeValues(attributes) })
  })
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

const xml = (value: string | number): string => String(value).replaceAll(/[&<>"']/g, each => entities[each])

const typeOf = (value: string | number): string => (typeof value === 'number' ? 'double' : 'string')

const keyText = (kind: 'node' | 'edge', name: string, value: string | number): string =>
  `<key id="${kind}.${name}" for="${kind}" attr.name="${name}" attr.type="${typeOf(value)}"/>`

const valuesText = (kind: 'node' | 'edge', values: Values): string =>
  Object.entries(values)
    .map(([name, value]) => `<data key="${kind}.${name}">${xml(value)}</data>`)
    .join('')

/** GraphML (graphdrawing.org), what yEd, NetworkX and igraph read. */
export function graphmlText({ graph }: FlowGraph): string {
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
  const [node] = graph.nodes()
  const [edge] = graph.edges()
  const nodeKeys = node === undefined ? {} : nodeValues(graph.getNodeAttributes(node))
  const edgeKeys = edge === undefined ? {} : edgeValues(graph.getEdgeAttributes(edge))
  for (const [name, value] of Object.entries(nodeKeys)) lines.push(keyText('node', name, value))
  for (const [name, value] of Object.entries(edgeKeys)) lines.push(keyText('edge', name, value))
  lines.push('<graph id="flows" edgedefault="directed">')
  graph.forEachNode((id, attributes) => {
    lines.push(`<node id="${xml(id)}">${valuesText('node', nodeValues(attributes))}</node>`)
  })
  graph.forEachEdge((id, attributes, source, target) => {
    const ends = `source="${xml(source)}" target="${xml(target)}"`
    lines.push(`<edge id="e${xml(id)}" ${ends}>${valuesText('edge', edgeValues(attributes))}</edge>`)
  })
  lines.push('</graph>', '</graphml>', '')
  return lines.join('\n')
}
