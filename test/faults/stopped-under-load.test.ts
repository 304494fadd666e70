import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGenerator, startReceiver } from '../support/ground-truth.ts'
import { brokenEquations, readLedger } from '../support/ledger.ts'
import type { CollectorLedger, MediatorLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

/** The last account that a process has written to the log before it ended. */
function lastLedger<T>(log: string, process: string): T {
  const lines = log.split('\n').filter(line => line.startsWith('{'))
  const found = lines
    .map(line => JSON.parse(line) as { process: string; code: string; ledger: T })
    .findLast(line => line.process === process && line.code === 'ledger')
  if (found === undefined) throw new Error(`no ledger of the ${process} in the log`)
  return found.ledger
}

for (const transport of ['tcp', 'udp'] as const) {
  test(`F-4${transport === 'tcp' ? 0 : 1} SIGTERM of weir up under load over ${transport}: nothing that was read is lost, exit 0 within 30 s`, async () => {
    const receiver = await startReceiver('tcp')
    const weir = await startWeir(tempFolder(`stop-${transport}`), {
      destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }],
      config: { shutdown: { tcpReadMs: 2_000 } }
    })
    const generator = startGenerator({ to: weir[transport], records: 1_500_000, rate: 50_000 })
    await until('records are decoded', async () => (await readLedger(weir.api)).collector.records.decoded > 50_000)
    const startMs = performance.now()
    const { code } = await weir.stop(31_000)
    const tookMs = performance.now() - startMs
    assert.equal(code, 0, weir.child.said)
    assert.ok(tookMs < 30_000, `stopping took ${tookMs} ms`)
    generator.kill('SIGKILL')
    const collector = lastLedger<CollectorLedger>(weir.child.stderr, 'collector')
    const mediator = lastLedger<MediatorLedger>(weir.child.stderr, 'mediator')
    assert.deepEqual(brokenEquations({ collector, mediator, equations: [] }), [])
    const { records } = collector
    const truth = await receiver.stop()
    assert.equal(truth.unique, records.decoded, `${JSON.stringify(truth)} ${JSON.stringify(records)}`)
    assert.equal(truth.duplicates, 0)
  })
}
