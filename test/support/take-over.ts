import assert from 'node:assert/strict'
import { buildMessage } from '@weir/ipfix/testing'
import { readLedger } from './ledger.ts'
import { RoamingExporter, startPod, type Pod, type SharedStore } from './two-pods.ts'
import { until } from './until.ts'

const EXPORT_TIME_SEC = Math.floor(Date.now() / 1000)

/** Template 256: two addresses, octets. Options template 300: sampling of the whole exporter, 1 of 100 packets. */
const templates = () =>
  buildMessage({ exportTimeSec: EXPORT_TIME_SEC, sequence: 0 })
    .template(256, '8:4 12:4 1:8')
    .optionsTemplate(300, 1, '144:4 305:4 306:4')
    .data(300, '000000070000000100000063')
    .octets()

const data = (sequence: number, value: number) =>
  buildMessage({ exportTimeSec: EXPORT_TIME_SEC, sequence })
    .data(256, `c0000201c0000202${value.toString(16).padStart(16, '0')}`)
    .octets()

/** Two templates, an options record, where the sequence numbers stand. */
const ENTRIES = 4

/** Entries that a pod has given to the shared store. */
const writtenBy = async ({ weir }: Pod): Promise<number> =>
  (await weir.metric('collector', 'weir_collector_store_writes_total{ring="shared",kind="put"}')) ?? 0

/** All that a pod has been told is in the shared store. */
async function untilShared(pod: Pod): Promise<void> {
  const { weir } = pod
  await until('the pod has shared what it knows', async () => {
    const written = await writtenBy(pod)
    const unflushed = await weir.metric('collector', 'weir_collector_store_unflushed{ring="shared"}')
    return written >= ENTRIES && unflushed === 0
  })
}

/** Pod A is sent templates, sampling and two records, and has shared them. */
async function startTold(store: SharedStore, exporter: RoamingExporter): Promise<Pod> {
  const a = await startPod('a', store)
  // Three Messages: a source that sent less may be forged, and is not shared.
  await exporter.send(a, templates(), data(1, 1), data(2, 2))
  await until('pod A has decoded', async () => (await readLedger(a.weir.api)).collector.records.decoded === 3)
  await untilShared(a)
  return a
}

/** The first Data Set that pod B is sent is decoded and scaled; the five records that nobody saw are known to be missing. */
async function assertTakenOver(b: Pod, exporter: RoamingExporter): Promise<void> {
  await exporter.send(b, data(8, 3))
  const flow = await until('pod B has decoded the first Data Set', () =>
    b.records().find(record => 'octetDeltaCount' in record)
  )
  assert.equal(flow.octetDeltaCount, 3)
  assert.equal(flow.sourceIPv4Address, '192.0.2.1')
  assert.deepEqual([flow.samplingPacketInterval, flow.samplingPacketSpace], [1, 99])
  const { collector } = await b.weir.checkLedger()
  assert.deepEqual([collector.dataSets.pending, collector.sequence.lost, collector.sequence.gap], [0, 0, 5])
}

async function stopAll(...pods: readonly Pod[]): Promise<void> {
  for (const { weir } of pods) if (!weir.child.hasEnded) assert.equal((await weir.stop()).code, 0, weir.child.said)
}

/**
 * What pod A has shared is lost; it puts all of it again, and pod B, started after A was killed, knows it.
 *
 * @param lose - empties the store, or ends it and starts another one in its place.
 */
export async function loseAndTakeOver(store: SharedStore, lose: () => Promise<void>): Promise<void> {
  const exporter = await RoamingExporter.open()
  const a = await startTold(store, exporter)
  const before = await writtenBy(a)
  await lose()
  await until('pod A has put it again', async () => (await writtenBy(a)) >= before + ENTRIES, 60_000)
  await untilShared(a)
  await a.weir.killPod()
  const b = await startPod('b', store)
  await assertTakenOver(b, exporter)
  exporter.close()
  await stopAll(a, b)
}

/**
 * Templates and sampling reach pod A alone, then data reaches pod B alone: B decodes and scales the first Data Set.
 *
 * @param how - `warm`: B runs all the time. `late`: B is started after A was killed with -9.
 */
export async function takeOver(store: SharedStore, how: 'warm' | 'late'): Promise<void> {
  const exporter = await RoamingExporter.open()
  const early = how === 'warm' ? await startPod('b', store) : undefined
  const a = await startTold(store, exporter)
  if (how === 'late') await a.weir.killPod()
  const b = early ?? (await startPod('b', store))
  await assertTakenOver(b, exporter)
  exporter.close()
  await stopAll(a, b)
}

/**
 * Data reaches pod A alone, before any template, and A is killed with -9; pod B, started then, is told the template: it
 * delivers every record, once and in order.
 */
export async function deliverLate(store: SharedStore): Promise<void> {
  const exporter = await RoamingExporter.open()
  const a = await startPod('a', store)
  const values = [1, 2, 3, 4, 5, 6]
  await exporter.send(a, ...values.map(value => data(value, value)))
  await until('pod A has put all on the shelf', async () => {
    const { handedOver, pending } = (await readLedger(a.weir.api)).collector.dataSets
    return handedOver === values.length && pending === 0
  })
  await a.weir.killPod()
  const b = await startPod('b', store)
  // Three Messages: a source that sent less may be forged, and is given nothing.
  await exporter.send(b, templates(), templates(), templates())
  const flows = (): Record<string, unknown>[] => b.records().filter(record => 'octetDeltaCount' in record)
  await until('pod B has delivered all', () => flows().length >= values.length)
  const { collector } = await b.weir.checkLedger()
  assert.deepEqual([collector.dataSets.takenOver, collector.dataSets.pending], [values.length, 0])
  assert.deepEqual(
    flows().map(record => record.octetDeltaCount),
    values
  )
  exporter.close()
  assert.equal((await b.weir.stop()).code, 0, b.weir.child.said)
}
