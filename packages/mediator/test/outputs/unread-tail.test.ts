import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnreadTail } from '../../src/outputs/unread-tail.ts'

const MIB = 1_048_576

test('all records count until more was written than a connection can hold unread', () => {
  const tail = new UnreadTail()
  for (let at = 0; at < 5; at++) tail.add(MIB, 100)
  assert.equal(tail.take(), 500)
})

test('only the last 10 MiB count, however much was written', () => {
  const tail = new UnreadTail()
  for (let at = 0; at < 500; at++) tail.add(MIB, 100)
  assert.equal(tail.take(), 1_000)
})

test('never less than the last 10 MiB, whatever the writes were like', () => {
  const tail = new UnreadTail()
  for (let at = 0; at < 200_000; at++) tail.add(100, 1)
  const records = tail.take()
  assert.ok(records * 100 >= 10 * MIB && records * 100 <= 10 * MIB + 2 * 65_536, `${records} records`)
})

test('the next connection begins with none', () => {
  const tail = new UnreadTail()
  tail.add(MIB, 100)
  tail.take()
  assert.equal(tail.take(), 0)
})
