import { short, withUnit } from '../html/quantity.ts'
import { portText } from './graph-files.ts'
import { nodesOf } from './graph-report.ts'
import type { EdgeAttributes, FlowGraph, NodeAttributes } from './flow-graph.ts'

interface Field {
  readonly name: string
  readonly type: 'string' | 'number'
  readonly config: Readonly<Record<string, unknown>>
}

/** One frame as Grafana's data sources take it in JSON: fields, and their values column by column. */
interface Frame {
  readonly schema: {
    readonly name: 'nodes' | 'edges'
    readonly refId: 'nodes' | 'edges'
    readonly meta: { readonly preferredVisualisationType: 'nodeGraph' }
    readonly fields: readonly Field[]
  }
  readonly data: { readonly values: readonly (readonly (string | number)[])[] }
}

type Column<T> = readonly [field: Field, valueOf: (row: T) => string | number]

const text = (name: string, displayName?: string): Field => ({
  name,
  type: 'string',
  config: displayName === undefined ? {} : { displayName }
})

const number = (name: string, config: Readonly<Record<string, unknown>> = {}): Field => ({
  name,
  type: 'number',
  config
})

const fixed = (fixedColor: string): Readonly<Record<string, unknown>> => ({ mode: 'fixed', fixedColor })

type Weight = 'estimatedOctets' | 'estimatedPackets' | 'flows'

const THICKEST = 8

/**
 * The frames `nodes` and `edges` of Grafana's node graph panel, with the field names of its data API: the circle around a
 * node parts what it sent from what it received.
 */
export function grafanaFrames(flowGraph: FlowGraph, weight: Weight): readonly [Frame, Frame] {
  const { graph, edges } = flowGraph
  const show = (value: number): string => (weight === 'estimatedOctets' ? withUnit(value, 'B') : short(value))
  const share = ({ sent, received }: NodeAttributes, part: number): number => {
    const whole = sent[weight] + received[weight]
    return whole === 0 ? 0.5 : part / whole
  }
  type NodeRow = readonly [string, NodeAttributes]
  const nodeColumns: readonly Column<NodeRow>[] = [
    [text('id'), ([id]) => id],
    [text('title'), ([id]) => id],
    [text('subtitle'), ([, { community }]) => `community ${community}`],
    [text('mainstat', 'Sent'), ([, { sent }]) => show(sent[weight])],
    [text('secondarystat', 'Received'), ([, { received }]) => show(received[weight])],
    [number('arc__sent', { displayName: 'Sent', color: fixed('blue') }), ([, all]) => share(all, all.sent[weight])],
    [
      number('arc__received', { displayName: 'Received', color: fixed('orange') }),
      ([, all]) => 1 - share(all, all.sent[weight])
    ],
    [number('detail__degree', { displayName: 'Edges' }), ([, { degree }]) => degree],
    [number('detail__component', { displayName: 'Component' }), ([, { component }]) => component],
    [number('detail__flows', { displayName: 'Flows' }), ([, { sent, received }]) => sent.flows + received.flows]
  ]
  const most = Math.max(...edges.map(edge => graph.getEdgeAttribute(edge, weight)), 1)
  type EdgeRow = readonly [id: string, EdgeAttributes]
  const edgeColumns: readonly Column<EdgeRow>[] = [
    [text('id'), ([id]) => id],
    [text('source'), ([id]) => graph.source(id)],
    [text('target'), ([id]) => graph.target(id)],
    [text('mainstat'), ([, sums]) => show(sums[weight])],
    [text('secondarystat'), ([, { ports }]) => (ports.length === 0 ? '' : portText(ports[0]))],
    [number('thickness'), ([, sums]) => 1 + Math.round((THICKEST - 1) * Math.sqrt(sums[weight] / most))],
    [number('detail__flows', { displayName: 'Flows' }), ([, { flows }]) => flows],
    [text('detail__ports', 'Ports'), ([, { ports }]) => ports.map(portText).join(' ')]
  ]
  return [
    frame('nodes', nodeColumns, nodesOf(flowGraph, weight)),
    frame(
      'edges',
      edgeColumns,
      edges.map((id): EdgeRow => [id, graph.getEdgeAttributes(id)])
    )
  ]
}

const frame = <T>(name: 'nodes' | 'edges', columns: readonly Column<T>[], rows: readonly T[]): Frame => ({
  schema: {
    name,
    refId: name,
    meta: { preferredVisualisationType: 'nodeGraph' },
    fields: columns.map(([field]) => field)
  },
  data: { values: columns.map(([, valueOf]) => rows.map(valueOf)) }
})
