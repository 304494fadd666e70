import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { RateLimiter } from '../src/auth/rate-limiter.ts'
import { LeasedLimiter } from '../src/workers/leased-limiter.ts'

/** A limit of 40 a second, of which each asks for 5 at once. */
function sharers(count: number) {
  const clock = new FakeClock()
  const whole = new RateLimiter(clock, 40, 1_000)
  let asked = 0
  const limiters = Array.from(
    { length: count },
    () =>
      new LeasedLimiter(clock, 250, async name => {
        asked++
        return whole.takeUpTo(name, 5)
      })
  )
  return { clock, limiters, asked: () => asked }
}

test('several share one limit to the unit, and ask for a few at a time', async () => {
  const { clock, limiters, asked } = sharers(4)
  const takes = await Promise.all(limiters.flatMap(limiter => Array.from({ length: 30 }, () => limiter.take('key'))))
  assert.equal(takes.filter(waitMs => waitMs === 0).length, 40)
  assert.ok(takes.every(waitMs => waitMs <= 25))
  assert.ok(asked() <= 12, `${asked()} questions`)
  assert.equal(await limiters[0]!.take('another'), 0)
  clock.advance(25)
  assert.equal(await limiters[1]!.take('key'), 0)
  assert.ok((await limiters[2]!.take('key')) > 0)
})

test('what was given and not used is no good later', async () => {
  const { clock, limiters, asked } = sharers(1)
  assert.equal(await limiters[0]!.take('key'), 0)
  assert.equal(await limiters[0]!.take('key'), 0)
  assert.equal(asked(), 1)
  clock.advance(250)
  assert.equal(await limiters[0]!.take('key'), 0)
  assert.equal(asked(), 2)
})

test('one that cannot ask lets nobody in', async () => {
  const limiter = new LeasedLimiter(new FakeClock(), 250, () => Promise.reject(new Error('gone')))
  await assert.rejects(limiter.take('key'), /gone/)
  await assert.rejects(limiter.take('key'), /gone/)
})
