import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { CircuitBreaker } from '../src/circuit-breaker.ts'

function fixture() {
  const clock = new FakeClock()
  const breaker = new CircuitBreaker(clock, { failures: 3, windowMs: 1000, probeMs: 500 })
  const fail = (times: number): void => {
    for (let each = 0; each < times; each++) breaker.failed()
  }
  return { clock, breaker, fail }
}

test('opens after so many failures within the window', () => {
  const { breaker, fail } = fixture()
  fail(2)
  assert.equal(breaker.tryCall(), true)
  fail(1)
  assert.equal(breaker.isOpen, true)
  assert.equal(breaker.tryCall(), false)
  assert.equal(breaker.opened, 1)
})

test('forgets failures that are older than the window', () => {
  const { clock, breaker, fail } = fixture()
  fail(2)
  clock.advance(1001)
  fail(2)
  assert.equal(breaker.isOpen, false)
  fail(1)
  assert.equal(breaker.isOpen, true)
})

test('lets one probe through per period while it is open', () => {
  const { clock, breaker, fail } = fixture()
  fail(3)
  clock.advance(500)
  assert.equal(breaker.tryCall(), true)
  assert.equal(breaker.tryCall(), false)
  breaker.failed()
  assert.equal(breaker.isOpen, true)
  clock.advance(499)
  assert.equal(breaker.tryCall(), false)
  clock.advance(1)
  assert.equal(breaker.tryCall(), true)
  assert.equal(breaker.opened, 1)
})

test('closes with the first answer, and counts from nothing', () => {
  const { clock, breaker, fail } = fixture()
  fail(3)
  clock.advance(500)
  breaker.tryCall()
  breaker.succeeded()
  assert.equal(breaker.isOpen, false)
  fail(2)
  assert.equal(breaker.isOpen, false)
})
