import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { XMLValidator } from 'fast-xml-parser'
import { DirectedGraph } from 'graphology'
import { parse as parseGexf } from 'graphology-gexf'
import { parse as parseGraphml } from 'graphology-graphml'
import Value from 'typebox/value'
import { buildMessage } from '@weir/ipfix/testing'
import { graphSchema, tasks } from '../../src/index.ts'
import { fileOf } from '../support/folder.ts'
import { runTask } from '../support/run-task.ts'
import type { TestContext } from 'node:test'
import type { GraphReport, TaskLimits } from '../../src/index.ts'
import type { TaskRun } from '../support/run-task.ts'

const graphTask = tasks.find(({ name }) => name === 'graph')!

/** From, to, octets, destination port. */
type Edge = readonly [from: number, to: number, octets: number, port?: number]

const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, '0')
const address = (host: number): string => `0a0000${hex(host, 1)}`

function messageOf(edges: readonly Edge[]): Uint8Array {
  const records = edges.map(
    ([from, to, octets, port = 443]) =>
      `${address(from)}${address(to)}${hex(octets, 4)}${hex(1, 4)}${hex(50_000, 2)}${hex(port, 2)}06`
  )
  return buildMessage()
    .template(256, '8:4 12:4 1:4 2:4 7:2 11:2 4:1')
    .data(256, ...records)
    .octets()
}

interface Made extends TaskRun {
  readonly report: GraphReport
}

async function graphOf(
  context: TestContext,
  edges: readonly Edge[],
  params: Readonly<Record<string, unknown>> = {},
  limits: Partial<TaskLimits> = {}
): Promise<Made> {
  const run = await runTask(context, graphTask, [fileOf(context, 'a.ipfix', messageOf(edges))], params, limits)
  const report: unknown = JSON.parse(run.text('graph.json'))
  assert.deepEqual(Value.Errors(graphSchema, report), [])
  return { ...run, report: report as GraphReport }
}

/** Two groups of four who all speak with each other, a weak link between them, and two who speak apart. */
const group = (hosts: readonly number[]): Edge[] =>
  hosts.flatMap(from => hosts.filter(to => to !== from).map((to): Edge => [from, to, 1000]))
const known: readonly Edge[] = [...group([1, 2, 3, 4]), ...group([5, 6, 7, 8]), [4, 5, 1], [20, 21, 500]]

describe('graph', () => {
  test('knows degrees, components, communities and density of a known graph', async context => {
    const { report } = await graphOf(context, known)
    const { totals, nodes } = report
    const of = (host: number) => nodes.find(({ id }) => id === `10.0.0.${host}`)!
    assert.deepEqual([totals.nodes, totals.edges], [10, 26])
    assert.deepEqual([of(1).inDegree, of(1).outDegree, of(1).degree], [3, 3, 6])
    assert.deepEqual([of(4).outDegree, of(5).inDegree, of(20).outDegree, of(20).inDegree], [4, 4, 1, 0])
    assert.equal(totals.density, 26 / 90)
    assert.deepEqual([totals.components, totals.stronglyConnectedComponents, totals.communities], [2, 4, 3])
    assert.deepEqual(
      report.components.map(({ nodes: size, within }) => [size, within.octets]),
      [
        [8, 24_001],
        [2, 500]
      ]
    )
    for (const hosts of [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [20, 21]
    ]) {
      assert.equal(new Set(hosts.map(host => of(host).community)).size, 1)
    }
    assert.notEqual(of(1).community, of(5).community)
    assert.deepEqual(
      report.communities.map(({ nodes: size, within, leaves }) => [size, within.octets, leaves.octets]).toSorted(),
      [
        [2, 500, 0],
        [4, 12_000, 0],
        [4, 12_000, 1]
      ]
    )
    assert.ok(totals.modularity > 0.45 && totals.modularity < 0.55)
    assert.deepEqual([of(4).sent.octets, of(4).received.octets], [3001, 3000])
    assert.deepEqual(report.cut, {
      edges: 0,
      sums: { octets: 0, packets: 0, flows: 0, estimatedOctets: 0, estimatedPackets: 0 },
      heaviestUnseen: 0,
      arePortsComplete: true
    })
  })

  test('tells the ports of an edge, heaviest first', async context => {
    const { report } = await graphOf(context, [
      [1, 2, 10, 53],
      [1, 2, 500, 443],
      [1, 2, 1, 22],
      [1, 2, 100, 443]
    ])
    const [edge, ...others] = report.edges
    assert.equal(others.length, 0)
    assert.deepEqual([edge.octets, edge.packets, edge.flows], [611, 4, 4])
    assert.deepEqual(
      edge.ports.map(({ port, protocolName, service, octets }) => [port, protocolName, service, octets]),
      [
        [443, 'tcp', 'https', 600],
        [53, 'tcp', 'domain', 10],
        [22, 'tcp', 'ssh', 1]
      ]
    )
  })

  test('keeps its bounds, heaviest edges first, and tells what was cut', async context => {
    const star = Array.from({ length: 50 }, (_, n): Edge => [1, n + 2, 1000 - n])
    const { report } = await graphOf(context, star, { maxNodes: 5 })
    assert.deepEqual([report.totals.nodes, report.totals.edges], [5, 4])
    assert.deepEqual(
      report.edges.map(({ octets }) => octets),
      [1000, 999, 998, 997]
    )
    assert.deepEqual([report.cut.edges, report.cut.sums.flows], [46, 46])
    assert.equal(report.cut.sums.octets, report.totals.octets - 3994)
    const few = await graphOf(context, star, { maxEdges: 2, measure: 'flows' })
    assert.deepEqual([few.report.totals.edges, few.report.cut.edges], [2, 48])
  })

  test('makes prefixes or names into nodes', async context => {
    const edges: readonly Edge[] = [
      [1, 130, 10],
      [2, 131, 20],
      [131, 1, 5]
    ]
    const prefixes = await graphOf(context, edges, { nodes: 'prefixes', ipv4Prefix: 25 })
    assert.deepEqual(
      prefixes.report.edges.map(({ source, target, octets }) => [source, target, octets]),
      [
        ['10.0.0.0/25', '10.0.0.128/25', 30],
        ['10.0.0.128/25', '10.0.0.0/25', 5]
      ]
    )
    const names = await graphOf(context, edges, { nodes: 'names', names: [{ prefix: '10.0.0.0/30', name: 'us' }] })
    assert.deepEqual(
      names.report.edges.map(({ source, target, octets }) => [source, target, octets]),
      [
        ['us', 'other', 30],
        ['other', 'us', 5]
      ]
    )
  })

  test('is empty, and still a graph in every format, where the filter takes nothing', async context => {
    const made = await graphOf(context, known, { filter: 'dstport = 1' })
    assert.deepEqual([made.report.totals.nodes, made.report.totals.records], [0, 0])
    assert.equal(XMLValidator.validate(made.text('graph.gexf')), true)
    assert.equal(XMLValidator.validate(made.text('graph.graphml')), true)
  })

  test('writes GraphML and GEXF that others read as the same graph', async context => {
    const made = await graphOf(context, known)
    const { nodes, edges } = made.report
    for (const [name, parse] of [
      ['graph.graphml', parseGraphml],
      ['graph.gexf', parseGexf]
    ] as const) {
      const text = made.text(name)
      assert.equal(XMLValidator.validate(text), true, name)
      const graph = parse(DirectedGraph, text)
      assert.deepEqual([graph.order, graph.size], [nodes.length, edges.length], name)
      for (const { id, degree, community, sent } of nodes) {
        const attributes = graph.getNodeAttributes(id)
        assert.deepEqual(
          [attributes.degree, attributes.community, attributes.octetsSent],
          [degree, community, sent.octets]
        )
      }
      for (const { source, target, octets } of edges) {
        const attributes = graph.getEdgeAttributes(source, target)
        assert.deepEqual([attributes.octets, attributes.ports], [octets, '443/tcp'], name)
      }
    }
  })

  test('writes hostile names as text', async context => {
    const hostile = `"/><node id='x'>&\u0000\u001b[2J\u202e\uffff]]>\ud800`
    const params = { nodes: 'names', names: [{ prefix: '10.0.0.1', name: hostile }] }
    const made = await graphOf(context, [[1, 2, 3]], params)
    const shown = `"/><node id='x'>&\\u0000\\u001b[2J\\u202e\\uffff]]>\ufffd`
    for (const [name, parse] of [
      ['graph.graphml', parseGraphml],
      ['graph.gexf', parseGexf]
    ] as const) {
      const text = made.text(name)
      assert.equal(XMLValidator.validate(text), true, name)
      assert.deepEqual(parse(DirectedGraph, text).nodes().toSorted(), [shown, 'other'].toSorted(), name)
    }
    assert.deepEqual(made.report.nodes.map(({ id }) => id).toSorted(), [shown, 'other'].toSorted())
  })

  test('writes the two frames of a node graph', async context => {
    const made = await graphOf(context, known)
    const frames = JSON.parse(made.text('grafana.json')) as {
      schema: { name: string; meta: unknown; fields: { name: string; type: string }[] }
      data: { values: (string | number)[][] }
    }[]
    assert.deepEqual(
      frames.map(({ schema }) => schema.name),
      ['nodes', 'edges']
    )
    const [nodes, edges] = frames.map(({ schema, data }) => {
      assert.deepEqual(schema.meta, { preferredVisualisationType: 'nodeGraph' })
      assert.equal(schema.fields.length, data.values.length)
      for (const [n, { type }] of schema.fields.entries())
        assert.ok(data.values[n].every(value => typeof value === type))
      return new Map(schema.fields.map(({ name }, n) => [name, data.values[n]]))
    })
    assert.equal(nodes.get('id')!.length, 10)
    for (const name of ['title', 'subtitle', 'mainstat', 'secondarystat']) assert.ok(nodes.has(name), name)
    const arcs = nodes.get('arc__sent')!.map((sent, n) => Number(sent) + Number(nodes.get('arc__received')![n]))
    assert.ok(arcs.every(sum => sum === 1))
    const ids = new Set(nodes.get('id'))
    assert.ok([...edges.get('source')!, ...edges.get('target')!].every(id => ids.has(id)))
    assert.equal(new Set(edges.get('id')).size, 26)
  })

  test('is the same whenever it is made', async context => {
    const [one, other] = [await graphOf(context, known), await graphOf(context, known)]
    for (const name of ['graph.json', 'graph.graphml', 'graph.gexf', 'grafana.json']) {
      // GEXF names the day it was made.
      const without = (text: string): string => text.replace(/lastmodifieddate="[^"]*"/, '')
      assert.equal(without(one.text(name)), without(other.text(name)), name)
    }
  })

  test('keeps within its memory, and says what it may have missed', async context => {
    const scan = Array.from({ length: 60 }, (_, n) =>
      messageOf([[1, 2, 1_000_000], ...Array.from({ length: 250 }, (__, host): Edge => [host + 1, n + 3, 40])])
    )
    const file = fileOf(context, 'scan.ipfix', Buffer.concat(scan))
    const run = await runTask(context, graphTask, [file], { formats: ['json'] }, { memoryOctets: 1_000_000 })
    const report = JSON.parse(run.text('graph.json')) as GraphReport
    assert.equal(report.cut.edges, null)
    assert.ok(report.cut.heaviestUnseen >= 40)
    const [heaviest] = report.edges
    assert.deepEqual([heaviest.source, heaviest.target, heaviest.octets], ['10.0.0.1', '10.0.0.2', 60_000_000])
    assert.equal(heaviest.mayHaveMissed, 0)
    assert.equal(report.totals.octets, 60 * (1_000_000 + 250 * 40))
    assert.deepEqual(
      run.result.files.map(({ name }) => name),
      ['graph.json']
    )
  })
})
