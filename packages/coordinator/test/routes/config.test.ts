import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { TAKEN_PORT, startPod } from '../support/pod-fixture.ts'
import type { Answer, PodFixture } from '../support/pod-fixture.ts'

const out = { id: 'out', type: 'ipfix', url: 'tcp://127.0.0.1:4750' }
const more = { id: 'more', type: 'json', target: 'tcp://127.0.0.1:4760' }

describe('the configuration', () => {
  let pod: PodFixture
  beforeEach(async () => {
    pod = await startPod({ destinations: [out] })
    await pod.connect('collector', 'mediator')
    // It has been given what it should have.
    while (!pod.held.has('out')) await pod.call('GET', '/livez')
    pod.mediatorCalls.length = 0
  })
  afterEach(() => pod.stop())
  const read = async (): Promise<{ document: Record<string, unknown>; etag: string }> => {
    const { headers, body } = await pod.call('GET', '/v1/config')
    return { document: body as never, etag: headers.get('etag')! }
  }
  const put = async (change: object, etag?: string): Promise<Answer> => {
    const now = await read()
    return pod.call(
      'PUT',
      '/v1/config?author=ann&reason=a+test',
      { ...now.document, ...change },
      {
        'if-match': etag ?? now.etag
      }
    )
  }
  const methods = (): string[] => pod.mediatorCalls.map(({ method }) => method)

  test('a write says which document it changes: 428 without If-Match, 412 if that is not so any more', async () => {
    const { document, etag } = await read()
    for (const method of ['PUT', 'PATCH']) {
      assert.equal((await pod.call(method, '/v1/config', document)).status, 428, method)
    }
    const changed = await put({ destinations: [out, more] })
    assert.deepEqual([changed.status, changed.body.number], [200, 1])
    const late = await put({ destinations: [] }, etag)
    assert.deepEqual([late.status, late.body.code], [412, 'CHANGED_MEANWHILE'])
    assert.match(late.body.detail, /revision 1 by ann/)
    assert.equal((await put({ destinations: [out] }, '*')).status, 200)
  })

  test('no file is read because a request names it', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'weir-named-')), 'anything.csv')
    writeFileSync(file, 'planted,words,in,rows\n')
    const filter = 'destinationTransportPort = 1'
    const collector = { allowAny: true, elementFiles: [file] }
    for (const each of [collector, { ...collector, elementFiles: ['/nowhere/at/all'] }]) {
      const body = { collector: each, destinations: [{ ...more, filter }] }
      const validated = await pod.call('POST', '/v1/config/validate', body)
      assert.equal(validated.status, 200, JSON.stringify(validated.body))
      const planned = await pod.call('POST', '/v1/config/plan', body)
      assert.equal(planned.body.isApplicable, false)
      const { status, body: answer } = await put(body)
      assert.deepEqual([status, answer.code], [409, 'RESTART_NEEDED'])
      assert.doesNotMatch(JSON.stringify([validated.body, planned.body, answer]), /planted|ENOENT/)
    }
    rmSync(dirname(file), { recursive: true })
  })

  test('a body that is too deep, or has too many errors, is refused in a short answer', async () => {
    const deep = (level: object): unknown => Array.from({ length: 4_000 }).reduce(inner => [inner], level)
    for (const [method, path] of [
      ['POST', '/v1/config/validate'],
      ['POST', '/v1/config/plan'],
      ['PUT', '/v1/config'],
      ['PATCH', '/v1/config'],
      ['POST', '/v1/destinations']
    ] as const) {
      const { status, body } = await pod.call(method, path, { log: deep({}) }, { 'if-match': '*' })
      assert.deepEqual([status, body.code], [400, 'BODY_TOO_DEEP'], `${method} ${path}`)
    }
    const keys = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, 1]))
    const many = await pod.call('POST', '/v1/config/validate', { collector: { limits: keys } })
    assert.deepEqual([many.status, many.body.errors.length], [422, 200])
    const checked = await pod.call('POST', '/v1/config/rollback', { to: 0, ...keys })
    assert.deepEqual([checked.status, checked.body.errors.length], [400, 200])
  })

  test('of two writers at once one gets 412', async () => {
    const { etag } = await read()
    const answers = await Promise.all([put({ destinations: [] }, etag), put({ destinations: [more] }, etag)])
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412])
    assert.equal((await pod.kept()).number, 1)
  })

  test('is put in force: what is new first, what is gone last, what is the same not at all', async () => {
    const third = { ...more, id: 'third', target: 'tcp://127.0.0.1:4761' }
    await put({ destinations: [out, more] })
    pod.mediatorCalls.length = 0
    assert.equal((await put({ destinations: [{ ...out, templateRefreshSec: 60 }, third] })).status, 200)
    assert.deepEqual(methods(), ['destinations.add', 'destinations.patch', 'destinations.remove'])
    pod.mediatorCalls.length = 0
    const { document, etag } = await read()
    const same = await pod.call('PUT', '/v1/config', document, { 'if-match': etag })
    assert.deepEqual([same.status, same.body.number, same.headers.get('etag')], [200, 2, etag])
    assert.deepEqual(methods(), [])
  })

  test('a merge patch changes only its keys, and null brings a default back', async () => {
    const patch = async (body: object): Promise<Answer> =>
      pod.call('PATCH', '/v1/config', body, {
        'if-match': (await read()).etag,
        'content-type': 'application/merge-patch+json'
      })
    const exporterOverrides = [{ address: '192.0.2.1', scope: 'address' }]
    assert.equal((await patch({ collector: { exporterOverrides } })).status, 200)
    const told = pod.collectorCalls.findLast(({ method }) => method === 'exporters.setPolicies')
    assert.deepEqual(told!.params, { policies: { '192.0.2.1': { scope: 'address' } } })
    assert.equal((await patch({ collector: { exporterOverrides: null } })).status, 200)
    assert.deepEqual((await pod.kept()).document.collector.exporterOverrides, [])
    assert.equal((await pod.kept()).document.destinations.length, 1)
  })

  test('what only a restart changes is planned as such, and refused with the keys and the process', async () => {
    const { document } = await read()
    const link = { ...(document.link as object), batchAgeMs: 7 }
    const { collector } = document as { collector: { limits: object } }
    const limits = { ...collector.limits, pendingMs: 7, pendingSpoolOctets: 7 }
    const change = { link, collector: { ...collector, limits }, destinations: [out, more] }
    const plan = await pod.call('POST', '/v1/config/plan', { ...document, ...change })
    assert.equal(plan.body.isApplicable, false)
    assert.deepEqual(
      plan.body.steps.filter(({ action }) => action !== 'keep').map(({ action, what, id }) => [action, what, id]),
      [
        ['add', 'destination', 'more'],
        ['change', 'key', 'collector.limits'],
        ['restart', 'key', 'collector.limits.pendingSpoolOctets'],
        ['restart', 'key', 'link.batchAgeMs']
      ]
    )
    assert.deepEqual(plan.body.steps.find(({ id }) => id === 'out')!.stays, ['session', 'queue', 'templates'])
    assert.deepEqual(
      plan.body.steps.filter(({ action }) => action === 'restart').map(({ processes }) => processes),
      [['collector'], ['collector', 'mediator', 'coordinator']]
    )
    const refused = await put(change)
    assert.deepEqual([refused.status, refused.body.code], [409, 'RESTART_NEEDED'])
    assert.deepEqual(
      refused.body.errors.map(({ path }) => path),
      ['collector.limits.pendingSpoolOctets', 'link.batchAgeMs']
    )
    assert.deepEqual(methods(), [])
    assert.equal((await pod.kept()).number, 0)
  })

  test('who may send and what is logged are taken live, and both are taken back if one is refused', async () => {
    const { document } = await read()
    const { collector } = document as { collector: object }
    const change = { log: { level: 'warn' }, collector: { ...collector, allow: ['192.0.2.0/24'], allowAny: false } }
    const plan = await pod.call('POST', '/v1/config/plan', { ...document, ...change })
    assert.deepEqual(
      plan.body.steps.filter(({ action }) => action === 'change').map(({ id, processes }) => [id, processes.length]),
      [
        ['collector.allow', 1],
        ['log.level', 3]
      ]
    )
    const told = (method: string): unknown => pod.collectorCalls.findLast(call => call.method === method)?.params
    pod.refused.add('process.setLogLevel')
    assert.equal((await put(change)).status, 502)
    pod.refused.clear()
    assert.deepEqual(told('collector.setAllow'), { allow: [], allowAny: true })
    assert.equal((await put(change)).status, 200)
    assert.deepEqual(told('collector.setAllow'), { allow: ['192.0.2.0/24'], allowAny: false })
    assert.deepEqual(told('process.setLogLevel'), { level: 'warn' })
    assert.deepEqual(pod.levels.at(-1), { level: 'warn' })
  })

  test('listeners: what each change leaves alone is planned; all are told at once, after they were prepared', async () => {
    const { document } = await read()
    const { collector } = document as { collector: { listeners: { name: string }[] } }
    const [first, second, third] = collector.listeners
    const wanted = [
      { ...first, receiveBufferOctets: 65_536 },
      { ...third, port: 2056 },
      { ...second, name: 'new', port: 4741 }
    ]
    const change = { collector: { ...collector, listeners: wanted }, destinations: [more] }
    const plan = await pod.call('POST', '/v1/config/plan', { ...document, ...change })
    assert.deepEqual(
      plan.body.steps.map(({ action, what, id, stays }) => [action, what, id, stays.join(' ')]),
      [
        ['add', 'destination', 'more', ''],
        ['change', 'listener', 'ipfix-udp', 'socket sessions templates'],
        ['change', 'listener', 'netflow-udp', 'sessions templates'],
        ['add', 'listener', 'new', ''],
        ['remove', 'listener', 'ipfix-tcp', ''],
        ['remove', 'destination', 'out', '']
      ]
    )
    pod.collectorCalls.length = 0
    assert.equal((await put(change)).status, 200)
    assert.deepEqual(
      pod.collectorCalls.map(({ method }) => method),
      ['collector.prepareListeners', 'collector.setListeners']
    )
    for (const { params } of pod.collectorCalls) {
      const { listeners } = params as { listeners: { name: string }[] }
      assert.deepEqual(
        listeners.map(({ name }) => name),
        wanted.map(({ name }) => name)
      )
    }
  })

  test('a listener whose port is taken: nothing else is begun, and the answer names its key, why, and what to do', async () => {
    const { document } = await read()
    const { collector } = document as { collector: { listeners: object[] } }
    const taken = { ...collector.listeners[0], name: 'taken', port: TAKEN_PORT }
    const listeners = [...collector.listeners, taken]
    pod.mediatorCalls.length = 0
    const answer = await put({ collector: { ...collector, listeners }, destinations: [out, more] })
    assert.deepEqual([answer.status, answer.body.code], [409, 'LISTENER_REFUSED'])
    assert.match(answer.body.detail, /listener taken.*in use/)
    assert.deepEqual(answer.body.errors, [
      {
        path: 'collector.listeners[3].port',
        message: answer.body.detail.replace(/^.*?UDP/, 'UDP'),
        allowed: 'a port that is free'
      }
    ])
    assert.ok(!methods().includes('destinations.add'))
    assert.equal((await pod.kept()).number, 0)
  })

  test('bounds, plan and policies are taken live; what was told is told again as it was if a later process refuses', async () => {
    const { document } = await read()
    const { collector, mediator, coordinator } = document as {
      collector: { limits: object }
      mediator: { plan: object }
      coordinator: { limits: object }
    }
    const exporters = [
      { match: '192.0.2.0/24', scope: 'address', resumeTemplates: false, silentMs: null, skewMs: 7_200_000 }
    ]
    const change = {
      collector: { ...collector, exporters, limits: { ...collector.limits, pendingMs: 7_000 } },
      mediator: { ...mediator, plan: { ...mediator.plan, lineage: false } },
      coordinator: { ...coordinator, limits: { ...coordinator.limits, eventsKept: 1, connections: 5 } }
    }
    const told = <T>(method: string): T => pod.collectorCalls.findLast(call => call.method === method)?.params as T
    pod.refused.add('mediator.setDefaults')
    assert.equal((await put(change)).status, 502)
    pod.refused.clear()
    assert.deepEqual(told('collector.setExporters'), { exporters: [] })
    assert.equal(told<{ limits: { pendingMs: number } }>('collector.setLimits').limits.pendingMs, 30_000)
    assert.equal((await put(change)).status, 200)
    assert.deepEqual(told('collector.setExporters'), { exporters })
    assert.equal((pod.levels.at(-1) as { plan: { lineage: boolean } }).plan.lineage, false)
    for (let count = 0; count < 3; count++) await pod.tell('store_up', {})
    assert.equal((await pod.call('GET', '/v1/events/recent')).body.items.length, 1)
  })

  test('is checked without being changed', async () => {
    const { document } = await read()
    assert.equal((await pod.call('POST', '/v1/config/validate', { destinations: [more] })).status, 200)
    const wrong = await pod.call('POST', '/v1/config/validate', {
      ...document,
      destinations: [{ ...out, url: 'x' }],
      colour: 1
    })
    assert.equal(wrong.status, 422)
    assert.deepEqual(wrong.body.errors.map(({ path }) => path).toSorted(), ['colour', 'destinations[0].url'])
    for (const body of [[], 'null', '"x"', '7']) {
      assert.equal((await pod.call('POST', '/v1/config/validate', body)).status, 422, String(body))
    }
    assert.equal((await pod.kept()).number, 0)
  })

  test('a step that is not taken takes those before it back, and the former document holds', async () => {
    pod.refused.add('destinations.remove')
    const { status, body } = await put({ destinations: [more] })
    assert.equal(status, 502)
    assert.match(body.detail, /there is no room/)
    pod.refused.clear()
    // Its removal was refused: with the removal allowed again it can be seen that nothing else is left.
    assert.ok(pod.held.has('out'))
    assert.equal((await pod.kept()).number, 0)
    assert.deepEqual((await read()).document.destinations, (await pod.kept()).document.destinations)
    assert.equal((await put({ destinations: [out, more] })).status, 200)
    assert.deepEqual([...pod.held.keys()].toSorted(), ['more', 'out'])
  })

  test('what was changed is taken back if a later change is refused', async () => {
    await put({ destinations: [out, more] })
    pod.refused.add('destinations.add')
    const third = { ...more, id: 'third', target: 'tcp://127.0.0.1:4761' }
    const overrides = { '192.0.2.1': { scope: 'address' } }
    const exporterOverrides = [{ address: '192.0.2.1', scope: 'address' }]
    const { document } = await read()
    const { collector } = document as { collector: object }
    const answer = await put({ collector: { ...collector, exporterOverrides }, destinations: [out, more, third] })
    assert.equal(answer.status, 502)
    const told = pod.collectorCalls
      .filter(({ method }) => method === 'exporters.setPolicies')
      .map(({ params }) => params)
    const taken = told.findIndex(params => isDeepStrictEqual(params, { policies: overrides }))
    assert.ok(taken >= 0)
    const after = told.slice(taken + 1)
    assert.ok(after.length > 0)
    for (const params of after) assert.deepEqual(params, { policies: {} })
    assert.equal((await pod.kept()).number, 1)
  })

  test('a page of revisions that begins behind every number is refused, and is no defect', async () => {
    for (const offset of ['1e300', '9223372036854775808']) {
      assert.equal((await pod.call('GET', `/v1/config/revisions?offset=${offset}`)).status, 400)
    }
    assert.equal((await pod.call('GET', `/v1/config/revisions?offset=${Number.MAX_SAFE_INTEGER}`)).status, 200)
  })

  test('every revision is listed and compared, and one of them put in force again', async () => {
    await put({ destinations: [out, more] })
    await pod.call('DELETE', '/v1/destinations/out')
    const list = await pod.call('GET', '/v1/config/revisions?limit=2')
    assert.equal(list.body.total, 3)
    assert.deepEqual(
      list.body.items.map(item => {
        const { number, author, reason } = item as unknown as { number: number; author: string; reason: string }
        return [number, author, reason]
      }),
      [
        [2, 'api', 'destination out was removed'],
        [1, 'ann', 'a test']
      ]
    )
    const diff = await pod.call('GET', '/v1/config/revisions/0/diff?to=1')
    assert.deepEqual(
      diff.body.differences.map(({ path, action }) => [path, action]),
      [['destinations[id=more]', 'add']]
    )
    assert.equal((await pod.call('GET', '/v1/config/revisions/0/diff')).body.differences.length, 2)
    assert.equal((await pod.call('GET', '/v1/config/revisions/1')).headers.get('etag')!.slice(0, 3), '"1-')
    for (const path of ['/9', '/9/diff', '/0/diff?to=9']) {
      assert.equal((await pod.call('GET', `/v1/config/revisions${path}`)).status, 404, path)
    }
    const back = await pod.call('POST', '/v1/config/rollback', { to: 0, reason: 'more is wrong' })
    assert.deepEqual([back.status, back.body.number], [200, 3])
    assert.deepEqual([...pod.held.keys()], ['out'])
    assert.equal((await pod.kept()).reason, 'back to revision 0: more is wrong')
    assert.equal((await pod.call('POST', '/v1/config/rollback', { to: 77 })).status, 404)
    assert.equal((await pod.call('POST', '/v1/config/rollback', { to: 1 }, { 'if-match': '"1-x"' })).status, 412)
  })

  test('what is said of a change is bounded', async () => {
    const { document, etag } = await read()
    for (const query of ['author=a&author=b', `author=${'a'.repeat(129)}`, `reason=${'a'.repeat(1_025)}`]) {
      const { status } = await pod.call('PUT', `/v1/config?${query}`, document, { 'if-match': etag })
      assert.equal(status, 400, query)
    }
  })
})

test('a file of revisions that is damaged ends the start with a sentence of what to do', async () => {
  await assert.rejects(
    startPod({ prepare: stateDir => writeFileSync(`${stateDir}/revisions.db`, 'no database '.repeat(500)) }),
    { code: 'REVISIONS', exitCode: 69 }
  )
})
