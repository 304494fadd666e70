import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { revisionsPath } from '@weir/config'
import { startPod } from '../support/pod-fixture.ts'
import type { PodFixture } from '../support/pod-fixture.ts'

const wanted = { id: 'down', type: 'ipfix', url: 'tcp://127.0.0.1:4750' }

describe('destinations', () => {
  let pod: PodFixture
  const kept = async (): Promise<{ id: string; templateRefreshSec?: number }[]> =>
    (await pod.kept()).document.destinations
  const methods = (): string[] => pod.mediatorCalls.map(({ method }) => method)
  beforeEach(async () => {
    pod = await startPod()
    await pod.connect('collector', 'mediator')
  })
  afterEach(() => pod.stop())

  test('adds one with its defaults, gives it to the mediator and keeps it on disk', async () => {
    const { status, headers, body } = await pod.call('POST', '/v1/destinations', wanted)
    assert.equal(status, 201)
    assert.equal(headers.get('location'), '/v1/destinations/down')
    assert.equal(body.templateRefreshSec, 600)
    assert.deepEqual(methods(), ['destinations.add'])
    assert.equal((await kept())[0]!.id, 'down')
    const view = await pod.call('GET', '/v1/destinations/down')
    assert.equal(view.headers.get('etag'), headers.get('etag'))
    assert.equal(view.body.status, 'ready')
    assert.equal(view.body.ledger.sent, 7)
    assert.equal((await pod.call('GET', '/v1/config')).body.destinations.length, 1)
    assert.equal((await pod.call('GET', '/v1/destinations?type=json')).body.total, 0)
    assert.equal((await pod.call('GET', '/v1/destinations?status=ready')).body.total, 1)
  })

  test('names every error of a body, and changes nothing', async () => {
    const { status, body } = await pod.call('POST', '/v1/destinations', {
      ...wanted,
      url: 'sctp://x',
      colour: 'red',
      queue: { octets: -1 }
    })
    assert.equal(status, 422)
    const errors = body.errors
    assert.deepEqual(errors.map(({ path }) => path).toSorted(), ['colour', 'queue.octets', 'url'])
    assert.match(errors.find(({ path }) => path === 'url')!.allowed!, /udp:\/\/HOST:PORT/)
    assert.deepEqual(methods(), [])
    assert.equal((await pod.call('POST', '/v1/destinations', [])).status, 422)
  })

  test('refuses an id that is taken, and ids that are not there', async () => {
    await pod.call('POST', '/v1/destinations', wanted)
    const twice = await pod.call('POST', '/v1/destinations', wanted)
    assert.equal(twice.status, 409)
    assert.match(String(twice.body.detail), /PATCH/)
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/resend-templates']
    ] as const) {
      const { status } = await pod.call(method, `/v1/destinations/other${path}`, method === 'PATCH' ? {} : undefined)
      assert.equal(status, 404, `${method} ${path}`)
    }
  })

  test('changes one by a merge patch: null brings the default back; id and type stay', async () => {
    await pod.call('POST', '/v1/destinations', wanted)
    const longer = await pod.call('PATCH', '/v1/destinations/down', {
      templateRefreshSec: 60,
      queue: { policy: 'block' }
    })
    assert.equal(longer.status, 200)
    assert.equal(longer.body.queue.octets, 67_108_864)
    assert.equal((await kept())[0]!.templateRefreshSec, 60)
    const back = await pod.call(
      'PATCH',
      '/v1/destinations/down',
      { templateRefreshSec: null },
      { 'content-type': 'application/merge-patch+json' }
    )
    assert.equal(back.body.templateRefreshSec, 600)
    assert.equal(back.body.queue.policy, 'block')
    assert.equal((await pod.call('PATCH', '/v1/destinations/down', { id: 'up' })).status, 422)
    assert.equal((await pod.call('PATCH', '/v1/destinations/down', { type: 'json' })).status, 422)
  })

  test('refuses a change of what has changed meanwhile', async () => {
    const added = await pod.call('POST', '/v1/destinations', wanted)
    const etag = added.headers.get('etag')!
    assert.equal(
      (await pod.call('PATCH', '/v1/destinations/down', { templateRefreshSec: 60 }, { 'if-match': etag })).status,
      200
    )
    assert.equal(
      (await pod.call('PATCH', '/v1/destinations/down', { templateRefreshSec: 61 }, { 'if-match': etag })).status,
      412
    )
    assert.equal((await pod.call('DELETE', '/v1/destinations/down', undefined, { 'if-match': etag })).status, 412)
  })

  test('removes one, and sends its templates again on demand', async () => {
    await pod.call('POST', '/v1/destinations', wanted)
    assert.equal((await pod.call('POST', '/v1/destinations/down/resend-templates')).status, 202)
    assert.equal((await pod.call('DELETE', '/v1/destinations/down')).status, 204)
    assert.deepEqual(methods(), ['destinations.add', 'destinations.resendTemplates', 'destinations.remove'])
    assert.deepEqual(await kept(), [])
  })

  test('keeps nothing that the mediator did not take', async () => {
    await pod.disconnect('mediator')
    for (;;) if ((await pod.call('GET', '/readyz')).body.reasons.some(each => each.endsWith('is not connected'))) break
    const { status } = await pod.call('POST', '/v1/destinations', wanted)
    assert.equal(status, 503)
    assert.equal((await pod.call('GET', '/v1/config')).body.destinations.length, 0)
  })

  test('gives a mediator that comes back what it should have', async () => {
    await pod.call('POST', '/v1/destinations', wanted)
    await pod.disconnect('mediator')
    for (;;) if ((await pod.call('GET', '/readyz')).body.reasons.some(each => each.endsWith('is not connected'))) break
    pod.mediatorCalls.length = 0
    await pod.connect('mediator')
    for (;;)
      if (methods().length > 0) break
      else await pod.call('GET', '/livez')
    assert.match(methods()[0]!, /destinations\.(add|patch)/)
  })

  test('takes concurrent changes one after the other', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => pod.call('POST', '/v1/destinations', { ...wanted, id: `d${index}` }))
    )
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]))
    assert.equal((await kept()).length, 20)
  })

  test('a mediator that has more or less than it should is set right by the next change', async () => {
    // It has been told all that it should have: what is told comes in turn.
    await pod.call('PATCH', '/v1/config', {}, { 'if-match': '*' })
    // As after an answer that came too late.
    pod.held.set('down', {})
    assert.equal((await pod.call('POST', '/v1/destinations', wanted)).status, 201)
    assert.deepEqual(methods(), ['destinations.add', 'destinations.patch'])
    pod.held.delete('down')
    assert.equal((await pod.call('PATCH', '/v1/destinations/down', { templateRefreshSec: 60 })).status, 200)
    assert.ok(pod.held.has('down'))
    pod.held.delete('down')
    assert.equal((await pod.call('DELETE', '/v1/destinations/down')).status, 204)
    assert.equal((await pod.call('GET', '/v1/destinations')).body.total, 0)
  })

  test('a change that cannot be kept is taken back', async () => {
    await pod.call('POST', '/v1/destinations', wanted)
    const writer = new DatabaseSync(revisionsPath(pod.stateDir))
    writer.exec('BEGIN IMMEDIATE')
    const { status, body } = await pod.call('POST', '/v1/destinations', { ...wanted, id: 'other' })
    writer.exec('ROLLBACK')
    writer.close()
    assert.equal(status, 507)
    assert.equal(body.code, 'CHANGE_NOT_KEPT')
    assert.ok(body.detail.includes(pod.stateDir))
    assert.equal((await pod.call('GET', '/v1/destinations/other')).status, 404)
    assert.deepEqual([...pod.held.keys()], ['down'])
    assert.deepEqual(
      (await kept()).map(({ id }) => id),
      ['down']
    )
  })
})
