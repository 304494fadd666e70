import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { entryKey, templateEntryKey, type TemplateStore } from '../../src/index.ts'
import { storedOptions, storedTemplate } from './entries.ts'

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
    test('gives back what was put, templates and options records, in the order asked', () =>
      withStore(async store => {
        store.put([storedTemplate(), storedOptions()])
        const missing = templateEntryKey('udp/9/nf/192.0.2.9', 0, 300)
        const found = await store.get([entryKey(storedOptions()), missing, entryKey(storedTemplate())])
        assert.deepEqual(found, [storedOptions(), undefined, storedTemplate()])
      }))

    test('keeps the newest of equal keys', () =>
      withStore(async store => {
        store.put([storedTemplate()])
        store.put([storedTemplate({ announcements: 3 })])
        await store.flush()
        store.put([storedTemplate({ announcements: 4 })])
        const entries = await store.list()
        assert.deepEqual(entries, [storedTemplate({ announcements: 4 })])
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
        assert.equal((await store.list()).length, entries.length)
      }))

    test('lists one scope alone', () =>
      withStore(async store => {
        store.put([storedTemplate(), storedTemplate({ scope: 'udp/10/ipfix-udp/192.0.2.1/49153' })])
        const entries = await store.list('udp/10/ipfix-udp/192.0.2.1/49153')
        assert.deepEqual(
          entries.map(entry => entry.scope),
          ['udp/10/ipfix-udp/192.0.2.1/49153']
        )
      }))

    test('forgets what was removed, put before or after a flush', () =>
      withStore(async store => {
        store.put([storedTemplate(), storedTemplate({ templateId: 300 })])
        await store.flush()
        store.remove([entryKey(storedTemplate())])
        store.put([storedOptions()])
        store.remove([entryKey(storedOptions()), 't|nobody|0|256'])
        assert.deepEqual((await store.list()).map(entryKey), [entryKey(storedTemplate({ templateId: 300 }))])
      }))

    test('counts what it has after a flush', () =>
      withStore(async store => {
        store.put([storedTemplate(), storedOptions()])
        await store.flush()
        assert.equal(store.stats.entries, 2)
        assert.equal(store.stats.unflushed, 0)
        assert.equal(store.stats.writes, 2)
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
