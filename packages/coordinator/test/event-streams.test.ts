import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Readable } from 'node:stream'
import { FakeClock } from '@weir/runtime'
import { EventLog } from '../src/event-log.ts'
import type { HttpProblem } from '@weir/http'
import { EventStreams } from '../src/event-streams.ts'

function rig(t: TestContext, limits: object = {}) {
  const clock = new FakeClock()
  const log = new EventLog(clock, { events: 100, octets: 1_000_000 })
  const streams = new EventStreams(log, { subscribers: 2, bufferOctets: 4_096, heartbeatMs: 15_000, ...limits }, clock)
  streams.start()
  t.after(() => streams.close('stopping'))
  return { clock, log, streams }
}

/** What waits in a stream; taken out of it. */
function waiting(stream: Readable): string {
  let text = ''
  for (let chunk: unknown; (chunk = stream.read()) !== null;) text += String(chunk)
  return text
}

test('TH-37 L-78 one that reads too slowly is told so and let go; the others go on', t => {
  const { log, streams } = rig(t)
  const slow = streams.open('sse', {}, undefined)
  const quick = streams.open('ndjson', {}, undefined)
  let read = ''
  for (let n = 0; n < 100; n++) {
    log.add('collector-0', 'template_learned', { n })
    read += waiting(quick)
  }
  assert.equal(read.trim().split('\n').length, 100)
  assert.deepEqual([streams.size, streams.closed.too_slow], [1, 1])
  const held = waiting(slow)
  assert.ok(held.length < 4_096 + 1_000, `${held.length} octets were held`)
  assert.match(held, /event: closed\ndata: \{"reason":"You read too slowly/)
})

test('L-78 has a bound on readers, and room again when one goes', async t => {
  const { streams } = rig(t)
  const first = streams.open('sse', {}, undefined)
  streams.open('sse', {}, undefined)
  assert.throws(
    () => streams.open('sse', {}, undefined),
    (error: HttpProblem) => error.problem.status === 503 && error.problem.code === 'SUBSCRIBERS_LIMIT'
  )
  const gone = new Promise(resolve => first.once('close', resolve))
  first.destroy()
  await gone
  assert.equal(streams.size, 1)
  streams.open('sse', {}, undefined)
})

test('shows a sign of life where there is nothing to tell', t => {
  const { clock, streams } = rig(t)
  const sse = streams.open('sse', {}, undefined)
  const lines = streams.open('ndjson', {}, undefined)
  assert.deepEqual([waiting(sse), waiting(lines)], ['retry: 2000\n\n', '\n'], 'at once')
  clock.advance(15_000)
  assert.deepEqual([waiting(sse), waiting(lines)], [': heartbeat\n\n', '\n'])
})

test('gives what was missed, in order, and only what is wanted', t => {
  const { log, streams } = rig(t)
  log.add('collector-0', 'template_learned', { exporter: 'a' })
  const { id } = log.events[0]!
  log.add('collector-0', 'exporter_silent', { exporter: 'a' })
  log.add('collector-0', 'exporter_silent', { exporter: 'b' })
  log.add('collector-0', 'template_learned', { exporter: 'b' })
  const stream = streams.open('ndjson', { types: new Set(['exporter_silent']), exporter: 'b' }, id)
  const { data, type } = JSON.parse(waiting(stream)) as { data: object; type: string }
  assert.deepEqual([type, data], ['exporter_silent', { exporter: 'b' }])
  const other = streams.open('ndjson', {}, 'other-1')
  assert.deepEqual(
    waiting(other)
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { type: string }).type),
    ['missed', 'template_learned', 'exporter_silent', 'exporter_silent', 'template_learned']
  )
})
