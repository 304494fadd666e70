import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BackOff } from '../../src/outputs/back-off.ts'

test('the first attempt is at once, the next ones double from the least to the most', () => {
  const backOff = new BackOff(1_000, 10_000, () => 0)
  assert.equal(backOff.delayMs(0), 0)
  const delays: number[] = []
  let nowMs = 0
  for (let attempt = 0; attempt < 6; attempt++) {
    backOff.attempted(nowMs)
    const delayMs = backOff.delayMs(nowMs)
    delays.push(delayMs)
    nowMs += delayMs
  }
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
})

test('after a connection that held for longer than the least time the next attempt is at once', () => {
  const backOff = new BackOff(60_000, 300_000, () => 1)
  backOff.attempted(0)
  backOff.succeeded()
  assert.equal(backOff.delayMs(10_000), 60_000)
  assert.equal(backOff.delayMs(100_000), 0)
})

test('R7011-10.4.4-2 two attempts are never closer than the least time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ waitMs: fc.nat(200_000), isConnected: fc.boolean() }), { maxLength: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, random) => {
        const backOff = new BackOff(60_000, 300_000, () => random)
        let nowMs = 0
        let lastMs = -60_000
        for (const { waitMs, isConnected } of steps) {
          nowMs += backOff.delayMs(nowMs)
          assert.ok(nowMs - lastMs >= 60_000)
          lastMs = nowMs
          backOff.attempted(nowMs)
          if (isConnected) backOff.succeeded()
          nowMs += waitMs
        }
      }
    ),
    // Jitter that is lost in the sum.
    { examples: [[[false, true, false].map(isConnected => ({ waitMs: 0, isConnected })), 3.6379788070917136e-16]] }
  )
})
