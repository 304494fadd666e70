import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import { udpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { readByTshark } from '../support/tshark.ts'
import { until } from '../support/until.ts'
import { captureRefused, captureWire } from '../support/wire-capture.ts'

test(
  'destinations added, changed and removed while 20,000 records/s flow: the others lose nothing',
  { skip: captureRefused() },
  async () => {
    const folder = tempFolder('under-load')
    const first = await startReceiver('tcp')
    const second = await startReceiver('udp')
    const sink = await udpSink()
    const wire = await captureWire(folder, 'resend', [sink.port])
    const weir = await startWeir(folder, {
      destinations: [
        { id: 'first', type: 'ipfix', url: first.url, queue: { policy: 'block' } },
        { id: 'second', type: 'ipfix', url: second.url, maxMessageOctets: 1400, queue: { policy: 'block' } }
      ]
    })
    const records = 120_000
    const generator = startGenerator({ to: weir.tcp, records, rate: 20_000 })
    const decoded = async (): Promise<number> => (await readLedger(weir.api)).collector.records.decoded
    await until('records flow', async () => (await decoded()) > 5_000)
    for (let round = 0; round < 3; round++) {
      await weir.api.post('/v1/destinations', {
        id: 'lines',
        type: 'json',
        target: `file:${join(folder, `lines-${round}.json`)}`
      })
      await weir.api.post('/v1/destinations', {
        id: 'late',
        type: 'ipfix',
        url: `udp://127.0.0.1:${sink.port}`,
        socket: 'dgram',
        templateCopies: 1,
        templateRefreshSec: 86_400
      })
      const before = await decoded()
      await until('records have reached the new ones', async () => (await decoded()) > before + 3_000)
      await weir.api.patch('/v1/destinations/late', { maxMessageOctets: 1_000 })
      await weir.api.post('/v1/destinations/late/resend-templates')
      await weir.api.patch('/v1/destinations/lines', { numbers64: 'string' })
      const between = await decoded()
      await until('records have reached the changed ones', async () => (await decoded()) > between + 3_000)
      await weir.api.delete('/v1/destinations/lines')
      await weir.api.delete('/v1/destinations/late')
    }
    assert.equal((await generator.waitForEnd()).code, 0, generator.said)
    await weir.checkLedger()
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    await wire.stop()
    for (const receiver of [first, second]) {
      const { unique, lost, duplicates } = await receiver.stop()
      assert.deepEqual({ unique, lost, duplicates }, { unique: records, lost: 0, duplicates: 0 }, receiver.url)
    }
    const findings = await readByTshark(wire.path, 'udp', [sink.port])
    assert.deepEqual(findings.complaints, [])
    // Three sessions, each announced once at its first record and once on demand.
    assert.ok(findings.templates >= 6, `${findings.templates} templates on the wire`)
    sink.close()
  }
)
