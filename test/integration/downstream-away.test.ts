import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeFile } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { generate, startGenerator } from '../support/ground-truth.ts'
import { readLedger, sumOf } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { TcpSink } from '../support/sinks.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { atRest, until } from '../support/until.ts'

const folder = tempFolder('downstream')

/** Records in what a connection has brought; it must be readable on its own, templates before data. */
function recordsIn(stream: Buffer): number {
  const path = join(folder, 'stream.ipfix')
  writeFileSync(path, stream)
  const { summary } = decodeFile(path)
  assert.equal(summary.malformedMessages + summary.undecodableSets, 0, JSON.stringify(summary.faults))
  return summary.dataRecords
}

const destinationOf = async (weir: RunningWeir) => (await readLedger(weir.api)).mediator.destinations.out!

const statusOf = async (weir: RunningWeir): Promise<string> =>
  (await weir.api.get<{ status: string }>('/v1/destinations/out')).status

test('TCP, block: away at the start and away for a while: connected again, templates first, nothing lost', async () => {
  const port = await freePort()
  const weir = await startWeir(join(folder, 'block'), {
    destinations: [
      {
        id: 'out',
        type: 'ipfix',
        url: `tcp://127.0.0.1:${port}`,
        reconnectMinMs: 100,
        reconnectMaxMs: 200,
        queue: { policy: 'block' }
      }
    ]
  })
  await generate({ to: weir.tcp, records: 20_000, rate: 100_000 })
  await until('all wait', async () => (await destinationOf(weir)).queued === 20_000)

  const first = await TcpSink.listen({ port })
  await weir.checkLedger()
  await atRest('the first connection', () => first.octets, 200)
  assert.equal(first.connections, 1)
  await first.close()
  assert.equal(recordsIn(first.streams[0]!), 20_000)
  await until('Weir has seen it', async () => (await statusOf(weir)) !== 'ready')

  await generate({ to: weir.tcp, records: 30_000, rate: 100_000 })
  await until('all wait', async () => (await destinationOf(weir)).queued === 30_000)
  const second = await TcpSink.listen({ port })
  const ledger = await weir.checkLedger()
  await atRest('the second connection', () => second.octets, 200)
  assert.equal(recordsIn(second.streams[0]!), 30_000)
  const { sent, uncertain, dropped } = ledger.mediator.destinations.out!
  // Weir cannot know that the first connection was read to its end before it was reset.
  assert.deepEqual({ sent, uncertain, dropped: sumOf(dropped) }, { sent: 50_000, uncertain: 20_000, dropped: 0 })
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  await second.close()
})

/** Records that arrived over a connection that was reset: its last Message may be cut, all before it counts. */
function recordsInCut(stream: Buffer): number {
  const path = join(folder, 'cut.ipfix')
  writeFileSync(path, stream)
  return decodeFile(path).summary.dataRecords
}

for (const isReading of [true, false]) {
  const peer = isReading ? 'reads as it comes' : 'has not read for a while'
  test(`F-21 TCP: reset under load by a peer that ${peer}: what may be lost is shown, everything else arrives`, async () => {
    const sink = await TcpSink.listen({ isReading })
    const weir = await startWeir(join(folder, `reset-${isReading}`), {
      destinations: [
        {
          id: 'out',
          type: 'ipfix',
          url: `tcp://127.0.0.1:${sink.port}`,
          reconnectMinMs: 100,
          reconnectMaxMs: 200,
          queue: { policy: 'block' }
        }
      ]
    })
    const records = 150_000
    const generator = startGenerator({ to: weir.tcp, records, rate: 50_000 })
    await until('records flow', async () => (await destinationOf(weir)).matched > 30_000)
    const { port } = sink
    await sink.close()
    const again = await TcpSink.listen({ port })
    assert.equal((await generator.waitForEnd()).code, 0, generator.said)
    const ledger = await weir.checkLedger()
    await atRest('the second connection', () => again.octets, 200)
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    const lost = records - recordsInCut(sink.streams[0]!) - recordsIn(again.streams[0]!)
    const { sent, uncertain } = ledger.mediator.destinations.out!
    assert.equal(sent, records)
    assert.ok(lost <= uncertain, `${lost} lost, ${uncertain} shown as uncertain`)
    await again.close()
  })
}

for (const policy of ['drop-oldest', 'drop-newest'] as const) {
  test(`TCP, ${policy}: away for long: the ledger names the drops exactly`, async () => {
    const port = await freePort()
    const queue = { octets: 1_048_576, policy }
    const weir = await startWeir(join(folder, policy), {
      destinations: [
        { id: 'out', type: 'ipfix', url: `tcp://127.0.0.1:${port}`, reconnectMinMs: 100, reconnectMaxMs: 200, queue }
      ]
    })
    await generate({ to: weir.tcp, records: 60_000, rate: 100_000 })
    const away = await weir.checkLedger({ isDrained: false })
    const reason = policy === 'drop-oldest' ? 'queue_oldest' : 'queue_newest'
    const dropped = away.mediator.destinations.out!.dropped[reason]!
    assert.ok(dropped > 10_000, `${dropped} dropped`)
    assert.equal(sumOf(away.mediator.destinations.out!.dropped), dropped, 'no other reason')
    const sink = await TcpSink.listen({ port })
    await weir.checkLedger()
    await atRest('the connection', () => sink.octets, 200)
    assert.equal((await weir.stop()).code, 0, weir.child.said)
    assert.equal(recordsIn(sink.streams[0]!), 60_000 - dropped)
    await sink.close()
  })
}
