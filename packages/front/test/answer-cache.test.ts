import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { startFront, startPod } from './support/front-fixture.ts'
import type { FrontFixture } from './support/front-fixture.ts'
import { until } from '../../../test/support/until.ts'

const cache = { freshMs: 1_000, staleMs: 3_000 }

/** A pod that counts what it is asked, and waits with its answers when it is told to. */
async function countingFront(t: TestContext, limits: object = {}) {
  const pod = { asked: [] as string[], reasons: [] as string[], release: () => {}, isHeld: false }
  const url = await startPod(t, (path, _request, response) => {
    pod.asked.push(path.pathname + path.search)
    const body = JSON.stringify({ reasons: pod.reasons, items: [], total: 0, next: null })
    response.setHeader('content-type', 'application/json')
    if (!pod.isHeld) return void response.end(body)
    pod.release = () => void response.end(body)
    return undefined
  })
  const front = await startFront(t, { pods: [url], cache, limits: { requestsPerSec: 10_000, ...limits } })
  return { pod, front }
}

const reasonsOf = async (front: FrontFixture): Promise<unknown> =>
  (await front.call('GET', '/api/v1/fleet', front.adminKey)).body.items![0]!.reasons

test('a pod is asked for the same thing once while the answer is fresh, however many want it at once', async t => {
  const { pod, front } = await countingFront(t)
  const path = '/api/v1/exporters?limit=5&sort=id'
  const answers = await Promise.all(Array.from({ length: 50 }, () => front.call('GET', path, front.adminKey)))
  assert.equal(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1)
  await front.call('GET', '/api/v1/exporters?sort=id&limit=5', front.adminKey)
  assert.equal(pod.asked.length, 1)
  await front.call('GET', '/api/v1/exporters?limit=6&sort=id', front.adminKey)
  await front.call('GET', '/api/v1/templates?limit=5', front.adminKey)
  assert.equal(pod.asked.length, 3)
})

test('an answer says how old it is; a stale one is given while another is asked for, an older one is not', async t => {
  const { pod, front } = await countingFront(t)
  const age = async () => {
    const { headers, body } = await front.call('GET', '/api/v1/fleet', front.adminKey)
    return [headers.get('age'), body.takenAtMs]
  }
  const startMs = front.clock.nowMs()
  assert.deepEqual(await age(), ['0', startMs])
  pod.reasons = ['the collector is away']
  front.clock.advance(999)
  assert.deepEqual(await age(), ['0', startMs])
  pod.isHeld = true
  front.clock.advance(1_501)
  assert.deepEqual(await age(), ['2', startMs], 'nobody waits for the pod')
  assert.deepEqual(await reasonsOf(front), [])
  await until('the pod was asked again', () => pod.asked.length === 2)
  pod.isHeld = false
  pod.release()
  await until('the new answer is there', async () => JSON.stringify(await reasonsOf(front)).includes('away'))
  assert.equal(pod.asked.length, 2)
  pod.reasons = []
  front.clock.advance(3_000)
  assert.deepEqual(await age(), ['0', front.clock.nowMs()])
  assert.deepEqual(await reasonsOf(front), [])
})

test('who has the answer already is told so in a word: 304', async t => {
  const { pod, front } = await countingFront(t)
  const asked = (etag: string) =>
    front.call('GET', '/api/v1/ledger', front.adminKey, undefined, { 'if-none-match': etag })
  assert.equal((await asked('*')).status, 503, 'a ledger is not what the pod answers')
  const fleet = async (etag: string) => {
    const headers = { 'if-none-match': etag }
    return (await front.call('GET', '/api/v1/fleet', front.adminKey, undefined, headers)).status
  }
  const first = await front.call('GET', '/api/v1/fleet', front.adminKey)
  const etag = first.headers.get('etag')!
  assert.match(etag, /^W\/"[\w-]{22}"$/)
  assert.equal(first.headers.get('cache-control'), 'private, no-cache')
  assert.deepEqual(
    [await fleet(etag), await fleet(etag.slice(2)), await fleet(`"x", ${etag}`), await fleet('"x"')],
    [304, 304, 304, 200]
  )
  // Asked for anew and the same but for the time: the client need not read it again.
  front.clock.advance(10_000)
  assert.equal(await fleet(etag), 304)
  pod.reasons = ['something']
  front.clock.advance(10_000)
  assert.equal(await fleet(etag), 200)
})

test('that no pod answers is kept too, no longer than an answer is fresh', async t => {
  let isAway = true
  let asked = 0
  const pod = await startPod(t, () => {
    asked++
    return isAway ? { status: 500 } : { items: [], total: 0, next: null }
  })
  const front = await startFront(t, { pods: [pod], cache })
  const status = async () => (await front.call('GET', '/api/v1/exporters', front.adminKey)).status
  assert.deepEqual([await status(), await status(), asked], [503, 503, 1])
  isAway = false
  assert.equal(await status(), 503)
  front.clock.advance(1_000)
  assert.deepEqual([await status(), asked], [200, 2])
})

test('what is kept is bounded, and those without a key are given nothing of it', async t => {
  const long = 'x'.repeat(400_000)
  const pod = await startPod(t, () => ({ reasons: [long] }))
  const template = await startPod(t, () => ({ items: [], total: 0, next: null, reasons: [long] }))
  const front = await startFront(t, {
    pods: [pod, template],
    cache,
    limits: { cacheOctets: 1_048_576, requestsPerSec: 10_000 }
  })
  assert.equal((await front.call('GET', '/api/v1/fleet', front.adminKey)).status, 200)
  assert.equal((await front.call('GET', '/api/v1/fleet')).status, 401)
  const octets = async (): Promise<number> => {
    const { text } = await front.call('GET', '/metrics', front.adminKey)
    return Number(/weir_front_cache_octets (\d+)/.exec(text)![1])
  }
  assert.ok((await octets()) > 800_000)
  for (let limit = 1; limit <= 300; limit++) {
    await front.call('GET', `/api/v1/exporters?limit=${limit}&exporter=${'y'.repeat(50)}`, front.adminKey)
    await front.call('GET', `/api/v1/templates?limit=${limit}&scope=${'y'.repeat(300)}`, front.adminKey)
  }
  assert.ok((await octets()) <= 1_048_576)
  const { text } = await front.call('GET', '/metrics', front.adminKey)
  assert.match(text, /weir_front_cached_answers_total\{use="asked"\} \d\d\d/)
})
