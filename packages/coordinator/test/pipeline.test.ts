import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pipeline } from '@weir/http'
import { RateWindow } from '../src/pipeline/rate-window.ts'
import { startPod } from './support/pod-fixture.ts'

test('the numbers are those of the ledger; a process that is away leaves a node without numbers', async t => {
  const out = { id: 'out', type: 'ipfix', url: 'tcp://127.0.0.1:4750' }
  const pod = await startPod({ destinations: [out] })
  t.after(() => pod.stop())
  const read = async (): Promise<Pipeline> => {
    const { status, body } = await pod.call('GET', '/v1/pipeline')
    assert.equal(status, 200)
    return body as unknown as Pipeline
  }
  const nodeOf = ({ nodes }: Pipeline, id: string) => nodes.find(node => node.id === id)!
  const empty = await read()
  assert.deepEqual(
    empty.nodes.map(({ id, state }) => `${id} ${state}`),
    [
      'listener:ipfix-udp away',
      'listener:ipfix-tcp away',
      'listener:netflow-udp away',
      'collector away',
      'link away',
      'mediator away',
      'destination:out absent'
    ]
  )
  assert.ok(empty.edges.every(({ total, perSec }) => total === null && perSec === null))

  await pod.connect('collector', 'mediator')
  await pod.call('PATCH', '/v1/destinations/out', { templateRefreshSec: 5 })
  const pipeline = await read()
  assert.deepEqual(nodeOf(pipeline, 'collector').queue, {
    records: 0,
    dataSets: 1,
    batches: null,
    octets: null,
    limitOctets: null
  })
  assert.deepEqual(
    nodeOf(pipeline, 'collector').drops.map(({ reason, unit, total }) => [reason, unit, total]),
    [
      ['bad_version', 'messages', 1],
      ['unknown_template', 'dataSets', 1]
    ]
  )
  assert.equal(nodeOf(pipeline, 'link').queue!.octets, 512)
  const { counters, drops, queue } = nodeOf(pipeline, 'destination:out')
  assert.deepEqual(
    counters.map(({ name, total }) => [name, total]),
    [
      ['matched', 10],
      ['filtered', 0],
      ['sent', 7],
      ['uncertain', 0],
      ['redelivered', 0]
    ]
  )
  assert.deepEqual(
    [drops[0]!.reason, drops[0]!.total, queue!.records, queue!.limitOctets],
    ['queue_oldest', 2, 1, 67_108_864]
  )
  assert.deepEqual(
    pipeline.edges.slice(-3).map(({ from, to, unit, total }) => [from, to, unit, total]),
    [
      ['collector', 'link', 'records', 35],
      ['link', 'mediator', 'records', 10],
      ['mediator', 'destination:out', 'records', 10]
    ]
  )
  const mermaid = await pod.call('GET', '/v1/pipeline', undefined, { accept: 'text/vnd.mermaid' })
  assert.match(mermaid.headers.get('content-type')!, /^text\/vnd\.mermaid/)
  assert.match(mermaid.body.text, /^flowchart LR\n/)
  const dot = await pod.call('GET', '/v1/pipeline?format=dot')
  assert.match(dot.body.text, /^digraph weir \{/)
  assert.equal((await pod.call('GET', '/v1/pipeline?format=svg')).status, 400)
})

const pipelineWith = (collected: number, delivered: number, isDropping = false): Pipeline => ({
  takenAtMs: 0,
  nodes: [
    {
      id: 'destination:d',
      kind: 'destination',
      name: 'd',
      state: 'ready',
      counters: [{ name: 'sent', unit: 'records', total: delivered, perSec: null }],
      queue: null,
      drops: isDropping ? [{ reason: 'queue_oldest', unit: 'records', total: 30, perSec: null }] : []
    }
  ],
  edges: [
    { from: 'collector', to: 'link', unit: 'records', total: collected, perSec: null },
    { from: 'mediator', to: 'destination:d', unit: 'records', total: delivered, perSec: null }
  ]
})

test('rates are over ten seconds, and begin anew with a process', () => {
  const window = new RateWindow()
  const runs = { collector: 'c1', mediator: 'm1' }
  for (let second = 0; second <= 60; second += 2)
    window.add(pipelineWith(second * 100, second * 10), second * 1_000, runs)
  // 200/s in the last five seconds, 100/s in the ten before.
  const rated = window.rated(pipelineWith(7_000, 650, true), 65_000, runs)
  assert.deepEqual(
    rated.edges.map(({ perSec }) => perSec),
    [133.3, 10]
  )
  assert.equal(rated.nodes[0]!.counters[0]!.perSec, 10)
  assert.equal(rated.nodes[0]!.drops[0]!.perSec, 2, 'a reason that is new had not happened before')
  const other = { collector: 'c1', mediator: 'm2' }
  const restarted = window.rated(pipelineWith(7_000, 5), 65_000, other)
  assert.deepEqual(
    restarted.edges.map(({ perSec }) => perSec),
    [133.3, null]
  )
  window.add(pipelineWith(7_000, 5), 65_000, other)
  assert.equal(window.rated(pipelineWith(7_000, 25), 67_000, other).edges[1]!.perSec, 10)
  assert.equal(new RateWindow().rated(pipelineWith(1, 1), 0, runs).edges[0]!.perSec, null)
})
