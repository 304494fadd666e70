import type { TestContext } from 'node:test'
import { until } from '../../../../test/support/until.ts'
import { type Place, type StoredTemplate, type TemplateStore } from '../../src/index.ts'
import { createRedisTemplateStore, type RedisTemplateStoreOptions } from '../../src/redis.ts'
import { storedTemplate } from './entries.ts'
import { fixedClock } from './fixed-clock.ts'

export const hmacKey = Buffer.alloc(32, 7)

type Given = Pick<RedisTemplateStoreOptions, 'mode' | 'nodes'> & Partial<RedisTemplateStoreOptions>

export async function started(t: TestContext, given: Given): Promise<TemplateStore> {
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
export function putAgain(store: TemplateStore, entries: readonly StoredTemplate[]): { times: number } {
  const lost = { times: 0 }
  store.onLost(() => {
    lost.times++
    store.put(entries)
  })
  return lost
}

/** One template in each of so many places. */
export const templatesOf = (count: number): StoredTemplate[] =>
  Array.from({ length: count }, (_, odid) => storedTemplate({ odid }))
export const placesOf = (entries: readonly Place[]): Place[] => entries.map(({ scope, odid }) => ({ scope, odid }))

export const untilStored = (store: TemplateStore, entries: readonly StoredTemplate[]): Promise<unknown> =>
  until(
    `${entries.length} places are stored`,
    async () => (await store.read(placesOf(entries))).every(place => place.entries.length === 1),
    30_000
  )
