import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryTemplateStore, keyOf } from '../src/index.ts'
import { storedTemplate } from './support/entries.ts'
import { describeStore } from './support/store-contract.ts'

describeStore('memory', createMemoryTemplateStore)

test('the memory ring forgets the history of the places that ended first', async () => {
  const store = createMemoryTemplateStore()
  for (let odid = 0; odid < 10_002; odid++) {
    store.put([storedTemplate({ odid })])
    if (odid !== 1) store.remove([keyOf(storedTemplate({ odid }))], 'expired')
  }
  store.put([storedTemplate({ odid: 2 })])
  const known = async (odid: number): Promise<number> => (await store.history(storedTemplate({ odid }))).length
  assert.deepEqual([await known(0), await known(1), await known(2), await known(10_001)], [0, 1, 1, 1])
  store.remove([keyOf(storedTemplate({ odid: 1 }))], 'expired')
  assert.equal(await known(3), 1)
})
