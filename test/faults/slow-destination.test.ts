import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeFile } from '../support/fixture-captures.ts'
import { generate, startReceiver } from '../support/ground-truth.ts'
import { readLedger, sumOf } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import { TcpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { atRest } from '../support/until.ts'

for (const policy of ['drop-oldest', 'drop-newest'] as const) {
  test(`F-19 a destination that stops reading, ${policy}: the healthy one loses nothing, the drops of the slow one are exact`, async () => {
    const folder = tempFolder(`slow-${policy}`)
    const healthy = await startReceiver('tcp')
    const slow = await TcpSink.listen({ isReading: false })
    const weir = await startWeir(folder, {
      destinations: [
        { id: 'healthy', type: 'ipfix', url: healthy.url, queue: { policy: 'block' } },
        { id: 'slow', type: 'ipfix', url: `tcp://127.0.0.1:${slow.port}`, queue: { octets: 1_048_576, policy } }
      ]
    })
    const records = 300_000
    await generate({ to: weir.tcp, records, rate: 100_000 })
    const { mediator } = await weir.checkLedger({ isDrained: false })
    const held = mediator.destinations.slow!
    assert.ok(held.queued > 0, 'the slow one has a queue')
    assert.ok(held.dropped[policy === 'drop-oldest' ? 'queue_oldest' : 'queue_newest']! > 0, JSON.stringify(held))
    assert.equal(mediator.destinations.healthy!.sent, records)
    slow.read(true)
    const after = await weir.checkLedger()
    const { matched, sent, dropped, uncertain } = after.mediator.destinations.slow!
    assert.equal(matched, records)
    assert.equal(uncertain, 0)
    await atRest('what the slow one has read', () => slow.octets, 300)
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    const truth = await healthy.stop()
    assert.deepEqual(
      { unique: truth.unique, lost: truth.lost, duplicates: truth.duplicates },
      { unique: records, lost: 0, duplicates: 0 }
    )
    const path = join(folder, 'slow.ipfix')
    writeFileSync(path, slow.streams[0]!)
    const { summary } = decodeFile(path)
    assert.equal(summary.malformedMessages + summary.undecodableSets, 0)
    assert.equal(summary.dataRecords + summary.optionsRecords, sent, 'what was counted as sent has arrived')
    assert.equal(sent + sumOf(dropped), records, 'what was not sent was counted as dropped')
    await slow.close()
  })
}

test('a destination that stops reading, block: the exporter waits, and nothing is lost', async () => {
  const folder = tempFolder('slow-block')
  const slow = await TcpSink.listen({ isReading: false })
  const weir = await startWeir(folder, {
    destinations: [
      { id: 'slow', type: 'ipfix', url: `tcp://127.0.0.1:${slow.port}`, queue: { octets: 1_048_576, policy: 'block' } }
    ]
  })
  const records = 300_000
  const generated = generate({ to: weir.tcp, records })
  await atRest('what is decoded', async () => (await readLedger(weir.api)).collector.records.decoded, 700)
  slow.read(true)
  await generated
  const { mediator } = await weir.checkLedger({ deadlineMs: 30_000 })
  assert.equal(mediator.destinations.slow!.sent, records)
  await atRest('what it has read', () => slow.octets, 300)
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const path = join(folder, 'slow.ipfix')
  writeFileSync(path, slow.streams[0]!)
  assert.equal(decodeFile(path).summary.dataRecords, records)
  await slow.close()
})
