import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Child } from '../support/child.ts'
import type { Answer } from '../support/coordinator-client.ts'
import { absent, toolPath } from '../support/debian-tools.ts'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { udpSink } from '../support/sinks.ts'
import type { UdpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { runWeir } from '../support/weir-command.ts'
import { statSync } from 'node:fs'
import { join } from 'node:path'

interface Page<T> {
  readonly items: readonly T[]
  readonly total: number
}

const isProblem = (answer: Answer, status: number, code?: string): void => {
  const body = answer.body as Record<string, unknown>
  assert.equal(answer.status, status, JSON.stringify(body))
  assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
  assert.equal(body.status, status)
  for (const key of ['type', 'title', 'detail', 'code']) assert.equal(typeof body[key], 'string', key)
  if (code !== undefined) assert.equal(body.code, code)
}

describe('the control API of a running Weir', () => {
  let folder: string
  let weir: RunningWeir
  let sink: UdpSink
  const capture = fixtureCapture('softflowd-ipfix')

  before(async () => {
    folder = tempFolder('api')
    sink = await udpSink()
    weir = await startWeir(folder, {
      destinations: [{ id: 'first', type: 'ipfix', url: `udp://127.0.0.1:${sink.port}` }]
    })
    await runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
    await weir.checkLedger()
  })

  after(async () => {
    await weir.checkLedger()
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    sink.close()
  })

  test('health: /livez, /readyz, /version, /metrics', async () => {
    assert.equal((await weir.api.call('GET', '/livez')).status, 200)
    assert.deepEqual((await weir.api.get<{ reasons: string[] }>('/readyz')).reasons, [])
    const { version } = await weir.api.get<{ version: string }>('/version')
    assert.match(version, /^\d+\.\d+\.\d+/)
    const metrics = await weir.api.get<string>('/metrics')
    assert.match(metrics, /^weir_coordinator_processes\{process="collector-0"\} 1$/m)
  })

  test('GET /v1/config is the whole effective document', async () => {
    const config = await weir.api.get<{ stateDir: string; destinations: { id: string }[]; link: object }>('/v1/config')
    assert.equal(config.stateDir, join(folder, 'var'))
    assert.ok('batchOctets' in config.link)
    assert.ok(config.destinations.some(({ id }) => id === 'first'))
  })

  test('GET /v1/listeners says what is bound and what it was granted', async () => {
    const { items } = await weir.api.get<Page<{ name: string; transport: string; port: number }>>('/v1/listeners')
    assert.deepEqual(items.map(({ name, transport, port }) => [name, transport, port]).toSorted(), [
      ['tcp', 'tcp', weir.port],
      ['udp', 'udp', weir.port]
    ])
  })

  test('GET /v1/exporters, one of them, its templates and fields', async () => {
    const { items, total } = await weir.api.get<Page<{ id: string; address: string }>>('/v1/exporters')
    assert.equal(total, 1)
    const [exporter] = items
    assert.equal(exporter!.address, '127.0.0.1')
    const one = await weir.api.get<{ id: string }>(`/v1/exporters/${exporter!.id}`)
    assert.equal(one.id, exporter!.id)
    const templates = await weir.api.get<Page<{ templateId: number }>>(`/v1/exporters/${exporter!.id}/templates`)
    assert.equal(templates.total, capture.summary.templates + capture.summary.optionsTemplates)
    const fields = await weir.api.get<{ fields: { name: string; share: number }[] }>(
      `/v1/exporters/${exporter!.id}/fields`
    )
    const octets = fields.fields.find(({ name }) => name === 'octetDeltaCount')!
    assert.ok(Math.abs(octets.share - 80 / 81) < 0.001, `octetDeltaCount in ${octets.share} of the records`)
  })

  test('GET /v1/templates lists all, in pages', async () => {
    const all = await weir.api.get<Page<{ templateId: number }>>('/v1/templates')
    assert.equal(all.total, 5)
    const page = await weir.api.get<Page<{ templateId: number }>>('/v1/templates?limit=2&offset=4')
    assert.equal(page.items.length, 1)
    const seen: number[] = []
    for (let next: string | null = ''; next !== null;) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`
      const some = await weir.api.get<Page<{ templateId: number }> & { next: string | null }>(
        `/v1/templates?sort=-templateId&limit=2${cursor}`
      )
      seen.push(...some.items.map(({ templateId }) => templateId))
      next = some.next
    }
    assert.deepEqual(
      seen,
      all.items.map(({ templateId }) => templateId).toSorted((one, other) => other - one)
    )
    const options = await weir.api.get<Page<{ kind: string }>>('/v1/templates?kind=options')
    assert.equal(options.total, capture.summary.optionsTemplates)
    assert.equal((await weir.api.get<Page<object>>('/v1/templates?field=octetDeltaCount&state=live')).total, 4)
    isProblem(await weir.api.call('GET', '/v1/templates?cursor=nonsense'), 400, 'BAD_CURSOR')
    isProblem(await weir.api.call('GET', '/v1/templates?sort=weight'), 400, 'SORT_UNKNOWN')
  })

  test('GET /v1/templates/{key}, its history, and DELETE, once', async () => {
    const { items } = await weir.api.get<Page<{ key: string; templateId: number }>>('/v1/templates?kind=options')
    const { key, templateId } = items[0]!
    const one = await weir.api.get<{ templateId: number; fields: { isScope: boolean; semantics: unknown }[] }>(
      `/v1/templates/${key}`
    )
    assert.equal(one.templateId, templateId)
    assert.equal(one.fields[0]!.isScope, true)
    assert.ok('semantics' in one.fields[0]!)
    const past = await weir.api.get<{ versions: object[]; meaning: { hash: string } | null }>(
      `/v1/templates/${key}/history?at=${new Date().toISOString()}`
    )
    assert.equal(past.versions.length, 1)
    assert.match(past.meaning!.hash, /^[0-9a-f]{16}$/)
    isProblem(await weir.api.call('GET', `/v1/templates/${key}/history?at=now`), 400, 'TIME_INVALID')
    assert.equal((await weir.api.call('DELETE', `/v1/templates/${key}`)).status, 204)
    isProblem(await weir.api.call('DELETE', `/v1/templates/${key}`), 404, 'NOT_FOUND')
    isProblem(await weir.api.call('GET', `/v1/templates/${key}`), 404, 'NOT_FOUND')
    isProblem(await weir.api.call('GET', '/v1/templates/nonsense'), 404, 'NOT_FOUND')
  })

  test('GET /v1/exporters says where each is in its life', async () => {
    const { items } = await weir.api.get<Page<{ state: string; stateReasons: string[] }>>('/v1/exporters?version=10')
    assert.ok(['discovered', 'active', 'skewed'].includes(items[0]!.state), JSON.stringify(items))
    assert.equal((await weir.api.get<Page<object>>('/v1/exporters?state=silent')).total, 0)
    isProblem(await weir.api.call('GET', '/v1/exporters?state=happy'), 400)
  })

  test('destinations: added, read, changed, templates sent again, removed', async () => {
    const added = await weir.api.call<{ id: string }>('POST', '/v1/destinations', {
      id: 'second',
      type: 'ipfix',
      url: `udp://127.0.0.1:${sink.port}`
    })
    assert.equal(added.status, 201, JSON.stringify(added.body))
    assert.equal(added.headers.get('location'), '/v1/destinations/second')
    const list = await weir.api.get<Page<{ id: string; status: string }>>('/v1/destinations')
    assert.deepEqual(list.items.map(({ id }) => id).toSorted(), ['first', 'second'])
    const read = await weir.api.call<{ config: object }>('GET', '/v1/destinations/second')
    const etag = read.headers.get('etag')!
    const changed = await weir.api.call<{ templateRefreshSec: number }>(
      'PATCH',
      '/v1/destinations/second',
      { templateRefreshSec: 30 },
      { 'if-match': etag }
    )
    assert.equal(changed.status, 200, JSON.stringify(changed.body))
    assert.equal(changed.body.templateRefreshSec, 30)
    isProblem(
      await weir.api.call('PATCH', '/v1/destinations/second', { templateRefreshSec: 40 }, { 'if-match': etag }),
      412
    )
    const resent = await weir.api.call('POST', '/v1/destinations/second/resend-templates')
    assert.equal(resent.status, 202)
    const removed = await weir.api.call('DELETE', '/v1/destinations/second')
    assert.equal(removed.status, 204)
    isProblem(await weir.api.call('GET', '/v1/destinations/second'), 404, 'NOT_FOUND')
  })

  test('a destination that is wrong: 422 with every error, where and what is allowed', async () => {
    const answer = await weir.api.call<{ errors: { path: string; allowed?: string }[] }>('POST', '/v1/destinations', {
      id: 'bad id',
      type: 'ipfix',
      url: 'sctp://127.0.0.1:1',
      templateCopies: 0
    })
    isProblem(answer, 422, 'DESTINATION_INVALID')
    const paths = answer.body.errors.map(({ path }) => path)
    for (const key of ['id', 'url', 'templateCopies'])
      assert.ok(
        paths.some(path => path.includes(key)),
        `${key} in ${paths.join()}`
      )
    assert.ok(
      answer.body.errors.every(({ allowed }) => allowed !== undefined),
      JSON.stringify(answer.body.errors)
    )
  })

  test('errors are problem documents: unknown path, wrong method, bad JSON, unknown ids, duplicates, too long a page', async () => {
    isProblem(await weir.api.call('GET', '/v1/nothing'), 404, 'NOT_FOUND')
    isProblem(await weir.api.call('PUT', '/v1/destinations', {}), 405, 'METHOD_NOT_ALLOWED')
    isProblem(await weir.api.call('POST', '/v1/destinations', '{"id":'), 400)
    isProblem(await weir.api.call('POST', '/v1/destinations', '{"__proto__":{"a":1}}'), 400)
    isProblem(await weir.api.call('POST', '/v1/destinations', 'id: a', { 'content-type': 'text/yaml' }), 415)
    isProblem(await weir.api.call('GET', '/v1/exporters/nobody'), 404)
    isProblem(await weir.api.call('GET', '/v1/exporters/nobody/templates'), 404)
    isProblem(await weir.api.call('GET', '/v1/exporters/nobody/fields'), 404)
    isProblem(await weir.api.call('DELETE', '/v1/destinations/nobody'), 404)
    isProblem(await weir.api.call('PATCH', '/v1/destinations/nobody', {}), 404)
    isProblem(await weir.api.call('POST', '/v1/destinations/nobody/resend-templates'), 404)
    isProblem(
      await weir.api.call('POST', '/v1/destinations', { id: 'first', type: 'ipfix', url: 'udp://127.0.0.1:9' }),
      409
    )
    isProblem(await weir.api.call('PATCH', '/v1/destinations/first', { id: 'other' }), 422)
    isProblem(await weir.api.call('PATCH', '/v1/destinations/first', { type: 'json' }), 422)
    isProblem(await weir.api.call('GET', '/v1/templates?limit=100000'), 400)
    isProblem(await weir.api.call('GET', '/v1/templates?limit=minus'), 400)
    isProblem(await weir.api.call('GET', '/v1/templates?colour=blue'), 400)
    isProblem(await weir.api.call('POST', '/v1/destinations', `{"id":"${'x'.repeat(1_100_000)}"}`), 413)
  })

  test('PATCH /v1/exporters/{id} says whose templates are used for it, and outlives the collector', async () => {
    interface Said {
      readonly policy: { scope: string; resumeTemplates: boolean; set: { scope: string | null } }
    }
    const path = '/v1/exporters/127.0.0.1'
    const read = await weir.api.call<Said>('GET', path)
    assert.deepEqual([read.body.policy.scope, read.body.policy.set.scope], ['auto', null])
    const etag = read.headers.get('etag')!
    const changed = await weir.api.call('PATCH', path, { scope: 'address' }, { 'if-match': etag })
    assert.equal(changed.status, 200, JSON.stringify(changed.body))
    isProblem(await weir.api.call('PATCH', path, { scope: 'session' }, { 'if-match': etag }), 412, 'CHANGED_MEANWHILE')
    const { policy } = await weir.api.get<Said>(path)
    assert.deepEqual([policy.scope, policy.resumeTemplates, policy.set.scope], ['address', false, 'address'])
    isProblem(await weir.api.call('PATCH', path, { colour: 'red' }), 400, 'REQUEST_INVALID')
    isProblem(await weir.api.call('PATCH', path, { scope: 'planet' }), 422, 'EXPORTER_POLICY_INVALID')
    isProblem(await weir.api.call('PATCH', path, { scope: 'certificate' }), 422, 'EXPORTER_POLICY_INVALID')
    isProblem(await weir.api.call('PATCH', '/v1/exporters/nobody', { scope: 'address' }), 404, 'NOT_FOUND')
    const taken = await weir.api.patch<object>(path, { scope: null })
    assert.deepEqual(taken, { id: '127.0.0.1', scope: null, resumeTemplates: null, silentMs: null, skewMs: null })
    assert.equal((await weir.api.get<Said>(path)).policy.scope, 'auto')
  })

  test('what an exporter said of itself: sampling, interfaces, VRFs, applications', async () => {
    for (const topic of ['sampling', 'interfaces', 'vrfs', 'applications']) {
      const { total, items } = await weir.api.get<Page<object>>(`/v1/exporters/127.0.0.1/${topic}`)
      assert.equal(items.length, total, topic)
      isProblem(await weir.api.call('GET', `/v1/exporters/192.0.2.77/${topic}`), 404, 'NOT_FOUND')
    }
  })

  test('GET /v1/pending and /v1/quarantine list what waits', async () => {
    for (const path of ['/v1/pending', '/v1/quarantine']) {
      const { total, items, sets } = await weir.api.get<Page<object> & { sets: number }>(`${path}?sort=-sets`)
      assert.deepEqual([total, items, sets], [0, [], 0], path)
      isProblem(await weir.api.call('GET', `${path}?sort=weight`), 400, 'SORT_UNKNOWN')
    }
  })

  test('GET /v1/events tells what happens; GET /v1/events/recent what has happened', async () => {
    const recent = await weir.api.get<Page<{ id: string; type: string; data: { exporter: string } }>>(
      '/v1/events/recent?type=exporter_discovered,template_learned'
    )
    const discovered = recent.items.find(({ type }) => type === 'exporter_discovered')
    assert.equal(discovered?.data.exporter, '127.0.0.1')
    assert.equal(
      recent.items.filter(({ type }) => type === 'template_learned').length,
      capture.summary.templates + capture.summary.optionsTemplates
    )
    const abort = new AbortController()
    const stream = await fetch(`${weir.api.origin}/v1/events?type=template_withdrawn&format=ndjson`, {
      headers: { 'last-event-id': recent.items[0]!.id },
      signal: abort.signal
    })
    const { items } = await weir.api.get<Page<{ key: string; templateId: number }>>('/v1/templates?kind=template')
    await weir.api.delete(`/v1/templates/${items[0]!.key}`)
    const wanted = `"templateId":${items[0]!.templateId}`
    let text = ''
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      if (text.includes(wanted)) break
    }
    abort.abort()
    const told = text.split('\n').find(line => line.includes(wanted))!
    assert.deepEqual((JSON.parse(told) as { data: { by: string } }).data.by, 'api')
    isProblem(await weir.api.call('GET', '/v1/events?type=nothing'), 400, 'EVENT_UNKNOWN')
  })

  test('OpenAPI 3.1 describes every route', async () => {
    const document = await weir.api.get<{ openapi: string; paths: Record<string, Record<string, unknown>> }>(
      '/openapi.json'
    )
    assert.match(document.openapi, /^3\.1/)
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`)
    )
    for (const route of [
      'GET /livez',
      'GET /readyz',
      'GET /metrics',
      'GET /version',
      'GET /v1/config',
      'GET /v1/listeners',
      'GET /v1/exporters',
      'GET /v1/exporters/{id}',
      'GET /v1/exporters/{id}/templates',
      'GET /v1/exporters/{id}/fields',
      'GET /v1/exporters/{id}/sampling',
      'GET /v1/exporters/{id}/interfaces',
      'GET /v1/exporters/{id}/vrfs',
      'GET /v1/exporters/{id}/applications',
      'PATCH /v1/exporters/{id}',
      'GET /v1/templates',
      'GET /v1/templates/{key}',
      'GET /v1/templates/{key}/history',
      'DELETE /v1/templates/{key}',
      'GET /v1/destinations',
      'POST /v1/destinations',
      'PATCH /v1/destinations/{id}',
      'DELETE /v1/destinations/{id}',
      'POST /v1/destinations/{id}/resend-templates',
      'GET /v1/events',
      'GET /v1/events/recent',
      'GET /v1/pending',
      'GET /v1/quarantine',
      'GET /v1/ledger'
    ]) {
      assert.ok(routes.includes(route), `${route} is not in ${routes.join(', ')}`)
    }
  })

  test('the docs page shows itself in a browser', { skip: absent('chromium') }, async () => {
    const picture = join(folder, 'docs.png')
    const browser = new Child('chromium', toolPath('chromium'), [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--window-size=1200,1600',
      `--user-data-dir=${join(folder, 'chromium')}`,
      '--virtual-time-budget=8000',
      `--screenshot=${picture}`,
      `${weir.api.origin}/docs`
    ])
    await browser.waitForEnd(30_000)
    assert.ok(statSync(picture).size > 40_000, 'a page that is drawn is no blank picture')
  })
})
