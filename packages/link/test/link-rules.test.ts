import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { makeFrame, frameKinds, viewOf } from '../src/frame.ts'
import { encodeHello } from '../src/greeting.ts'
import { createLinkSender, type ReceivedBatch } from '../src/index.ts'
import { Rig, SERIAL_OCTETS, SerialSource, serialsOf, sourceFields, temporaryFolder } from './support/rig.ts'

const FULL = 8000
const small = { batchOctets: 65_664, windowBatches: 4, bufferOctets: 10 * 65_664 }

describe('batches', () => {
  test('carry every field of an entry', async t => {
    const rig = new Rig(temporaryFolder(t))
    await rig.start()
    const source = rig.sender.defineSource({
      ...sourceFields(7),
      isIPv6: true,
      v5Sampling: 16_385,
      exporterId: 'zürich'
    })
    const context = rig.sender.defineContext(new Map([[256, rig.layout]]))
    const octets = new Uint8Array(64).fill(9)
    assert.ok(
      rig.sender.append(rig.layout, source, context, 4_000_000_000, 1.5e12, -2, 2, octets, 5, 2 * SERIAL_OCTETS)
    )
    rig.sender.flush()
    rig.deliver()
    const [batch] = rig.held
    const { entries } = batch
    assert.ok(entries.next())
    assert.deepEqual({ ...entries.source, id: 0 }, { ...source, id: 0 })
    assert.equal(entries.layout.key, rig.layout.key)
    assert.equal(entries.context?.get(256), entries.layout)
    assert.deepEqual(
      [
        entries.exportTimeSec,
        entries.receivedAtMs,
        entries.bootTimeMs,
        entries.records,
        entries.lengthOctets,
        entries.isState
      ],
      [4_000_000_000, 1.5e12, -2, 2, 16, false]
    )
    assert.equal(entries.offset % 8, 0)
    assert.deepEqual([...batch.octets.subarray(entries.offset, entries.offset + 16)], Array(16).fill(9))
    assert.equal(entries.next(), false)
    entries.reset()
    assert.ok(entries.next())
  })

  test('leave at the latest after batchAgeMs, and no timer runs while none is open', async t => {
    const rig = new Rig(temporaryFolder(t))
    await rig.start()
    rig.deliver()
    const idleTimers = rig.clock.pending
    new SerialSource(rig.sender, rig.layout, 1).append(1)
    rig.clock.advance(19)
    rig.deliver()
    assert.equal(rig.held.length, 0)
    rig.clock.advance(1)
    rig.deliver()
    assert.equal(rig.held.length, 1)
    assert.equal(rig.clock.pending, idleTimers)
  })

  test('hold one Data Set of 65,515 octets at the smallest size, and of 65,535', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    const layout = rig.layout
    const source = rig.sender.defineSource(sourceFields(1))
    for (const lengthOctets of [65_512, 65_528]) {
      const records = lengthOctets / SERIAL_OCTETS
      assert.ok(rig.sender.append(layout, source, 0, 1, 2, 3, records, new Uint8Array(65_536), 0, lengthOctets))
    }
    rig.drain()
    assert.equal(rig.sender.stats.records.settled, (65_512 + 65_528) / SERIAL_OCTETS)
  })

  test('end their octets when they are settled', async t => {
    const rig = new Rig(temporaryFolder(t))
    await rig.start()
    new SerialSource(rig.sender, rig.layout, 1).append(5)
    rig.sender.flush()
    rig.deliver()
    const [batch] = rig.held
    batch.settle()
    assert.equal(batch.octets.length, 0)
    assert.equal(batch.entries.next(), false)
    batch.settle()
    assert.equal(rig.receiver.stats.batches.settled, 1)
  })
})

describe('credit', () => {
  test('that is used up stops sending, then TCP, then append; settling lets all go on', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    rig.deliver()
    let writableAgain = 0
    rig.sender.onWritable(() => writableAgain++)
    const source = new SerialSource(rig.sender, rig.layout, 1)
    let isWritableAtWindow = true
    while (source.append(FULL)) {
      rig.deliver()
      if (rig.sender.stats.batches.unsent === 2) isWritableAtWindow = rig.sender.isWritable
    }
    assert.equal(rig.held.length, 4)
    assert.equal(isWritableAtWindow, false)
    assert.equal(source.next, 10 * FULL)
    assert.equal(rig.sender.stats.refusedAppends, 1)
    assert.equal(rig.sender.isWritable, false)
    rig.drain()
    assert.equal(writableAgain, 1)
    assert.ok(rig.sender.isWritable)
    assert.ok(source.append(FULL))
    rig.drain()
    assert.equal(rig.receiver.stats.records.settled, 11 * FULL)
  })

  test('comes back early for a batch that only non-blocking destinations hold', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    const source = new SerialSource(rig.sender, rig.layout, 1)
    for (let batch = 0; batch < 6; batch++) source.append(FULL)
    rig.deliver()
    assert.equal(rig.held.length, 4)
    rig.held[0].releaseCredit()
    rig.held[0].releaseCredit()
    rig.deliver()
    assert.equal(rig.held.length, 5)
    assert.equal(rig.sender.stats.batches.settled, 0)
  })
})

describe('after a restart of the receiver', () => {
  test('everything unsettled comes again with the flag, state before it, and only once', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    const source = new SerialSource(rig.sender, rig.layout, 1)
    for (let batch = 0; batch < 3; batch++) source.append(FULL)
    rig.sender.flush()
    rig.deliver()
    rig.held.pop()?.settle()
    rig.deliver()
    const state = new SerialSource(rig.sender, rig.layout, 2)
    rig.sender.onPeerRestart(() => state.append(3, true))
    await rig.restartReceiver()
    const seen: [number, boolean, number][] = []
    rig.onBatch = (batch: ReceivedBatch) => seen.push([batch.id, batch.isRedelivered, serialsOf(batch)[0].odid])
    rig.deliver()
    assert.deepEqual(seen, [
      [0, false, 2],
      [1, true, 1],
      [2, true, 1]
    ])
    rig.drain()
    assert.equal(rig.sender.stats.records.redelivered, 2 * FULL)
    assert.equal(rig.receiver.stats.records.redelivered, 2 * FULL)
    assert.equal(rig.sender.stats.peerRestarts, 1)
    assert.equal(rig.sender.stats.records.settled, 3 * FULL)
  })

  test('a batch that only waited has no flag', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.sender.start()
    new SerialSource(rig.sender, rig.layout, 1).append(FULL)
    await rig.startReceiver()
    rig.clock.advance(30)
    rig.deliver()
    assert.deepEqual(
      rig.held.map(batch => batch.isRedelivered),
      [false]
    )
  })
})

describe('a broken connection', () => {
  test('delivers nothing twice to the same receiver', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    const source = new SerialSource(rig.sender, rig.layout, 1)
    source.append(FULL)
    source.append(FULL)
    rig.sender.flush()
    rig.deliver()
    rig.network.breakAll()
    rig.deliver()
    rig.drain()
    assert.equal(rig.receiver.stats.batches.received, 2)
    assert.equal(rig.receiver.stats.batches.redelivered, 0)
    assert.equal(rig.sender.stats.reconnects, 1)
    assert.equal(rig.sender.stats.records.settled, 2 * FULL)
  })

  test('F-16 a corrupt frame is asked for again, and what followed it comes in order', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    rig.deliver()
    const source = new SerialSource(rig.sender, rig.layout, 1)
    for (let batch = 0; batch < 3; batch++) source.append(FULL)
    rig.sender.flush()
    let isDone = false
    while (!isDone) {
      rig.network.deliverUp(frame => {
        if (viewOf(frame).getUint8(5) !== frameKinds.batch) return frame
        frame[1000] ^= 1
        isDone = true
        return frame
      })
    }
    rig.deliver()
    assert.deepEqual(
      rig.held.map(({ id }) => id),
      [1, 2, 3]
    )
    assert.equal(rig.receiver.stats.frames.corrupt, 1)
    assert.equal(rig.receiver.stats.frames.nacks, 1)
    assert.equal(rig.sender.stats.frames.nacks, 1)
  })

  test('a receiver that hangs is treated as down after heartbeatTimeoutMs, and gets nothing twice', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    rig.deliver()
    rig.clock.advance(3000)
    assert.equal(rig.sender.stats.state, 'ready')
    rig.clock.advance(1000)
    assert.equal(rig.sender.stats.state, 'connecting')
    new SerialSource(rig.sender, rig.layout, 1).append(FULL)
    rig.drain()
    assert.equal(rig.receiver.stats.batches.received, 1)
  })
})

describe('epochs', () => {
  test('an acknowledgement of another receiver settles nothing', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    new SerialSource(rig.sender, rig.layout, 1).append(FULL)
    rig.sender.flush()
    rig.deliver()
    rig.settleAll()
    rig.turn()
    let changed = 0
    while (
      rig.network.deliverDown(frame => {
        const view = viewOf(frame)
        if (view.getUint8(5) !== frameKinds.ack) return frame
        changed++
        const fields = { kind: frameKinds.ack, senderEpoch: view.getBigUint64(16, true), receiverEpoch: 5n, number: 1 }
        return makeFrame(fields, frame.slice(48))
      })
    );
    assert.ok(changed > 0)
    assert.equal(rig.sender.stats.records.settled, 0)
    assert.equal(rig.sender.stats.frames.foreign, changed)
  })

  test('a version that the receiver does not speak is refused', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    rig.deliver()
    const hello = { minVersion: 9, maxVersion: 9, pid: 1, worker: 0, bufferOctets: 1 }
    rig.network.inject(makeFrame({ kind: frameKinds.hello, senderEpoch: 77n }, encodeHello(hello)))
    rig.network.deliverUp()
    assert.equal(rig.receiver.stats.frames.refused, 1)
    assert.equal(rig.receiver.stats.senders.length, 1)
    let refuse: number[] = []
    rig.network.deliverDown(frame => {
      refuse = [viewOf(frame).getUint8(5), viewOf(frame).getUint32(40, true), viewOf(frame).getUint32(44, true)]
      return undefined
    })
    assert.deepEqual(refuse, [frameKinds.refuse, 1, 1])
  })

  test('a sender that is refused says so and goes on asking', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.start()
    rig.network.deliverUp()
    rig.network.deliverDown(frame => {
      const senderEpoch = viewOf(frame).getBigUint64(16, true)
      return makeFrame({ kind: frameKinds.refuse, senderEpoch, receiverEpoch: 3n, first: 1, second: 1 })
    })
    assert.equal(rig.sender.stats.state, 'refused')
    rig.clock.advance(1000)
    rig.deliver()
    assert.equal(rig.sender.stats.state, 'ready')
  })
})

describe('definitions', () => {
  test('that are released are forgotten on both ends once nothing unsettled names them', async t => {
    const released: string[] = []
    const rig = new Rig(temporaryFolder(t), small, {
      onLayoutReleased: layout => released.push(layout.key),
      onSourceReleased: source => released.push(source.exporterId)
    })
    await rig.start()
    const source = rig.sender.defineSource(sourceFields(1))
    const context = rig.sender.defineContext(new Map([[300, rig.layout]]))
    rig.sender.append(rig.layout, source, context, 1, 2, 3, 1, new Uint8Array(8), 0, 8)
    rig.sender.releaseLayout(rig.layout)
    rig.sender.releaseSource(source)
    rig.sender.releaseContext(context)
    rig.sender.flush()
    rig.deliver()
    assert.deepEqual(rig.sender.stats.definitions, { layouts: 1, sources: 1, contexts: 1 })
    rig.settleAll()
    rig.deliver()
    rig.clock.advance(1000)
    rig.deliver()
    assert.deepEqual(rig.sender.stats.definitions, { layouts: 0, sources: 0, contexts: 0 })
    assert.deepEqual(released.toSorted(), [rig.layout.key, '192.0.2.1'].toSorted())
  })
})

describe('stop', () => {
  test('flushes, says that the stream ends, and waits until all is settled', async t => {
    const ended: string[] = []
    const rig = new Rig(temporaryFolder(t), small, { onEndOfStream: epoch => ended.push(epoch) })
    await rig.start()
    rig.deliver()
    new SerialSource(rig.sender, rig.layout, 1).append(10)
    const stopped = rig.sender.stop(60_000)
    rig.deliver()
    assert.deepEqual(ended, [rig.sender.stats.epoch])
    assert.equal(rig.sender.stats.records.inWindow, 10)
    rig.settleAll()
    rig.deliver()
    await stopped
    assert.equal(rig.sender.stats.state, 'stopped')
    assert.equal(rig.sender.stats.records.inWindow, 0)
  })

  test('ends at its deadline when nobody is there, and says what is left', async t => {
    const rig = new Rig(temporaryFolder(t), small)
    await rig.sender.start()
    new SerialSource(rig.sender, rig.layout, 1).append(10)
    const stopped = rig.sender.stop(500)
    rig.clock.advance(500)
    await stopped
    assert.equal(rig.sender.stats.records.inWindow, 10)
  })
})

test('refuses a configuration that cannot work, naming every key', () => {
  const config = { endpoint: 'ipc:///tmp/x', batchOctets: 100, windowBatches: 0 }
  assert.throws(() => createLinkSender(config), /link\.batchOctets: 100[\s\S]*link\.windowBatches: 0/)
})
