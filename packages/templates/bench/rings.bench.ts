// What entries and the shared rings cost: node packages/templates/bench/rings.bench.ts [repeats]
//
// Case ids are stable. The cases of a ring start its server on this machine, which then shares its processors with it:
// what is measured is both. Longest is the longest turn of the event loop, in which no datagram would be read.
import { cpus } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { absent } from '../../../test/support/debian-tools.ts'
import { NatsServer } from '../../../test/support/nats-server.ts'
import { RedisCluster, RedisServer } from '../../../test/support/redis-server.ts'
import { EntrySeal } from '../src/entry-seal.ts'
import { decodeEntry, encodeEntry, type StoredTemplate, type TemplateStore } from '../src/index.ts'
import { createNatsTemplateStore } from '../src/nats.ts'
import { createRedisTemplateStore } from '../src/redis.ts'

const repeats = Number(process.argv[2] ?? 5)
const PLACES = 10_000
const TEMPLATES = 20
const hmacKey = Buffer.alloc(32, 7)

/** 20 fields of IPv4 flows. */
const fields = [8, 12, 15, 10, 14, 2, 1, 152, 153, 7, 11, 6, 4, 5, 16, 17, 9, 13, 136, 61].map(id => ({
  pen: 0,
  id,
  length: 4
}))

function templateOf(place: number, number: number): StoredTemplate {
  const nowMs = Date.now()
  return {
    kind: 'template',
    scope: `udp/10/ipfix-udp/10.${place >> 8}.${place & 255}.1/49152`,
    odid: 1,
    templateId: 256 + number,
    scopeCount: 0,
    fields,
    exportTimeSec: Math.floor(nowMs / 1000),
    session: 'udp 10.0.0.1:49152 ipfix-udp',
    firstSeenMs: nowMs,
    lastSeenMs: nowMs,
    announcements: 1,
    lifetimeMs: 3_600_000
  }
}

const templatesOf = (place: number): StoredTemplate[] =>
  Array.from({ length: TEMPLATES }, (_, number) => templateOf(place, number))

function print(id: string, values: readonly number[], unit: string, what: string): void {
  const sorted = values.toSorted((one, other) => one - other)
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map(at => sorted[at].toFixed(2))
  console.log(`${id.padEnd(28)} ${median.padStart(9)} ${unit} (${least} to ${most})  ${what}`)
}

function measureEntry(id: string, what: string, run: () => void): void {
  const count = 200_000
  for (let at = 0; at < 20_000; at++) run()
  const seconds: number[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    const begunMs = performance.now()
    for (let at = 0; at < count; at++) run()
    seconds.push((performance.now() - begunMs) / 1000)
  }
  print(id, seconds, 's / 200,000', what)
}

function entryCases(): void {
  const entry = templateOf(1, 1)
  const seal = new EntrySeal(hmacKey)
  const octets = encodeEntry(entry)
  const sealed = seal.seal('weir:{i3}:AbCdEfGhIjKlMnOpQrStUv:e', 't257', octets)
  const open = (): Uint8Array => seal.open('weir:{i3}:AbCdEfGhIjKlMnOpQrStUv:e', 't257', sealed)!
  measureEntry('entry/encode', `template of 20 fields, ${octets.length} octets`, () => void encodeEntry(entry))
  measureEntry('entry/decode', 'read and checked', () => void decodeEntry(octets))
  measureEntry('entry/seal', 'HMAC-SHA-256', () => void seal.seal('weir:{i3}:AbCdEfGhIjKlMnOpQrStUv:e', 't257', octets))
  measureEntry('entry/open', 'HMAC-SHA-256, compared', () => void open())
  measureEntry('entry/open-decode', 'as a warm-up does', () => void decodeEntry(open()))
}

const common = { hmacKey, timeoutMs: 10_000 }

/** Store for the whole of a run: 10,000 places of 20 templates. */
async function ringCases(id: string, newStore: () => TemplateStore, empty: () => Promise<unknown>): Promise<void> {
  const makeStore = async (): Promise<TemplateStore> => {
    const store = newStore()
    await store.start()
    return store
  }
  const results = { write: [] as number[], again: [] as number[], warm: [] as number[], longest: [] as number[] }
  let roundTrips = 0
  for (let repeat = 0; repeat < repeats; repeat++) {
    await empty()
    const writer = await makeStore()
    for (const into of [results.write, results.again]) {
      const begunMs = performance.now()
      for (let place = 0; place < PLACES; place++) writer.put(templatesOf(place))
      await writer.flush()
      into.push((PLACES * TEMPLATES) / (performance.now() - begunMs))
    }
    await writer.close()
    const reader = await makeStore()
    const before = reader.stats.roundTrips
    const delays = monitorEventLoopDelay({ resolution: 1 })
    delays.enable()
    const begunMs = performance.now()
    let found = 0
    for await (const batch of reader.list()) for (const place of batch) found += place.entries.length
    results.warm.push((performance.now() - begunMs) / 1000)
    delays.disable()
    results.longest.push(delays.max / 1e6)
    roundTrips = reader.stats.roundTrips - before
    if (found !== PLACES * TEMPLATES) throw new Error(`${found} entries were read`)
    await reader.close()
  }
  print(`${id}/write-behind`, results.write, 'k entries/s', 'new, sealed, with their history')
  print(`${id}/write-again`, results.again, 'k entries/s', 'the same again')
  print(`${id}/warm-up`, results.warm, 's', `10,000 places of 20 templates, ${roundTrips} round trips`)
  print(`${id}/warm-up-longest`, results.longest, 'ms', 'longest turn of the event loop meanwhile')
}

console.log(`node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}`)
entryCases()
if (absent('redis-server', 'redis-cli') === false) {
  const server = await RedisServer.start()
  const makeSingle = () => createRedisTemplateStore({ mode: 'single', nodes: [server], prefix: 'bench', ...common })
  await ringCases('redis', makeSingle, () => server.command('flushall'))
  await server.kill()
  const cluster = await RedisCluster.start()
  const { nodes } = cluster
  const makeClustered = () => createRedisTemplateStore({ mode: 'cluster', nodes, prefix: 'bench', ...common })
  await ringCases('redis-cluster', makeClustered, () => cluster.flush())
}
if (absent('nats-server') === false) {
  const server = await NatsServer.start()
  let runs = 0
  const makeStore = () => createNatsTemplateStore({ servers: [server.url], bucket: `bench${runs}`, ...common })
  await ringCases('nats', makeStore, async () => runs++)
}
process.exit(0)
