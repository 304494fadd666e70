import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock, silentLog } from '@weir/runtime'
import type { ProcessMessage } from '@weir/runtime'
import { BackOff } from '../../src/supervisor/back-off.ts'
import type { ChildEvents, StartChild } from '../../src/supervisor/child-host.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'

const signal = new AbortController().signal

interface FakeChild {
  readonly name: string
  readonly events: ChildEvents
  readonly told: string[]
}

/** Children that do what the test says; `isObedient` ones end as soon as they are told to stop. */
function fakeChildren(isObedient = true): { started: FakeChild[]; startChild: StartChild } {
  const started: FakeChild[] = []
  const startChild: StartChild = (args, events) => {
    const child: FakeChild = { name: args[0]!, events, told: [] }
    started.push(child)
    return {
      pid: started.length,
      send: message => {
        child.told.push(message.type)
        if (isObedient) events.onExit(0)
        return true
      },
      kill: name => {
        child.told.push(name)
        if (name === 'SIGKILL') events.onExit(137)
      }
    }
  }
  return { started, startChild }
}

const specs = ['coordinator', 'mediator', 'collector'].map((name, index) => ({
  name,
  args: [name],
  isProcess: true,
  leaveMs: index * 1_000
}))

const ready = (process: string): ProcessMessage => ({ type: 'ready', process, details: { process } })
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A supervisor whose children are all ready. */
async function serving(isObedient = true) {
  const { started, startChild } = fakeChildren(isObedient)
  const clock = new FakeClock()
  const supervisor = createSupervisor(specs, { log: silentLog(), clock, startChild })
  const whole = supervisor.start(signal)
  for (let index = 0; index < specs.length; index++) {
    assert.equal(started.length, index + 1, 'each waits until the one before is ready')
    started[index]!.events.onMessage(ready(started[index]!.name))
    await turn()
  }
  await whole
  return { started, supervisor, clock }
}

test('starts in order, each when the one before is ready, and keeps what they say', async () => {
  const { started, supervisor } = await serving()
  assert.deepEqual(
    started.map(({ name }) => name),
    ['coordinator', 'mediator', 'collector']
  )
  assert.deepEqual(supervisor.children[1]!.details, { process: 'mediator' })
})

test('one beside is not waited for by those after it, but by the whole; what it is started with is looked up then', async () => {
  const { started, startChild } = fakeChildren()
  const args: string[] = []
  const beside = { name: 'front', args: () => args, isProcess: true, leaveMs: 0, isBeside: true }
  const all = [specs[0]!, beside, specs[1]!]
  const supervisor = createSupervisor(all, { log: silentLog(), clock: new FakeClock(), startChild })
  let isWhole = false
  const whole = supervisor.start(signal).then(() => (isWhole = true))
  args.push('front', '--pod', 'http://127.0.0.1:1')
  started[0]!.events.onMessage(ready('coordinator'))
  await turn()
  assert.deepEqual(
    started.map(({ name }) => name),
    ['coordinator', 'front', 'mediator']
  )
  started[2]!.events.onMessage(ready('mediator'))
  await turn()
  assert.equal(isWhole, false)
  started[1]!.events.onMessage(ready('front'))
  await whole
})

test('one beside that fails is heard while another one starts', async () => {
  const { started, startChild } = fakeChildren()
  const beside = { name: 'front', args: ['front'], isProcess: true, leaveMs: 0, isBeside: true }
  const supervisor = createSupervisor([beside, specs[1]!], { log: silentLog(), clock: new FakeClock(), startChild })
  const whole = supervisor.start(signal)
  await turn()
  started[0]!.events.onExit(69)
  await assert.rejects(whole, { exitCode: 69, message: 'front ended with exit code 69 while starting' })
})

test('stops in reverse, one after the other', async () => {
  const { started, supervisor } = await serving(false)
  const stopped = supervisor.stop(10_000)
  const told = (): string[] => started.filter(child => child.told.length > 0).map(({ name }) => name)
  assert.deepEqual(told(), ['collector'])
  started[2]!.events.onExit(0)
  await turn()
  assert.deepEqual(told(), ['mediator', 'collector'])
  started[1]!.events.onExit(0)
  await turn()
  started[0]!.events.onExit(0)
  await stopped
  await supervisor.stop(0)
})

test('a child that dies is started again in under a second, and not while it stops', async () => {
  const { started, supervisor, clock } = await serving()
  started[1]!.events.onExit(137)
  clock.advance(99)
  assert.equal(started.length, 3)
  clock.advance(1)
  assert.deepEqual([started.length, started[3]!.name, supervisor.children[1]!.restarts], [4, 'mediator', 1])
  await supervisor.stop(10_000)
  clock.advance(60_000)
  assert.equal(started.length, 4)
})

test('a child that waits for its next start is stopped without it', async () => {
  const { started, supervisor, clock } = await serving()
  started[0]!.events.onExit(1)
  await supervisor.stop(10_000)
  clock.advance(60_000)
  assert.equal(started.length, 3)
})

test('a child that does not stop is killed at the deadline, the others still stop', async () => {
  const { startChild, started } = fakeChildren(false)
  const clock = new FakeClock()
  const two = [specs[0]!, specs[2]!]
  const supervisor = createSupervisor(two, { log: silentLog(), clock, startChild })
  const whole = supervisor.start(signal)
  started[0]!.events.onMessage(ready('coordinator'))
  await turn()
  started[1]!.events.onMessage(ready('collector'))
  await whole
  const stopped = assert.rejects(supervisor.stop(5_000), /collector did not stop within 3000 ms and was killed/)
  clock.advance(3_000)
  await turn()
  assert.deepEqual(started[1]!.told, ['stop', 'SIGKILL'])
  started[0]!.events.onExit(0)
  await stopped
})

test('a first start that fails is not repeated; its sentence and exit code are the supervisor’s', async () => {
  const { started, startChild } = fakeChildren()
  const clock = new FakeClock()
  const supervisor = createSupervisor(specs, { log: silentLog(), clock, startChild })
  const whole = supervisor.start(signal)
  const message = 'port 8090 is in use'
  started[0]!.events.onMessage({ type: 'failed', process: 'coordinator', code: 'EADDRINUSE', message, exitCode: 69 })
  started[0]!.events.onExit(69)
  await assert.rejects(whole, { code: 'EADDRINUSE', message, exitCode: 69 })
  clock.advance(60_000)
  assert.equal(started.length, 1)
})

test('a child that ends without a word while starting is a defect', async () => {
  const { started, startChild } = fakeChildren()
  const supervisor = createSupervisor(specs, { log: silentLog(), clock: new FakeClock(), startChild })
  const whole = supervisor.start(signal)
  started[0]!.events.onExit(0)
  await assert.rejects(whole, { exitCode: 70, message: 'coordinator ended with exit code 0 while starting' })
})

test('a child that is no process of the pod is ready at once, and told by a signal', async () => {
  const { started, startChild } = fakeChildren(false)
  const other = { name: 'downstream', args: ['receive'], isProcess: false, leaveMs: 0 }
  const supervisor = createSupervisor([other], { log: silentLog(), clock: new FakeClock(), startChild })
  await supervisor.start(signal)
  const stopped = supervisor.stop(1_000)
  assert.deepEqual(started[0]!.told, ['SIGTERM'])
  started[0]!.events.onExit(0)
  await stopped
})

test('killAll ends all at once', async () => {
  const { started, supervisor } = await serving(false)
  supervisor.killAll()
  assert.deepEqual(
    started.map(({ told }) => told),
    [['SIGKILL'], ['SIGKILL'], ['SIGKILL']]
  )
})

test('the back-off doubles to five seconds and is forgotten after ten seconds of life', () => {
  const backOff = new BackOff()
  const delays = Array.from({ length: 8 }, () => backOff.delayAfter(50))
  assert.deepEqual(delays, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  assert.equal(backOff.delayAfter(10_000), 100)
})
