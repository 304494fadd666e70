import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { hashOf, openRevisions } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import { RedisRevisionStore } from '@weir/templates/redis'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisServer } from '../../../test/support/redis-server.ts'
import { until } from '../../../test/support/until.ts'
import { startPod } from './support/pod-fixture.ts'
import type { Answer, AnswerBody, PodFixture } from './support/pod-fixture.ts'

const skip = absent('redis-server', 'redis-cli')
const out = { id: 'out', type: 'ipfix', url: 'tcp://127.0.0.1:4750' }
const more = { id: 'more', type: 'json', target: 'tcp://127.0.0.1:4760' }
type Given = NonNullable<Parameters<typeof startPod>[0]>

function openStore(server: RedisServer): RedisRevisionStore<WeirConfig> {
  const options = { prefix: 'weir', hmacKey: Buffer.alloc(32, 1), hashOf, timeoutMs: 1_000, connectTimeoutMs: 1_000 }
  return new RedisRevisionStore<WeirConfig>({ ...options, mode: 'single', nodes: [server] })
}

/** Starts pods of one fleet, with stand-ins for their processes; each is stopped at the end, or before. */
function fleetOf(t: TestContext, server: RedisServer) {
  const running = new Set<PodFixture>()
  t.after(async () => {
    for (const pod of running) await pod.stop()
  })
  return {
    async start(given: Given = {}): Promise<PodFixture> {
      const pod = await startPod({ destinations: [out], fleetStore: openStore(server), ...given })
      running.add(pod)
      await pod.connect('collector', 'mediator')
      return pod
    },
    async stop(pod: PodFixture): Promise<void> {
      running.delete(pod)
      await pod.stop()
    }
  }
}

const stateFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-fleet-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const status = async (pod: PodFixture): Promise<AnswerBody> => (await pod.call('GET', '/v1/config/status')).body
const patch = (pod: PodFixture, change: object, etag = '*'): Promise<Answer> =>
  pod.call('PATCH', '/v1/config?author=ann', change, { 'if-match': etag })
const holds = (pod: PodFixture, ...ids: string[]): boolean =>
  [...pod.held.keys()].toSorted().join() === ids.toSorted().join()
/** The bound that is promised; a busy machine is given no more. */
const converged = (pod: PodFixture, ...ids: string[]): Promise<unknown> =>
  until(`the pod has ${ids.join(' and ')}`, async () => holds(pod, ...ids) && (await status(pod)).isConverged, 2_000)

describe('pods of a fleet', { skip }, () => {
  let server: RedisServer
  before(async () => {
    server = await RedisServer.start()
  })

  test('what is changed at one is in force at all, and the one who has read before that is told so', async t => {
    await server.command('flushall')
    const fleet = fleetOf(t, server)
    const [one, other] = [await fleet.start(), await fleet.start()]
    await Promise.all([converged(one, 'out'), converged(other, 'out')])
    const read = await other.call('GET', '/v1/config')
    assert.deepEqual(
      ['weir-revision', 'weir-store', 'weir-converged'].map(name => read.headers.get(name)),
      ['0', 'up', 'true']
    )
    const changed = await patch(one, { destinations: [out, more] }, read.headers.get('etag')!)
    assert.deepEqual([changed.status, changed.body.number], [200, 1], changed.body.detail)
    await converged(other, 'out', 'more')
    const now = await other.call('GET', '/v1/config')
    assert.deepEqual([now.headers.get('etag'), now.body.destinations.length], [changed.headers.get('etag'), 2])
    const late = await patch(other, { destinations: [] }, read.headers.get('etag')!)
    assert.deepEqual([late.status, late.body.code], [412, 'CHANGED_MEANWHILE'])
    // What is each pod's own is nobody else's, and what is not said of it stays.
    const own = await patch(one, { coordinator: { port: 7 } })
    assert.deepEqual([own.status, own.body.code, own.body.errors[0]!.path], [409, 'POD_KEY', 'coordinator.port'])
    const { destinations, log } = now.body as unknown as { destinations: object[]; log: object }
    const same = await other.call('PUT', '/v1/config', { destinations, log }, { 'if-match': '*' })
    assert.deepEqual([same.status, same.body.number], [200, 1], same.body.detail)
    // The single resource is the same document.
    assert.equal((await other.call('DELETE', '/v1/destinations/more')).status, 204)
    await converged(one, 'out')
    const { items } = (await one.call('GET', '/v1/config/revisions')).body as unknown as { items: { number: number }[] }
    assert.deepEqual(
      items.map(({ number }) => number),
      [2, 1, 0]
    )
    assert.equal((await one.call('POST', '/v1/config/rollback', { to: 1 })).status, 200)
    await converged(other, 'out', 'more')
    const events = (await other.call('GET', '/v1/events/recent?type=config_taken')).body.items.length
    assert.ok(events >= 3, `${events}`)
    const metrics = (await other.call('GET', '/metrics')).body.text
    assert.match(metrics, /^weir_coordinator_revision 3$/m)
    assert.match(metrics, /^weir_coordinator_revision_behind 0$/m)
  })

  test('of writers at two pods at once one gets 412, and all have what the other wanted', async t => {
    await server.command('flushall')
    const fleet = fleetOf(t, server)
    const pods = [await fleet.start(), await fleet.start()]
    for (let round = 0; round < 5; round++) {
      const { etag } = await until('both are as far', async () => {
        const [one, other] = await Promise.all(pods.map(status))
        return one!.etag === other!.etag && one!.isConverged && other!.isConverged ? one : undefined
      })
      const targets = [`tcp://127.0.0.1:${4760 + round}`, `tcp://127.0.0.1:${4860 + round}`]
      const answers = await Promise.all(
        pods.map((pod, index) => patch(pod, { destinations: [{ ...more, target: targets[index] }] }, etag))
      )
      assert.deepEqual(answers.map(each => each.status).toSorted(), [200, 412])
      const wanted = targets[answers.findIndex(each => each.status === 200)]
      await until(
        'both have it',
        () => pods.every(pod => (pod.held.get('more') as { target?: string } | undefined)?.target === wanted),
        2_000
      )
    }
  })

  test('a pod that cannot take a revision stays on the one it has, says why, and takes it when it can', async t => {
    await server.command('flushall')
    const fleet = fleetOf(t, server)
    const [one, other] = [await fleet.start(), await fleet.start()]
    await converged(other, 'out')
    other.refused.add('destinations.add')
    assert.equal((await patch(one, { destinations: [out, more] })).status, 200)
    const refused = await until('it says so', async () => {
      const now = await status(other)
      return now.isConverged ? undefined : now
    })
    assert.deepEqual([refused.code, refused.revision.number, refused.newest.number], ['DISK_FULL', 0, 1])
    assert.match(refused.reason!, /there is no room/)
    assert.equal((await other.call('GET', '/v1/config')).headers.get('weir-converged'), 'false')
    assert.equal((await other.call('GET', '/readyz')).status, 200)
    assert.equal((await other.call('GET', '/v1/events/recent?type=config_refused')).body.items.length, 1)
    const part = await patch(other, { log: { level: 'warn' } })
    assert.deepEqual([part.status, part.body.code], [409, 'NOT_CONVERGED'])
    other.refused.clear()
    await until('it has taken it', async () => holds(other, 'out', 'more') && (await status(other)).isConverged)
  })

  test('what only a restart changes holds at the pods that have been restarted; the others say what it waits for', async t => {
    await server.command('flushall')
    const fleet = fleetOf(t, server)
    const stateDir = stateFolder(t)
    const [old, first] = [await fleet.start(), await fleet.start({ stateDir })]
    await converged(first, 'out')
    await fleet.stop(first)
    const renewed = await fleet.start({ stateDir, config: { link: { batchAgeMs: 30 } } })
    await converged(renewed, 'out')
    const now = await until('the old one says so', async () => {
      const seen = await status(old)
      return seen.isConverged ? undefined : seen
    })
    assert.deepEqual([now.code, now.newest.number, now.newest.author], ['RESTART_NEEDED', 1, 'file'])
    // One that starts with the file of before does not take it back.
    const another = await fleet.start({ stateDir: stateFolder(t) })
    await until('it has read the store', async () => (await status(another)).newest.number === 1)
    assert.equal((await status(renewed)).newest.number, 1)
  })

  test('without the store all goes on, nothing is changed, and what it has lost is put back', async t => {
    await server.command('flushall')
    const fleet = fleetOf(t, server)
    const stateDir = stateFolder(t)
    const [one, other] = [await fleet.start(), await fleet.start({ stateDir })]
    await patch(one, { destinations: [out, more] })
    await converged(other, 'out', 'more')
    await server.kill()
    await until('it is seen', async () => (await status(other)).store === 'away')
    const refused = await patch(other, { destinations: [] })
    assert.deepEqual([refused.status, refused.body.code], [503, 'STORE_AWAY'])
    assert.equal((await other.call('GET', '/v1/config/revisions')).status, 503)
    assert.equal((await other.call('GET', '/readyz')).status, 200)
    assert.ok(holds(other, 'out', 'more'))
    assert.equal((await status(other)).isConverged, true)
    await fleet.stop(other)
    const kept = openRevisions(stateDir)
    assert.equal(kept.fleetRecord()!.revision.number, 1)
    await kept.close()
    await server.start()
    const next = await until('the newest is in the store again', async () => {
      const now = await status(one)
      return now.store === 'up' && now.newest.number === 1
    })
    assert.ok(next)
    const back = await fleet.start({ stateDir })
    await until('it takes what is there', async () => holds(back, 'out', 'more'))
    assert.equal((await patch(one, { destinations: [more] })).body.number, 2)
    await converged(back, 'more')
  })

  test('the document of a roll-out is in force where it has come to, and nowhere else; it is over wholly or not at all', async t => {
    await server.command('flushall')
    const fleet = fleetOf(t, server)
    const [one, other] = [await fleet.start(), await fleet.start()]
    await Promise.all([converged(one, 'out'), converged(other, 'out')])
    const driver = openStore(server)
    t.after(() => driver.close())
    await driver.start()
    const head = (await driver.head())!
    const document = { ...head.document, destinations: [more] } as unknown as WeirConfig
    const { pod } = await status(one)
    const rollout = { id: 'r1', version: 1, after: 0, document, pods: [pod], progress: null }
    await driver.changeRollout(0, { known: undefined, next: rollout })
    await until(
      'it has come to the first',
      async () => holds(one, 'more') && (await status(one)).rollout!.isHeld,
      2_000
    )
    assert.deepEqual((await status(other)).rollout, { id: 'r1', isHeld: false })
    assert.ok(holds(other, 'out'))
    const refused = await patch(other, { destinations: [] })
    assert.deepEqual([refused.status, refused.body.code], [409, 'ROLLOUT_RUNNING'])
    await driver.changeRollout(0, { known: rollout, ended: rollout })
    await converged(one, 'out')
    await driver.changeRollout(0, { known: undefined, next: rollout })
    await until('it has come again', () => holds(one, 'more'), 2_000)
    const { author, atMs, reason, baseHash } = head
    await driver.append({ author, atMs, reason, baseHash, document }, 0, { known: rollout, ended: rollout })
    await Promise.all([converged(one, 'more'), converged(other, 'more')])
    assert.equal((await status(one)).newest.number, 1)
  })
})
