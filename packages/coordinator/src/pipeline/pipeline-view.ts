import type { Pipeline, PipelineEdge, PipelineNode } from '@weir/http'
import type { CollectorState, MediatorState } from '../process-state.ts'

/** What a pipeline is made of. */
export interface PipelineParts {
  readonly takenAtMs: number
  /** Names of the listeners that the document has, for when the collector is away. */
  readonly listeners: readonly string[]
  /** Ids of the destinations that the document has. */
  readonly destinations: readonly string[]
  /** Null: away. */
  readonly collector: CollectorState | null
  readonly mediator: MediatorState | null
}

type Counter = PipelineNode['counters'][number]
type Unit = Counter['unit']

const noQueue = { records: null, dataSets: null, batches: null, octets: null, limitOctets: null }

const counter = (name: string, unit: Unit, total: number): Counter => ({ name, unit, total, perSec: null })

const drops = (unit: Unit, byReason: Readonly<Record<string, number>>): PipelineNode['drops'] =>
  Object.entries(byReason)
    .filter(([, total]) => total > 0)
    .map(([reason, total]) => ({ reason, unit, total, perSec: null }))

const edge = (from: string, to: string, unit: Unit, total: number | null): PipelineEdge => ({
  from,
  to,
  unit,
  total,
  perSec: null
})

/** The graph of one pod with the totals of the ledger; rates are not known here. */
export function pipelineOf(parts: PipelineParts): Pipeline {
  const { takenAtMs, collector, mediator } = parts
  const listeners = listenerNodes(parts)
  const destinations = destinationNodes(parts)
  const nodes = [...listeners, collectorNode(collector), linkNode(collector), mediatorNode(mediator), ...destinations]
  const totalOf = (node: PipelineNode, name: string): number | null =>
    node.counters.find(each => each.name === name)?.total ?? null
  return {
    takenAtMs,
    nodes,
    edges: [
      ...listeners.map(node => edge(node.id, 'collector', 'octets', totalOf(node, 'octets'))),
      edge('collector', 'link', 'records', collector?.ledger.records.admitted ?? null),
      edge('link', 'mediator', 'records', mediator?.ledger.records.received ?? null),
      ...destinations.map(node => edge('mediator', node.id, 'records', totalOf(node, 'matched')))
    ]
  }
}

function listenerNodes({ listeners, collector }: PipelineParts): PipelineNode[] {
  const nodeOf = (name: string, state: string): PipelineNode => ({
    id: `listener:${name}`,
    kind: 'listener',
    name,
    state,
    counters: [],
    queue: null,
    drops: []
  })
  if (collector === null) return listeners.map(name => nodeOf(name, 'away'))
  return collector.listeners.map(listener => {
    const { name, transport } = listener
    const numberOf = (key: string): number => {
      const value = (listener as Readonly<Record<string, unknown>>)[key]
      return typeof value === 'number' ? value : 0
    }
    const state = (listener as { readonly state?: unknown }).state
    const first =
      transport === 'udp'
        ? counter('datagrams', 'datagrams', numberOf('datagrams'))
        : counter('accepted', 'connections', numberOf('accepted'))
    return {
      ...nodeOf(name, typeof state === 'string' ? state : 'listening'),
      counters: [first, counter('octets', 'octets', numberOf('octets'))],
      drops: drops('datagrams', { kernel: numberOf('kernelDrops') })
    }
  })
}

function collectorNode(collector: CollectorState | null): PipelineNode {
  const node = { id: 'collector', kind: 'collector', name: 'collector' } as const
  if (collector === null) return { ...node, state: 'away', counters: [], queue: null, drops: [] }
  const { messages, dataSets, records } = collector.ledger
  return {
    ...node,
    state: 'connected',
    counters: [
      counter('received', 'messages', messages.received),
      counter('received', 'dataSets', dataSets.received),
      counter('decoded', 'records', records.decoded),
      counter('filtered', 'records', records.filtered),
      counter('admitted', 'records', records.admitted)
    ],
    queue: { ...noQueue, records: records.held, dataSets: dataSets.pending },
    drops: [
      ...drops('messages', messages.dropped),
      ...drops('dataSets', dataSets.dropped),
      ...drops('records', records.dropped)
    ]
  }
}

function linkNode(collector: CollectorState | null): PipelineNode {
  const node = { id: 'link', kind: 'link', name: 'link' } as const
  if (collector === null) return { ...node, state: 'away', counters: [], queue: null, drops: [] }
  const { ledger, link } = collector
  const { admitted, settled, inWindow, redelivered } = ledger.window
  return {
    ...node,
    state: link.state,
    counters: [
      counter('admitted', 'records', admitted),
      counter('settled', 'records', settled),
      counter('redelivered', 'records', redelivered)
    ],
    queue: { ...noQueue, records: inWindow, octets: link.inWindowOctets },
    drops: []
  }
}

function mediatorNode(mediator: MediatorState | null): PipelineNode {
  const node = { id: 'mediator', kind: 'mediator', name: 'mediator' } as const
  if (mediator === null) return { ...node, state: 'away', counters: [], queue: null, drops: [] }
  const { records, batches } = mediator.ledger
  return {
    ...node,
    state: 'connected',
    counters: [
      counter('received', 'records', records.received),
      counter('redelivered', 'records', records.redelivered),
      counter('received', 'batches', batches.received),
      counter('settled', 'batches', batches.settled)
    ],
    queue: { ...noQueue, batches: batches.unsettled },
    drops: []
  }
}

function destinationNodes({ destinations, mediator }: PipelineParts): PipelineNode[] {
  const states = new Map(mediator?.destinations.map(state => [state.id, state]))
  const ledgers = mediator?.ledger.destinations ?? {}
  const ids = new Set([...destinations, ...Object.keys(ledgers)])
  return [...ids].map(id => {
    const state = states.get(id)
    const ledger = ledgers[id]
    const mode = state?.mode === 'running' ? undefined : state?.mode
    const status = mode ?? state?.output.status ?? (ledger === undefined ? 'absent' : 'removed')
    const node = { id: `destination:${id}`, kind: 'destination', name: id, state: status } as const
    if (ledger === undefined) return { ...node, counters: [], queue: null, drops: [] }
    const { dropped, queued, ...counts } = ledger
    const { octets = null, limitOctets = null, batches = null } = state?.queue ?? {}
    return {
      ...node,
      counters: Object.entries(counts).map(([name, total]) => counter(name, 'records', total)),
      queue: { ...noQueue, records: queued, octets, limitOctets, batches },
      drops: drops('records', dropped)
    }
  })
}
