import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startPod } from '../support/pod-fixture.ts'
import type { PodFixture } from '../support/pod-fixture.ts'

describe('intake', () => {
  let pod: PodFixture
  before(async () => {
    pod = await startPod({ templates: 2_500 })
    await pod.connect('collector', 'mediator')
  })
  after(() => pod.stop())
  const idsOf = (body: { items: readonly { id: string }[] }): string[] => body.items.map(({ id }) => id)

  test('lists listeners', async () => {
    const { status, body } = await pod.call('GET', '/v1/listeners')
    assert.equal(status, 200)
    assert.deepEqual(body, {
      items: [{ name: 'ipfix-udp', transport: 'udp', state: 'serving', address: '::', port: 4739, kernelDrops: 0 }],
      total: 1,
      offset: 0,
      limit: 100
    })
  })

  test('pauses, resumes and drains a listener; 404 for none of this name, 409 where its state forbids it', async () => {
    const states = ['pause', 'resume'].map(async what => {
      const { status, body } = await pod.call('POST', `/v1/listeners/ipfix-udp/${what}`)
      return [status, (body as unknown as { state: string }).state]
    })
    assert.deepEqual(await Promise.all(states), [
      [200, 'paused'],
      [200, 'serving']
    ])
    const refused = await pod.call('POST', '/v1/listeners/ipfix-udp/drain')
    assert.deepEqual([refused.status, refused.body.code], [409, 'LISTENER_STATE'])
    assert.equal((await pod.call('POST', '/v1/listeners/nobody/pause')).status, 404)
  })

  test('lists exporters; the collector is told the filters, the order and the page', async () => {
    const all = await pod.call('GET', '/v1/exporters?version=10&state=active&sort=-records&limit=2')
    assert.deepEqual(idsOf(all.body), ['192.0.2.1', '192.0.2.10'])
    assert.deepEqual([all.body.total, all.body.next], [3, 'more'])
    assert.deepEqual(pod.collectorCalls.at(-1), {
      method: 'collector.exporters',
      params: { version: 10, state: 'active', sort: '-records', limit: 2, offset: 0 }
    })
    const rest = await pod.call('GET', '/v1/exporters?sort=-records&cursor=more&offset=2')
    assert.equal(rest.body.next, null)
    assert.deepEqual(pod.collectorCalls.at(-1)!.params, { sort: '-records', cursor: 'more', limit: 100, offset: 2 })
  })

  test('refuses what it does not know, and says what there is', async () => {
    const key = await pod.call('GET', '/v1/exporters?sort=weight')
    assert.equal(key.status, 400)
    assert.match(String(key.body.detail), /no key "weight".*records/)
    const long = await pod.call('GET', '/v1/exporters?limit=1001')
    assert.equal(long.status, 400)
    assert.equal(long.body.code, 'PAGE_TOO_LONG')
    for (const path of ['/v1/exporters?cursor=bad', '/v1/templates?cursor=bad']) {
      assert.equal((await pod.call('GET', path)).body.code, 'BAD_CURSOR')
    }
    assert.equal((await pod.call('GET', '/v1/exporters?state=happy')).status, 400)
    const unknown = await pod.call('GET', '/v1/exporters?colour=red')
    assert.equal(unknown.status, 400)
    assert.match(String(unknown.body.detail), /colour/)
  })

  test('shows one exporter, its fields and its templates, and 404 for one that is not there', async () => {
    assert.equal((await pod.call('GET', '/v1/exporters/192.0.2.1')).body.id, '192.0.2.1')
    const fields = await pod.call('GET', '/v1/exporters/192.0.2.1/fields')
    assert.equal(fields.body.fields[0]!.share, 1)
    assert.equal((await pod.call('GET', '/v1/exporters/192.0.2.1/templates?limit=2')).body.total, 2_500)
    for (const path of ['', '/fields', '/templates']) {
      const { status, body } = await pod.call('GET', `/v1/exporters/203.0.113.9${path}`)
      assert.equal(status, 404, path)
      assert.equal(body.code, 'NOT_FOUND')
    }
  })

  test('lists what waits for a template, and what is in quarantine', async () => {
    for (const [path, method] of [
      ['/v1/pending', 'collector.pending'],
      ['/v1/quarantine', 'collector.quarantine']
    ] as const) {
      const { status, body } = await pod.call(
        'GET',
        `${path}?exporter=192.0.2.1&odid=1&templateId=300&sort=-sets&limit=7`
      )
      assert.equal(status, 200, JSON.stringify(body))
      assert.deepEqual([body.total, (body as unknown as { sets: number }).sets], [1, 3])
      const params = { exporter: '192.0.2.1', odid: 1, templateId: 300, sort: '-sets', limit: 7, offset: 0 }
      assert.deepEqual(pod.collectorCalls.at(-1), { method, params })
      assert.equal((await pod.call('GET', `${path}?templateId=x`)).status, 400)
      assert.equal((await pod.call('GET', `${path}?limit=1001`)).body.code, 'PAGE_TOO_LONG')
    }
  })

  test('shows what an exporter said of itself, topic by topic, and 404 for one that is not there', async () => {
    for (const [topic, key] of [
      ['sampling', 'rate'],
      ['interfaces', 'ifIndex'],
      ['vrfs', 'vrfId'],
      ['applications', 'applicationId']
    ] as const) {
      const { status, body } = await pod.call('GET', `/v1/exporters/192.0.2.1/${topic}?limit=5&offset=0`)
      assert.deepEqual([status, body.total], [200, 1], topic)
      assert.ok(key in body.items[0]!, topic)
      const params = { exporter: '192.0.2.1', topic, limit: 5, offset: 0 }
      assert.deepEqual(pod.collectorCalls.at(-1), { method: 'collector.options', params })
      assert.equal((await pod.call('GET', `/v1/exporters/203.0.113.9/${topic}`)).status, 404)
      assert.equal((await pod.call('GET', `/v1/exporters/192.0.2.1/${topic}?limit=1001`)).status, 400)
      assert.equal((await pod.call('GET', `/v1/exporters/192.0.2.1/${topic}?sort=rate`)).status, 400)
    }
  })

  test('lists templates in pages; the collector is told the filters', async () => {
    const query = 'exporter=192.0.2.10&odid=1&templateId=257&kind=options&field=0:82&source=wire&scope=udp&state=hint'
    const page = await pod.call('GET', `/v1/templates?${query}&limit=1`)
    assert.deepEqual([page.body.items.length, page.body.total, page.body.next], [1, 2_500, 'more'])
    assert.deepEqual(pod.collectorCalls.at(-1)!.params, {
      exporter: '192.0.2.10',
      odid: 1,
      templateId: 257,
      kind: 'options',
      field: '0:82',
      source: 'wire',
      scope: 'udp',
      state: 'hint',
      limit: 1,
      offset: 0
    })
    for (const wrong of ['state=dead', 'source=air', 'kind=data', 'odid=-1', 'templateId=70000', 'limit=1001']) {
      assert.equal((await pod.call('GET', `/v1/templates?${wrong}`)).status, 400, wrong)
    }
  })

  test('shows one template and its past, and forgets it once', async () => {
    assert.equal((await pod.call('GET', '/v1/templates/key-7')).body.key, 'key-7')
    const history = await pod.call('GET', '/v1/templates/key-7/history?at=2026-01-01T12:32:00%2B02:00')
    assert.equal(history.status, 200, JSON.stringify(history.body))
    assert.equal(history.body.atMs, Date.UTC(2026, 0, 1, 10, 32))
    assert.equal((await pod.call('GET', '/v1/templates/key-7/history')).body.atMs, null)
    const wrong = await pod.call('GET', '/v1/templates/key-7/history?at=yesterday')
    assert.deepEqual([wrong.status, wrong.body.code], [400, 'TIME_INVALID'])
    assert.equal((await pod.call('DELETE', '/v1/templates/key-7')).status, 204)
    for (const [method, path] of [
      ['DELETE', 'key-7'],
      ['GET', 'key-7'],
      ['GET', 'key-7/history'],
      ['GET', 'k'.repeat(900)]
    ] as const) {
      const { status, body } = await pod.call(method, `/v1/templates/${path}`)
      assert.deepEqual([status, body.code], [404, 'NOT_FOUND'], path)
    }
  })

  test('puts the ledger together and says which equation does not hold', async () => {
    const { body } = await pod.call('GET', '/v1/ledger')
    const equations = body.equations
    assert.equal(equations.length, 5)
    assert.deepEqual(
      equations.filter(({ holds }) => !holds),
      []
    )
    assert.deepEqual(equations[1], {
      name: 'dataSets.received + takenOver = decoded + pending + handedOver + dropped',
      left: 9,
      right: 9,
      holds: true
    })
  })

  test('goes on without the collector: 503 for what only it knows, null in the ledger', async () => {
    await pod.disconnect('collector')
    for (;;) if ((await pod.call('GET', '/readyz')).body.reasons.some(each => each.endsWith('is not connected'))) break
    const { status, body } = await pod.call('GET', '/v1/exporters')
    assert.equal(status, 503)
    assert.match(String(body.detail), /collector/)
    const ledger = await pod.call('GET', '/v1/ledger')
    assert.equal(ledger.status, 200)
    assert.equal(ledger.body.collector, null)
    assert.notEqual(ledger.body.mediator, null)
  })
})
