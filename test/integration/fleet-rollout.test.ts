import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { makeFleet } from '../support/fleet.ts'
import type { FleetPod } from '../support/fleet.ts'
import { freePort } from '../support/free-port.ts'
import { startReceiver } from '../support/ground-truth.ts'
import { RedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const skip = absent('redis-server', 'redis-cli')

interface Config {
  readonly isConverged: boolean
  readonly isPartial: boolean
  readonly revision: { readonly number: number }
  readonly document: { readonly destinations: readonly { readonly id: string }[] }
  readonly items: readonly {
    readonly pod: string
    readonly status: { readonly revision: { readonly number: number } }
  }[]
}
interface Rollout {
  readonly id: string
  readonly state: string
  readonly detail: string | null
  readonly revision: number | null
  readonly pods: readonly { readonly pod: string; readonly state: string }[]
}

const idsOf = async (pod: FleetPod): Promise<string[]> => {
  const { items } = await pod.weir.api.get<{ items: { id: string; status: string }[] }>('/v1/destinations')
  return items.filter(({ status }) => status !== 'absent').map(({ id }) => id)
}

test(
  'three fronts, three pods: a change by any, a roll-out that passes its gates, and one that fails',
  { skip },
  async t => {
    const redis = await RedisServer.start()
    const receiver = await startReceiver('tcp')
    const steady = { id: 'steady', type: 'ipfix', url: receiver.url }
    const lines = { id: 'lines', type: 'json', target: 'file:lines.json' }
    const pods = await makeFleet(3, redis, { destinations: [steady], hasFronts: true })
    await Promise.all(pods.map(pod => pod.start()))
    const [one, two, three] = pods as [FleetPod, FleetPod, FleetPod]
    for (const pod of pods) await pod.weir.child.waitForText('Weir is ready')
    const read = (pod: FleetPod): Promise<Config> => pod.front.ask<Config>('GET', '/api/v1/config')
    const state = (pod: FleetPod, id: string): Promise<Rollout> =>
      pod.front.ask<Rollout>('GET', `/api/v1/config/rollouts/${id}`)
    await until('all are ready and of one mind', async () => {
      const { ready } = await one.front.ask<{ ready: number }>('GET', '/api/v1/fleet')
      return ready === 3 && (await read(one)).isConverged
    })

    // What is a key at one is one at all, until it is revoked at any.
    const made = await one.front.ask<{ id: string; token: string }>('POST', '/api/v1/keys', {
      name: 'x',
      role: 'reader'
    })
    const opens = async (pod: FleetPod): Promise<boolean> => {
      const headers = { authorization: `Bearer ${made.token}` }
      return (await pod.front.call('GET', '/api/v1/fleet', undefined, headers)).status === 200
    }
    await until('it opens at all', async () => (await Promise.all(pods.map(opens))).every(Boolean), 1_000)
    await two.front.call('DELETE', `/api/v1/keys/${made.id}`)
    await until('it opens at none', async () => !(await Promise.all(pods.map(opens))).some(Boolean), 1_000)

    // A change by each front; what one front has read, another one's change makes old.
    for (const [index, pod] of pods.entries()) {
      const answer = await pod.front.call<Config>('GET', '/api/v1/config')
      const etag = { 'if-match': answer.headers.get('etag')! }
      const { document } = answer.body
      const wanted = { ...document, destinations: [steady, { ...lines, target: `file:lines-${index}.json` }] }
      const plan = await pod.front.ask<{ isApplicable: boolean; items: object[] }>(
        'POST',
        '/api/v1/config/plan',
        wanted
      )
      assert.deepEqual([plan.isApplicable, plan.items.length], [true, 3])
      const changed = await pod.front.ask<{ number: number }>('PUT', '/api/v1/config?reason=a+test', wanted, etag)
      assert.equal(changed.number, index + 1)
      const madeMs = performance.now()
      await until(
        'all have it',
        async () => (await Promise.all(pods.map(each => each.isAt(index + 1)))).every(Boolean),
        2_000
      )
      t.diagnostic(`converged after ${Math.round(performance.now() - madeMs)} ms`)
      const late = await pods[(index + 1) % 3]!.front.call<{ code: string }>('PATCH', '/api/v1/config', {}, etag)
      assert.deepEqual([late.status, late.body.code], [412, 'CHANGED_MEANWHILE'])
    }
    const wrong = await two.front.call<{ errors: { path: string }[] }>(
      'PATCH',
      '/api/v1/config',
      { colour: 1 },
      { 'if-match': '*' }
    )
    assert.deepEqual([wrong.status, wrong.body.errors[0]!.path], [422, 'colour'])

    // Pod by pod; the front that began it is killed on the way, and another one goes on.
    const gates = { soakMs: 300, graceMs: 1_000, applyMs: 5_000 }
    const begun = await three.front.ask<Rollout>('POST', '/api/v1/config/rollouts', {
      patch: { destinations: [steady] },
      gates,
      first: [`127.0.0.1:${two.apiPort}`]
    })
    assert.equal(begun.pods[0]!.pod, `127.0.0.1:${two.apiPort}`)
    await until('the first has it', async () => (await idsOf(two)).length === 1)
    assert.deepEqual(await idsOf(one), ['steady', 'lines'])
    const driver = three.weir.signal('front', 'SIGKILL')
    const refused = await one.front.call<{ code: string }>('PATCH', '/api/v1/config', {}, { 'if-match': '*' })
    assert.deepEqual([refused.status, refused.body.code], [409, 'ROLLOUT_RUNNING'])
    const done = await until(
      'it is through',
      async () => {
        const now = await state(one, begun.id)
        assert.ok(now.state !== 'failed', now.detail ?? '')
        return now.state === 'done' ? now : undefined
      },
      20_000
    )
    assert.deepEqual([done.revision, done.pods.map(each => each.state)], [4, ['passed', 'passed', 'passed']])
    for (const pod of pods) assert.deepEqual(await idsOf(pod), ['steady'])
    assert.ok(driver > 0)

    // The second destination is nobody's: the gate fails at the first pod, and the others never see it.
    const nobody = { id: 'nobody', type: 'ipfix', url: `tcp://127.0.0.1:${await freePort()}` }
    const bad = await one.front.ask<Rollout>('POST', '/api/v1/config/rollouts', {
      patch: { destinations: [steady, nobody] },
      gates
    })
    const failed = await until('it fails', async () => {
      const now = await state(two, bad.id)
      return now.state === 'running' ? undefined : now
    })
    assert.equal(failed.state, 'failed')
    assert.match(failed.detail!, /destination nobody is (connecting|waiting)/)
    assert.deepEqual(
      failed.pods.map(each => each.state),
      ['failed', 'waiting', 'waiting']
    )
    await until(
      'all have what was before',
      async () => (await Promise.all(pods.map(pod => pod.isAt(4)))).every(Boolean),
      2_000
    )
    for (const pod of pods) assert.deepEqual(await idsOf(pod), ['steady'])

    // Cancelled by another front than the one that drives it.
    const { id } = await one.front.ask<Rollout>('POST', '/api/v1/config/rollouts', {
      revision: 3,
      gates: { ...gates, soakMs: 60_000 }
    })
    await until('the first has it', async () => (await idsOf(one)).length === 2)
    assert.equal((await two.front.ask<Rollout>('POST', `/api/v1/config/rollouts/${id}/cancel`)).state, 'cancelled')
    await until('it has what was before', async () => (await one.isAt(4)) && (await idsOf(one)).length === 1, 2_000)

    // One coordinator is gone: the fleet says so, and the rest answers.
    await three.weir.killPod()
    const fleet = await one.front.ask<{ items: { pod: string; state: string }[] }>('GET', '/api/v1/fleet')
    assert.equal(fleet.items.find(({ pod }) => pod.endsWith(`:${three.apiPort}`))!.state, 'away')
    const rest = await read(two)
    assert.deepEqual([rest.isPartial, rest.items.length, rest.revision.number], [true, 2, 4])
    const away = await one.front.call<{ code: string }>('POST', '/api/v1/config/rollouts', { revision: 3 })
    assert.deepEqual([away.status, away.body.code], [409, 'PODS_AWAY'])
    await one.front.ask('POST', '/api/v1/config/rollback', { to: 3 })
    await three.start()
    await until('it has caught up', async () => (await three.isAt(5)) && (await idsOf(three)).length === 2)
    for (const pod of pods) assert.equal((await pod.weir.stop()).code, 0, pod.weir.child.said)
  }
)
