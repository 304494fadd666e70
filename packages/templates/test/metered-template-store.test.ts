import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allEntries, createMemoryTemplateStore, meterTemplateStore } from '../src/index.ts'
import { storedTemplate } from './support/entries.ts'
import { describeStore } from './support/store-contract.ts'

describeStore('metered', () => meterTemplateStore(createMemoryTemplateStore(), () => 0))

test('counts calls, errors and the time waited for', async () => {
  let nowMs = 0
  const inner = createMemoryTemplateStore()
  const store = meterTemplateStore(
    {
      ...inner,
      stats: inner.stats,
      history: async () => ((nowMs += 7), []),
      read: async () => Promise.reject(new Error('away'))
    },
    () => nowMs
  )
  store.put([storedTemplate()])
  await store.history({ scope: 'a', odid: 0 })
  await assert.rejects(store.read([{ scope: 'a', odid: 0 }]), /away/)
  assert.deepEqual(await allEntries(store), [storedTemplate()])
  const none = { read: 0, list: 0, history: 0, flush: 0, shelf_put: 0, shelf_claim: 0 }
  assert.deepEqual(store.meter.calls, { ...none, read: 1, list: 2, history: 1, put: 1, remove: 0 })
  assert.deepEqual(store.meter.errors, { ...none, read: 1 })
  assert.equal(store.meter.waitedMs.history, 7)
})
