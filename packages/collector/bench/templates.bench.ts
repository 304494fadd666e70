// What an answer to GET /v1/templates costs the collector: node packages/collector/bench/templates.bench.ts [repeats]
//
// 10,000 exporters of 20 templates each: half of them live, half remembered by a store and not seen again yet. Wall time of an
// answer of 100 templates, and the longest time for which it kept the event loop, in milliseconds. Case ids are stable.
import { cpus } from 'node:os'
import { resolveConfig } from '@weir/config'
import { ElementRegistry } from '@weir/ipfix'
import { buildMessage } from '@weir/ipfix/testing'
import { silentLog } from '@weir/runtime'
import { createMemoryTemplateStore, udpScope } from '@weir/templates'
import { createCollector, templateList, type Collector, type TemplateQuery } from '../src/index.ts'
import { FakeLink } from '../test/support/fake-link.ts'

const EXPORTERS = 10_000
const TEMPLATES = 20
const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
/** Eight different sets of definitions, as exporters of one kind share theirs. */
const fieldsOf = (exporter: number, template: number): string =>
  `8:4 12:4 7:2 11:2 4:1 85:${1 + (exporter % 8)} 86:${1 + (template % 8)} 23:${1 + (template >> 3)} 2:8 1:8 152:8 153:8`

async function makeCollector(): Promise<Collector> {
  const store = createMemoryTemplateStore()
  const nowMs = Date.now()
  for (let exporter = EXPORTERS / 2; exporter < EXPORTERS; exporter++) {
    for (let template = 0; template < TEMPLATES; template++) {
      const fields = fieldsOf(exporter, template)
        .split(' ')
        .map(text => text.split(':').map(Number))
        .map(([id, length]) => ({ pen: 0, id: id!, length: length! }))
      const scope = udpScope(10, 'u', addressOf(exporter), 4739)
      const times = {
        firstSeenMs: nowMs - 1000,
        lastSeenMs: nowMs - exporter,
        lifetimeMs: 3_600_000,
        exportTimeSec: 0,
        session: ''
      }
      store.put([
        {
          kind: 'template',
          scope,
          odid: 1,
          templateId: 256 + template,
          scopeCount: 0,
          fields,
          ...times,
          announcements: 1
        }
      ])
    }
  }
  const { config } = resolveConfig({
    collector: {
      listeners: [
        { name: 'u', transport: 'udp', address: '127.0.0.1', port: 0, receiveBufferOctets: 4096, socket: 'dgram' }
      ],
      limits: { udpNewSessionsPerSec: 1_000_000, templateOctetsTotal: 1_073_741_824 },
      http: null
    },
    shutdown: { tcpReadMs: 0, udpSilenceMs: 0, drainMs: 0 }
  })
  const registry = ElementRegistry.standard()
  const collector = createCollector(config, { link: new FakeLink(), store, registry, log: silentLog() })
  await collector.start(new AbortController().signal)
  const { intake } = collector.parts.udp[0]!
  intake.begin()
  for (let exporter = 0; exporter < EXPORTERS / 2; exporter++) {
    const message = buildMessage({ odid: 1 })
    for (let template = 0; template < TEMPLATES; template++)
      message.template(256 + template, fieldsOf(exporter, template))
    const octets = message.octets()
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    for (let times = 0; times < 3; times++) intake.fromText(addressOf(exporter), 4739, octets, view, 0, octets.length)
  }
  return collector
}

const page = { offset: 0, limit: 100 }
const cases: readonly (readonly [id: string, query: TemplateQuery])[] = [
  ['templates/first-page', page],
  ['templates/sorted-by-time', { ...page, sort: '-lastSeenAtMs' }],
  ['templates/by-field', { ...page, field: 'octetDeltaCount' }],
  ['templates/by-exporter', { ...page, exporter: addressOf(77) }],
  ['templates/by-id-sorted', { ...page, templateId: 260, sort: '-lastSeenAtMs' }],
  ['templates/offset-10000', { ...page, offset: 10_000 }]
]

/** Longest time between two turns of the event loop meanwhile. */
async function longestTurn(
  work: () => Promise<unknown>
): Promise<{ readonly wallMs: number; readonly turnMs: number }> {
  let turnMs = 0
  let lastMs = performance.now()
  let isOver = false
  const turn = (): void => {
    const nowMs = performance.now()
    turnMs = Math.max(turnMs, nowMs - lastMs)
    lastMs = nowMs
    if (!isOver) setImmediate(turn)
  }
  const startMs = performance.now()
  setImmediate(turn)
  await work()
  const wallMs = performance.now() - startMs
  isOver = true
  await new Promise(resolve => setImmediate(resolve))
  return { wallMs, turnMs }
}

const repeats = Number(process.argv[2] ?? 9)
const collector = await makeCollector()
const { parts } = collector
console.log(
  `${cpus()[0]?.model}, Node ${process.version}, ${parts.budget.templates} live templates, ${parts.recollection.waiting} remembered`
)
for (const [id, query] of cases) {
  const measured: { wallMs: number; turnMs: number }[] = []
  let total = 0
  for (let repeat = 0; repeat < repeats; repeat++) {
    measured.push(await longestTurn(async () => ({ total } = await templateList(parts, query))))
  }
  measured.sort((one, other) => one.wallMs - other.wallMs)
  const [middle, most] = [measured[Math.trunc(repeats / 2)]!, measured.at(-1)!]
  const turnMs = Math.max(...measured.map(each => each.turnMs))
  console.log(
    `${id.padEnd(26)} ${middle.wallMs.toFixed(1).padStart(7)} ms (at most ${most.wallMs.toFixed(1)}), longest turn ${turnMs.toFixed(1)} ms, ${total} match`
  )
}
await collector.stop(0)
