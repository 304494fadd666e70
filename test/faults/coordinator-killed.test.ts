import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

test('F-18 kill -9 of the coordinator: no record notices, and it comes back with what was added through it', async () => {
  const first = await startReceiver('tcp')
  const second = await startReceiver('tcp')
  const weir = await startWeir(tempFolder('coordinator-killed'), {
    destinations: [{ id: 'first', type: 'ipfix', url: first.url, queue: { policy: 'block' } }]
  })
  await weir.api.post('/v1/destinations', { id: 'second', type: 'ipfix', url: second.url, queue: { policy: 'block' } })
  const pids = [weir.pidOf('collector'), weir.pidOf('mediator')]
  const records = 150_000
  const generator = startGenerator({ to: weir.tcp, records, rate: 50_000 })
  await until('records are decoded', async () => (await readLedger(weir.api)).collector.records.decoded > 30_000)
  const awayMs = await weir.crash('coordinator')
  assert.ok(awayMs < 2_000, `away for ${awayMs} ms`)
  await weir.waitUntilReady()
  const { items } = await weir.api.get<{ items: { id: string }[] }>('/v1/destinations')
  assert.deepEqual(items.map(({ id }) => id).toSorted(), ['first', 'second'])
  assert.equal((await generator.waitForEnd()).code, 0, generator.said)
  const { collector } = await weir.checkLedger()
  assert.equal(collector.window.redelivered, 0)
  assert.deepEqual([weir.pidOf('collector'), weir.pidOf('mediator')], pids, 'the others were not restarted')
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  for (const receiver of [first, second]) {
    const { unique, lost, duplicates } = await receiver.stop()
    assert.deepEqual({ unique, lost, duplicates }, { unique: records, lost: 0, duplicates: 0 })
  }
})
