import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { FIELDS, recordHex, templateMessage } from './support/messages.ts'
import { startRig, type Rig } from './support/rig.ts'

const data = (value: number, exportTimeSec: number, sequence: number, id = 256): Uint8Array =>
  buildMessage({ exportTimeSec, sequence }).data(id, recordHex(value)).octets()

const domainOf = (rig: Rig) => [...rig.collector.parts.sessions.values()][0].domains.get(1)!

/** The definition that templates of these tests have, as a store would bring it. */
function restore(rig: Rig, templateId: number): void {
  const { layouts } = rig.collector.parts
  const fields = [
    { pen: 0, id: 8, length: 4 },
    { pen: 0, id: 2, length: 4 }
  ]
  assert.equal(domainOf(rig).table.restore(templateId, layouts.intern(fields, 0), 0, 0), true)
}

describe('what waited for a template', () => {
  test('goes on in order of Export Time, then sequence number, then arrival', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(data(3, 20, 7), data(1, 10, 9), data(2, 20, 5), data(4, 20, 7))
    await rig.untilMessages(4)
    await source.send(buildMessage({ exportTimeSec: 21 }).template(256, FIELDS).octets())
    await rig.untilMessages(5)
    assert.deepEqual(rig.link.hex, [1, 2, 3, 4].map(recordHex))
    assert.deepEqual(
      rig.link.entries.map(({ exportTimeSec }) => exportTimeSec),
      [10, 20, 20, 20]
    )
  })

  test('goes on when the template comes from elsewhere than the exporter, and only then', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(data(1, 10, 0), data(2, 10, 1, 257), data(3, 10, 2, 258))
    await rig.untilMessages(3)
    const { intake, ledger } = rig.collector.parts
    intake.release(domainOf(rig), 256)
    assert.deepEqual(rig.link.hex, [])
    restore(rig, 256)
    intake.release(domainOf(rig), 256)
    assert.deepEqual(rig.link.hex, [recordHex(1)])
    restore(rig, 257)
    intake.releaseAll(domainOf(rig))
    assert.deepEqual(rig.link.hex, [recordHex(1), recordHex(2)])
    assert.equal(ledger.dataSets.pending, 1)
  })

  test('goes on once, though it is told of twice', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(data(1, 10, 0), templateMessage())
    await rig.untilMessages(2)
    rig.collector.parts.intake.release(domainOf(rig), 256)
    rig.collector.parts.intake.releaseAll(domainOf(rig))
    assert.deepEqual(rig.link.hex, [recordHex(1)])
  })
})
