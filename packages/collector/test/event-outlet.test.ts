import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { EventOutlet, type EventFields } from '../src/event-outlet.ts'

function rig() {
  const told: [string, EventFields][] = []
  const clock = new FakeClock()
  return { told, clock, outlet: new EventOutlet((event, fields) => void told.push([event, fields]), clock) }
}

test('tells twenty of a kind in a second, and with the next one how many it did not tell', () => {
  const { told, clock, outlet } = rig()
  let asked = 0
  for (let id = 0; id < 1_000; id++)
    outlet.tell('template_learned', clock.monotonicMs(), () => ({ id, asked: ++asked }))
  assert.equal(told.length, 20)
  assert.equal(asked, 20, 'fields of what is not told are not made')
  assert.deepEqual(outlet.counts, { told: 20, suppressed: 980 })
  clock.advance(1_000)
  outlet.emit('template_learned', { id: 1_000 })
  assert.deepEqual(told.at(-1), ['template_learned', { id: 1_000, suppressed: 980 }])
})

test('a flood of one kind takes no room from the others', () => {
  const { told, outlet } = rig()
  for (let at = 0; at < 100; at++) outlet.emit('template_learned', {})
  outlet.emit('exporter_silent', { exporter: '192.0.2.1' })
  assert.deepEqual(told.at(-1), ['exporter_silent', { exporter: '192.0.2.1' }])
})

test('what was not told last is told by its number, once', () => {
  const { told, clock, outlet } = rig()
  for (let at = 0; at < 25; at++) outlet.emit('exporter_discovered', {})
  outlet.flush(clock.monotonicMs())
  assert.equal(told.length, 20, 'not at once')
  clock.advance(1_000)
  outlet.flush(clock.monotonicMs())
  outlet.flush(clock.monotonicMs())
  assert.deepEqual(told.slice(20), [['events_suppressed', { of: 'exporter_discovered', suppressed: 5 }]])
})
