import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowBatch, sourceOf } from './support/batches.ts'
import { Rig } from './support/rig.ts'
import { TcpSink } from './support/sinks.ts'
import { numberOf } from './support/strict-reader.ts'

test('records reach a TCP collector after their template, and the batch is settled', async () => {
  const sink = await new TcpSink().listen()
  const rig = new Rig()
  rig.add({ id: 'a', type: 'ipfix', url: sink.url })
  const source = sourceOf()
  rig.push(flowBatch(source, 1_000), flowBatch(source, 1_000, 1_000))
  await rig.settled()
  await sink.until(() => sink.records.length === 2_000)
  assert.deepEqual(
    sink.records.map(record => numberOf(record, '32473.1')),
    Array.from({ length: 2_000 }, (_, index) => index)
  )
  await rig.stop()
  await sink.until(() => sink.ended === 1)
  assert.equal(rig.ledger.destinations.a!.sent, 2_000)
  await sink.close()
})
