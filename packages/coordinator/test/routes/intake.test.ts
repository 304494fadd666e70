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
      items: [{ name: 'ipfix-udp', transport: 'udp', address: '::', port: 4739, kernelDrops: 0 }],
      total: 1,
      offset: 0,
      limit: 100
    })
  })

  test('lists exporters, filtered, sorted and in pages', async () => {
    const all = await pod.call('GET', '/v1/exporters?sort=-records')
    assert.deepEqual(idsOf(all.body), ['192.0.2.10', '2001:db8::1', '192.0.2.1'])
    const ipfix = await pod.call('GET', '/v1/exporters?version=10&sort=id&limit=1&offset=1')
    assert.equal(ipfix.body.total, 2)
    assert.deepEqual(idsOf(ipfix.body), ['2001:db8::1'])
    const begin = await pod.call('GET', '/v1/exporters?id=192.0.2.1')
    assert.deepEqual(idsOf(begin.body), ['192.0.2.1', '192.0.2.10'])
  })

  test('refuses what it does not know, and says what there is', async () => {
    const key = await pod.call('GET', '/v1/exporters?sort=weight')
    assert.equal(key.status, 400)
    assert.match(String(key.body.detail), /no key "weight".*records/)
    const long = await pod.call('GET', '/v1/exporters?limit=1001')
    assert.equal(long.status, 400)
    assert.equal(long.body.code, 'PAGE_TOO_LONG')
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

  test('finds templates beyond the first page of the collector, by id, kind and field', async () => {
    const byId = await pod.call('GET', '/v1/templates?templateId=2700')
    assert.equal(byId.body.total, 1)
    assert.equal((await pod.call('GET', '/v1/templates?kind=options&limit=1')).body.total, 1_250)
    assert.equal((await pod.call('GET', '/v1/templates?field=interfaceName')).body.total, 1)
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
      name: 'dataSets.received = decoded + pending + dropped',
      left: 9,
      right: 9,
      holds: true
    })
  })

  test('goes on without the collector: 503 for what only it knows, null in the ledger', async () => {
    await pod.disconnect('collector')
    for (;;) if ((await pod.call('GET', '/readyz')).status === 503) break
    const { status, body } = await pod.call('GET', '/v1/exporters')
    assert.equal(status, 503)
    assert.match(String(body.detail), /collector/)
    const ledger = await pod.call('GET', '/v1/ledger')
    assert.equal(ledger.status, 200)
    assert.equal(ledger.body.collector, null)
    assert.notEqual(ledger.body.mediator, null)
  })
})
