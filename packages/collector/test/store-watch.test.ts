import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { createMemoryTemplateStore, type StoreHealth, type TemplateStore } from '@weir/templates'
import { EventOutlet } from '../src/event-outlet.ts'
import { StoreWatch } from '../src/store-watch.ts'

test('a store that stops to answer is told of once, and once when it answers again', () => {
  const told: unknown[] = []
  const clock = new FakeClock()
  const outlet = new EventOutlet((event, { health }) => void told.push([event, health]), clock)
  let health: StoreHealth = 'up'
  const store = Object.defineProperty(createMemoryTemplateStore(), 'health', { get: () => health }) as TemplateStore
  const watch = new StoreWatch(store, outlet)
  for (const next of ['up', 'down', 'breaker_open', 'down', 'up', 'up'] as const) {
    health = next
    watch.tick(clock.monotonicMs())
  }
  assert.deepEqual(told, [
    ['store_down', 'down'],
    ['store_up', 'up']
  ])
  new StoreWatch(undefined, outlet).tick(0)
  assert.equal(told.length, 2)
})
