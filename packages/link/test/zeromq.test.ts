import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { createLinkReceiver, createLinkSender, type LinkSender } from '../src/index.ts'
import { bindUnix, connectUnix } from '../src/unix-channel.ts'
import { SerialSource, serialLayout, serialsOf, temporaryFolder } from './support/rig.ts'

interface Settled {
  first: number
  last: number
  redelivered: number
  isRedelivered: boolean
}

/** The serials that receivers settled, and how often. */
class Ledger {
  readonly seen = new Map<number, number>()
  flagged = 0

  add({ first, last, isRedelivered }: Settled): void {
    for (let serial = first; serial <= last; serial++) this.seen.set(serial, (this.seen.get(serial) ?? 0) + 1)
    if (isRedelivered) this.flagged += last - first + 1
  }

  get duplicates(): number {
    let sum = 0
    for (const times of this.seen.values()) sum += times - 1
    return sum
  }
}

function child(t: TestContext, name: string, ...values: string[]): ChildProcess {
  const started = fork(join(import.meta.dirname, 'support', `${name}.ts`), values)
  t.after(() => started.kill('SIGKILL'))
  return started
}

async function receiverProcess(
  t: TestContext,
  endpoint: string,
  settleAfterMs: number,
  ledger?: Ledger
): Promise<ChildProcess> {
  const started = child(t, 'receiver-process', endpoint, String(settleAfterMs))
  const first = await new Promise<Record<string, unknown>>(resolve => started.once('message', resolve))
  assert.deepEqual(first, { ready: true })
  started.on('message', message => {
    if (typeof message === 'object' && 'first' in message) ledger?.add(message as unknown as Settled)
  })
  return started
}

const exited = (process: ChildProcess): Promise<void> => new Promise(resolve => process.once('exit', () => resolve()))

/** Resolves when the sender's state is as wished; looks when something was settled, and now and then. */
function until(wish: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const timer = setInterval(() => {
      if (!wish()) return
      clearInterval(timer)
      resolve()
    }, 5)
  })
}

/**
 * Receivers tell before they settle, but by another way than the acknowledgement comes: what they said may arrive after it.
 * Ends when all was told, or a second after the last word.
 */
async function toldOf(ledger: Ledger, source: SerialSource): Promise<void> {
  let size = -1
  while (ledger.seen.size !== size && ledger.seen.size !== source.next) {
    size = ledger.seen.size
    await new Promise(resolve => setTimeout(resolve, 1000))
  }
}

function flow(t: TestContext, endpoint: string): { sender: LinkSender; source: SerialSource; halt(): void } {
  const sender = createLinkSender({ endpoint })
  const source = new SerialSource(sender, serialLayout(), 1)
  const timer = setInterval(() => {
    for (let entry = 0; entry < 10 && sender.isWritable; entry++) source.append(50)
  }, 2)
  t.after(() => {
    clearInterval(timer)
    return sender.stop(0)
  })
  return { sender, source, halt: () => clearInterval(timer) }
}

for (const [name, bind, connect] of [
  ['zeromq', undefined, undefined],
  ['a unix socket', bindUnix, connectUnix]
] as const) {
  test(`a million records cross ${name} once, in order`, async t => {
    const endpoint = `ipc://${temporaryFolder(t)}/data`
    const receiver = createLinkReceiver({ endpoint }, { bind })
    const sender = createLinkSender({ endpoint }, { connect })
    let next = 0
    await receiver.start(batch => {
      for (const { serial } of serialsOf(batch)) assert.equal(serial, next++)
      batch.settle()
    })
    await sender.start()
    const source = new SerialSource(sender, serialLayout(), 1)
    await new Promise<void>(resolve => {
      const more = (): void => {
        while (source.next < 1_000_000 && sender.isWritable) source.append(500)
        if (source.next === 1_000_000) resolve()
      }
      sender.onWritable(() => setImmediate(more))
      more()
    })
    await sender.stop(10_000)
    assert.equal(next, 1_000_000)
    assert.deepEqual(sender.stats.records, { admitted: 1_000_000, settled: 1_000_000, inWindow: 0, redelivered: 0 })
    await receiver.stop()
  })
}

describe('crashes', { concurrency: false }, () => {
  test('F-10 kill -9 of the receiver three times under flow loses nothing and counts what comes twice', async t => {
    const endpoint = `ipc://${temporaryFolder(t)}/data`
    const ledger = new Ledger()
    const { sender, source, halt } = flow(t, endpoint)
    await sender.start()
    for (let kill = 0; kill < 3; kill++) {
      const receiver = await receiverProcess(t, endpoint, 15, ledger)
      const settledBefore = sender.stats.records.settled
      await until(() => sender.stats.records.settled > settledBefore + 20_000)
      const gone = exited(receiver)
      receiver.kill('SIGKILL')
      await gone
    }
    await receiverProcess(t, endpoint, 0, ledger)
    halt()
    sender.flush()
    await until(() => sender.stats.records.inWindow === 0)
    await toldOf(ledger, source)
    assert.equal(ledger.seen.size, source.next)
    assert.equal(sender.stats.peerRestarts, 3)
    assert.ok(ledger.duplicates <= ledger.flagged, `${ledger.duplicates} came twice, ${ledger.flagged} were flagged`)
    assert.ok(sender.stats.records.redelivered > 0)
    assert.ok(ledger.flagged <= sender.stats.records.redelivered)
  })

  test('kill -9 of the sender leaves the receiver serving the next one', async t => {
    const endpoint = `ipc://${temporaryFolder(t)}/data`
    const receiver = createLinkReceiver({ endpoint })
    t.after(() => receiver.stop())
    await receiver.start(batch => batch.settle())
    for (let round = 0; round < 2; round++) {
      const before = receiver.stats.records.settled
      const process = child(t, 'sender-process', endpoint)
      await until(() => receiver.stats.records.settled > before + 10_000)
      const gone = exited(process)
      process.kill('SIGKILL')
      await gone
    }
    assert.equal(receiver.stats.senders.length, 2)
    assert.equal(receiver.stats.records.unsettled, 0)
    assert.equal(receiver.stats.frames.corrupt, 0)
  })

  test('F-15 a receiver that is stopped and replaced delivers nothing more when it goes on', async t => {
    const endpoint = `ipc://${temporaryFolder(t)}/data`
    const { sender, source, halt } = flow(t, endpoint)
    await sender.start()
    const ledger = new Ledger()
    const hung = await receiverProcess(t, endpoint, 5)
    await until(() => sender.stats.records.settled > 5000)
    hung.kill('SIGSTOP')
    await until(() => sender.stats.state === 'connecting')
    await receiverProcess(t, endpoint, 0, ledger)
    await until(() => sender.stats.peerRestarts === 1)
    const fenced = new Promise<void>(resolve =>
      hung.on('message', message => typeof message === 'object' && 'fenced' in message && resolve())
    )
    hung.kill('SIGCONT')
    await fenced
    halt()
    sender.flush()
    await until(() => sender.stats.records.inWindow === 0)
    await until(() => ledger.seen.has(source.next - 1))
    assert.equal(ledger.duplicates, 0)
  })

  test('a receiver that is stopped and goes on gets nothing twice', async t => {
    const endpoint = `ipc://${temporaryFolder(t)}/data`
    const { sender, source, halt } = flow(t, endpoint)
    await sender.start()
    const ledger = new Ledger()
    const receiver = await receiverProcess(t, endpoint, 0, ledger)
    await until(() => sender.stats.records.settled > 5000)
    receiver.kill('SIGSTOP')
    await until(() => sender.stats.state === 'connecting')
    receiver.kill('SIGCONT')
    await until(() => sender.stats.reconnects > 0)
    halt()
    sender.flush()
    await until(() => sender.stats.records.inWindow === 0)
    await toldOf(ledger, source)
    assert.equal(ledger.seen.size, source.next)
    assert.equal(ledger.duplicates, 0)
    assert.equal(sender.stats.records.redelivered, 0)
  })
})

test('an endpoint that a live process serves is not taken from it; a dead one is', async t => {
  const endpoint = `ipc://${temporaryFolder(t)}/data`
  const first = createLinkReceiver({ endpoint })
  await first.start(batch => batch.settle())
  const second = createLinkReceiver({ endpoint })
  await assert.rejects(
    second.start(() => {}),
    { code: 'LINK_ENDPOINT_BUSY' }
  )
  await first.stop()
  const killed = await receiverProcess(t, endpoint, 0)
  const gone = exited(killed)
  killed.kill('SIGKILL')
  await gone
  const third = createLinkReceiver({ endpoint })
  await third.start(() => {})
  await third.stop()
})

test('an endpoint that cannot be a socket is refused in words', () => {
  for (const endpoint of ['tcp://127.0.0.1:1', 'ipc://relative', `ipc:///tmp/${'x'.repeat(120)}`]) {
    assert.throws(() => createLinkReceiver({ endpoint }), { code: 'LINK_ENDPOINT' })
  }
})
