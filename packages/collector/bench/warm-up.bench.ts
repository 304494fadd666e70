// How long a pod takes to take up what others know of 10,000 exporters of 20 templates each, from a redis-server of Debian that
// this starts: node packages/collector/bench/warm-up.bench.ts [repeats]
//
// Wall time until it is ready, round trips to the server, the longest time for which the event loop was kept, memory. Then what
// it costs to ask for 1,000 exporters that come at once, with nothing in memory: reads, round trips, time. Case ids are stable.
import { cpus } from 'node:os'
import { resolveConfig } from '@weir/config'
import { ElementRegistry } from '@weir/ipfix'
import { buildMessage } from '@weir/ipfix/testing'
import { silentLog } from '@weir/runtime'
import { createMemoryTemplateStore, udpScope, type TemplateStore } from '@weir/templates'
import { createRedisTemplateStore } from '@weir/templates/redis'
import { RedisServer } from '../../../test/support/redis-server.ts'
import { createCollector, type Collector } from '../src/index.ts'
import { FakeLink } from '../test/support/fake-link.ts'

const EXPORTERS = 10_000
const TEMPLATES = 20
const ASKED = 1_000
const FIELDS = '8:4 12:4 15:4 10:4 14:4 2:8 1:8 152:8 153:8 7:2 11:2 6:1 4:1 5:1 16:4 17:4 9:1 13:1'
const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
const fields = FIELDS.split(' ')
  .map(text => text.split(':').map(Number))
  .map(([id, length]) => ({ pen: 0, id: id!, length: length! }))

const redis = await RedisServer.start()
const ringOf = (): TemplateStore =>
  createRedisTemplateStore({
    mode: 'single',
    nodes: [{ host: redis.host, port: redis.port }],
    prefix: 'bench',
    hmacKey: new Uint8Array(32).fill(7),
    connectTimeoutMs: 2_000
  })

async function fill(): Promise<void> {
  const ring = ringOf()
  await ring.start()
  const nowMs = Date.now()
  for (let exporter = 0; exporter < EXPORTERS; exporter++) {
    for (let template = 0; template < TEMPLATES; template++) {
      ring.put([
        {
          kind: 'template',
          scope: udpScope(10, 'u', addressOf(exporter), 4739),
          odid: 1,
          templateId: 256 + template,
          scopeCount: 0,
          fields: [...fields, { pen: 0, id: 210, length: 1 + template }],
          exportTimeSec: Math.trunc(nowMs / 1000),
          session: `udp ${addressOf(exporter)}:4739 u`,
          firstSeenMs: nowMs - 60_000,
          lastSeenMs: nowMs - 1_000,
          announcements: 2,
          lifetimeMs: 3_600_000
        }
      ])
    }
    if (exporter % 500 === 499) await ring.flush()
  }
  await ring.flush()
  await ring.close()
}

async function startCollector(warmupTimeoutMs: number): Promise<{ collector: Collector; ring: TemplateStore }> {
  const { config } = resolveConfig({
    stores: { templates: { type: 'redis', warmupTimeoutMs } },
    collector: {
      listeners: [
        { name: 'u', transport: 'udp', address: '127.0.0.1', port: 0, receiveBufferOctets: 4096, socket: 'dgram' }
      ],
      limits: { udpNewSessionsPerSec: 1_000_000, unverifiedReadsPerSec: 1_000_000 },
      http: null
    },
    shutdown: { tcpReadMs: 0, udpSilenceMs: 0, drainMs: 0 }
  })
  const ring = ringOf()
  const collector = createCollector(config, {
    link: new FakeLink(),
    store: createMemoryTemplateStore(),
    shared: ring,
    registry: ElementRegistry.standard(),
    log: silentLog()
  })
  await collector.start(new AbortController().signal)
  return { collector, ring }
}

/** Wall time until a condition holds, and the longest time between two turns of the event loop meanwhile. */
async function until(isDone: () => boolean): Promise<{ readonly wallMs: number; readonly turnMs: number }> {
  const startMs = performance.now()
  let turnMs = 0
  let lastMs = startMs
  while (!isDone()) {
    await new Promise(resolve => setImmediate(resolve))
    const nowMs = performance.now()
    turnMs = Math.max(turnMs, nowMs - lastMs)
    lastMs = nowMs
  }
  return { wallMs: performance.now() - startMs, turnMs }
}

/** After a collection, where the garbage can be collected (`node --expose-gc`). */
function usedHeap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const report = (id: string, { wallMs, turnMs }: { wallMs: number; turnMs: number }, more: string): void =>
  console.log(`${id.padEnd(20)} ${wallMs.toFixed(0).padStart(6)} ms, longest turn ${turnMs.toFixed(1)} ms, ${more}`)

await fill()
console.log(`${cpus()[0]?.model}, Node ${process.version}, ${EXPORTERS} exporters of ${TEMPLATES} templates`)
for (let repeat = 0; repeat < Number(process.argv[2] ?? 3); repeat++) {
  const before = usedHeap()
  const warm = await startCollector(60_000)
  const { recollection } = warm.collector.parts
  const measured = await until(() => recollection.isWarm)
  const heapMib = (usedHeap() - before) / 1_048_576
  report(
    'warm-up/redis',
    measured,
    `${recollection.waiting} templates, ${warm.ring.stats.roundTrips} round trips, heap +${heapMib.toFixed(0)} MiB`
  )
  await warm.collector.stop(0)

  const cold = await startCollector(0)
  const { intake } = cold.collector.parts.udp[0]!
  const data = buildMessage({ odid: 1 }).data(256, new Uint8Array(81)).octets()
  const { roundTrips, reads } = cold.ring.stats
  intake.begin()
  for (let exporter = 0; exporter < ASKED; exporter++) {
    intake.fromText(addressOf(exporter), 4739, data, new DataView(data.buffer, data.byteOffset), 0, data.length)
  }
  const { ledger } = cold.collector.parts
  const asked = await until(() => ledger.dataSets.decoded === ASKED)
  report(
    'read-through/redis',
    asked,
    `${ASKED} exporters at once: ${cold.ring.stats.reads - reads} reads, ${cold.ring.stats.roundTrips - roundTrips} round trips`
  )
  await cold.collector.stop(0)
}
await redis.kill()
