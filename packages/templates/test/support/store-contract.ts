import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { allEntries, entryField, keyOf, type Place, type StoredEntry, type TemplateStore } from '../../src/index.ts'
import { storedDecision, storedOptions, storedSequence, storedTemplate } from './entries.ts'

const place: Place = { scope: 'udp/10/ipfix-udp/192.0.2.1/49152', odid: 1 }
const byField = (entries: readonly StoredEntry[]): StoredEntry[] =>
  entries.toSorted((a, b) => entryField(a).localeCompare(entryField(b)))
const otherFields = [{ pen: 0, id: 8, length: 4 }]

/** What every ring of the template store does. */
export function describeStore(name: string, makeStore: () => TemplateStore): void {
  async function withStore(use: (store: TemplateStore) => Promise<void>): Promise<void> {
    const store = makeStore()
    await store.start()
    try {
      await use(store)
    } finally {
      await store.close()
    }
  }

  describe(`${name}: the contract of a template store`, () => {
    test('gives back what was put, every kind, in the order of the places asked', () =>
      withStore(async store => {
        const entries = [storedTemplate(), storedOptions(), storedSequence()]
        store.put([...entries, storedDecision()])
        await store.flush()
        const nowhere = { scope: 'udp/9/nf/192.0.2.9', odid: 0 }
        const address = { scope: storedDecision().scope, odid: 1 }
        const found = await store.read([address, nowhere, place, { ...place, odid: 2 }])
        assert.deepEqual(
          found.map(({ place: asked }) => asked),
          [address, nowhere, place, { ...place, odid: 2 }]
        )
        assert.deepEqual(
          found.map(({ entries: stored }) => byField(stored)),
          [[storedDecision()], [], byField(entries), []]
        )
        const { reads, readPlaces, hits, misses } = store.stats
        assert.deepEqual({ reads, readPlaces, hits, misses }, { reads: 1, readPlaces: 4, hits: 2, misses: 2 })
      }))

    test('keeps the newest of equal keys', () =>
      withStore(async store => {
        store.put([storedTemplate()])
        store.put([storedTemplate({ announcements: 3 })])
        await store.flush()
        store.put([storedTemplate({ announcements: 4 })])
        await store.flush()
        assert.deepEqual(await allEntries(store), [storedTemplate({ announcements: 4 })])
      }))

    test('keeps domains, template ids and scope values apart', () =>
      withStore(async store => {
        const entries = [
          storedTemplate(),
          storedTemplate({ odid: 2 }),
          storedTemplate({ templateId: 257 }),
          storedOptions(),
          storedOptions({ octets: Uint8Array.of(0, 0, 0, 2, 0x13, 0x45) })
        ]
        store.put(entries)
        await store.flush()
        assert.equal((await allEntries(store)).length, entries.length)
        const [stored] = await store.read([place])
        assert.equal(stored.entries.length, 4)
      }))

    test('lists places in batches, the last seen first, and those seen since a time alone', () =>
      withStore(async store => {
        const count = 1200
        const startMs = 1_700_000_000_000
        store.put(
          Array.from({ length: count }, (_, odid) =>
            storedTemplate({ odid, lastSeenMs: startMs + ((odid * 7) % count) })
          )
        )
        await store.flush()
        const seenMs: number[] = []
        for await (const batch of store.list()) {
          assert.ok(batch.length <= 500)
          for (const { entries } of batch)
            seenMs.push(...entries.map(entry => (entry as { lastSeenMs: number }).lastSeenMs))
        }
        assert.deepEqual(
          seenMs,
          Array.from({ length: count }, (_, index) => startMs + count - 1 - index)
        )
        const recent: Place[] = []
        for await (const batch of store.list({ seenSinceMs: startMs + count - 3 }))
          recent.push(...batch.map(one => one.place))
        assert.equal(recent.length, 3)
      }))

    test('forgets what was removed, put before or after a flush', () =>
      withStore(async store => {
        store.put([storedTemplate(), storedTemplate({ templateId: 300 })])
        await store.flush()
        store.remove([keyOf(storedTemplate())], 'withdrawn')
        store.put([storedOptions()])
        store.remove(
          [keyOf(storedOptions()), { scope: 'nobody', odid: 0, field: 't256', exportTimeSec: 1 }],
          'withdrawn'
        )
        await store.flush()
        assert.deepEqual((await allEntries(store)).map(entryField), ['t300'])
      }))

    test('knows each definition that a template id had, and what ended it', () =>
      withStore(async store => {
        const ms = (second: number): number => 1_700_000_000_000 + second * 1000
        const at = (second: number): { exportTimeSec: number; lastSeenMs: number } => ({
          exportTimeSec: 1_700_000_000 + second,
          lastSeenMs: ms(second)
        })
        const steps = [
          storedTemplate({ ...at(0), firstSeenMs: ms(0) }),
          storedTemplate({ ...at(90), firstSeenMs: ms(0) }),
          storedTemplate({ ...at(100), firstSeenMs: ms(100), fields: otherFields, session: 'udp 192.0.2.1:1 u' }),
          storedTemplate({ ...at(110), firstSeenMs: ms(110), templateId: 300 }),
          storedTemplate({ ...at(200), firstSeenMs: ms(200) })
        ]
        for (const step of steps) {
          store.put([step])
          await store.flush()
        }
        store.remove([{ ...keyOf(steps[3]), exportTimeSec: 1_700_000_300 }], 'withdrawn')
        await store.flush()
        const shown = (await store.history(place)).map(({ templateId, fields, firstSeenMs, lastSeenMs, ended }) => [
          templateId,
          fields.length,
          (firstSeenMs - ms(0)) / 1000,
          (lastSeenMs - ms(0)) / 1000,
          ended
        ])
        assert.deepEqual(shown, [
          [256, 2, 0, 90, 'redefined'],
          [256, 1, 100, 100, 'redefined'],
          [300, 2, 110, 110, 'withdrawn'],
          [256, 2, 200, 200, undefined]
        ])
        const [first, second, third] = await store.history(place, 256)
        assert.equal(first.hash, third.hash)
        assert.notEqual(first.hash, second.hash)
        assert.equal(second.session, 'udp 192.0.2.1:1 u')
        assert.deepEqual(await store.history({ ...place, odid: 9 }), [])
      }))

    test('keeps 256 versions of a place', () =>
      withStore(async store => {
        for (let index = 0; index < 300; index++) {
          const fields = [{ pen: 0, id: index + 1, length: 4 }]
          store.put([storedTemplate({ fields, exportTimeSec: 1_700_000_000 + index, firstSeenMs: index })])
          await store.flush()
        }
        const versions = await store.history(place)
        assert.deepEqual([versions.length, versions[0].firstSeenMs, versions[255].firstSeenMs], [256, 44, 299])
      }))

    test('has nothing unflushed after a flush', () =>
      withStore(async store => {
        store.put([storedTemplate(), storedOptions()])
        await store.flush()
        assert.equal(store.stats.unflushed, 0)
        assert.equal(store.stats.writes, 2)
        assert.equal(store.health, 'up')
      }))

    test('closes twice, and before it was started', async () => {
      const store = makeStore()
      await store.close()
      await store.start()
      await store.close()
      await store.close()
    })
  })
}

/**
 * What every shared ring does besides.
 *
 * @param makePair - two stores on one server, as two pods have them.
 */
export function describeSharedStore(name: string, makePair: () => readonly [TemplateStore, TemplateStore]): void {
  async function withPair(use: (ours: TemplateStore, theirs: TemplateStore) => Promise<void>): Promise<void> {
    const pair = makePair()
    await Promise.all(pair.map(store => store.start()))
    try {
      await use(...pair)
    } finally {
      await Promise.all(pair.map(store => store.close()))
    }
  }

  async function stored(store: TemplateStore): Promise<readonly StoredEntry[]> {
    return (await store.read([place]))[0].entries
  }

  /** A store that starts listens to the others a moment later, and asks then for what it may have missed. */
  async function untilHeard(ours: TemplateStore, theirs: TemplateStore): Promise<void> {
    const heard = Promise.withResolvers<void>()
    let isHeard = false
    const end = theirs.watch(() => {
      isHeard = true
      heard.resolve()
    })
    for (let odid = 1_000; !isHeard; odid++) {
      ours.put([storedTemplate({ odid })])
      await ours.flush()
      await Promise.race([heard.promise, setTimeout(50)])
    }
    end()
  }

  describe(`${name}: the contract of a shared ring`, () => {
    test('gives one pod what another put', () =>
      withPair(async (ours, theirs) => {
        ours.put([storedTemplate(), storedOptions()])
        await ours.flush()
        assert.deepEqual(byField(await stored(theirs)), byField([storedTemplate(), storedOptions()]))
      }))

    test('tells other pods of what is new or different, not of what came again, and not the writer', () =>
      withPair(async (ours, theirs) => {
        const told = { ours: [] as Place[], theirs: [] as Place[] }
        await untilHeard(ours, theirs)
        ours.watch(places => told.ours.push(...places))
        const heard = Promise.withResolvers<void>()
        const last = storedTemplate({ odid: 9 })
        theirs.watch(places => {
          told.theirs.push(...places.filter(({ odid }) => odid < 1_000))
          if (places.some(({ odid }) => odid === last.odid)) heard.resolve()
        })
        ours.put([storedTemplate(), storedOptions()])
        await ours.flush()
        ours.put([storedTemplate({ lastSeenMs: 1_700_000_090_000 }), storedSequence()])
        await ours.flush()
        ours.put([storedOptions({ octets: Uint8Array.of(0, 0, 0, 1, 0, 1) })])
        await ours.flush()
        ours.put([last])
        await ours.flush()
        await heard.promise
        const { scope, odid } = place
        assert.deepEqual(told.theirs, [
          { scope, odid },
          { scope, odid },
          { scope, odid: 9 }
        ])
        assert.deepEqual(told.ours, [])
      }))

    test('TH-23 keeps the latest Export Time, whoever writes last', () =>
      withPair(async (ours, theirs) => {
        const late = storedTemplate({ exportTimeSec: 1_700_000_070 })
        ours.put([late])
        await ours.flush()
        theirs.put([storedTemplate({ fields: otherFields, exportTimeSec: 1_700_000_069 })])
        await theirs.flush()
        assert.deepEqual(await stored(ours), [late])
        const later = storedTemplate({ fields: otherFields, exportTimeSec: 1_700_000_071 })
        theirs.put([later])
        await theirs.flush()
        assert.deepEqual(await stored(ours), [later])
        assert.equal(theirs.stats.unflushed, 0)
      }))

    test('takes the word of an exporter whose clock was set back', () =>
      withPair(async (ours, theirs) => {
        ours.put([storedTemplate()])
        await ours.flush()
        const back = storedTemplate({ exportTimeSec: 5, lastSeenMs: storedTemplate().lastSeenMs + 60_000 })
        theirs.put([back])
        await theirs.flush()
        assert.deepEqual(await stored(ours), [back])
      }))

    test('forgets what is withdrawn unless it is newer, and nothing because one pod has it no more', () =>
      withPair(async (ours, theirs) => {
        const other = storedTemplate({ templateId: 300 })
        ours.put([storedTemplate(), other])
        await ours.flush()
        theirs.remove([keyOf(storedTemplate()), keyOf(other)], 'expired')
        theirs.remove([{ ...keyOf(other), exportTimeSec: other.exportTimeSec - 1 }], 'withdrawn')
        await theirs.flush()
        assert.deepEqual(byField(await stored(ours)), byField([storedTemplate(), other]))
        theirs.remove([keyOf(storedTemplate())], 'withdrawn')
        await theirs.flush()
        assert.deepEqual(await stored(ours), [other])
      }))
  })
}
