import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { EventLog } from '../src/event-log.ts'

const logOf = (events: number, octets = 1_000_000): EventLog => new EventLog(new FakeClock(), { events, octets })
const idsOf = (events: readonly { data: object }[]): unknown[] => events.map(({ data }) => (data as { n: number }).n)

test('keeps the last ones, in number and in octets', () => {
  const log = logOf(3)
  for (let n = 1; n <= 5; n++) log.add('collector-0', 'template_learned', { n })
  assert.deepEqual(idsOf(log.events), [3, 4, 5])
  const small = logOf(1_000, 500)
  for (let n = 1; n <= 50; n++) small.add('collector-0', 'template_learned', { n })
  assert.ok(small.events.length < 6 && small.events.length > 1)
  assert.equal(small.counts.template_learned, 50)
})

test('gives what came after an event, and says if some of it is gone', () => {
  const log = logOf(3)
  for (let n = 1; n <= 3; n++) log.add('collector-0', 'template_learned', { n })
  const [first, , last] = log.events
  assert.deepEqual(idsOf(log.since(first!.id).events), [2, 3])
  assert.deepEqual(log.since(last!.id), { events: [], isWhole: true })
  log.add('collector-0', 'template_learned', { n: 4 })
  assert.deepEqual([idsOf(log.since(first!.id).events), log.since(first!.id).isWhole], [[2, 3, 4], true])
  log.add('collector-0', 'template_learned', { n: 5 })
  assert.deepEqual([idsOf(log.since(first!.id).events), log.since(first!.id).isWhole], [[3, 4, 5], false])
})

test('an id of another run, of the future or none leads to all that is kept, with a word of it', () => {
  const log = logOf(3)
  log.add('collector-0', 'template_learned', { n: 1 })
  for (const id of ['abc-1', 'x', '', '-1'])
    assert.deepEqual([idsOf(log.since(id).events), log.since(id).isWhole], [[1], false])
  const future = log.events[0]!.id.replace(/-1$/, '-9')
  assert.equal(log.since(future).isWhole, false)
})

test('what is of no type that is known is counted and not kept', () => {
  const log = logOf(3)
  log.add('collector-0', 'toString', {})
  log.add('collector-0', 'exporter_exploded', { n: 1 })
  assert.deepEqual([log.events, log.counts.unknown], [[], 2])
  log.add('collector-0', 'store_up', 'no object')
  assert.deepEqual(log.events[0]!.data, {})
})
