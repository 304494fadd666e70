import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { absent } from '../../../test/support/debian-tools.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import type { PendingShelf, Place, ShelvedSet, TemplateStore } from '../src/index.ts'
import type { NatsTemplateStoreOptions } from '../src/nats.ts'
import { shelvedSet } from './support/entries.ts'
import { EntryClock, keysOf, natsStore, newBucket, withBucket } from './support/nats-fixture.ts'

const place: Place = { scope: 'udp/10/ipfix-udp/192.0.2.1/49152', odid: 1 }
let server: NatsServer

interface Pods {
  readonly shelves: readonly PendingShelf[]
  readonly clock: EntryClock
  readonly bucket: string
}

async function withPods(
  use: (pods: Pods) => Promise<void>,
  options: Partial<NatsTemplateStoreOptions> = {}
): Promise<void> {
  const bucket = newBucket()
  const clock = new EntryClock()
  const stores: TemplateStore[] = [0, 1].map(() => natsStore(server, { bucket, clock, ...options }))
  try {
    for (const store of stores) await store.start()
    await use({ shelves: stores.map(store => store.shelf!), clock, bucket })
  } finally {
    for (const store of stores) await store.close()
  }
}

const numbered = (count: number, changes: Partial<ShelvedSet> = {}): ShelvedSet[] =>
  Array.from({ length: count }, (_, sequence) => shelvedSet({ sequence, ...changes }))

/** Everything there is, each bundle its claimer's at once. */
async function takeAll(shelf: PendingShelf, templateId = 256): Promise<ShelvedSet[]> {
  const taken: ShelvedSet[] = []
  for (;;) {
    const { sets, done } = await shelf.claim(place, templateId, 'pod')
    if (sets.length === 0) return taken
    if (await done()) taken.push(...sets)
  }
}

describe('the shelf in NATS', { skip: absent('nats-server') }, () => {
  before(async () => {
    server = await NatsServer.start()
  })
  after(async () => {
    await server.kill()
  })

  test('gives what one pod put to another, whole and in order', () =>
    withPods(async ({ shelves: [first, second] }) => {
      const sets = [...numbered(3), shelvedSet({ sequence: 9, bootTimeMs: 1_699_000_000_000, transport: 'tcp' })]
      assert.equal(await first.put(sets, 'one'), 4)
      assert.equal(await first.put([shelvedSet({ sequence: 10 })], 'two'), 1)
      assert.deepEqual(await takeAll(second), [...sets, shelvedSet({ sequence: 10 })])
      assert.deepEqual(await takeAll(second), [])
    }))

  test('keeps places and templates apart', () =>
    withPods(async ({ shelves: [first, second] }) => {
      const sets = [shelvedSet(), shelvedSet({ templateId: 257 }), shelvedSet({ odid: 2 }), shelvedSet({ sequence: 2 })]
      assert.equal(await first.put(sets, 'one'), 4)
      assert.deepEqual(await takeAll(second, 257), [sets[1]])
      assert.deepEqual(await takeAll(second, 258), [])
      assert.deepEqual(await takeAll(second), [sets[0], sets[3]])
      assert.equal((await second.claim({ ...place, odid: 2 }, 256, 'pod')).sets.length, 1)
    }))

  test('gives each Set to one claimer, however many ask at once', () =>
    withPods(async ({ shelves }) => {
      for (let batch = 0; batch < 20; batch++) await shelves[0].put(numbered(5, { exportTimeSec: batch }), `${batch}`)
      const taken = (await Promise.all([0, 1, 0, 1, 0, 1].map(pod => takeAll(shelves[pod])))).flat()
      assert.equal(taken.length, 100)
      assert.equal(new Set(taken.map(set => `${set.exportTimeSec} ${set.sequence}`)).size, 100)
    }))

  test('keeps what is claimed for its claimer until the lease is over', () =>
    withPods(
      async ({ shelves: [first, second], clock }) => {
        await first.put(numbered(2), 'one')
        const late = await first.claim(place, 256, 'first')
        assert.equal(late.sets.length, 2)
        clock.advance(50_000)
        assert.equal((await second.claim(place, 256, 'second')).sets.length, 0)
        clock.advance(10_001)
        const claim = await second.claim(place, 256, 'second')
        assert.equal(claim.sets.length, 2)
        assert.equal(await late.done(), false)
        assert.equal(await claim.done(), true)
        assert.equal(await late.done(), false)
        assert.equal((await first.claim(place, 256, 'first')).sets.length, 0)
      },
      { leaseMs: 60_000 }
    ))

  test('answers a claimer that asks twice whether it was the one', () =>
    withPods(async ({ shelves: [first] }) => {
      await first.put(numbered(1), 'one')
      const claim = await first.claim(place, 256, 'first')
      assert.deepEqual([await claim.done(), await claim.done()], [true, true])
    }))

  test('has a batch once that is put twice under one token, also if it was claimed between', () =>
    withPods(async ({ shelves: [first, second] }) => {
      const sets = [...numbered(3), ...numbered(3, { templateId: 257 })]
      assert.equal(await first.put(sets, 'one'), 6)
      assert.equal((await takeAll(second)).length, 3)
      assert.equal(await second.put(sets, 'one'), 6)
      assert.equal((await takeAll(first)).length, 0)
      assert.equal((await takeAll(first, 257)).length, 3)
      assert.equal(await second.put(sets, 'two'), 6)
      assert.equal((await takeAll(first)).length, 3)
    }))

  test('takes no more than its bounds of a place and of all', () =>
    withPods(
      async ({ shelves: [first, second] }) => {
        const large = (odid: number, sequence: number): ShelvedSet =>
          shelvedSet({ odid, sequence, octets: new Uint8Array(40_000) })
        assert.equal(await first.put([large(1, 1)], 'a'), 1)
        assert.equal(await second.put([large(1, 2)], 'b'), 1)
        assert.equal(await first.put([large(1, 3)], 'c'), 0)
        assert.equal(await first.put([large(2, 1), large(3, 1), large(4, 1)], 'd'), 2)
        assert.equal((await takeAll(second)).length, 2)
        assert.equal(await first.put([large(1, 3)], 'c'), 1)
      },
      { shelfOctetsPerPlace: 100_000, shelfOctetsTotal: 180_000 }
    ))

  test('cuts what is long, and gives it back whole', () =>
    withPods(async ({ shelves: [first, second] }) => {
      const sets = numbered(60, { octets: new Uint8Array(40_000) })
      assert.equal(await first.put(sets, 'one'), 60)
      assert.deepEqual(await takeAll(second), sets)
    }))

  test('is none where its bound is 0, and empty while the server is away', async () => {
    await withPods(
      async ({ shelves: [first] }) => {
        assert.equal(await first.put(numbered(1), 'one'), 0)
        assert.equal((await takeAll(first)).length, 0)
      },
      { shelfOctetsTotal: 0 }
    )
    const away = await NatsServer.start()
    const store = natsStore(away)
    await store.start()
    await store.shelf!.put(numbered(1), 'one')
    const claim = await store.shelf!.claim(place, 256, 'pod')
    await away.kill()
    assert.equal(await claim.done(), false)
    assert.equal(await store.shelf!.put(numbered(1), 'two'), 0)
    assert.equal((await store.shelf!.claim(place, 256, 'pod')).sets.length, 0)
    await store.close()
  })

  test('gives nothing that was changed or moved by somebody without the key', () =>
    withPods(
      async ({ shelves: [first, second], bucket }) => {
        await first.put(numbered(2), 'one')
        await first.put(numbered(2, { templateId: 257 }), 'two')
        await withBucket(server, `${bucket}-pending`, async kv => {
          const [one, two] = (await keysOf(kv)).filter(key => key.startsWith('p.')).toSorted()
          const value = (await kv.get(one!))!.value
          await kv.put(two!, value)
          await kv.put(one!, value.slice(0, -1))
        })
        assert.deepEqual([await takeAll(second), await takeAll(second, 257)], [[], []])
      },
      { hmacKey: Buffer.alloc(32, 7) }
    ))
})
