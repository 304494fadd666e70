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

/** All that a pod has been told is in the shared store. */
async function untilShared({ weir }: Pod): Promise<void> {
  await until('the pod has shared what it knows', async () => {
    const written = await weir.metric('collector', 'weir_collector_store_writes_total{ring="shared",kind="put"}')
    const unflushed = await weir.metric('collector', 'weir_collector_store_unflushed{ring="shared"}')
    return written !== undefined && written > 0 && unflushed === 0
  })
}

/**
 * Templates and sampling reach pod A alone, then data reaches pod B alone: B decodes and scales the first Data Set.
 *
 * @param how - `warm`: B runs all the time. `late`: B is started after A was killed with -9.
 */
export async function takeOver(store: SharedStore, how: 'warm' | 'late'): Promise<void> {
  const exporter = await RoamingExporter.open()
  const a = await startPod('a', store)
  const early = how === 'warm' ? await startPod('b', store) : undefined
  // Three Messages: a source that sent less may be forged, and is not shared.
  await exporter.send(a, templates(), data(1, 1), data(2, 2))
  await until('pod A has decoded', async () => (await readLedger(a.weir.api)).collector.records.decoded === 3)
  await untilShared(a)
  if (how === 'late') {
    await a.weir.killPod()
  }
  const b = early ?? (await startPod('b', store))
  await exporter.send(b, data(3, 3))
  const flow = await until('pod B has decoded the first Data Set', () =>
    b.records().find(record => 'octetDeltaCount' in record)
  )
  assert.equal(flow.octetDeltaCount, 3)
  assert.equal(flow.sourceIPv4Address, '192.0.2.1')
  assert.deepEqual([flow.samplingPacketInterval, flow.samplingPacketSpace], [1, 99])
  const { collector } = await b.weir.checkLedger()
  assert.deepEqual([collector.dataSets.pending, collector.sequence.lost], [0, 0])
  exporter.close()
  for (const pod of [a, b])
    if (!pod.weir.child.hasEnded) assert.equal((await pod.weir.stop()).code, 0, pod.weir.child.said)
}
