import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { RateLimiter } from '../src/auth/rate-limiter.ts'

test('so many at once, then one as often as they come back; each name has its own', () => {
  const clock = new FakeClock()
  const limiter = new RateLimiter(clock, 10, 60_000)
  for (let count = 0; count < 10; count++) assert.equal(limiter.take('one'), 0)
  assert.equal(limiter.take('one'), 6_000)
  assert.equal(limiter.take('other'), 0)
  clock.advance(5_999)
  assert.equal(limiter.take('one'), 1)
  clock.advance(1)
  assert.deepEqual([limiter.waitMs('one'), limiter.take('one'), limiter.take('one')], [0, 0, 6_000])
  clock.advance(600_000)
  const taken = Array.from({ length: 11 }, () => limiter.take('one'))
  assert.deepEqual(taken, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6_000])
})

test('names are bounded: the one that was silent for longest is forgotten', () => {
  const limiter = new RateLimiter(new FakeClock(), 1, 1_000)
  limiter.take('first')
  for (let name = 0; name < 10_000; name++) limiter.take(`${name}`)
  assert.deepEqual([limiter.waitMs('9999'), limiter.waitMs('first')], [1_000, 0])
})
