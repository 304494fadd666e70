import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLinkReceiver, createLinkSender, dataEndpoint } from '@weir/link'
import { silentLog } from '@weir/runtime'
import { createMediator } from '../src/mediator.ts'
import { flowLayout, flows } from './support/batches.ts'
import { defaults, destinationOf } from './support/rig.ts'
import { TcpSink } from './support/sinks.ts'
import { numberOf } from './support/strict-reader.ts'
import type { LinkReceiver, LinkSender, Source } from '@weir/link'
import type { Mediator } from '../src/mediator.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

function mediatorAt(runDir: string, url: string, onReceiver?: (receiver: LinkReceiver) => void): Mediator {
  const destination = destinationOf({ id: 'a', type: 'ipfix', url, reconnectMinMs: 100, queue: { policy: 'block' } })
  return createMediator(
    { ...defaults, runDir, destinations: [destination] },
    {
      log: silentLog(),
      makeReceiver: (config, deps) => {
        const receiver = createLinkReceiver(config, deps)
        onReceiver?.(receiver)
        return receiver
      }
    }
  )
}

function append(link: LinkSender, source: Source, count: number, first: number): void {
  const records = Buffer.concat(flows(count, first))
  assert.ok(link.append(flowLayout, source, 0, 1_700_000_000, 1, Number.NaN, count, records, 0, records.length))
}

const exporter = {
  transport: 'tcp',
  version: 10,
  address: new Uint8Array(16),
  isIPv6: false,
  port: 1,
  odid: 0,
  v5Sampling: -1,
  exporterId: 'x'
} as const
const never = new AbortController().signal

test('over the real link: every record arrives, every batch is settled, and both stop in order', async () => {
  const runDir = mkdtempSync(join(tmpdir(), 'weir-link-'))
  const sink = await new TcpSink().listen()
  const mediator = mediatorAt(runDir, sink.url)
  await mediator.start(never)
  const link = createLinkSender({ endpoint: dataEndpoint(runDir, 0) })
  await link.start()
  const source = link.defineSource(exporter)
  for (let round = 0; round < 100; round++) append(link, source, 100, round * 100)
  await link.stop(10_000)
  await mediator.stop(10_000)
  await sink.until(() => sink.ended === 1)
  assert.deepEqual(
    sink.records.map(record => numberOf(record, '32473.1')),
    upTo(10_000)
  )
  assert.equal(link.stats.records.settled, 10_000)
  assert.deepEqual(mediator.checkLedger(), [])
  await sink.close()
  rmSync(runDir, { recursive: true })
})

test('F-10 a mediator that is gone before it delivered costs nothing: the next one gets its batches again', async () => {
  const runDir = mkdtempSync(join(tmpdir(), 'weir-link-'))
  const sink = await new TcpSink().listen()
  const { url, port } = sink
  await sink.close()
  let receiver!: LinkReceiver
  const first = mediatorAt(runDir, url, made => (receiver = made))
  await first.start(never)
  const link = createLinkSender({ endpoint: dataEndpoint(runDir, 0) })
  await link.start()
  const source = link.defineSource(exporter)
  for (let round = 0; round < 10; round++) append(link, source, 100, round * 100)
  while (first.ledger.records.received < 1_000) await new Promise(resolve => setImmediate(resolve))
  // As much as a killed process does: the link is gone, and nobody settles.
  await receiver.stop(0)
  await first.stop(0)
  const back = await new TcpSink(port).listen()
  const second = mediatorAt(runDir, url)
  await second.start(never)
  await back.until(() => back.records.length >= 1_000)
  assert.deepEqual(
    back.sessions.at(-1)!.records.map(record => numberOf(record, '32473.1')),
    upTo(1_000)
  )
  assert.equal(second.ledger.records.redelivered, 1_000)
  await link.stop(10_000)
  await second.stop(10_000)
  assert.equal(link.stats.records.settled, 1_000)
  await back.close()
  rmSync(runDir, { recursive: true })
})
