import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFront, startPod } from './support/front-fixture.ts'
import type { PodAnswers } from './support/front-fixture.ts'

const revision = { number: 4, author: 'api', atMs: 1, reason: '', hash: 'a'.repeat(64), baseHash: 'b'.repeat(64) }
const standing = {
  revision,
  etag: '"4-aaaaaaaaaaaaaaaa"',
  store: 'own',
  newest: null,
  isConverged: true,
  code: null,
  reason: null,
  triedAtMs: null,
  ownKeys: [],
  pod: null,
  rollout: null
}

/** A pod with revisions of its own; keeps how it was changed. */
const podWith =
  (changes: string[]): PodAnswers =>
  (url, request) => {
    if (url.pathname === '/v1/config/status') return standing
    if (request.method !== 'GET') changes.push(`${request.method} ${url.pathname}`)
    return { ...revision, number: 5 }
  }

const patch = { log: { level: 'warn' } }
const ifMatch = { 'if-match': '*' }

test('of pods with revisions of their own none is changed, also while only one of them answers', async t => {
  const changes: string[] = []
  const pod = await startPod(t, podWith(changes))
  const { call, keyOf } = await startFront(t, { pods: [pod, 'http://127.0.0.1:19999'] })
  const key = await keyOf('operator')
  const { status, body } = await call('PATCH', '/api/v1/config', key, patch, ifMatch)
  assert.deepEqual([status, body.code], [409, 'NO_SHARED_STORE'])
  const back = await call('POST', '/api/v1/config/rollback', key, { to: 0 })
  assert.deepEqual([back.status, back.body.code], [409, 'NO_SHARED_STORE'])
  assert.deepEqual(changes, [])
})

test('the only pod of a fleet is changed, whether or not it has a store', async t => {
  const changes: string[] = []
  const { call, keyOf } = await startFront(t, { pods: [await startPod(t, podWith(changes))] })
  const { status, body } = await call('PATCH', '/api/v1/config', await keyOf('operator'), patch, ifMatch)
  assert.deepEqual([status, body.number], [200, 5])
  assert.deepEqual(changes, ['PATCH /v1/config'])
})

test("a revision is shown without what is the pod's own, so that it may be put to any of them", async t => {
  const document = { stateDir: '/var/one', log: { level: 'info', name: 'one' } }
  const pod = await startPod(t, url =>
    url.pathname === '/v1/config/status'
      ? { ...standing, ownKeys: ['stateDir', 'log.name'] }
      : { ...revision, number: 3, document }
  )
  const { call, keyOf } = await startFront(t, { pods: [pod] })
  const { body } = await call('GET', '/api/v1/config/revisions/3', await keyOf('reader'))
  assert.deepEqual([body.number, body.document], [3, { log: { level: 'info' } }])
})

test('what only one of several pods would not take of a document names that pod', async t => {
  const refusal = { type: 'about:blank', title: 'no', status: 422, detail: 'out is elsewhere.', code: 'CONFIG_INVALID' }
  const plan = { revision: 4, isApplicable: true, changes: 0, steps: [] }
  const good = await startPod(t, url => (url.pathname === '/v1/config/status' ? standing : plan))
  const bad = await startPod(t, url => (url.pathname === '/v1/config/status' ? standing : refusal))
  const { call, keyOf } = await startFront(t, { pods: [good, bad] })
  const { status, body } = await call('POST', '/api/v1/config/plan', await keyOf('reader'), {})
  assert.deepEqual([status, body.detail], [422, `${new URL(bad).host}: out is elsewhere.`])
})
