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
