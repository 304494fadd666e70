import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisCluster, RedisSentinelGroup, RedisServer } from '../../../test/support/redis-server.ts'
import { until } from '../../../test/support/until.ts'
import { allEntries, type Place, type TemplateStore } from '../src/index.ts'
import { shelvedSet, storedTemplate } from './support/entries.ts'
import { placesOf, putAgain, started, templatesOf, untilStored } from './support/redis-fixture.ts'

const skip = absent('redis-server', 'redis-sentinel', 'redis-cli')

describe('TH-20 F-31 a Redis that is killed', { skip }, () => {
  test('keeps nobody waiting, and has everything when it is back: what was put before, and meanwhile', async t => {
    const server = await RedisServer.start()
    const failures: string[] = []
    const onFailure = (error: Error): void => void failures.push(error.message)
    const store = await started(t, { mode: 'single', nodes: [server], onFailure })
    const before = templatesOf(50)
    const lost = putAgain(store, before)
    store.put(before)
    await store.flush()
    await server.kill()
    await until('it is down', () => store.health === 'down')
    const meanwhile = [storedTemplate({ odid: 900 }), storedTemplate({ odid: 901 })]
    store.put(meanwhile)
    await store.flush()
    assert.equal(store.stats.unflushed, 2)
    assert.deepEqual((await store.read(placesOf(before)))[49].entries, [])
    assert.deepEqual(await allEntries(store), [])
    await server.start()
    await untilStored(store, [...before, ...meanwhile])
    assert.ok(lost.times >= 1)
    assert.equal(store.health, 'up')
    assert.equal(store.stats.unflushed, 0)
    assert.equal(failures.length, 1)
  })

  test('does not keep a start from going on', async t => {
    const server = await RedisServer.start()
    await server.kill()
    const store = await started(t, { mode: 'single', nodes: [server], connectTimeoutMs: 50 })
    assert.equal(store.health, 'down')
    store.put([storedTemplate()])
    await server.start()
    await untilStored(store, [storedTemplate({ odid: 1 })])
  })
})

describe('TH-20 F-32 a Redis that is frozen', { skip }, () => {
  test('is not asked any more after five calls, and catches up when it goes on', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server], timeoutMs: 50 })
    store.put([storedTemplate()])
    await store.flush()
    server.signal('SIGSTOP')
    await until('the breaker is open', async () => {
      assert.deepEqual((await store.read([storedTemplate()]))[0].entries, [])
      return store.health !== 'up'
    })
    const { roundTrips } = store.stats
    for (let index = 0; index < 1_000; index++) {
      store.put([storedTemplate({ odid: index })])
      assert.deepEqual((await store.read([storedTemplate()]))[0].entries, [])
    }
    assert.ok(store.stats.roundTrips - roundTrips <= 2)
    assert.equal(store.stats.unflushed, 1_000)
    assert.ok(store.stats.breakerOpened >= 1)
    server.signal('SIGCONT')
    await untilStored(store, templatesOf(1_000))
    assert.equal(store.stats.unflushed, 0)
    assert.equal(store.health, 'up')
  })
})

describe('a Redis that answers too late', { skip }, () => {
  test('has a batch of the shelf once, and gives what it gave to a claim that did not hear it', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server], tendMs: 60_000 })
    const sets = [1, 2, 3].map(sequence => shelvedSet({ sequence }))
    server.signal('SIGSTOP')
    const putting = store.shelf!.put(sets, 'batch')
    const before = store.stats.backendErrors
    await until('an answer is late', () => store.stats.backendErrors > before)
    server.signal('SIGCONT')
    assert.equal(await putting, 3)
    server.signal('SIGSTOP')
    const claiming = store.shelf!.claim(shelvedSet(), 256, 'a')
    await until('another answer is late', () => store.stats.backendErrors > before + 1)
    server.signal('SIGCONT')
    const claim = await claiming
    assert.deepEqual(claim.sets, sets)
    assert.equal(await claim.done(), true)
    assert.deepEqual((await store.shelf!.claim(shelvedSet(), 256, 'a')).sets, [])
  })
})

describe('TH-21 F-33 a Redis that loses what was written', { skip }, () => {
  test('FLUSHALL is noticed, and what is live is put again', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    const entries = templatesOf(20)
    putAgain(store, entries)
    store.put(entries)
    await store.flush()
    await server.command('flushall')
    await untilStored(store, entries)
  })

  test('SCRIPT FLUSH costs nothing', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedTemplate()])
    await store.flush()
    await server.command('script', 'flush')
    store.put(templatesOf(40))
    await store.flush()
    assert.deepEqual([store.stats.unflushed, store.stats.writeFailures], [0, 0])
  })

  test('a failover: the new master gets what the old one had not passed on, and pushes come from it', async t => {
    const group = await RedisSentinelGroup.start()
    const given = { mode: 'sentinel', nodes: [group.sentinel], sentinelName: group.name } as const
    const store = await started(t, given)
    const other = await started(t, given)
    const entries = templatesOf(20)
    putAgain(store, entries)
    store.put(entries)
    await store.flush()
    const told = { isMissed: false, hasHeard: false }
    const changed = (places: readonly Place[]): void => {
      told.hasHeard ||= places.some(({ odid }) => odid === 777)
    }
    other.watch(changed, () => (told.isMissed = true))
    await group.servers[0].kill()
    const master = await group.untilMasterIsNot(group.servers[0])
    await master.command('flushall')
    await untilStored(store, entries)
    await untilStored(other, entries)
    await until('it says that changes may have been missed', () => told.isMissed, 30_000)
    store.put([storedTemplate({ odid: 777 })])
    await until('it is told of a change', () => told.hasHeard)
  })

  test('a node of a Cluster: the others go on, it gets back what it had, and pushes come from it again', async t => {
    const cluster = await RedisCluster.start()
    const store = await started(t, { mode: 'cluster', nodes: cluster.nodes })
    const other = await started(t, { mode: 'cluster', nodes: cluster.nodes })
    const entries = templatesOf(64)
    putAgain(store, entries)
    store.put(entries)
    await store.flush()
    const [node] = cluster.nodes
    const keys = Number(await node.command('dbsize'))
    assert.ok(keys > 0)
    await node.kill()
    const found = await until('the others answer', async () => {
      const places = (await store.read(placesOf(entries))).filter(place => place.entries.length > 0)
      return places.length > 0 && places
    })
    assert.ok(found.length < entries.length)
    await node.start()
    await cluster.untilWhole()
    await untilStored(store, entries)
    const heard = new Set<number>()
    other.watch(places => places.forEach(({ odid }) => heard.add(odid)))
    let round = 0
    await until(
      'each shard tells of changes',
      () => {
        round++
        store.put(entries.map(entry => ({ ...entry, fields: [{ pen: 0, id: round, length: 4 }] })))
        return heard.size === entries.length
      },
      30_000
    )
  })
})

describe('pushes', { skip }, () => {
  const cut = async (nodes: readonly RedisServer[]): Promise<void> => {
    for (const node of nodes) await node.command('client', 'kill', 'type', 'pubsub')
  }

  async function comeAgain(store: TemplateStore, other: TemplateStore): Promise<void> {
    const entries = templatesOf(64)
    const heard = new Set<number>()
    other.watch(places => places.forEach(({ odid }) => heard.add(odid)))
    let round = 0
    await until(
      'each shard tells of changes',
      () => {
        round++
        store.put(entries.map(entry => ({ ...entry, fields: [{ pen: 0, id: round, length: 4 }] })))
        return heard.size === entries.length
      },
      30_000
    )
  }

  test('come again from one server after the connection for them was cut', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    const other = await started(t, { mode: 'single', nodes: [server] })
    const told = { isMissed: false }
    other.watch(
      () => {},
      () => (told.isMissed = true)
    )
    await cut([server])
    await until('it says that changes may have been missed', () => told.isMissed)
    await comeAgain(store, other)
  })

  test('come again from a Cluster after the connections for them were cut', async t => {
    const { nodes } = await RedisCluster.start()
    const store = await started(t, { mode: 'cluster', nodes })
    const other = await started(t, { mode: 'cluster', nodes })
    await cut(nodes)
    await comeAgain(store, other)
  })
})

describe('F-35 a Redis that is full', { skip }, () => {
  test('refuses and is asked again, answers what it has, and takes the newest when there is room', async t => {
    const server = await RedisServer.start('maxmemory-policy noeviction')
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedTemplate()])
    await store.flush()
    await server.command('config', 'set', 'maxmemory', '1')
    store.put([storedTemplate({ announcements: 5 }), storedTemplate({ odid: 2 })])
    await store.flush()
    store.put([storedTemplate({ announcements: 6 })])
    await store.flush()
    assert.ok(store.stats.writeFailures >= 2)
    assert.equal(store.stats.unflushed, 2)
    assert.equal(store.health, 'up')
    assert.deepEqual((await store.read([storedTemplate()]))[0].entries, [storedTemplate()])
    await server.command('config', 'set', 'maxmemory', '0')
    await untilStored(store, [storedTemplate({ odid: 2 })])
    assert.deepEqual((await store.read([storedTemplate()]))[0].entries, [storedTemplate({ announcements: 6 })])
  })
})
