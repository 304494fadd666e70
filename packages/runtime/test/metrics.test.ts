import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LabelBound, createMetrics, defineMetrics, mergeMetrics } from '../src/index.ts'

const declared = defineMetrics({
  messages: { name: 'weir_test_messages_total', help: 'Messages.', type: 'counter', labels: ['version'] },
  sessions: { name: 'weir_test_sessions', help: 'Sessions.', type: 'gauge' }
})

test('what is scraped is what the fields hold at that moment', async () => {
  const state = { v9: 1, v10: 2, sessions: 3 }
  const metrics = createMetrics(
    declared,
    {
      messages: report => {
        report(state.v9, { version: '9' })
        report(state.v10, { version: '10' })
      },
      sessions: report => report(state.sessions)
    },
    { isProcessIncluded: false }
  )
  await metrics.text()
  state.v9 = 41
  state.sessions = 0
  assert.equal(
    (await metrics.text()).replaceAll(/^#.*\n|^\n/gm, ''),
    'weir_test_messages_total{version="9"} 41\nweir_test_messages_total{version="10"} 2\nweir_test_sessions 0\n'
  )
  assert.match(metrics.contentType, /^text\/plain/)
})

test('a series that is no longer reported is gone', async () => {
  const labels = ['a', 'b']
  const metrics = createMetrics(
    defineMetrics({ up: { name: 'weir_test_up', help: 'Up.', type: 'gauge', labels: ['id'] } }),
    { up: report => labels.forEach(id => report(1, { id })) },
    { isProcessIncluded: false }
  )
  assert.match(await metrics.text(), /id="b"/)
  labels.pop()
  assert.doesNotMatch(await metrics.text(), /id="b"/)
})

test('metrics of several processes become one: added up, or the fact that each tells', async () => {
  const declared = defineMetrics({
    requests: { name: 'weir_x_requests_total', help: 'h', type: 'counter', labels: ['route'] },
    queued: { name: 'weir_x_queued', help: 'h', type: 'gauge', together: 'max' }
  })
  const of = (requests: number, queued: number) =>
    createMetrics(declared, {
      requests: report => report(requests, { route: 'a' }),
      queued: report => report(queued)
    }).snapshot()
  // As it comes out of another process.
  const snapshots = JSON.parse(JSON.stringify([await of(3, 7), await of(4, 7)])) as object[]
  const text = await mergeMetrics(snapshots)
  assert.match(text, /^weir_x_requests_total\{route="a"\} 7$/m)
  assert.match(text, /^weir_x_queued 7$/m)
  assert.match(text, /^process_resident_memory_bytes \d+$/m)
})

test('the process itself is measured unless told otherwise', async () => {
  const metrics = createMetrics(defineMetrics({}), {})
  assert.match(await metrics.text(), /^process_resident_memory_bytes /m)
})

for (const declaration of [
  { name: 'messages_total', help: '', type: 'counter' },
  { name: 'weir_messages', help: '', type: 'counter' },
  { name: 'weir_sessions_total', help: '', type: 'gauge' },
  { name: 'weir_sessions', help: '', type: 'gauge', labels: ['Bad-Label'] }
] as const) {
  test(`rejects the declaration ${JSON.stringify(declaration)}`, () =>
    assert.throws(() => defineMetrics({ declaration }), TypeError))
}

test('TH-40 label values are bounded', () => {
  const bound = new LabelBound(2)
  assert.deepEqual(
    ['a', 'b', 'c', 'a'].map(value => bound.labelOf(value)),
    ['a', 'b', 'other', 'a']
  )
  bound.release('a')
  assert.deepEqual([bound.labelOf('c'), bound.size], ['c', 2])
})
