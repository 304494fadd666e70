import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeControl } from '../src/control-message.ts'
import { decodeDefinitions } from '../src/definition.ts'
import { FRAME_HEADER_OCTETS, makeFrame, sealFrame, viewOf, type FrameKind } from '../src/frame.ts'
import { Rig, SerialSource, temporaryFolder } from './support/rig.ts'

const octets = fc.uint8Array({ maxLength: 300 })

test('G10 any octets towards a receiver are counted, never thrown, and change nothing', async t => {
  const rig = new Rig(temporaryFolder(t))
  await rig.start()
  rig.deliver()
  new SerialSource(rig.sender, rig.layout, 1).append(3)
  rig.sender.flush()
  rig.deliver()
  const sender = rig.receiver.stats.senders[0]
  const senderEpoch = BigInt(`0x${sender.epoch}`)
  const receiverEpoch = BigInt(`0x${rig.receiver.stats.epoch}`)
  const frame = fc.oneof(
    octets,
    // Right checksum and epochs, wrong contents. Kind 1 with 24 octets is a HELLO, 9 to 11 have no body: left out.
    fc
      .record({
        kind: fc.constantFrom(4, 5, 6, 2, 7, 99),
        number: fc.nat(5),
        first: fc.nat(3),
        second: fc.nat(3),
        body: octets
      })
      .map(({ kind, body, ...rest }) =>
        makeFrame({ kind: kind as FrameKind, senderEpoch, receiverEpoch, ...rest }, Uint8Array.of(...body, 1))
      )
  )
  fc.assert(
    fc.property(frame, hostile => {
      rig.network.inject(hostile)
      const before = rig.receiver.stats
      rig.network.deliverUp()
      const after = rig.receiver.stats
      const counted = (stats: typeof before): number =>
        stats.frames.corrupt + stats.frames.foreign + stats.frames.nacks + stats.batches.duplicates
      assert.ok(counted(after) > counted(before) || rig.receiver.stats.frames.nacks > 0)
      assert.deepEqual(after.records, before.records)
      assert.deepEqual(after.senders, before.senders)
    }),
    { numRuns: 3000 }
  )
  rig.deliver()
  new SerialSource(rig.sender, rig.layout, 2).append(4)
  rig.drain()
  assert.equal(rig.receiver.stats.records.settled, 7)
})

test('G10 any octets towards a sender settle nothing', async t => {
  const rig = new Rig(temporaryFolder(t))
  await rig.start()
  rig.deliver()
  new SerialSource(rig.sender, rig.layout, 1).append(3)
  fc.assert(
    fc.property(octets, fc.boolean(), (hostile, isSealed) => {
      // A real frame's place on the line, hostile octets in it.
      rig.clock.advance(1000)
      rig.network.deliverUp()
      rig.turn()
      rig.network.deliverDown(frame => {
        if (!isSealed) return hostile
        const changed = new Uint8Array(FRAME_HEADER_OCTETS + hostile.length)
        changed.set(hostile, FRAME_HEADER_OCTETS)
        const epoch = viewOf(frame).getBigUint64(16, true)
        const header = {
          version: 1,
          kind: 7,
          flags: 0,
          lengthOctets: 0,
          senderEpoch: epoch,
          number: 1,
          first: 1,
          second: 0
        }
        sealFrame(changed, viewOf(changed), { ...header, receiverEpoch: viewOf(frame).getBigUint64(24, true) })
        return changed
      })
      assert.equal(rig.sender.stats.records.settled, 0)
    }),
    { numRuns: 1000 }
  )
  rig.drain()
  assert.equal(rig.sender.stats.records.settled, 3)
})

test('G10 any octets as definitions or control messages do not throw', () => {
  fc.assert(
    fc.property(octets, hostile => {
      decodeDefinitions(viewOf(hostile), 0)
      decodeControl(hostile)
    }),
    { numRuns: 20_000 }
  )
  fc.assert(fc.property(fc.json(), text => void decodeControl(new TextEncoder().encode(text))))
  // A text behind anything but an answer is no message.
  for (const json of [
    '{"v":1,"type":"ping"}',
    '{"v":1,"type":"answer","id":1}',
    '{"v":1,"type":"answer","id":1,"result":[]}'
  ]) {
    assert.equal(decodeControl(new TextEncoder().encode(`${json}\nx`)), undefined)
  }
})
