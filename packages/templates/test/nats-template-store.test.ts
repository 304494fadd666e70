import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { absent } from '../../../test/support/debian-tools.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import { until } from '../../../test/support/until.ts'
import { keyOf, type Place, type StoredEntry, type TemplateStore } from '../src/index.ts'
import type { NatsTemplateStoreOptions } from '../src/nats.ts'
import { storedDecision, storedOptions, storedSequence, storedTemplate } from './support/entries.ts'
import { EntryClock, keysOf, natsStore, newBucket, withBucket } from './support/nats-fixture.ts'
import { describeShelf } from './support/shelf-contract.ts'
import { describeSharedStore, describeStore } from './support/store-contract.ts'

const place: Place = { scope: 'udp/10/ipfix-udp/192.0.2.1/49152', odid: 1 }
const otherFields = [{ pen: 0, id: 8, length: 4 }]
let server: NatsServer

/** Several pods with one bucket. */
async function withPods(
  count: number,
  use: (pods: TemplateStore[], bucket: string) => Promise<void>,
  options: Partial<NatsTemplateStoreOptions> = {}
): Promise<void> {
  const bucket = newBucket()
  const pods = Array.from({ length: count }, () => natsStore(server, { bucket, ...options }))
  try {
    for (const pod of pods) await pod.start()
    await use(pods, bucket)
  } finally {
    for (const pod of pods) await pod.close()
  }
}

const entriesOf = async (store: TemplateStore, ...places: Place[]): Promise<readonly StoredEntry[]> =>
  (await store.read(places)).flatMap(({ entries }) => entries)

describe('NATS', { skip: absent('nats-server') }, () => {
  before(async () => {
    server = await NatsServer.start()
  })
  after(async () => {
    await server.kill()
  })

  for (const [name, hmacKey] of [
    ['NATS', undefined],
    ['NATS with a key', Buffer.alloc(32, 7)]
  ] as const) {
    const pair = (options: Partial<NatsTemplateStoreOptions>): readonly [TemplateStore, TemplateStore] => {
      const bucket = newBucket()
      return [natsStore(server, { bucket, hmacKey, ...options }), natsStore(server, { bucket, hmacKey, ...options })]
    }
    describeStore(name, () => natsStore(server, { hmacKey }))
    describeSharedStore(name, () => pair({}))
    describeShelf(name, pair)
  }

  describe('pods that share a bucket', () => {
    test('read what the others wrote, and list it at their start', () =>
      withPods(2, async ([first, second]) => {
        const entries = [storedTemplate(), storedOptions(), storedSequence(), storedDecision()]
        first.put(entries)
        await first.flush()
        assert.equal((await entriesOf(second, place, storedDecision())).length, 4)
        const listed: StoredEntry[] = []
        for await (const batch of second.list()) listed.push(...batch.flatMap(each => each.entries))
        assert.equal(listed.length, 4)
      }))

    test('are told of places that others changed, not of their own nor of sequence numbers', () =>
      withPods(2, async ([first, second]) => {
        const told: [pod: number, place: Place][] = []
        first.watch(places => told.push(...places.map(each => [0, each] as [number, Place])))
        second.watch(places => told.push(...places.map(each => [1, each] as [number, Place])))
        first.put([storedSequence(), storedTemplate()])
        await first.flush()
        second.put([storedOptions({ odid: 2 })])
        await second.flush()
        await until('both are told', () => told.length >= 2)
        second.put([storedTemplate({ odid: 3, scope: 'udp/9/a b/é%|"\r\n/1' })])
        await second.flush()
        await until('the last one is told', () => told.length >= 3)
        assert.deepEqual(
          told.toSorted((a, b) => a[1].odid - b[1].odid),
          [
            [1, place],
            [0, { ...place, odid: 2 }],
            [0, { odid: 3, scope: 'udp/9/a b/é%|"\r\n/1' }]
          ]
        )
        assert.equal(first.stats.pushes, 2)
      }))

    test('keep what both wrote at once into one place', () =>
      withPods(3, async pods => {
        const ids = Array.from({ length: 60 }, (_, index) => 256 + index)
        await Promise.all(
          ids.map(templateId => {
            const pod = pods[templateId % 3]
            pod.put([storedTemplate({ templateId })])
            return pod.flush()
          })
        )
        for (const pod of pods) await pod.flush()
        const stored = (await entriesOf(pods[0], place)).map(entry =>
          entry.kind === 'template' ? entry.templateId : 0
        )
        assert.deepEqual(
          stored.toSorted((a, b) => a - b),
          ids
        )
        assert.equal((await pods[1].history(place)).length, 60)
      }))

    test('believe the latest Export Time, whoever writes last', () =>
      withPods(2, async ([first, second]) => {
        const newer = storedTemplate({
          fields: otherFields,
          exportTimeSec: 1_700_000_090,
          lastSeenMs: 1_700_000_065_000
        })
        first.put([newer])
        await first.flush()
        second.put([storedTemplate({ lastSeenMs: 1_700_000_066_000 })])
        await second.flush()
        assert.deepEqual(await entriesOf(second, place), [newer])
        assert.equal((await second.history(place)).length, 1)
      }))

    test('remove what was withdrawn, unless it was announced since; what expired in one pod stays', () =>
      withPods(2, async ([first, second]) => {
        first.put([storedTemplate(), storedTemplate({ templateId: 257, exportTimeSec: 1_700_000_100 })])
        await first.flush()
        second.remove([keyOf(storedTemplate())], 'expired')
        second.remove([keyOf(storedTemplate({ templateId: 257 }))], 'withdrawn')
        await second.flush()
        assert.equal((await entriesOf(first, place)).length, 2)
        const told = new Promise(resolve => first.watch(resolve))
        second.remove([keyOf(storedTemplate())], 'withdrawn')
        await second.flush()
        assert.deepEqual(await told, [place])
        assert.equal((await entriesOf(first, place)).length, 1)
        assert.deepEqual(
          (await first.history(place)).map(version => version.ended),
          ['withdrawn', undefined]
        )
      }))
  })

  test('gives no template whose lifetime is over, and keeps when it was last seen in its history', async () => {
    const clock = new EntryClock()
    const refreshed = storedTemplate({ lastSeenMs: 1_700_000_069_000 })
    await withPods(
      1,
      async ([store]) => {
        store.put([storedTemplate(), storedOptions()])
        await store.flush()
        store.put([refreshed])
        await store.flush()
        clock.advance(3_600_000)
        assert.deepEqual(
          (await entriesOf(store, place)).map(entry => entry.kind),
          ['options']
        )
        store.put([storedTemplate({ templateId: 300, lastSeenMs: clock.nowMs() })])
        await store.flush()
        const [version] = await store.history(place, 256)
        assert.deepEqual([version.lastSeenMs, version.ended], [refreshed.lastSeenMs, undefined])
      },
      { clock }
    )
  })

  test('reads many places in one round of requests, and lists with few', () =>
    withPods(1, async ([store]) => {
      const odids = Array.from({ length: 250 }, (_, odid) => odid)
      store.put(odids.flatMap(odid => [storedTemplate({ odid }), storedOptions({ odid }), storedSequence({ odid })]))
      await store.flush()
      const before = store.stats.roundTrips
      const found = await store.read(odids.map(odid => ({ ...place, odid })))
      assert.equal(store.stats.roundTrips - before, 1)
      assert.ok(found.every(({ entries }) => entries.length === 3))
      for await (const batch of store.list()) assert.equal(batch.length, 250)
      assert.equal(store.stats.roundTrips - before, 3)
    }))

  test('writes nothing for what is stored as it is', () =>
    withPods(1, async ([store], bucket) => {
      store.put([storedTemplate(), storedOptions()])
      await store.flush()
      const revision = (): Promise<number> =>
        withBucket(server, bucket, async kv => (await kv.status()).streamInfo.state.last_seq)
      const before = await revision()
      store.put([storedTemplate(), storedOptions()])
      await store.flush()
      assert.equal(await revision(), before)
      assert.equal(store.stats.unflushed, 0)
    }))

  test('has at most three values and the history for a place, whatever is in it', () =>
    withPods(1, async ([store], bucket) => {
      const ids = Array.from({ length: 100 }, (_, index) => 256 + index)
      store.put(ids.map(templateId => storedTemplate({ templateId })))
      store.put([storedOptions(), storedSequence(), storedDecision({ scope: place.scope })])
      await store.flush()
      const keys = await withBucket(server, bucket, keysOf)
      assert.deepEqual(keys.map(key => key.replace(/[^.]{22}$/, '')).toSorted(), [
        'e.o.',
        'e.t.',
        'h.',
        'm.epoch',
        'q.'
      ])
    }))

  test('gives up the entries changed longest ago where a place is too large for one value', () =>
    withPods(1, async ([store]) => {
      const fields = Array.from({ length: 1000 }, (_, index) => ({ pen: 32473, id: index + 1, length: 1 }))
      for (let index = 0; index < 150; index++) store.put([storedTemplate({ templateId: 256 + index, fields })])
      await store.flush()
      const stored = await entriesOf(store, place)
      assert.ok(stored.length > 100 && stored.length < 150)
      assert.equal(store.stats.writesDropped >= 150 - stored.length, true)
      assert.ok(stored.some(entry => entry.kind === 'template' && entry.templateId === 256 + 149))
    }))

  test('gives a bucket that is there the time to live of its options', async () => {
    const bucket = newBucket()
    const first = natsStore(server, { bucket, ttlMs: 60_000 })
    await first.start()
    await first.close()
    await withBucket(server, bucket, async kv => {
      const { streamInfo } = await kv.status()
      assert.equal(streamInfo.config.max_age, 60_000 * 1e6)
    })
    const second = natsStore(server, { bucket, ttlMs: 120_000 })
    await second.start()
    assert.equal(second.health, 'up')
    await second.close()
    await withBucket(server, bucket, async kv => assert.equal((await kv.status()).ttl, 120_000))
  })
})
