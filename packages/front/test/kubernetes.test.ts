import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { absent } from '../../../test/support/debian-tools.ts'
import { until } from '../../../test/support/until.ts'
import { FakeKubernetes } from './support/fake-kubernetes.ts'
import { startFront } from './support/front-fixture.ts'

const skip = absent('openssl')

/** Pods on one port and several addresses of this machine. */
async function startPods(t: TestContext): Promise<number> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"reasons":[]}')
  })
  await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function frontIn(t: TestContext, kubernetes: FakeKubernetes, more: object = {}) {
  const port = await startPods(t)
  const { url: api, tokenFile, authority } = kubernetes
  const section = { api, tokenFile, caFile: authority.caFile, statefulSet: 'net/weir', timeoutMs: 1_000, ...more }
  const pods = [`k8s://net/weir-headless:${port}`]
  const limits = { requestsPerSec: 100_000, writesPerSec: 1_000 }
  const front = await startFront(t, { pods, limits, more: { kubernetes: section } })
  const fleet = async () => {
    const { body, status } = await front.call('GET', '/api/v1/fleet', front.adminKey)
    const items = (body.items ?? []) as unknown as { pod: string; state: string; reasons: string[] }[]
    return {
      status,
      items,
      addresses: items.filter(({ state }) => state === 'ready').map(({ pod }) => pod.split(':')[0])
    }
  }
  const untilAddresses = (...expected: string[]): Promise<unknown> =>
    until(`the pods are ${expected.join(' ')}`, async () => {
      front.clock.advance(100)
      return (await fleet()).addresses.join(' ') === expected.join(' ')
    })
  return { front, port, fleet, untilAddresses }
}

test('the pods are the endpoints of the service, and come and go with them', { skip }, async t => {
  const kubernetes = await new FakeKubernetes().start(t)
  kubernetes.page = 1
  kubernetes.setSlice('a', [{ address: '127.0.0.3' }, { address: '127.0.0.2', conditions: { ready: false } }])
  kubernetes.setSlice('b', [{ address: '127.0.0.2' }])
  const { fleet, untilAddresses } = await frontIn(t, kubernetes)
  assert.deepEqual((await fleet()).addresses, ['127.0.0.2', '127.0.0.3'], 'two pages of one slice each')
  await until('it watches', () => kubernetes.watches === 1)
  kubernetes.setSlice('b', [{ address: '127.0.0.4' }])
  await untilAddresses('127.0.0.2', '127.0.0.3', '127.0.0.4')
  kubernetes.setSlice('c', [
    { address: '127.0.0.5', conditions: { serving: false, terminating: true } },
    { address: '127.0.0.6', conditions: { serving: true, terminating: true } }
  ])
  await untilAddresses('127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.6')
  kubernetes.deleteSlice('a')
  await untilAddresses('127.0.0.4', '127.0.0.6')
})

test(
  'a watch that ends goes on from where it was; one that is too old begins with the list again',
  { skip },
  async t => {
    const kubernetes = await new FakeKubernetes().start(t)
    kubernetes.setSlice('a', [{ address: '127.0.0.2' }])
    const { front, untilAddresses } = await frontIn(t, kubernetes)
    const untilWatched = (): Promise<unknown> =>
      until('it watches', () => {
        front.clock.advance(100)
        return kubernetes.watches === 1
      })
    await untilAddresses('127.0.0.2')
    const lists = (): number => kubernetes.asked.filter(each => !each.includes('watch=1')).length
    await until('it watches', () => kubernetes.watches === 1)
    kubernetes.bookmark()
    kubernetes.endWatches()
    kubernetes.setSlice('b', [{ address: '127.0.0.3' }])
    await untilAddresses('127.0.0.2', '127.0.0.3')
    assert.equal(lists(), 1)
    await untilWatched()
    kubernetes.endWatches(true)
    kubernetes.deleteSlice('a')
    await untilAddresses('127.0.0.3')
    assert.equal(lists(), 2)
    await untilWatched()
    kubernetes.breakWatches()
    kubernetes.setSlice('b', [{ address: '127.0.0.9' }])
    await untilAddresses('127.0.0.9')
    for (const line of ['no JSON', '[]', '{"type":"ERROR","object":{"code":500}}']) {
      await untilWatched()
      kubernetes.say(line)
      await until('that watch is given up', () => kubernetes.watches === 0)
    }
    await untilWatched()
    assert.equal(lists(), 2)
  }
)

test(
  'while the API server is away the pods are those known last, and it is said; a new token is read',
  { skip },
  async t => {
    const kubernetes = await new FakeKubernetes().start(t)
    kubernetes.setSlice('a', [{ address: '127.0.0.2' }])
    const { front, fleet, untilAddresses } = await frontIn(t, kubernetes)
    await untilAddresses('127.0.0.2')
    await until('it watches', () => kubernetes.watches === 1)
    kubernetes.refusal = { status: 500, message: 'etcd is away' }
    kubernetes.endWatches()
    await until('it is said', async () => {
      front.clock.advance(500)
      const { items } = await fleet()
      return items.some(({ pod, state }) => pod.startsWith('k8s://net/weir-headless:') && state === 'away')
    })
    const { items, addresses } = await fleet()
    assert.deepEqual(addresses, ['127.0.0.2'])
    assert.match(items.find(({ state }) => state === 'away')!.reasons[0]!, /answered 500/)
    const asked = kubernetes.asked.length
    for (let seconds = 0; seconds < 60; seconds++) {
      front.clock.advance(1_000)
      await fleet()
    }
    assert.ok(kubernetes.asked.length - asked < 12, 'it waits longer and longer')
    kubernetes.refusal = undefined
    kubernetes.exchangeToken('second')
    kubernetes.setSlice('a', [{ address: '127.0.0.7' }])
    await until('it is back', async () => {
      front.clock.advance(5_000)
      const { items: now } = await fleet()
      return now.length === 1 && now[0]!.pod.startsWith('127.0.0.7:')
    })
  }
)

test('what the service account may not, and what is not there, is said', { skip }, async t => {
  const kubernetes = await new FakeKubernetes().start(t)
  kubernetes.refusal = { status: 403, message: 'cannot list resource "endpointslices"' }
  const forbidden = await (await frontIn(t, kubernetes)).fleet()
  assert.match(forbidden.items[0]!.reasons[0]!, /list and watch endpointslices: cannot list resource/)
  const outside = await (await frontIn(t, kubernetes, { tokenFile: '/nowhere/token' })).fleet()
  assert.match(outside.items[0]!.reasons[0]!, /no service account/)
  const stranger = new FakeKubernetes().authority
  const untrusted = await (await frontIn(t, kubernetes, { caFile: stranger.caFile })).fleet()
  assert.match(untrusted.items[0]!.reasons[0]!, /does not answer: .*certificate/)
})

test(
  'an admin reads and sets how many pods there are to be, and of two who set it at once one is told',
  { skip },
  async t => {
    const kubernetes = await new FakeKubernetes().start(t)
    const { front } = await frontIn(t, kubernetes)
    const { call, adminKey, keyOf } = front
    const read = await call('GET', '/api/v1/scale', adminKey)
    assert.deepEqual([read.status, read.body], [200, { statefulSet: 'net/weir', replicas: 3, current: 3 }])
    const set = (replicas: unknown, headers: Record<string, string> = {}, key = adminKey) =>
      call('PUT', '/api/v1/scale', key, { replicas }, headers)
    assert.equal((await set(5, { 'if-match': read.headers.get('etag')! })).body.replicas, 5)
    assert.equal(kubernetes.replicas, 5)
    const late = await set(7, { 'if-match': read.headers.get('etag')! })
    assert.deepEqual([late.status, late.body.code, kubernetes.replicas], [412, 'SCALE_CHANGED', 5])
    const both = await Promise.all([set(8), set(9)])
    assert.ok(both.some(({ status }) => status === 200))
    assert.ok(both.every(({ status }) => status === 200 || status === 412))
    for (const replicas of [-1, 1.5, 100_000, 'x', null])
      assert.equal((await set(replicas)).status, 400, String(replicas))
    assert.equal((await set(1, {}, await keyOf('operator'))).status, 403)
    assert.equal((await call('GET', '/api/v1/scale', await keyOf('operator'))).status, 403)
  }
)

test('where it cannot be scaled the answer says what is missing', { skip }, async t => {
  const kubernetes = await new FakeKubernetes().start(t)
  const scale = async (more: object) => {
    const { front } = await frontIn(t, kubernetes, more)
    const { status, body } = await front.call('PUT', '/api/v1/scale', front.adminKey, { replicas: 2 })
    return [status, body.code, String(body.detail)] as const
  }
  const unnamed = await scale({ statefulSet: null })
  assert.deepEqual(unnamed.slice(0, 2), [501, 'SCALE_NOT_CONFIGURED'])
  assert.match(unnamed[2], /front\.kubernetes\.statefulSet/)
  const outside = await scale({ tokenFile: '/nowhere/token' })
  assert.deepEqual(outside.slice(0, 2), [501, 'NO_KUBERNETES'])
  const unknown = await scale({ statefulSet: 'net/other' })
  assert.deepEqual(unknown.slice(0, 2), [404, 'NO_STATEFUL_SET'])
  kubernetes.refusal = { status: 403, message: 'cannot update resource "statefulsets/scale"' }
  const forbidden = await scale({})
  assert.deepEqual(forbidden.slice(0, 2), [403, 'KUBERNETES_FORBIDS'])
  assert.match(forbidden[2], /cannot update.*get and update of statefulsets\/scale for net\/weir/)
  kubernetes.refusal = { status: 500, message: 'x'.repeat(10_000) }
  const broken = await scale({})
  assert.deepEqual(broken.slice(0, 2), [503, 'KUBERNETES_AWAY'])
  assert.ok(broken[2].length < 500)
  rmSync(kubernetes.tokenFile)
  assert.equal((await scale({}))[0], 501)
})
