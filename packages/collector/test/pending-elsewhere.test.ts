import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { checkLedger } from '../src/index.ts'
import { feed, settle } from './support/feed.ts'
import { MemoryShelf } from './support/memory-shelf.ts'
import { FIELDS, recordHex } from './support/messages.ts'
import { dropsOf, startRig, type Rig, type RigOptions } from './support/rig.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-pending-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = (): string => join(folder, `pending-${++files}.db`)

const START_SEC = 1_700_000_000
let sequence = 0
const data = (values: readonly number[], exportTimeSec: number, id = 256): Uint8Array => {
  const message = buildMessage({ exportTimeSec, sequence }).data(id, ...values.map(recordHex))
  sequence += values.length
  return message.octets()
}
const template = (exportTimeSec: number, id = 256): Uint8Array =>
  buildMessage({ exportTimeSec, sequence }).template(id, FIELDS).octets()

interface Pod {
  readonly rig: Rig
  readonly clock: FakeClock
  /** Some time, with all that is due and the promises after it. */
  pass(ms: number): Promise<void>
}

async function startPod(t: Parameters<typeof startRig>[0], options: RigOptions, clock = new FakeClock()): Promise<Pod> {
  const rig = await startRig(t, { ...options, clock })
  return { rig, clock, pass: ms => clock.advanceAsync(ms, Math.min(ms, 1000)) }
}

const recordsOf = (rig: Rig): string[] => rig.link.hex.flatMap(hex => hex.match(/.{16}/g) ?? [])
const setsOf = (rig: Rig) => rig.collector.parts.ledger.dataSets

describe('Data Sets without a template, on disk', () => {
  test('wait for half an hour instead of half a minute, and go on in order, newer ones behind', async t => {
    const { rig, pass } = await startPod(t, { pendingSpoolPath: newPath() })
    for (let index = 0; index < 300; index++) feed(rig, data([index], START_SEC + index))
    await pass(2000)
    const { pending, spool } = rig.collector.parts
    assert.deepEqual([pending.size, spool.stats.sets, setsOf(rig).pending], [0, 300, 300])
    await pass(1_500_000)
    feed(rig, data([300], START_SEC + 1500))
    feed(rig, template(START_SEC + 1501))
    feed(rig, data([301, 302], START_SEC + 1501))
    assert.equal(rig.link.records, 0, 'newer data does not overtake')
    await settle()
    assert.deepEqual(
      recordsOf(rig),
      Array.from({ length: 303 }, (_, index) => recordHex(index))
    )
    assert.equal(setsOf(rig).pending, 0)
    assert.deepEqual(dropsOf(rig.collector), {})
    feed(rig, data([303], START_SEC + 1502))
    assert.equal(rig.link.records, 304)
  })

  test('are dropped when they have waited too long, pending_expired, with the metadata of none left behind', async t => {
    const { rig, pass } = await startPod(t, { pendingSpoolPath: newPath(), limits: { pendingKeepMs: 60_000 } })
    for (let index = 0; index < 5; index++) feed(rig, data([index], START_SEC))
    await pass(61_000)
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { pending_expired: 5 } })
    assert.deepEqual([setsOf(rig).pending, rig.collector.parts.spool.stats.octets], [0, 0])
  })

  test('are taken from memory when there is much, before any is dropped', async t => {
    const options = { pendingSpoolPath: newPath(), limits: { pendingSetsPerSession: 10 } }
    const { rig, pass } = await startPod(t, options)
    for (let index = 0; index < 40; index++) feed(rig, data([index], START_SEC))
    await pass(1)
    assert.deepEqual(dropsOf(rig.collector), {})
    assert.deepEqual([rig.collector.parts.pending.size, rig.collector.parts.spool.stats.sets], [0, 40])
  })

  test('of a session that may be a spoofed one stay in memory, and are not given to one', async t => {
    const path = newPath()
    const { rig, pass } = await startPod(t, { pendingSpoolPath: path })
    for (let index = 0; index < 3; index++) feed(rig, data([index], START_SEC))
    feed(rig, data([9], START_SEC), 40_001)
    await pass(2000)
    assert.deepEqual([rig.collector.parts.pending.size, rig.collector.parts.spool.stats.sets], [1, 3])
    await rig.stop()
    const again = await startPod(t, { pendingSpoolPath: path })
    feed(again.rig, template(START_SEC))
    await settle()
    assert.equal(again.rig.link.records, 0, 'a first Message may come from anybody')
    feed(again.rig, template(START_SEC + 1))
    feed(again.rig, template(START_SEC + 2))
    await settle()
    assert.deepEqual(recordsOf(again.rig), [0, 1, 2].map(recordHex))
  })

  test('are handed over to the next process at the end, and none is dropped', async t => {
    const path = newPath()
    const first = await startPod(t, { pendingSpoolPath: path })
    for (let index = 0; index < 5; index++) feed(first.rig, data([index], START_SEC + index))
    await first.rig.stop()
    assert.deepEqual(
      [setsOf(first.rig).pending, setsOf(first.rig).handedOver, dropsOf(first.rig.collector)],
      [0, 5, {}]
    )
    const second = await startPod(t, { pendingSpoolPath: path })
    assert.deepEqual([setsOf(second.rig).takenOver, setsOf(second.rig).pending], [5, 5])
    for (let index = 0; index < 3; index++) feed(second.rig, template(START_SEC + 10 + index))
    await settle()
    assert.deepEqual(recordsOf(second.rig), [0, 1, 2, 3, 4].map(recordHex))
    assert.deepEqual(
      second.rig.link.entries.map(({ exportTimeSec }) => exportTimeSec),
      [0, 1, 2, 3, 4].map(n => START_SEC + n)
    )
  })

  test('wait while the link has no room, so that none is dropped for that', async t => {
    const { rig, pass } = await startPod(t, { pendingSpoolPath: newPath() })
    for (let index = 0; index < 200; index++) feed(rig, data([index], START_SEC))
    await pass(1000)
    rig.link.fill()
    feed(rig, template(START_SEC + 1))
    await settle()
    assert.deepEqual([rig.link.records, setsOf(rig).pending], [0, 200])
    rig.link.empty()
    await settle()
    assert.deepEqual([rig.link.records, setsOf(rig).pending, dropsOf(rig.collector)], [200, 0, {}])
  })
})

describe('Data Sets without a template, on the shelf of a shared store', () => {
  test('ten minutes before the template, the pod killed in between: another delivers every record, once', async t => {
    const shelf = new MemoryShelf()
    const a = await startPod(t, { store: shelf.ring(), pendingSpoolPath: newPath() })
    const b = await startPod(t, { store: shelf.ring(), pendingSpoolPath: newPath() }, a.clock)
    for (let index = 0; index < 600; index++) feed(a.rig, data([index, 1000 + index], START_SEC + index))
    await a.pass(3000)
    assert.equal(shelf.sets, 600)
    assert.deepEqual([setsOf(a.rig).pending, setsOf(a.rig).handedOver], [0, 600])
    assert.deepEqual(checkLedger(a.rig.collector.parts.ledger), [])
    // Pod A is dead: nothing more is heard of it.
    await b.pass(600_000)
    for (let index = 0; index < 3; index++) feed(b.rig, template(START_SEC + 600 + index))
    await settle(200)
    assert.deepEqual(
      recordsOf(b.rig),
      Array.from({ length: 600 }, (_, index) => [recordHex(index), recordHex(1000 + index)]).flat()
    )
    assert.deepEqual([setsOf(b.rig).takenOver, setsOf(b.rig).pending, shelf.sets], [600, 0, 0])
    assert.equal(a.rig.link.records, 0)
  })

  test('come back to whoever has learned the template already, told by the store', async t => {
    const shelf = new MemoryShelf()
    const a = await startPod(t, { store: shelf.ring() })
    const b = await startPod(t, { store: shelf.ring() }, a.clock)
    for (let index = 0; index < 3; index++) feed(b.rig, template(START_SEC + index))
    for (let index = 0; index < 5; index++) feed(a.rig, data([index], START_SEC))
    await a.pass(2000)
    await settle()
    assert.deepEqual(recordsOf(b.rig), [0, 1, 2, 3, 4].map(recordHex))
    assert.deepEqual([a.rig.link.records, shelf.sets], [0, 0])
  })

  test('come back to the pod that put them when it learns the template itself', async t => {
    const shelf = new MemoryShelf()
    const { rig, pass } = await startPod(t, { store: shelf.ring() })
    for (let index = 0; index < 5; index++) feed(rig, data([index], START_SEC))
    await pass(2000)
    feed(rig, template(START_SEC + 1))
    await settle()
    assert.deepEqual(recordsOf(rig), [0, 1, 2, 3, 4].map(recordHex))
    assert.deepEqual([setsOf(rig).handedOver, setsOf(rig).takenOver], [5, 5])
  })

  test('are there once though an answer was lost, and stay on disk while the store is away', async t => {
    const shelf = new MemoryShelf()
    const path = newPath()
    const a = await startPod(t, { store: shelf.ring(), pendingSpoolPath: path })
    for (let index = 0; index < 5; index++) feed(a.rig, data([index], START_SEC))
    shelf.losesAnswer = 'and is gone'
    await a.pass(5000)
    assert.deepEqual([shelf.sets, setsOf(a.rig).pending], [5, 5], 'nobody knows where they are')
    await a.rig.stop()
    const b = await startPod(t, { store: shelf.ring(), pendingSpoolPath: path })
    assert.equal(setsOf(b.rig).pending, 5)
    shelf.health = 'up'
    await b.pass(2000)
    assert.deepEqual([shelf.sets, setsOf(b.rig).pending, setsOf(b.rig).handedOver], [5, 0, 5])
    for (let index = 0; index < 3; index++) feed(b.rig, template(START_SEC + 1 + index))
    await settle()
    assert.deepEqual(recordsOf(b.rig), [0, 1, 2, 3, 4].map(recordHex))
  })

  test('that were on their way to the shelf when a process ended are not put again when they are too old', async t => {
    const shelf = new MemoryShelf()
    const options = { store: shelf.ring(), pendingSpoolPath: newPath(), limits: { pendingKeepMs: 60_000 } }
    const clock = new FakeClock()
    const a = await startPod(t, options, clock)
    for (let index = 0; index < 5; index++) feed(a.rig, data([index], START_SEC))
    shelf.losesAnswer = 'and is gone'
    await a.pass(5000)
    await a.rig.stop()
    clock.advance(60_000)
    shelf.health = 'up'
    const b = await startPod(t, { ...options, store: shelf.ring() }, clock)
    await b.pass(5000)
    assert.equal(shelf.puts, 1)
    assert.deepEqual(dropsOf(b.rig.collector), { dataSets: { pending_expired: 5 } })
    assert.deepEqual([setsOf(b.rig).takenOver, setsOf(b.rig).pending, setsOf(b.rig).handedOver], [5, 0, 0])
  })

  test('are there once though an answer came too late, and the template meanwhile', async t => {
    const shelf = new MemoryShelf()
    const { rig, pass } = await startPod(t, { store: shelf.ring() })
    for (let index = 0; index < 5; index++) feed(rig, data([index], START_SEC))
    shelf.losesAnswer = 'once'
    await pass(2000)
    assert.deepEqual([shelf.sets, setsOf(rig).handedOver], [5, 0])
    feed(rig, template(START_SEC + 1))
    await settle()
    assert.deepEqual(recordsOf(rig), [0, 1, 2, 3, 4].map(recordHex), 'from the shelf')
    await pass(5000)
    await settle()
    assert.deepEqual([rig.link.records, shelf.sets, setsOf(rig).pending], [5, 0, 0])
    assert.deepEqual([setsOf(rig).handedOver, setsOf(rig).takenOver], [5, 5])
  })

  test('are not delivered by a claim that does not hold, and by the next one once', async t => {
    const shelf = new MemoryShelf()
    const a = await startPod(t, { store: shelf.ring() })
    for (let index = 0; index < 5; index++) feed(a.rig, data([index], START_SEC))
    await a.pass(2000)
    const ring = shelf.ring()
    const scope = [...a.rig.collector.parts.sessions.values()][0].identity.scope
    const claim = await ring.shelf!.claim({ scope, odid: 1 }, 256, 'a pod that was killed')
    assert.equal(claim.sets.length, 5)
    feed(a.rig, template(START_SEC + 1))
    await settle()
    assert.equal(a.rig.link.records, 0)
    shelf.endLeases()
    assert.equal(await claim.done(), false)
    feed(a.rig, template(START_SEC + 2, 257))
    a.rig.collector.parts.intake.releaseAll([...a.rig.collector.parts.sessions.values()][0].domains.get(1)!)
    await settle()
    assert.equal(a.rig.link.records, 5)
  })

  test('that the shelf has no room for stay on disk, and go on from there', async t => {
    const shelf = new MemoryShelf()
    shelf.room = 2
    const { rig, pass } = await startPod(t, { store: shelf.ring() })
    for (let index = 0; index < 5; index++) feed(rig, data([index], START_SEC + index))
    await pass(2000)
    assert.deepEqual([shelf.sets, rig.collector.parts.spool.stats.sets], [2, 3])
    feed(rig, template(START_SEC + 9))
    await settle()
    assert.deepEqual(recordsOf(rig).toSorted(), [0, 1, 2, 3, 4].map(recordHex))
    assert.equal(setsOf(rig).pending, 0)
  })
})
