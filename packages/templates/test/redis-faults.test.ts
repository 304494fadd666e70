import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test, type TestContext } from 'node:test'
import { Redis } from 'ioredis'
import { CertificateAuthority } from '../../../test/support/certificates.ts'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisCluster, RedisSentinelGroup, RedisServer } from '../../../test/support/redis-server.ts'
import { until } from '../../../test/support/until.ts'
import {
  allEntries,
  createRedisTemplateStore,
  type Place,
  type RedisTemplateStoreOptions,
  type StoredTemplate,
  type TemplateStore
} from '../src/index.ts'
import { shelvedSet, storedSequence, storedTemplate } from './support/entries.ts'
import { fixedClock } from './support/fixed-clock.ts'

const skip = absent('redis-server', 'redis-sentinel', 'redis-cli')
const hmacKey = Buffer.alloc(32, 7)

type Given = Pick<RedisTemplateStoreOptions, 'mode' | 'nodes'> & Partial<RedisTemplateStoreOptions>

async function started(t: TestContext, given: Given): Promise<TemplateStore> {
  const store = createRedisTemplateStore({
    prefix: 'weir',
    hmacKey,
    clock: fixedClock,
    flushMs: 5,
    tendMs: 200,
    timeoutMs: 1_000,
    connectTimeoutMs: 3_000,
    ...given
  })
  t.after(() => store.close())
  await store.start()
  return store
}

/** As the collector does: what is live is put again when the ring says that it may be lost. */
function putAgain(store: TemplateStore, entries: readonly StoredTemplate[]): { times: number } {
  const lost = { times: 0 }
  store.onLost(() => {
    lost.times++
    store.put(entries)
  })
  return lost
}

/** One template in each of so many places. */
const templatesOf = (count: number): StoredTemplate[] =>
  Array.from({ length: count }, (_, odid) => storedTemplate({ odid }))
const placesOf = (entries: readonly Place[]): Place[] => entries.map(({ scope, odid }) => ({ scope, odid }))

const untilStored = (store: TemplateStore, entries: readonly StoredTemplate[]): Promise<unknown> =>
  until(
    `${entries.length} places are stored`,
    async () => (await store.read(placesOf(entries))).every(place => place.entries.length === 1),
    30_000
  )

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

describe('TH-22 F-34 a Redis that lies', { skip }, () => {
  async function rawClient(server: RedisServer): Promise<Redis> {
    const client = new Redis(server.port, '127.0.0.1')
    after(() => client.disconnect())
    return client
  }

  test('keys of another type, damaged index and pushes, are written over or left out', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedTemplate(), storedTemplate({ odid: 2 })])
    await store.flush()
    const client = await rawClient(server)
    for (const key of await client.keys('*:e')) await client.set(key, 'a string')
    for (const key of await client.keys('*:v')) await client.set(key, 'a string')
    for (const key of await client.keys('*:seen')) {
      await client.zadd(key, 9e15, 'no place', 9e15, '["1","a"]', 9e15, '[1]', 9e15, '[4294967296,"a"]')
      for (const channel of ['weir', key.replace('seen', 'changed')])
        await client.publish(channel, 'x\nno place\n[1,""]')
    }
    assert.deepEqual(await allEntries(store), [])
    assert.deepEqual(await store.history(storedTemplate()), [])
    store.put([storedTemplate(), storedTemplate({ odid: 2 })])
    await store.flush()
    assert.equal((await allEntries(store)).length, 2)
    for (const key of await client.keys('*:seen')) await client.set(key, 'a string')
    store.put([storedTemplate({ odid: 3 })])
    await store.flush()
    assert.equal((await store.read([storedTemplate({ odid: 3 })]))[0].entries.length, 1)
  })

  test('a place of more fields or octets than any ring writes is not read', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    store.put([storedTemplate(), storedTemplate({ odid: 2 }), storedTemplate({ odid: 3 })])
    await store.flush()
    const client = await rawClient(server)
    const [many, large] = (await client.keys('*:e')).toSorted()
    const fields = Array.from({ length: 8_200 }, (_, index) => [`f${index}`, 'x'])
    await client.hset(many, ...fields.flat())
    await client.hset(large, 'f', Buffer.alloc(34_000_000))
    assert.equal((await allEntries(store)).length, 1)
    assert.equal(store.stats.rejected, 2)
  })

  test('of the shelf, what is damaged is not delivered, and what is not delivered is gone', async t => {
    const server = await RedisServer.start()
    const store = await started(t, { mode: 'single', nodes: [server] })
    const shelf = store.shelf!
    const sets = [1, 2, 3].map(sequence => shelvedSet({ sequence }))
    await shelf.put([...sets, shelvedSet({ templateId: 300 })], 'batch')
    const client = await rawClient(server)
    const [list] = await client.keys('*:p256')
    const [other] = await client.keys('*:p300')
    const damaged = (await client.lindexBuffer(list, 1))!
    damaged[damaged.length - 1] ^= 1
    await client.lset(list, 1, damaged)
    await client.lset(other, 0, (await client.lindexBuffer(list, 0))!)
    const claim = await shelf.claim(shelvedSet(), 256, 'a')
    assert.deepEqual(claim.sets, [sets[0], sets[2]])
    assert.equal(await claim.done(), true)
    assert.deepEqual((await shelf.claim(shelvedSet(), 300, 'a')).sets, [])
    assert.equal(store.stats.rejected, 2)
    assert.deepEqual(await client.keys('*:p*'), [])
    assert.deepEqual(await client.hgetall(`weir:{i0}:held`), { total: '0' })
  })

  test('a forged entry that claims to be the newest for ever is written over', async t => {
    const server = await RedisServer.start()
    const liar = await started(t, { mode: 'single', nodes: [server], hmacKey: Buffer.alloc(32, 8) })
    const store = await started(t, { mode: 'single', nodes: [server] })
    liar.put([storedTemplate({ exportTimeSec: 0xffff_ffff, lastSeenMs: 9e15, templateId: 256 })])
    await liar.flush()
    assert.deepEqual((await store.read([storedTemplate()]))[0].entries, [])
    store.put([storedTemplate()])
    await store.flush()
    assert.deepEqual((await store.read([storedTemplate()]))[0].entries, [storedTemplate()])
  })

  for (const [what, key] of [
    ['with a key: none is taken', hmacKey],
    ['without a key: none that is not a valid entry of its own place and field', undefined]
  ] as const) {
    test(`10^5 changed and swapped values, ${what}`, async t => {
      const server = await RedisServer.start()
      const given = { mode: 'single', nodes: [server], hmacKey: key, timeoutMs: 30_000 } as const
      const store = await started(t, given)
      const places = 500
      const perPlace = 20
      const entries = Array.from({ length: places * perPlace }, (_, index) => {
        const odid = index % places
        const templateId = 256 + Math.trunc(index / places)
        return templateId === 256 ? storedSequence({ odid, nextSequence: index }) : storedTemplate({ odid, templateId })
      })
      store.put(entries)
      await store.flush()
      const client = await rawClient(server)
      const names = await client.keys('*:e')
      const hashes = await Promise.all(names.map(name => client.hgetallBuffer(name)))
      const valid = new Map(names.map((name, index) => [name, hashes[index]]))
      let seed = 12_345
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
        return seed % below
      }
      let accepted = 0
      for (let round = 0; round < 10; round++) {
        const pipeline = client.pipeline()
        for (const [name, fields] of valid) {
          for (const [field, value] of Object.entries(fields)) {
            pipeline.hset(
              name,
              field,
              round % 2 === 0 ? changed(value, random) : swapped(field, names, valid, random, name)
            )
          }
        }
        await pipeline.exec()
        const read = await allEntries(store)
        accepted += read.length
        // What is taken has been put so, or is one that could have been: its place and field are where it stood.
        for (const entry of read) {
          assert.ok(entry.scope === storedTemplate().scope && entry.odid < places)
          if (entry.kind === 'template') assert.ok(entry.templateId > 256 && entry.templateId < 256 + perPlace)
          else assert.equal(entry.kind, 'sequence')
        }
        if (round % 2 === 1) assert.deepEqual(read, [], 'a swapped value was taken')
      }
      assert.equal(store.stats.rejected + accepted, places * perPlace * 10)
      if (key === undefined) assert.ok(accepted < places * perPlace * 5)
      else assert.equal(accepted, 0)
    })
  }
})

/** One octet of the value is another one, or it is cut, or longer. */
function changed(value: Buffer, random: (below: number) => number): Buffer {
  const how = random(10)
  if (how === 0) return value.subarray(0, random(value.length))
  if (how === 1) return Buffer.concat([value, Buffer.of(random(256))])
  const other = Buffer.from(value)
  const at = random(other.length)
  other[at] ^= 1 + random(255)
  return other
}

/** A whole value that stood elsewhere: in another place, or under another field. */
function swapped(
  field: string,
  names: readonly string[],
  valid: ReadonlyMap<string, Record<string, Buffer>>,
  random: (below: number) => number,
  own: string
): Buffer {
  for (;;) {
    const name = names[random(names.length)]
    const fields = Object.entries(valid.get(name)!)
    const [otherField, value] = fields[random(fields.length)]
    if (name !== own || otherField !== field) return value
  }
}

const noOpenssl = absent('openssl')

describe('a Redis that asks who one is', { skip }, () => {
  test('is used with its password, and is down without', async t => {
    const server = await RedisServer.start('requirepass secret')
    const with_ = await started(t, { mode: 'single', nodes: [server], password: 'secret' })
    assert.equal(with_.health, 'up')
    const without = await started(t, { mode: 'single', nodes: [server], password: 'wrong', connectTimeoutMs: 200 })
    assert.equal(without.health, 'down')
    assert.deepEqual((await without.read([storedTemplate()]))[0].entries, [])
  })

  test('is asked over TLS, with a certificate of its own and one that is asked for', { skip: noOpenssl }, async t => {
    const authority = new CertificateAuthority()
    const { certFile, keyFile } = authority.issue('redis.example')
    const server = await RedisServer.start(
      'tls-port',
      `tls-ca-cert-file ${authority.caFile}`,
      `tls-cert-file ${certFile}`,
      `tls-key-file ${keyFile}`
    )
    const [cert, key] = [certFile, keyFile].map(file => readFileSync(file, 'utf8'))
    const tls = { ca: authority.caPem, cert, key, serverName: 'redis.example' }
    const store = await started(t, { mode: 'single', nodes: [server], tls })
    store.put([storedTemplate()])
    await store.flush()
    assert.equal((await allEntries(store)).length, 1)
    const other = { ...tls, serverName: 'other.example' }
    const failures: string[] = []
    const wary = await started(t, {
      mode: 'single',
      nodes: [server],
      tls: other,
      connectTimeoutMs: 300,
      onFailure: error => failures.push(error.message)
    })
    assert.equal(wary.health, 'down')
    assert.match(failures[0], /other\.example/)
  })

  test('needs no more than the access list that the README names', async t => {
    const server = await RedisServer.start()
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, commands] = /access list: `([^`]+)`/.exec(readme)!
    await server.command('acl', 'setuser', 'weir', 'on', '>secret', ...commands.split(' '), '~weir:*', '&weir:*')
    const store = await started(t, { mode: 'single', nodes: [server], username: 'weir', password: 'secret' })
    const told = { isTold: false }
    const other = await started(t, { mode: 'single', nodes: [server] })
    store.watch(() => (told.isTold = true))
    store.put([storedTemplate()])
    await store.flush()
    other.put([storedTemplate({ odid: 2 })])
    await until('it is told of a change', () => told.isTold)
    assert.equal((await allEntries(store)).length, 2)
    assert.equal((await store.history(storedTemplate())).length, 1)
    assert.equal(await store.shelf!.put([shelvedSet()], 'a'), 1)
    const claim = await store.shelf!.claim(shelvedSet(), shelvedSet().templateId, 'a')
    assert.equal(await claim.done(), true)
    assert.equal(store.stats.backendErrors, 0)
  })

  test('keeps databases apart', async t => {
    const server = await RedisServer.start()
    const first = await started(t, { mode: 'single', nodes: [server], database: 1 })
    const second = await started(t, { mode: 'single', nodes: [server], database: 2 })
    first.put([storedTemplate()])
    await first.flush()
    assert.deepEqual(await allEntries(second), [])
    assert.equal((await allEntries(first)).length, 1)
  })
})
