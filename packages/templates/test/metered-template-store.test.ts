import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryTemplateStore, meterTemplateStore } from '../src/index.ts'
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
      list: async () => ((nowMs += 7), []),
      get: async () => Promise.reject(new Error('away'))
    },
    () => nowMs
  )
  store.put([storedTemplate()])
  await store.list()
  await assert.rejects(store.get(['t|a|0|256']), /away/)
  assert.deepEqual(store.meter.calls, { get: 1, list: 1, put: 1, remove: 0, flush: 0 })
  assert.deepEqual(store.meter.errors, { get: 1, list: 0, flush: 0 })
  assert.equal(store.meter.waitedMs.list, 7)
})
