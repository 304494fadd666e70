import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { dotOf, mermaidOf, pipelineFormatOf } from '../src/index.ts'
import { readDot } from './support/dot-reader.ts'
import { readMermaid } from './support/mermaid-reader.ts'

type Pipeline = NonNullable<Parameters<typeof dotOf>[0][number]['pipeline']>

/** Names that are something in one of the languages, or in the page that shows them. */
const hostile = [
  'plain',
  'say "quoted"',
  'back\\slash\\',
  'back\\nslash',
  '<script>alert(1)</script>',
  'a --> b',
  '];} digraph {',
  '#quot; &amp; &#34;',
  'line\nbreak\r\u2028',
  'end',
  '`md` **bold**',
  'zürich-東京-😀',
  '\u001b[2J',
  '%%{init: {}}%%'
]

const pipelineWith = (names: readonly string[]): Pipeline => ({
  takenAtMs: 0,
  nodes: [
    { id: 'mediator', kind: 'mediator', name: 'mediator', state: 'connected', counters: [], queue: null, drops: [] },
    ...names.map(name => ({
      id: `destination:${name}`,
      kind: 'destination' as const,
      name,
      state: 'ready',
      counters: [{ name: 'sent', unit: 'records' as const, total: 7, perSec: 1.25 }],
      queue: { records: 3, dataSets: null, batches: 1, octets: 0, limitOctets: 9 },
      drops: [{ reason: 'queue_oldest', unit: 'records' as const, total: 2, perSec: null }]
    }))
  ],
  edges: names.map((name, index) => ({
    from: 'mediator',
    to: `destination:${name}`,
    unit: 'records' as const,
    total: index === 0 ? null : 5,
    perSec: null
  }))
})

const visible = (name: string): string => name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')

for (const [language, textOf, read] of [
  ['Mermaid', mermaidOf, readMermaid],
  ['DOT', dotOf, readDot]
] as const) {
  test(`${language}: whatever things are called, each is one node with its name, and each edge joins what it should`, () => {
    const pipeline = pipelineWith(hostile)
    const { nodes, edges, frames } = read(textOf([{ name: 'this pod', pipeline }]))
    assert.equal(nodes.size, hostile.length + 1)
    assert.equal(edges.length, hostile.length)
    assert.deepEqual(frames, [])
    const labels = [...nodes.values()]
    for (const [index, name] of hostile.entries()) {
      const label = labels[index + 1]!
      assert.deepEqual(label, [
        `destination ${visible(name)}: ready`,
        'sent 1.3 records/s',
        'waiting: 3 records',
        'waiting: 1 batches',
        'dropped queue_oldest: 2 records'
      ])
      const { from, to, label: rate } = edges[index]!
      assert.equal(nodes.get(from)![0], 'mediator: connected')
      assert.equal(nodes.get(to), label)
      assert.equal(rate, index === 0 ? '?' : '5 records')
    }
  })

  test(`${language}: several pods, each in a frame; one that is away is there and says so`, () => {
    const { nodes, frames } = read(
      textOf([
        { name: 'a:8090', pipeline: pipelineWith(['x']) },
        { name: 'b"]:8090', pipeline: null }
      ])
    )
    assert.deepEqual(frames, ['a:8090', 'b"]:8090'])
    assert.deepEqual([...nodes.values()].at(-1), ['b"]:8090: away'])
    assert.equal(nodes.size, 3)
  })
}

const graphviz = spawnSync('dot', ['-V'])
test('DOT: Graphviz itself reads it', { skip: graphviz.error && 'graphviz is not installed' }, () => {
  const input = dotOf([{ name: 'this pod', pipeline: pipelineWith(hostile) }])
  const { status, stdout, stderr } = spawnSync('dot', ['-Tsvg'], { input, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /<svg/)
  assert.doesNotMatch(stdout, /<script/)
})

test('the form is that of the query, else the first of Accept that there is, else JSON', () => {
  assert.equal(pipelineFormatOf('dot', 'text/vnd.mermaid'), 'dot')
  assert.equal(pipelineFormatOf(undefined, 'text/html, Text/Vnd.Graphviz;q=0.9, application/json'), 'dot')
  assert.equal(pipelineFormatOf(undefined, 'text/vnd.mermaid'), 'mermaid')
  assert.equal(pipelineFormatOf(undefined, '*/*'), 'json')
  assert.equal(pipelineFormatOf(undefined, undefined), 'json')
})
