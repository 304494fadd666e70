import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { silentLog } from '@weir/runtime'
import { loadSegmentSender } from '../src/outputs/segment-sender.ts'
import { batchOf, layoutOf, sourceOf } from '../test/support/batches.ts'
import { Rig } from '../test/support/rig.ts'
import type { AddressInfo } from 'node:net'
import type { Source } from '@weir/link'
import type { MakeSegmentSender } from '../src/outputs/udp-output.ts'
import type { TestBatch } from '../test/support/batches.ts'

/**
 * The mediator's part alone: batches as the link hands them over go through intake, Programs, encoders and sockets of this
 * machine. CPU is that of this thread's process without the receivers, which run in a worker whose time is taken off.
 *
 * Usage: node bench/mediator.bench.ts [--records N] [--exporters N] [--only ID]
 */
const RECORDS_PER_ENTRY = 18
const BATCH_OCTETS = 262_144

// 20 fields, 74 octets, as in the system's benchmark.
const fields =
  '8:4 12:4 15:4 10:4 14:4 2:8 1:8 152:8 153:8 7:2 11:2 6:1 4:1 5:1 16:4 17:4 9:1 13:1 136:1 32473.1:4'.split(' ')

if (!isMainThread) await serveSink()
else await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      records: { type: 'string', default: '4000000' },
      exporters: { type: 'string', default: '1' },
      only: { type: 'string' }
    }
  })
  const records = Number(values.records)
  const exporters = Number(values.exporters)
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const makeSegmentSender = await loadSegmentSender(silentLog())
  const segments = typeof makeSegmentSender === 'string' ? undefined : makeSegmentSender
  const cases: Record<string, (port: number) => Record<string, unknown>[]> = {
    'mediator/ipfix-tcp': port => [{ type: 'ipfix', url: `tcp://127.0.0.1:${port}` }],
    'mediator/ipfix-tcp-two': port => [
      { type: 'ipfix', url: `tcp://127.0.0.1:${port}` },
      { type: 'ipfix', url: `tcp://127.0.0.1:${port}` }
    ],
    'mediator/ipfix-udp-segment': port => [
      { type: 'ipfix', url: `udp://127.0.0.1:${port}`, maxMessageOctets: 1472, socket: 'segment' }
    ],
    'mediator/ipfix-udp-dgram': port => [
      { type: 'ipfix', url: `udp://127.0.0.1:${port}`, maxMessageOctets: 1472, socket: 'dgram' }
    ],
    'mediator/json-null': () => [{ type: 'json', target: 'file:/dev/null' }],
    'mediator/ipfix-file': () => [{ type: 'ipfix-file', path: folder, rotate: { keep: 2 } }]
  }
  for (const [id, make] of Object.entries(cases)) {
    if (values.only !== undefined && values.only !== id) continue
    await run(id, make, records, exporters, segments)
  }
  rmSync(folder, { recursive: true })
}

async function run(
  id: string,
  make: (port: number) => Record<string, unknown>[],
  records: number,
  exporters: number,
  makeSegmentSender: MakeSegmentSender | undefined
): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: id.includes('udp') ? 'udp' : 'tcp' })
  const [port] = (await once(worker, 'message')) as [number]
  const rig = new Rig({ makeSegmentSender })
  for (const [index, value] of make(port).entries()) {
    rig.add({ id: `d${index}`, queue: { policy: 'block' }, ...value })
  }
  const batches = corpus(exporters)
  await feed(rig, batches, Math.min(records, 500_000))
  const cpu = process.cpuUsage()
  const workerCpu = await worker.cpuUsage()
  const startMs = performance.now()
  await feed(rig, batches, records)
  const wallMs = performance.now() - startMs
  const used = process.cpuUsage(cpu)
  const sinkUsed = await worker.cpuUsage(workerCpu)
  const cpuSec = (used.user + used.system - sinkUsed.user - sinkUsed.system) / 1e6
  const millions = records / 1e6
  const rss = Math.round(process.memoryUsage.rss() / 1_048_576)
  console.log(
    `${id.padEnd(28)} ${(cpuSec / millions).toFixed(3)} CPU s/M  ${((millions / wallMs) * 1000).toFixed(2)} M rec/s  ` +
      `${((wallMs * 1e6) / records).toFixed(0)} ns/record  RSS ${rss} MiB  ${process.version}`
  )
  await rig.stop()
  await worker.terminate()
}

/** 64 batches that are used again and again, as the credit window would allow. */
function corpus(exporters: number): (() => TestBatch)[] {
  const sources: Source[] = []
  const layouts = Array.from({ length: Math.min(4, exporters) }, (_, index) =>
    layoutOf([...fields.slice(index), ...fields.slice(0, index)].join(' '))
  )
  for (let index = 0; index < exporters; index++) {
    const address = new Uint8Array(16)
    address.set([192, 0, 2, index + 1])
    sources.push(sourceOf({ address, exporterId: `192.0.2.${index + 1}` }))
  }
  const record = new Uint8Array(74).map((_, index) => index)
  const entriesPerBatch = Math.floor(BATCH_OCTETS / (RECORDS_PER_ENTRY * 74))
  let serial = 0
  return Array.from({ length: 64 }, () => {
    const entries = Array.from({ length: entriesPerBatch }, () => {
      const source = sources[serial++ % exporters]!
      const layout = layouts[serial % layouts.length]!
      return {
        layout,
        source,
        records: Array.from({ length: RECORDS_PER_ENTRY }, () => record),
        bootTimeMs: Number.NaN
      }
    })
    const template = batchOf(entries)
    return () => ({ ...template })
  })
}

/** Give batches with at most a window of them unsettled, and wait until all are settled. */
async function feed(rig: Rig, batches: (() => TestBatch)[], records: number): Promise<void> {
  let given = 0
  let unsettled = 0
  let index = 0
  await new Promise<void>(resolve => {
    let isFeeding = false
    const next = (): void => {
      if (isFeeding) return
      isFeeding = true
      while (given < records && unsettled < 16) {
        const batch = batches[index++ % batches.length]!()
        given += batch.records
        unsettled++
        batch.settle = () => {
          unsettled--
          if (given < records) setImmediate(next)
          else if (unsettled === 0) resolve()
        }
        rig.intake.onBatch(batch)
      }
      isFeeding = false
    }
    next()
  })
}

function report(port: number): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port, not a window
  parentPort!.postMessage(port)
}

async function serveSink(): Promise<void> {
  if (workerData === 'udp') {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 })
    socket.on('message', () => undefined)
    socket.bind(0, '127.0.0.1', () => report(socket.address().port))
    return
  }
  const server = createServer({}, socket => void socket.on('error', () => undefined).resume())
  server.listen(0, '127.0.0.1', () => report((server.address() as AddressInfo).port))
}
