import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { FakeClock, UnavailableError, runProcess, silentLog } from '../src/index.ts'
import type { Component, ProcessHost, ProcessMessage } from '../src/index.ts'

class FakeHost extends EventEmitter {
  connected: boolean | undefined
  readonly exits: number[] = []
  readonly sent: ProcessMessage[] = []
  readonly ready = new Promise<void>(resolve => this.once('ready', resolve))
  send?: (message: ProcessMessage) => void

  constructor(isSupervised: boolean) {
    super()
    if (!isSupervised) return
    this.connected = true
    this.send = message => {
      this.sent.push(message)
      this.emit(message.type)
    }
  }

  exit(code: number): void {
    this.exits.push(code)
  }
}

const part = (name: string, seen: string[], changes: Partial<Component> = {}): Component => ({
  name,
  start: async () => void seen.push(`start ${name}`),
  stop: async () => void seen.push(`stop ${name}`),
  ...changes
})

/** A last component that tells when all serve. */
const whenReady = (host: EventEmitter): Component => ({
  name: 'last',
  start: async () => void setImmediate(() => host.emit('ready')),
  stop: async () => undefined
})

const run = (host: FakeHost, components: readonly Component[], clock = new FakeClock()): Promise<number> =>
  runProcess('test', components, { log: silentLog(), host: host as unknown as ProcessHost, clock })

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`starts in order and stops in reverse on ${signal}`, async () => {
    const host = new FakeHost(false)
    const seen: string[] = []
    const ended = run(host, [part('a', seen), part('b', seen), whenReady(host)])
    await host.ready
    host.emit(signal)
    assert.equal(await ended, 0)
    assert.deepEqual(seen, ['start a', 'start b', 'stop b', 'stop a'])
    assert.deepEqual([host.exits, host.eventNames()], [[0], []])
  })
}

test('under a supervisor it says that it is ready, leaves a signal to it, and stops at its word', async () => {
  const host = new FakeHost(true)
  const ended = run(host, [])
  await host.ready
  assert.deepEqual(host.sent, [{ type: 'ready', process: 'test', details: {} }])
  host.emit('SIGINT')
  assert.deepEqual(host.exits, [])
  host.emit('message', { type: 'other' })
  host.emit('message', { type: 'stop' })
  assert.equal(await ended, 0)
})

test('stops when the supervisor is gone', async () => {
  const host = new FakeHost(true)
  const ended = run(host, [])
  await host.ready
  host.connected = false
  host.emit('disconnect')
  assert.equal(await ended, 0)
})

test('a second signal ends at once', async () => {
  const host = new FakeHost(false)
  const stuck = part('stuck', [], { stop: () => new Promise(() => undefined) })
  const clock = new FakeClock()
  void run(host, [stuck, whenReady(host)], clock)
  await host.ready
  host.emit('SIGINT')
  clock.advance(499)
  host.emit('SIGINT')
  assert.deepEqual(host.exits, [], 'the same Ctrl-C, passed on by npm')
  clock.advance(1)
  host.emit('SIGINT')
  assert.deepEqual(host.exits, [130])
})

test('a component that does not start ends with its exit code, and those that serve are stopped', async () => {
  const host = new FakeHost(true)
  const seen: string[] = []
  const busy = part('busy', seen, {
    start: async () => {
      throw new UnavailableError('EADDRINUSE', 'port 1 is busy')
    }
  })
  assert.equal(await run(host, [part('a', seen), busy, part('never', seen)]), 69)
  assert.deepEqual(seen, ['start a', 'stop busy', 'stop a'])
  assert.deepEqual(host.sent, [
    { type: 'failed', process: 'test', code: 'EADDRINUSE', message: 'port 1 is busy', exitCode: 69 }
  ])
})

test('an error without a code is a defect', async () => {
  const host = new FakeHost(false)
  const broken = part('broken', [], { start: () => Promise.reject(new Error('oops')) })
  assert.equal(await run(host, [broken]), 70)
})

test('a signal during the start aborts it', async () => {
  const host = new FakeHost(false)
  const seen: string[] = []
  const slow = part('slow', seen, {
    start: signal =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        setImmediate(() => host.emit('SIGTERM'))
      })
  })
  assert.equal(await run(host, [slow, part('never', seen)]), 0)
  assert.deepEqual(seen, ['stop slow'])
})

test('a component that does not stop in time is left behind and the exit code says so', async () => {
  const host = new FakeHost(false)
  const clock = new FakeClock()
  const seen: string[] = []
  const stuck = part('stuck', seen, { stop: () => new Promise(() => undefined) })
  const ended = run(host, [part('a', seen), stuck, whenReady(host)], clock)
  await host.ready
  host.emit('SIGTERM')
  await clock.advanceAsync(60_000, 1_000)
  assert.equal(await ended, 70)
  assert.deepEqual(seen, ['start a', 'start stuck', 'stop a'])
})

for (const event of ['uncaughtException', 'unhandledRejection']) {
  test(`F-08 ${event} ends at once with 70`, async () => {
    const host = new FakeHost(false)
    void run(host, [whenReady(host)])
    await host.ready
    host.emit(event, new Error('defect'))
    assert.deepEqual(host.exits, [70])
  })
}
