import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { resolveConfig } from '@weir/config'
import { greetingOf } from '../../src/supervisor/greeting.ts'
import { prettyLine } from '../../src/supervisor/pretty-line.ts'

test('a log line is shown as time, level, process, message and fields', () => {
  const line =
    '{"level":"warn","time":"2026-01-01T12:34:56.789Z","process":"mediator","pid":1,"code":"x","n":1,"message":"hm"}'
  assert.equal(stripVTControlCharacters(prettyLine(line)), '12:34:56.789 warn  mediator    hm n=1')
})

for (const line of ['plain text', '{"level":"odd","time":"x"}', '{}', '']) {
  test(`what is not ours stays as it is: ${line}`, () => assert.equal(prettyLine(line), line))
}

test('the greeting has five lines with addresses that can be used', () => {
  const lines = greetingOf(resolveConfig(undefined, { localAddresses: [] }).config)
  assert.equal(lines.length, 5)
  assert.match(lines[0]!, /udp \[::\]:4739, tcp \[::\]:4739, udp \[::\]:2055/)
  assert.match(lines[1]!, /none yet/)
  assert.match(lines[2]!, /http:\/\/127\.0\.0\.1:8090\/docs/)
  assert.match(lines[3]!, /udp:\/\/127\.0\.0\.1:4739/)
})
