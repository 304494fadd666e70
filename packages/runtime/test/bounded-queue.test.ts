import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedQueue } from '../src/index.ts'
import type { DropPolicy } from '../src/index.ts'

function queueOf(policy: DropPolicy, maxItems = 3, maxOctets = 10): { queue: BoundedQueue<number>; dropped: number[] } {
  const dropped: number[] = []
  return {
    queue: new BoundedQueue<number>({ maxItems, maxOctets, policy, onDrop: item => dropped.push(item) }),
    dropped
  }
}

const drained = (queue: BoundedQueue<number>): number[] => {
  const items: number[] = []
  while (queue.size > 0) items.push(queue.shift()!)
  return items
}

test('drop-oldest makes room at the head', () => {
  const { queue, dropped } = queueOf('drop-oldest')
  for (const item of [1, 2, 3, 4]) assert.ok(queue.push(item, 1))
  assert.deepEqual([drained(queue), dropped], [[2, 3, 4], [1]])
})

test('drop-newest refuses and reports the pushed entry', () => {
  const { queue, dropped } = queueOf('drop-newest')
  assert.deepEqual(
    [1, 2, 3, 4].map(item => queue.push(item, 1)),
    [true, true, true, false]
  )
  assert.deepEqual([drained(queue), dropped], [[1, 2, 3], [4]])
})

test('block refuses and drops nothing', () => {
  const { queue, dropped } = queueOf('block')
  for (const item of [1, 2, 3]) queue.push(item, 1)
  assert.equal(queue.push(4, 1), false)
  assert.equal(queue.hasRoom(1), false)
  queue.shift()
  assert.ok(queue.push(4, 1))
  assert.deepEqual([drained(queue), dropped], [[2, 3, 4], []])
})

test('octets bound as entries do, and one entry always has room in an empty queue', () => {
  const { queue, dropped } = queueOf('drop-oldest')
  queue.push(1, 6)
  queue.push(2, 6)
  assert.deepEqual([queue.octets, queue.peek(), dropped], [6, 2, [1]])
  queue.push(3, 100)
  assert.deepEqual([queue.octets, queue.size, dropped], [100, 1, [1, 2]])
})

test('clear reports every entry', () => {
  const { queue, dropped } = queueOf('block')
  queue.push(1, 1)
  queue.push(2, 1)
  queue.clear()
  assert.deepEqual([queue.size, queue.octets, dropped, queue.shift()], [0, 0, [1, 2], undefined])
})

test('entries come out in order, and every one is taken out or reported, whatever happens', () => {
  const operations = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 9 })), { maxLength: 300 })
  fc.assert(
    fc.property(operations, fc.constantFrom<DropPolicy>('block', 'drop-oldest', 'drop-newest'), (steps, policy) => {
      const { queue, dropped } = queueOf(policy, 40, 200)
      const out: number[] = []
      let next = 0
      let refused = 0
      for (const step of steps) {
        if (step < 0) out.push(...(queue.size > 0 ? [queue.shift()!] : []))
        else if (!queue.push(next++, step) && policy === 'block') refused++
      }
      out.push(...drained(queue))
      assert.deepEqual(
        out,
        out.toSorted((one, other) => one - other)
      )
      assert.equal(out.length + dropped.length + refused, next)
    })
  )
})
