import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeClock, createLog, safeText, silentLog } from '../src/index.ts'
import type { Log, LogLevel } from '../src/index.ts'

function captured(level: LogLevel = 'info'): { log: Log; clock: FakeClock; lines: string[] } {
  const lines: string[] = []
  const clock = new FakeClock()
  const log = createLog({ name: 'test', level, clock, destination: { write: line => void lines.push(line) } })
  return { log, clock, lines }
}

const parsed = (lines: readonly string[]): Record<string, unknown>[] =>
  lines.map(line => JSON.parse(line) as Record<string, unknown>)

test('a line is one JSON object with time, level, process, code and message', () => {
  const { log, lines } = captured()
  log.child({ listener: 'a' }).warn('bad_thing', 'it happened', { count: 3n, exporter: '192.0.2.1' })
  assert.deepEqual(parsed(lines), [
    {
      level: 'warn',
      time: '2026-01-01T00:00:00.000Z',
      process: 'test',
      pid: process.pid,
      code: 'bad_thing',
      listener: 'a',
      count: '3',
      exporter: '192.0.2.1',
      message: 'it happened'
    }
  ])
})

test('TH-39 a hostile name is one line that parses and holds no raw control octet', () => {
  const { log, lines } = captured()
  const name = '\r\n{"level":"fatal"}\u001b[2J\u202e\u2028\u0085' + 'x'.repeat(1_000)
  log.info('hostile', name, { name, nested: { [name]: [name] } })
  assert.equal(lines.length, 1)
  // oxlint-disable-next-line no-control-regex
  assert.doesNotMatch(lines[0]!.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/)
  const [line] = parsed(lines)
  assert.equal((line!.name as string).length, 256 + 1 + 6 * 5)
  assert.equal(line!.level, 'info')
})

test('any text is one well-formed line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const { log, lines } = captured()
      log.info('any', text, { text })
      assert.equal(lines.join('').split('\n').length, 2)
      JSON.parse(lines[0]!)
    })
  )
})

test('safe text keeps what is harmless', () => assert.equal(safeText('Zürich ✓ 日本'), 'Zürich ✓ 日本'))

test('errors, deep values, octets and functions are shown within bounds', () => {
  const { log, lines } = captured()
  const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 'EOUTER' })
  log.error('failed', 'it failed', {
    error,
    deep: { a: { b: { c: { d: { e: { f: 1 } } } } } },
    octets: new Uint8Array(5),
    list: Array.from({ length: 100 }, (_, index) => index),
    call: () => 1
  })
  const [line] = parsed(lines)
  const shown = line!.error as { code: string; message: string; cause: { message: string } }
  assert.deepEqual([shown.code, shown.message, shown.cause.message], ['EOUTER', 'outer', 'inner'])
  assert.deepEqual([line!.octets, line!.call, (line!.list as []).length], ['[5 octets]', '[function]', 64])
  assert.deepEqual(line!.deep, { a: { b: { c: { d: { e: '[deep]' } } } } })
})

test('L-76 of one code a hundred lines a minute are written, of one exporter ten', () => {
  const { log, clock, lines } = captured()
  for (let index = 0; index < 50; index++) log.warn('malformed', 'x', { exporter: 'one' })
  assert.equal(lines.length, 10)
  for (let index = 0; index < 200; index++) log.warn('malformed', 'x', { exporter: `other-${index}` })
  assert.equal(lines.length, 100)
  log.warn('another', 'codes have their own share')
  assert.equal(lines.length, 101)
  assert.equal(log.suppressed, 150)
  clock.advance(60_000)
  const summary = parsed(lines).at(-1)!
  assert.deepEqual([summary.code, summary.of, summary.count], ['log_suppressed', 'malformed', 150])
  log.warn('malformed', 'a new minute', { exporter: 'one' })
  assert.equal(parsed(lines).at(-1)!.message, 'a new minute')
})

test('flush writes what was left out until now', () => {
  const { log, lines } = captured()
  for (let index = 0; index < 101; index++) log.info('many', 'x')
  log.flush()
  assert.equal(parsed(lines).at(-1)!.count, 1)
  log.flush()
  assert.equal(lines.length, 101)
})

test('levels below the asked one are not written', () => {
  const { log, lines } = captured('warn')
  log.info('quiet', 'x')
  log.debug('quiet', 'x')
  assert.deepEqual([lines.length, log.isEnabled('info'), log.isEnabled('error')], [0, false, true])
  silentLog().error('nobody', 'hears')
})

test('a level set later holds for a log and for those made of it', () => {
  const { log, lines } = captured('warn')
  const child = log.child({ listener: 'a' })
  child.info('quiet', 'not written')
  child.setLevel('info')
  log.info('said', 'written')
  child.info('said', 'written too')
  assert.equal(log.isEnabled('debug'), false)
  log.setLevel('error')
  child.warn('quiet', 'not written any more')
  assert.deepEqual(
    parsed(lines).map(({ code }) => code),
    ['said', 'said']
  )
})
