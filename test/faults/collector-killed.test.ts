import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const RATE = 50_000

test('F-03 kill -9 of the collector, UDP: back in under a second with its templates; the loss is bounded', async () => {
  const receiver = await startReceiver('tcp')
  const weir = await startWeir(tempFolder('collector-killed-udp'), {
    destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }]
  })
  const records = 5 * RATE
  const generator = startGenerator({ to: weir.udp, records, rate: RATE })
  await until('records are decoded', async () => (await readLedger(weir.api)).collector.records.decoded > RATE)
  const awayMs = await weir.crash('collector')
  assert.ok(awayMs < 1_000, `the successor began after ${awayMs} ms`)
  await weir.waitUntilReady()
  assert.equal((await generator.waitForEnd()).code, 0, generator.said)
  const ledger = await weir.checkLedger({ isFresh: false })
  assert.equal(ledger.collector.dataSets.pending, 0, 'templates were remembered')
  const { sent, matched } = ledger.mediator.destinations.truth!
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const truth = await receiver.stop()
  assert.equal(truth.unique + truth.duplicates, sent)
  assert.equal(sent, matched)
  assert.equal(truth.duplicates, 0)
  // 2 s of input is a bound for start-up on a machine under test load; what was before and after must be there.
  assert.ok(truth.unique > records - 2 * RATE, `${truth.unique} of ${records} arrived`)
})

test('F-01 kill -9 of the collector, TCP: the exporter connects again; the loss is what was read and not handed over', async () => {
  const receiver = await startReceiver('tcp')
  const weir = await startWeir(tempFolder('collector-killed-tcp'), {
    destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }]
  })
  const records = 4 * RATE
  const generator = startGenerator({ to: weir.tcp, records, rate: RATE })
  await until('records are decoded', async () => (await readLedger(weir.api)).collector.records.decoded > RATE)
  await weir.crash('collector')
  await weir.waitUntilReady()
  assert.equal((await generator.waitForEnd()).code, 0, generator.said)
  const ledger = await weir.checkLedger({ isFresh: false })
  assert.equal(ledger.collector.dataSets.pending, 0, 'a new connection begins with its templates')
  const { sent } = ledger.mediator.destinations.truth!
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const truth = await receiver.stop()
  assert.equal(truth.malformed, 0)
  assert.equal(truth.unique + truth.duplicates, sent)
  // 250 ms of input (BAR-4).
  assert.ok(records - truth.unique <= 12_500, `${records - truth.unique} lost`)
})
