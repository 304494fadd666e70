import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, delay, systemClock } from '../src/index.ts'

test('calls what is due in order of its time, at its time', () => {
  const clock = new FakeClock(1_000)
  const seen: [string, number][] = []
  clock.setTimer(20, () => seen.push(['b', clock.monotonicMs()]))
  clock.setTimer(10, () => seen.push(['a', clock.monotonicMs()]))
  clock.setPeriodic(15, () => seen.push(['p', clock.nowMs()]))
  clock.advance(30)
  assert.deepEqual(seen, [
    ['a', 10],
    ['p', 1_015],
    ['b', 20],
    ['p', 1_030]
  ])
  assert.equal(clock.pending, 1)
})

test('a cancelled timer is not called, and may be cancelled again', () => {
  const clock = new FakeClock()
  const timer = clock.setTimer(1, () => assert.fail('called'))
  timer.cancel()
  timer.unref().cancel()
  clock.advance(10)
})

test('a step of the wall clock moves no timer', () => {
  const clock = new FakeClock(0)
  let calls = 0
  clock.setTimer(1_000, () => calls++)
  clock.stepWall(3_600_000)
  assert.deepEqual([clock.nowMs(), clock.monotonicMs(), calls], [3_600_000, 0, 0])
})

test('delay resolves in time and rejects when aborted first', async () => {
  const clock = new FakeClock()
  const waited = delay(clock, 50)
  clock.advance(50)
  await waited
  const abort = new AbortController()
  const aborted = delay(clock, 50, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(aborted, /enough/)
  await assert.rejects(delay(clock, 50, abort.signal), /enough/)
  assert.equal(clock.pending, 0)
})

test('the clock of the machine calls timers', async () => {
  await new Promise<void>(resolve => void systemClock.setTimer(0, resolve))
  const periodic = await new Promise<void>(resolve => {
    const timer = systemClock.setPeriodic(1, () => {
      timer.unref().cancel()
      resolve()
    })
  })
  assert.equal(periodic, undefined)
})
