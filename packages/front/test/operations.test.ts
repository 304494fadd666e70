import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startFront, startPod } from './support/front-fixture.ts'
import type { PodAnswers } from './support/front-fixture.ts'

const listener = (name: string) => ({
  name,
  transport: 'udp',
  state: 'serving',
  address: '::',
  port: 4739,
  datagrams: 7
})

/** A pod with listeners of these names, ordered and cut as a coordinator does; keeps what it was asked to do. */
const podWith =
  (names: readonly string[], asked: string[]): PodAnswers =>
  (url, request) => {
    if (request.method === 'GET') {
      const limit = Number(url.searchParams.get('limit'))
      const items = names.toSorted().map(listener)
      return { items: items.slice(0, limit), total: names.length, offset: 0, limit }
    }
    asked.push(`${url.pathname}${url.search}`)
    const [, , , name = '', verb] = url.pathname.split('/')
    if (name === 'busy') return { status: 409, code: 'LISTENER_REFUSED', detail: 'Its port was taken.' }
    if (name === 'shut') return { status: 401, code: 'TOKEN_WRONG', detail: 'Not with this token.' }
    if (verb === 'flush') return { id: name, isDone: true, records: 0, hasRotated: false, tookMs: 1 }
    return listener(name)
  }

test('the listeners of all pods are one list, each once, page by page', async t => {
  const pods = [await startPod(t, podWith(['b', 'd', 'e'], [])), await startPod(t, podWith(['a', 'c'], []))]
  const { call, keyOf } = await startFront(t, { pods })
  const key = await keyOf('reader')
  const seen: unknown[] = []
  for (let cursor = ''; ;) {
    const { status, body } = await call('GET', `/api/v1/listeners?limit=2${cursor}`, key)
    assert.equal(status, 200)
    seen.push(...body.items!.map(({ name, datagrams }) => [name, datagrams]))
    if (body.next === null) break
    cursor = `&cursor=${String(body.next)}`
  }
  assert.deepEqual(
    seen,
    ['a', 'b', 'c', 'd', 'e'].map(name => [name, 7])
  )
})

test('an operator does something with one pod, by its name; a reader does not', async t => {
  const asked: string[][] = [[], []]
  const pods = await Promise.all(asked.map(its => startPod(t, podWith([], its))))
  const away = 'http://127.0.0.1:19999'
  const { call, keyOf } = await startFront(t, { pods: [...pods, away] })
  const key = await keyOf('operator')
  const of = (url: string): string => `/api/v1/pods/${encodeURIComponent(new URL(url).host)}`
  const second = of(pods[1]!)
  const paused = await call('POST', `${second}/listeners/a%2Fb/pause`, key)
  assert.deepEqual([paused.status, paused.body.state], [200, 'serving'])
  assert.equal((await call('POST', `${second}/destinations/out/flush?timeoutMs=7`, key)).body.isDone, true)
  assert.deepEqual(asked, [[], ['/v1/listeners/a%2Fb/pause', '/v1/destinations/out/flush?timeoutMs=7']])

  const answers: [string, number, string][] = [
    [`${second}/listeners/busy/resume`, 409, 'LISTENER_REFUSED'],
    // That the front may not ask the pod is no answer to who asks the front.
    [`${second}/listeners/shut/resume`, 503, 'POD_AWAY'],
    [`${of(away)}/listeners/a/pause`, 503, 'POD_AWAY'],
    ['/api/v1/pods/nobody/listeners/a/pause', 404, 'NOT_FOUND'],
    // What it answers is no view of a destination.
    [`${second}/destinations/out/pause`, 503, 'POD_AWAY'],
    [`${second}/destinations/out/flush?timeoutMs=0`, 400, 'REQUEST_INVALID']
  ]
  for (const [path, status, code] of answers) {
    const { status: got, body } = await call('POST', path, key)
    assert.deepEqual([got, body.code], [status, code], path)
  }
  assert.equal((await call('POST', `${second}/listeners/a/pause`, await keyOf('reader'))).status, 403)
})
