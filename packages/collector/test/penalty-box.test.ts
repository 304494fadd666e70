import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PenaltyBox } from '../src/penalty-box.ts'

const limits = { malformed: 3, windowMs: 10_000, penaltyMs: 60_000, sources: 2 }

test('L-09 punishes at so many within the window, and lets go after the penalty', () => {
  const box = new PenaltyBox(limits)
  assert.deepEqual([box.note('a', 0), box.note('a', 1), box.isAnyPunished], [false, false, false])
  assert.equal(box.note('a', 2), true)
  assert.equal(box.isPunished('a', 60_001), true)
  assert.equal(box.isPunished('b', 3), false)
  assert.equal(box.isPunished('a', 60_002), false)
  assert.equal(box.isAnyPunished, false)
})

test('begins to count anew with each window', () => {
  const box = new PenaltyBox(limits)
  for (const nowMs of [0, 1, 10_000, 10_001]) assert.equal(box.note('a', nowMs), false)
  assert.equal(box.note('a', 10_002), true)
})

test('watches a bounded number of sources, and lets go the one watched longest', () => {
  const box = new PenaltyBox(limits)
  for (let at = 0; at < 3; at++) box.note('a', at)
  box.note('b', 4)
  box.note('c', 5)
  assert.deepEqual([box.isPunished('a', 6), box.punished], [false, 0])
})

test('forgets in a sweep whose time is over', () => {
  const box = new PenaltyBox(limits)
  for (let at = 0; at < 3; at++) box.note('a', at)
  box.sweep(59_000)
  assert.equal(box.punished, 1)
  box.sweep(70_000)
  assert.equal(box.punished, 0)
})
