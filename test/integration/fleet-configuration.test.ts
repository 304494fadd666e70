import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { makeFleet } from '../support/fleet.ts'
import type { FleetPod } from '../support/fleet.ts'
import { startReceiver } from '../support/ground-truth.ts'
import { RedisServer } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const skip = absent('redis-server', 'redis-cli')

const change = async (pod: FleetPod, body: object): Promise<number> => {
  const answer = await pod.weir.api.call<{ number: number }>('PATCH', '/v1/config', body, { 'if-match': '*' })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body.number
}

const destinationsOf = async (pod: FleetPod): Promise<string[]> => {
  const { items } = await pod.weir.api.get<{ items: { id: string; status: string }[] }>('/v1/destinations')
  return items.filter(({ status }) => status !== 'absent').map(({ id }) => id)
}

test(
  'three pods, one store: a change converges within 2 s, who was away catches up, the store may be away',
  { skip },
  async () => {
    const redis = await RedisServer.start()
    const receiver = await startReceiver('tcp')
    const steady = { id: 'steady', type: 'ipfix', url: receiver.url }
    const pods = await makeFleet(3, redis, { destinations: [steady] })
    await Promise.all(pods.map(pod => pod.start()))
    const [one, two, three] = pods as [FleetPod, FleetPod, FleetPod]
    const atAll = (which: readonly FleetPod[], number: number): Promise<unknown> =>
      until(
        `all have revision ${number}`,
        async () => (await Promise.all(which.map(pod => pod.isAt(number)))).every(Boolean),
        2_000
      )
    await until('all have the first', async () => (await Promise.all(pods.map(pod => pod.isAt(0)))).every(Boolean))

    const lines = { id: 'lines', type: 'json', target: 'file:lines.json' }
    const sessions = async (pod: FleetPod): Promise<number> =>
      (await pod.weir.api.get<{ sessions: number }>('/v1/destinations/steady')).sessions
    const before = await Promise.all(pods.map(sessions))
    await atAll(pods, await change(two, { destinations: [steady, lines] }))
    for (const pod of pods) assert.deepEqual(await destinationsOf(pod), ['steady', 'lines'])
    assert.deepEqual(await Promise.all(pods.map(sessions)), before, 'what did not change has not connected again')

    // A pod that was away takes what it has missed, in all its processes.
    await three.weir.killPod()
    await atAll([one, two], await change(one, { destinations: [steady], log: { level: 'warn' } }))
    await three.start()
    await until('it has caught up', async () => (await three.isAt(2)) && (await destinationsOf(three)).length === 1)
    assert.equal((await three.weir.api.get<{ log: { level: string } }>('/v1/config')).log.level, 'warn')

    // So does a coordinator alone, whose processes went on.
    const old = two.weir.signal('coordinator', 'SIGSTOP')
    await atAll([one, three], await change(one, { destinations: [steady, lines] }))
    process.kill(old, 'SIGKILL')
    await until('it has caught up', () => two.isAt(3))
    await until('its mediator has it', async () => (await destinationsOf(two)).length === 2)

    // Without the store: no change, and a start with what was last in force.
    await redis.kill()
    await until('it is seen', async () => (await one.standing()).store === 'away')
    const refused = await one.weir.api.call<{ code: string }>('PATCH', '/v1/config', {}, { 'if-match': '*' })
    assert.deepEqual([refused.status, refused.body.code], [503, 'STORE_AWAY'])
    await three.weir.killPod()
    await three.start()
    assert.deepEqual([(await three.standing()).store, (await three.standing()).revision.number], ['away', 3])
    assert.deepEqual(await destinationsOf(three), ['steady', 'lines'])

    // It comes back with nothing, is given the newest again, and all goes on.
    await redis.start()
    await until('it is seen', async () => (await Promise.all(pods.map(pod => pod.isAt(3)))).every(Boolean))
    await atAll(pods, await change(three, { destinations: [steady] }))
    for (const pod of pods) assert.equal((await pod.weir.stop()).code, 0, pod.weir.child.said)
  }
)
