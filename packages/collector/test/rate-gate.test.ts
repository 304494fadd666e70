import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateGate } from '../src/rate-gate.ts'

test('lets so many through at once, then by the second', () => {
  const gate = new RateGate(10)
  const passed = (nowMs: number): number => {
    let count = 0
    while (gate.pass(nowMs)) count++
    return count
  }
  assert.equal(passed(0), 10)
  assert.equal(passed(50), 0)
  assert.equal(passed(100), 1)
  assert.equal(passed(600), 5)
  assert.equal(passed(60_000), 10)
})
