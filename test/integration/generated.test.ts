import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generate, startReceiver } from '../support/ground-truth.ts'
import { startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'

test('64 exporters of 4 templates each, IPFIX over TCP and UDP and NetFlow v9, to TCP and UDP: every record arrives once', async () => {
  const first = await startReceiver('tcp')
  const second = await startReceiver('udp')
  const weir = await startWeir(tempFolder('generated'), {
    destinations: [
      { id: 'first', type: 'ipfix', url: first.url, queue: { policy: 'block' } },
      { id: 'second', type: 'ipfix', url: second.url, observationDomainId: 'preserve', queue: { policy: 'block' } }
    ]
  })
  const records = 60_000
  const common = { records, rate: 30_000, exporters: 64, templates: 4 }
  await generate({ ...common, to: weir.tcp })
  await generate({ ...common, to: weir.udp, generatorId: 1_001 })
  await generate({ ...common, to: weir.udp, generatorId: 2_001, version: 9 })
  const { collector } = await weir.checkLedger()
  assert.deepEqual(collector.sequence, {
    ...collector.sequence,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    restarts: 0,
    suspect: 0
  })
  assert.equal(collector.records.decoded, 3 * records)
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  for (const receiver of [first, second]) {
    const truth = await receiver.stop()
    assert.deepEqual(truth, { unique: 3 * records, duplicates: 0, lost: 0, malformed: 0, sessions: 1 }, receiver.url)
  }
})
