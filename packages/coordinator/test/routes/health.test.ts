import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startPod } from '../support/pod-fixture.ts'
import type { PodFixture } from '../support/pod-fixture.ts'

const documentedRoutes = [
  'delete /v1/destinations/{id}',
  'delete /v1/templates/{key}',
  'get /livez',
  'get /metrics',
  'get /readyz',
  'get /v1/config',
  'get /v1/config/revisions',
  'get /v1/config/revisions/{n}',
  'get /v1/config/revisions/{n}/diff',
  'get /v1/config/status',
  'get /v1/destinations',
  'get /v1/destinations/{id}',
  'get /v1/events',
  'get /v1/events/recent',
  'get /v1/exporters',
  'get /v1/exporters/{id}',
  'get /v1/exporters/{id}/applications',
  'get /v1/exporters/{id}/fields',
  'get /v1/exporters/{id}/interfaces',
  'get /v1/exporters/{id}/sampling',
  'get /v1/exporters/{id}/templates',
  'get /v1/exporters/{id}/vrfs',
  'get /v1/ledger',
  'get /v1/listeners',
  'get /v1/pending',
  'get /v1/pipeline',
  'get /v1/quarantine',
  'get /v1/tap',
  'get /v1/templates',
  'get /v1/templates/{key}',
  'get /v1/templates/{key}/history',
  'get /version',
  'patch /v1/config',
  'patch /v1/destinations/{id}',
  'patch /v1/exporters/{id}',
  'post /v1/config/plan',
  'post /v1/config/rollback',
  'post /v1/config/validate',
  'post /v1/destinations',
  'post /v1/destinations/{id}/drain',
  'post /v1/destinations/{id}/flush',
  'post /v1/destinations/{id}/pause',
  'post /v1/destinations/{id}/resend-templates',
  'post /v1/destinations/{id}/resume',
  'post /v1/destinations/{id}/test',
  'post /v1/listeners/{name}/drain',
  'post /v1/listeners/{name}/pause',
  'post /v1/listeners/{name}/resume',
  'post /v1/support-bundle',
  'put /v1/config'
]

describe('health', () => {
  let pod: PodFixture
  before(async () => void (pod = await startPod()))
  after(() => pod.stop())

  test('is live without any other process, and ready only with all of them', async () => {
    assert.equal((await pod.call('GET', '/livez')).status, 200)
    const early = await pod.call('GET', '/readyz')
    assert.equal(early.status, 503)
    assert.deepEqual(early.body, {
      status: 'not ready',
      reasons: ['collector-0 is not connected', 'mediator-0 is not connected']
    })
    await pod.connect('collector', 'mediator')
    const late = await pod.call('GET', '/readyz')
    assert.equal(late.status, 200)
    assert.deepEqual(late.body, { status: 'ready', reasons: [] })
  })

  test('says what runs here', async () => {
    const { body } = await pod.call('GET', '/version')
    assert.equal(body.version, '9.9.9')
    assert.equal(body.node, process.version)
    assert.match(String(body.registry), /^\d{4}-\d\d-\d\d/)
  })

  test('serves its metrics, requests counted by route pattern', async () => {
    await pod.call('GET', '/v1/exporters/198.51.100.7')
    const { body } = await pod.call('GET', '/metrics')
    const text = String(body.text)
    assert.match(
      text,
      /weir_coordinator_http_requests_total\{method="GET",route="\/v1\/exporters\/:id",status="404"\} 1/
    )
    assert.match(text, /weir_coordinator_processes\{process="collector-0"\} 1/)
    assert.match(text, /weir_coordinator_registrations_total\{process="mediator-0"\} 1/)
  })

  test('describes itself in OpenAPI 3.1, every route with a summary and its errors', async () => {
    const { body } = await pod.call('GET', '/openapi.json')
    assert.equal(body.openapi, '3.1.0')
    const routes = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, route]) => ({ path, method, route }))
    )
    assert.deepEqual(routes.map(({ path, method }) => `${method} ${path}`).toSorted(), documentedRoutes)
    for (const { path, method, route } of routes) {
      assert.ok(route.summary, `${method} ${path} has a summary`)
      if (path.startsWith('/v1'))
        assert.ok('4XX' in route.responses && '5XX' in route.responses, `${method} ${path} names its errors`)
    }
    assert.deepEqual(Object.keys(body.components.schemas), ['Problem'])
    const docs = await pod.call('GET', '/docs')
    assert.equal(docs.status, 200)
    // The root leads there.
    assert.deepEqual((await pod.call('GET', '/')).body, docs.body)
    // A page behind plain HTTP must not be told to fetch its own files by HTTPS.
    assert.doesNotMatch(docs.headers.get('content-security-policy')!, /upgrade|https:|swagger\.io/)
    assert.doesNotMatch(String(docs.body.text), /https?:\/\/(?!127\.0\.0\.1)[a-z]/, 'the docs page needs no network')
  })

  test('answers errors as problem documents', async () => {
    const missing = await pod.call('GET', '/v1/nothing')
    assert.equal(missing.status, 404)
    assert.match(missing.headers.get('content-type')!, /^application\/problem\+json/)
    assert.deepEqual(Object.keys(missing.body).toSorted(), ['code', 'detail', 'status', 'title', 'type'])
    const broken = await pod.call('POST', '/v1/destinations', '{"id":')
    assert.equal(broken.status, 400)
    assert.equal(broken.body.title, 'Bad Request')
    const poisoned = await pod.call('POST', '/v1/destinations', '{"__proto__":{"id":"x"}}')
    assert.equal(poisoned.status, 400)
    const large = await pod.call('POST', '/v1/destinations', { id: 'x'.repeat(2 ** 21) })
    assert.equal(large.status, 413)
    assert.match(large.headers.get('content-type')!, /^application\/problem\+json/)
  })

  test('tells a wrong method, a wrong media type and a long header apart, as problem documents too', async () => {
    const method = await pod.call('PUT', '/v1/destinations/down', {})
    assert.deepEqual([method.status, method.body.code], [405, 'METHOD_NOT_ALLOWED'])
    assert.equal(method.headers.get('allow'), 'DELETE, GET, HEAD, PATCH')
    assert.equal((await pod.call('PUT', '/v1/destinations/a/b', {})).status, 404)
    const media = await pod.call('POST', '/v1/destinations', '<x/>', { 'content-type': 'application/xml' })
    assert.equal(media.status, 415)
    const header = await pod.call('GET', '/livez', undefined, { 'x-long': 'x'.repeat(20_000) })
    assert.deepEqual([header.status, header.body.status], [431, 431])
    for (const { headers } of [method, media, header]) {
      assert.match(headers.get('content-type')!, /^application\/problem\+json/)
    }
  })
})
