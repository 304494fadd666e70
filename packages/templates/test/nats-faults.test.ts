import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { absent } from '../../../test/support/debian-tools.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import { until } from '../../../test/support/until.ts'
import type { Place, StoredEntry, TemplateStore } from '../src/index.ts'
import type { NatsTemplateStoreOptions } from '../src/nats.ts'
import { storedOptions, storedSequence, storedTemplate } from './support/entries.ts'
import { keysOf, makeBucket, natsStore, newBucket, withBucket } from './support/nats-fixture.ts'

const place: Place = { scope: 'udp/10/ipfix-udp/192.0.2.1/49152', odid: 1 }

async function fixture(context: TestContext, options: Partial<NatsTemplateStoreOptions> = {}) {
  const server = await NatsServer.start()
  const bucket = newBucket()
  const store = natsStore(server, { bucket, ...options })
  let lost = 0
  store.onLost(() => lost++)
  await store.start()
  context.after(async () => {
    await store.close()
    server.signal('SIGCONT')
    await server.kill()
  })
  return { server, bucket, store, lost: () => lost }
}

const read = async (store: TemplateStore): Promise<readonly StoredEntry[]> => (await store.read([place]))[0].entries
const isUp = (store: TemplateStore) => (): boolean => store.health === 'up'

describe('a server', { skip: absent('nats-server') }, () => {
  test('that is away at the start is waited for in the background', async context => {
    const server = await NatsServer.start()
    await server.kill()
    const store = natsStore(server, { connectTimeoutMs: 50 })
    context.after(() => store.close())
    await store.start()
    assert.equal(store.health, 'down')
    store.put([storedTemplate()])
    await store.flush()
    assert.deepEqual(await read(store), [])
    for await (const _batch of store.list()) assert.fail('nothing can be listed')
    assert.deepEqual(await store.history(place), [])
    await server.start()
    await until('it is connected', isUp(store))
    await until('what was put is written', () => store.stats.unflushed === 0)
    assert.deepEqual(await read(store), [storedTemplate()])
    await store.close()
    await server.kill()
  })

  test('that is killed and comes back has what it had and what was put meanwhile', async context => {
    const { server, store, lost } = await fixture(context)
    store.put([storedTemplate()])
    await store.flush()
    await server.kill()
    await until('it is missed', () => store.health === 'down')
    store.put([storedTemplate({ templateId: 300 })])
    await store.flush()
    assert.equal(store.stats.unflushed, 1)
    assert.deepEqual(await read(store), [])
    await server.start()
    await until('it is connected', isUp(store))
    await until('what was put is written', () => store.stats.unflushed === 0)
    assert.equal((await read(store)).length, 2)
    assert.equal(lost(), 0)
    assert.ok(store.stats.backendErrors > 0)
  })

  test('that comes back with nothing is told of, so that what is live is put again', async context => {
    const { server, store, lost } = await fixture(context)
    store.onLost(() => store.put([storedTemplate()]))
    store.put([storedTemplate()])
    await store.flush()
    await server.kill()
    server.wipe()
    await server.start()
    await until('what is live is there again', async () => (await read(store)).length === 1)
    assert.ok(lost() >= 1)
  })

  test('that is frozen is not asked again and again, and goes on where it was', async context => {
    const { server, store } = await fixture(context, { timeoutMs: 100 })
    store.put([storedTemplate()])
    await store.flush()
    server.signal('SIGSTOP')
    store.put([storedTemplate({ templateId: 300 })])
    await until('the breaker is open', async () => {
      assert.deepEqual(await read(store), [])
      return store.health === 'breaker_open'
    })
    const { backendErrors, roundTrips } = store.stats
    for (let times = 0; times < 100; times++) assert.deepEqual(await read(store), [])
    // A probe may be among them, of reading and of writing.
    assert.ok(store.stats.roundTrips - roundTrips <= 3 && store.stats.backendErrors - backendErrors <= 3)
    assert.equal(store.stats.breakerOpened, 1)
    server.signal('SIGCONT')
    await until('the breaker is closed', async () => (await read(store)).length > 0, 20_000)
    await until('what was put is written', () => store.stats.unflushed === 0, 20_000)
    assert.equal((await read(store)).length, 2)
  })

  test('that lost the bucket gets a new one', async context => {
    const { server, bucket, store, lost } = await fixture(context, { timeoutMs: 500 })
    store.put([storedTemplate()])
    await store.flush()
    await withBucket(server, bucket, kv => kv.destroy())
    store.put([storedTemplate({ templateId: 300 })])
    await until('it is written to a new bucket', async () => {
      const [entry, ...others] = await read(store)
      return others.length === 0 && entry?.kind === 'template' && entry.templateId === 300
    })
    assert.equal(lost(), 1)
    const other = natsStore(server, { bucket })
    await other.start()
    const told = new Promise(resolve => store.watch(resolve))
    other.put([storedOptions()])
    await other.close()
    assert.deepEqual(await told, [place])
  })

  test('whose bucket was emptied is noticed, though all calls are answered', async context => {
    const { server, bucket, store } = await fixture(context)
    store.onLost(() => store.put([storedTemplate()]))
    store.put([storedTemplate()])
    await store.flush()
    await withBucket(server, bucket, async kv => {
      for (const key of await keysOf(kv)) await kv.purge(key)
    })
    assert.deepEqual(await read(store), [])
    await until('what is live is there again', async () => (await read(store)).length === 1)
    assert.equal(store.stats.rejected, 0)
  })

  test('that is full is read from all the same, and written to when there is room', async context => {
    const server = await NatsServer.start()
    const bucket = newBucket()
    await makeBucket(server, bucket, 3000)
    const store = natsStore(server, { bucket })
    await store.start()
    context.after(async () => {
      await store.close()
      await server.kill()
    })
    store.put([storedTemplate()])
    await store.flush()
    const fields = Array.from({ length: 1000 }, (_, index) => ({ pen: 0, id: index + 1, length: 1 }))
    store.put([storedTemplate({ odid: 2, fields })])
    for (let times = 0; times < 6; times++) await store.flush()
    assert.equal(store.stats.unflushed, 1)
    assert.ok(store.stats.writeFailures >= 6)
    assert.equal(store.health, 'up')
    assert.deepEqual(await read(store), [storedTemplate()])
    await withBucket(server, bucket, async kv => assert.equal((await kv.status()).max_bytes, 3000))
    await store.close()
    await withBucket(server, bucket, kv => kv.destroy())
    await makeBucket(server, bucket, 3_000_000)
    const again = natsStore(server, { bucket })
    await again.start()
    again.put([storedTemplate({ odid: 2, fields })])
    await again.close()
    assert.equal(again.stats.writeFailures, 0)
    assert.equal(again.stats.writes, 1)
  })

  test('that is told no word of it in a list that was begun ends the list', async context => {
    const { server, store } = await fixture(context)
    store.put(Array.from({ length: 1200 }, (_, odid) => storedTemplate({ odid })))
    await store.flush()
    let batches = 0
    for await (const _batch of store.list()) {
      batches++
      await server.kill()
    }
    assert.equal(batches, 1)
  })
})

describe('values', { skip: absent('nats-server') }, () => {
  const key = Buffer.alloc(32, 7)
  const entries = [storedTemplate(), storedTemplate({ templateId: 300 }), storedOptions(), storedSequence()]
  const texts = new Set(entries.map(entry => JSON.stringify(entry)))

  test('that were changed, cut or moved by somebody without the key are never read, and are written over', async context => {
    const { server, bucket, store } = await fixture(context, { hmacKey: key })
    store.put(entries)
    store.put([storedTemplate({ odid: 2, templateId: 301 }), storedOptions({ odid: 2 }), storedSequence({ odid: 2 })])
    await store.flush()
    await withBucket(server, bucket, async kv => {
      const keys = (await keysOf(kv)).filter(each => /^[eq]\./.test(each))
      const values = new Map<string, Uint8Array>()
      for (const each of keys) values.set(each, (await kv.get(each))!.value)
      const mutated = fc.sample(
        fc.record({ key: fc.constantFrom(...keys), at: fc.nat({ max: 400 }), xor: fc.integer({ min: 1, max: 255 }) }),
        { numRuns: 400, seed: 7 }
      )
      for (const { key: name, at, xor } of mutated) {
        const value = values.get(name)!.slice()
        value[at % value.length]! ^= xor
        await kv.put(name, value)
        for (const entry of await read(store)) assert.ok(texts.has(JSON.stringify(entry)), JSON.stringify(entry))
        await kv.put(name, values.get(name)!)
      }
      const { rejected } = store.stats
      assert.ok(rejected > 100)
      for (const from of keys) {
        for (const to of keys) if (from !== to) await kv.put(to, values.get(from)!)
        for (const entry of await read(store)) assert.ok(texts.has(JSON.stringify(entry)))
        for (const each of keys) await kv.put(each, values.get(each)!)
      }
      assert.ok(store.stats.rejected > rejected)
      for (const each of keys) await kv.put(each, 'nonsense')
    })
    assert.deepEqual(await read(store), [])
    assert.ok(store.stats.codecErrors >= 3)
    store.put(entries)
    await store.flush()
    assert.equal((await read(store)).length, 4)
  })

  test('of a writer without the key, or with another, are not read', async context => {
    const { server, bucket, store } = await fixture(context, { hmacKey: key })
    for (const hmacKey of [undefined, Buffer.alloc(32, 8)]) {
      const other = natsStore(server, { bucket, ...(hmacKey === undefined ? {} : { hmacKey }) })
      await other.start()
      other.put([storedTemplate(), storedOptions()])
      await other.close()
      assert.deepEqual(await read(store), [])
      for await (const _batch of store.list()) assert.fail('nothing can be listed')
    }
    assert.equal(store.stats.rejected, 8)
    store.put([storedTemplate()])
    await store.flush()
    assert.deepEqual(await read(store), [storedTemplate()])
  })

  test('without a key that stand under the name of another are not read', async context => {
    const { server, bucket, store } = await fixture(context)
    store.put([storedTemplate({ odid: 2 }), storedTemplate()])
    await store.flush()
    await withBucket(server, bucket, async kv => {
      const [first, second] = (await keysOf(kv)).filter(each => each.startsWith('e.t.'))
      const value = (await kv.get(first!))!.value
      await kv.put(second!, value)
    })
    const found = await store.read([place, { ...place, odid: 2 }])
    assert.equal(found.flatMap(each => each.entries).length, 1)
    assert.equal(store.stats.rejected, 1)
  })
})
