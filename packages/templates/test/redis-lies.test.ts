import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisServer } from '../../../test/support/redis-server.ts'
import { allEntries } from '../src/index.ts'
import { shelvedSet, storedSequence, storedTemplate } from './support/entries.ts'
import { hmacKey, started } from './support/redis-fixture.ts'

const skip = absent('redis-server', 'redis-cli')

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
