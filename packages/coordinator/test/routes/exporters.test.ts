import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { overridesOf } from '@weir/config'
import { startPod } from '../support/pod-fixture.ts'
import type { PodFixture } from '../support/pod-fixture.ts'

describe('what is said of an exporter', () => {
  let pod: PodFixture
  before(async () => {
    pod = await startPod({ destinations: [{ id: 'out', type: 'ipfix', url: 'udp://127.0.0.1:4751' }] })
    await pod.connect('collector', 'mediator')
  })
  after(() => pod.stop())
  const patch = (id: string, body: unknown, headers = {}) => pod.call('PATCH', `/v1/exporters/${id}`, body, headers)
  const told = (): unknown => pod.collectorCalls.findLast(({ method }) => method === 'exporters.setPolicies')?.params
  const kept = async (): Promise<{ exporters: object; destinations: object[] }> => {
    const { document } = await pod.kept()
    return { exporters: overridesOf(document), destinations: document.destinations }
  }

  test('is told to the collector and kept beside the destinations', async () => {
    const { status, body } = await patch('192.0.2.1', { scope: 'address' })
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(body, { id: '192.0.2.1', scope: 'address', resumeTemplates: null, silentMs: null, skewMs: null })
    await patch('2001:DB8:0::1', { resumeTemplates: true })
    const exporters = { '192.0.2.1': { scope: 'address' }, '2001:db8::1': { resumeTemplates: true } }
    assert.deepEqual(told(), { policies: exporters })
    assert.deepEqual((await kept()).exporters, exporters)
    assert.equal((await kept()).destinations.length, 1)
    assert.equal((await pod.call('DELETE', '/v1/destinations/out')).status, 204)
    assert.deepEqual(await kept(), { exporters, destinations: [] })
  })

  test('false is not null, and null takes it back', async () => {
    await patch('2001:db8::1', { resumeTemplates: false })
    assert.deepEqual((await kept()).exporters, {
      '192.0.2.1': { scope: 'address' },
      '2001:db8::1': { resumeTemplates: false }
    })
    assert.deepEqual((await patch('2001:db8::1', { resumeTemplates: null, scope: null })).body, {
      id: '2001:db8::1',
      scope: null,
      resumeTemplates: null,
      silentMs: null,
      skewMs: null
    })
    assert.deepEqual(told(), { policies: { '192.0.2.1': { scope: 'address' } } })
  })

  test('is changed only as it was read', async () => {
    const read = await pod.call('GET', '/v1/exporters/192.0.2.1')
    const etag = read.headers.get('etag')!
    const changed = await patch('192.0.2.1', { scope: 'session' }, { 'if-match': etag })
    assert.equal(changed.status, 200)
    assert.notEqual(changed.headers.get('etag'), etag)
    const late = await patch('192.0.2.1', { scope: 'auto' }, { 'if-match': etag })
    assert.deepEqual([late.status, late.body.code], [412, 'CHANGED_MEANWHILE'])
  })

  test('what is wrong is refused, and changes nothing', async () => {
    const before = await kept()
    for (const [id, body, status, code] of [
      ['192.0.2.1', { colour: 'red' }, 400, 'REQUEST_INVALID'],
      ['192.0.2.1', [], 400, 'REQUEST_INVALID'],
      ['192.0.2.1', { scope: 'planet' }, 422, 'EXPORTER_POLICY_INVALID'],
      ['192.0.2.1', { scope: 'certificate' }, 422, 'EXPORTER_POLICY_INVALID'],
      ['192.0.2.1', { resumeTemplates: 'yes' }, 422, 'EXPORTER_POLICY_INVALID'],
      ['192.0.2.1', { silentMs: 1 }, 422, 'EXPORTER_POLICY_INVALID'],
      ['192.0.2.1', { skewMs: 'much' }, 422, 'EXPORTER_POLICY_INVALID'],
      ['nobody', { scope: 'address' }, 404, 'NOT_FOUND'],
      ['fe80::1%25eth0', { scope: 'address' }, 404, 'NOT_FOUND']
    ] as const) {
      const answer = await patch(id, body)
      assert.deepEqual([answer.status, answer.body.code], [status, code], `${id} ${JSON.stringify(body)}`)
    }
    assert.match(String((await patch('192.0.2.1', { scope: 'certificate' })).body.detail), /no TLS listener/)
    assert.deepEqual(await kept(), before)
  })

  test('a collector that comes again is told all of it; without one nothing is taken', async () => {
    await pod.disconnect('collector')
    for (;;) if ((await pod.call('GET', '/readyz')).body.reasons.some(each => each.endsWith('is not connected'))) break
    assert.equal((await patch('192.0.2.7', { scope: 'address' })).status, 503)
    assert.deepEqual((await kept()).exporters, { '192.0.2.1': { scope: 'session' } })
    pod.collectorCalls.splice(0)
    await pod.connect('collector')
    while (told() === undefined) await pod.call('GET', '/livez')
    assert.deepEqual(told(), { policies: { '192.0.2.1': { scope: 'session' } } })
  })
})
