import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { hashOf } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisCluster, RedisSentinelGroup, RedisServer } from '../../../test/support/redis-server.ts'
import { describeRevisions, revisionOf } from '../../../test/support/revision-contract.ts'
import { until } from '../../../test/support/until.ts'
import { RedisRevisionStore, type RedisRevisionStoreOptions } from '../src/redis.ts'
import type { Rollout } from '../src/index.ts'

const skip = absent('redis-server', 'redis-sentinel', 'redis-cli')
const hmacKey = Buffer.alloc(32, 7)
type Store = RedisRevisionStore<WeirConfig>
type Given = Partial<RedisRevisionStoreOptions<WeirConfig>>
let prefixes = 0

function make(given: Given): Store {
  return new RedisRevisionStore<WeirConfig>({
    mode: 'single',
    nodes: [],
    prefix: 'weir',
    hmacKey,
    hashOf,
    tendMs: 200,
    timeoutMs: 5_000,
    connectTimeoutMs: 10_000,
    ...given
  })
}

async function started(t: TestContext, given: Given): Promise<Store> {
  const store = make(given)
  t.after(() => store.close())
  await store.start()
  return store
}

function describeRedis(name: string, start: () => Promise<Given>): void {
  describe(name, { skip }, () => {
    let server: Given = {}
    before(async () => {
      server = await start()
    })
    describeRevisions(name, async () => {
      const given = { ...server, prefix: `contract-${++prefixes}` }
      const stores = [make(given), make(given)] as const
      for (const store of stores) await store.start()
      return stores
    })
    test(`${name}: others are told of a change, and see it`, async t => {
      const given = { ...server, prefix: `told-${++prefixes}` }
      const [writer, reader] = [await started(t, given), await started(t, given)]
      await writer.append(revisionOf(1), -1)
      await until('the reader is told', async () => {
        let isTold = false
        const end = reader.watch(() => (isTold = true))
        const { head } = (await writer.look())!
        await writer.append(revisionOf(head!.number + 2), head!.number)
        await until('a word comes', () => isTold, 500).catch(() => undefined)
        end()
        return isTold
      })
      assert.deepEqual((await reader.look())!.head, await writer.head())
    })
  })
}

describeRedis('redis', async () => ({ nodes: [await RedisServer.start()] }))
describeRedis('redis without a key', async () => ({ nodes: [await RedisServer.start()], hmacKey: undefined }))
describeRedis('redis cluster', async () => ({ mode: 'cluster', nodes: (await RedisCluster.start()).nodes }))
describeRedis('redis sentinel', async () => {
  const group = await RedisSentinelGroup.start()
  return { mode: 'sentinel', nodes: [group.sentinel], sentinelName: group.name }
})

const rolloutOf = (version: number, after: number, pods: string[] = []): Rollout<WeirConfig> => ({
  id: 'r1',
  version,
  after,
  document: revisionOf(9).document,
  pods,
  progress: { state: 'running' }
})

test('a roll-out keeps revisions out until it ends, and ends with a revision or without', { skip }, async t => {
  const given = { nodes: [await RedisServer.start()] }
  const [one, other] = [await started(t, given), await started(t, given)]
  await one.append(revisionOf(1), -1)
  await assert.rejects(one.changeRollout(7, { known: undefined, next: rolloutOf(1, 7) }), { code: 'REVISION_CONFLICT' })
  const first = rolloutOf(1, 0)
  await one.changeRollout(0, { known: undefined, next: first })
  await assert.rejects(other.changeRollout(0, { known: undefined, next: { ...first, id: 'r2' } }), {
    code: 'ROLLOUT_RUNNING'
  })
  await assert.rejects(other.append(revisionOf(2), 0), { code: 'ROLLOUT_RUNNING' })
  const second = rolloutOf(2, 0, ['a'])
  await other.changeRollout(0, { known: first, next: second })
  // Who has not seen the last step drives no further.
  await assert.rejects(one.changeRollout(0, { known: first, next: rolloutOf(2, 0, ['b']) }), {
    code: 'ROLLOUT_RUNNING'
  })
  assert.deepEqual((await one.look())!.rollout, second)
  const { document, ...note } = revisionOf(9)
  await one.append({ ...note, document }, 0, { known: second, ended: { ...second, version: 3 } })
  const { head, rollout } = (await other.look())!
  assert.deepEqual([head!.number, head!.document, rollout], [1, document, undefined])
  const third = { ...rolloutOf(1, 1), id: 'r3' }
  await one.changeRollout(1, { known: undefined, next: third })
  await one.changeRollout(1, { known: third, ended: third })
  assert.deepEqual(
    (await other.endedRollouts()).map(({ id, document: none }) => [id, none]),
    [
      ['r3', null],
      ['r1', null]
    ]
  )
  await other.append(revisionOf(3), 1)
})

test('what was written without the key, under another number, or as something else is not taken', { skip }, async t => {
  const server = await RedisServer.start()
  const store = await started(t, { nodes: [server] })
  const liar = await started(t, { nodes: [server], hmacKey: undefined })
  await store.append(revisionOf(1), -1)
  await store.append(revisionOf(2), 0)
  const { head } = (await store.look())!
  // A reader without the key takes nothing that is sealed, and the other way round.
  assert.equal(await liar.look(), undefined)
  await liar.restore({ ...head!, number: 9 })
  const reader = await started(t, { nodes: [server] })
  assert.equal(await reader.look(), undefined)
  await server.command('set', 'weir:{revisions}:head', `1-${head!.hash.slice(0, 16)}`)
  assert.deepEqual((await reader.look())!.head, head)
  // The right octets in the wrong place.
  const script =
    "redis.call('HSET', KEYS[1], 5, redis.call('HGET', KEYS[1], 1)); return redis.call('SET', KEYS[2], ARGV[1])"
  const keys = ['weir:{revisions}:whole', 'weir:{revisions}:head']
  await server.command('eval', script, '2', ...keys, `5-${head!.hash.slice(0, 16)}`)
  assert.equal(await reader.look(), undefined)
  assert.equal(await reader.get(5), undefined)
  await server.command('set', 'weir:{revisions}:head', 'nonsense')
  assert.equal(await reader.look(), undefined)
  await server.command('lpush', 'weir:{revisions}:strange', '1')
  await server.command('rename', 'weir:{revisions}:strange', 'weir:{revisions}:whole')
  assert.equal(await reader.look(), undefined)
  await assert.rejects(reader.append(revisionOf(3), 1), { code: /REVISION_(STORE_AWAY|CONFLICT)/ })
})

test('a server that has lost everything is given the newest again, once, with its number', { skip }, async t => {
  const server = await RedisServer.start()
  const [one, other] = [await started(t, { nodes: [server] }), await started(t, { nodes: [server] })]
  for (let after = -1; after < 4; after++) await one.append(revisionOf(after + 2), after)
  const head = (await one.head())!
  await server.command('flushall')
  assert.equal((await other.look())!.head, undefined)
  await Promise.all([one.restore(head), other.restore(head), other.restore({ ...head, number: 3 })])
  assert.deepEqual((await other.look())!.head, head)
  assert.deepEqual(
    (await one.list(0, 10)).items.map(({ number }) => number),
    [5 - 1]
  )
  const next = await other.append(revisionOf(7), head.number)
  assert.deepEqual([next.number, next.fleet], [5, head.fleet])
  assert.equal(await one.knowsBase(head.baseHash), true)
  assert.equal(await one.knowsBase('another'), false)
})

test('a server that is away is said so, at once, and found again when it is back', { skip }, async t => {
  const server = await RedisServer.start()
  const store = await started(t, { nodes: [server], timeoutMs: 300 })
  await store.append(revisionOf(1), -1)
  await server.kill()
  await until('it is seen to be away', async () => (await store.look()) === undefined)
  await assert.rejects(store.append(revisionOf(2), 0), { code: 'REVISION_STORE_AWAY' })
  for (const call of [store.head(), store.get(0), store.list(0, 1), store.knowsBase('x'), store.endedRollouts()]) {
    await assert.rejects(call, { code: 'REVISION_STORE_AWAY' })
  }
  await server.start()
  await until('it is found again', async () => (await store.look()) !== undefined)
})

test('of very many the newest are kept', { skip }, async t => {
  const store = await started(t, { nodes: [await RedisServer.start()] })
  const large = { ...revisionOf(1), document: { pad: 'x'.repeat(20 * 1024 * 1024) } as never }
  for (let number = 0; number < 5; number++) await store.append(large, number - 1)
  const { items, total } = await store.list(0, 10)
  assert.deepEqual([items.map(({ number }) => number), total], [[4, 3, 2], 3])
  assert.equal(await store.get(1), undefined)
})
