import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baselineOf, judge } from '../src/rollouts/pod-sight.ts'
import type { PodSight } from '../src/rollouts/pod-sight.ts'
import { defaultGates } from '../src/rollouts/rollout.ts'

const sightOf = (given: Partial<PodSight> = {}): PodSight => ({
  config: undefined,
  unready: [],
  destinations: new Map([['out', 'ready']]),
  counted: { out: [1_000, 10] },
  ...given
})
const before = baselineOf(sightOf())
const verdict = (given: Partial<PodSight>, gates: Partial<typeof defaultGates> = {}, isLast = false) =>
  judge(sightOf(given), before, { ...defaultGates, ...gates }, isLast)

test('a pod that is as it was passes', () => {
  assert.deepEqual(verdict({}), {})
  assert.deepEqual(verdict({ counted: { out: [9_000, 10] } }, {}, true), {})
})

test('drops count since the change: a share of what was offered, of few records only at the end', () => {
  const gates = { maxDropRate: 0.01 }
  assert.deepEqual(verdict({ counted: { out: [3_000, 30] } }, gates), {})
  assert.match(verdict({ counted: { out: [3_000, 31] } }, gates).fatal!, /^21 of 2000 records were dropped/)
  assert.deepEqual(verdict({ counted: { out: [1_100, 30] } }, gates), {})
  assert.match(verdict({ counted: { out: [1_100, 30] } }, gates, true).fatal!, /^20 of 100 /)
  assert.match(verdict({ counted: { out: [1_000, 11] } }, {}, true).fatal!, /^1 of 0 /)
  assert.deepEqual(verdict({ counted: { out: [9_000, 9_000] } }, { maxDropRate: null }, true), {})
  // A destination that is new, or began anew, counts from 0; one that is gone does not count.
  assert.match(verdict({ counted: { out: [1_000, 10], more: [2_000, 50] } }, gates).fatal!, /^50 of 2000 /)
  assert.match(verdict({ counted: { out: [100, 5] } }, gates, true).fatal!, /^5 of 100 /)
  assert.deepEqual(verdict({ counted: {} }, gates, true), {})
})

test('a pod must be ready, and answer; a destination must be ready that was so, or is new', () => {
  assert.match(verdict({ unready: ['mediator-0 is not connected'] }).lacking!, /not ready: mediator-0/)
  assert.equal(verdict({ unready: undefined }).lacking, 'it does not answer')
  assert.equal(verdict({ destinations: undefined }).lacking, 'it does not say how its destinations are')
  assert.deepEqual(
    verdict({ unready: ['x'], destinations: undefined }, { requireReady: false, requireDestinations: false }),
    {}
  )
  const states = (entries: Record<string, string>): Partial<PodSight> => ({
    destinations: new Map(Object.entries(entries))
  })
  assert.equal(verdict(states({ out: 'waiting' })).lacking, 'destination out is waiting')
  assert.equal(verdict(states({ out: 'ready', more: 'connecting' })).lacking, 'destination more is connecting')
  assert.deepEqual(verdict(states({ out: 'paused' })), {})
  assert.deepEqual(verdict(states({})), {})
  // One that was not ready before is no reason.
  const lame = baselineOf(sightOf({ destinations: new Map([['out', 'waiting']]) }))
  assert.deepEqual(judge(sightOf(states({ out: 'waiting' })), lame, defaultGates, true), {})
})
