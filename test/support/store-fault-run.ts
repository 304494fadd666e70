import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { udpScope, type StoredTemplate, type TemplateStore } from '@weir/templates'
import { createNatsTemplateStore } from '@weir/templates/nats'
import { createRedisTemplateStore } from '@weir/templates/redis'
import type { Child } from './child.ts'
import { FlowReceiver } from './flow-receiver.ts'
import type { FlowReport } from './flow-receiver.ts'
import { startGenerator } from './ground-truth.ts'
import { readLedger, sumOf } from './ledger.ts'
import type { NatsServer } from './nats-server.ts'
import type { RedisAddress } from './redis-server.ts'
import { startWeir } from './running-weir.ts'
import type { RunningWeir } from './running-weir.ts'
import { SilentExporter } from './silent-exporter.ts'
import { tempFolder } from './temp-folder.ts'
import { until } from './until.ts'

const RATE_OF_EACH = 25_000
const EXPORTERS = 4
const TEMPLATES = 4
const TCP_ID = 1
const UDP_ID = 101
const EARLY_ID = 501
const LATE_ID = 1001
const NEW_ID = 2001
/** Records that arrive before the fault. */
const BEFORE = 60_000
const BACK_MS = 60_000
const HOUR_MS = 3_600_000

interface RedisSettings {
  readonly mode: 'single' | 'sentinel' | 'cluster'
  readonly nodes: readonly RedisAddress[]
  readonly sentinelName?: string
}

interface NatsSettings {
  readonly nats: NatsServer
}

export type StoreFaultSettings = (RedisSettings | NatsSettings) & {
  readonly name: string
  /** What is stored is authenticated; default true. */
  readonly isSealed?: boolean
}

/** The other pod's ring, and the same for `weir.yaml`. */
function ringOf(
  settings: RedisSettings | NatsSettings,
  hmacKey: Uint8Array | undefined
): { otherPod: TemplateStore; config: Readonly<Record<string, unknown>> } {
  if ('nats' in settings) {
    const servers = [settings.nats.url]
    return {
      otherPod: createNatsTemplateStore({ servers, hmacKey, timeoutMs: 2_000 }),
      config: { type: 'nats', servers }
    }
  }
  const { mode, nodes, sentinelName } = settings
  const addresses = nodes.map(({ host, port }) => `${host}:${port}`)
  return {
    otherPod: createRedisTemplateStore({ mode, nodes, sentinelName, prefix: 'weir', hmacKey, timeoutMs: 2_000 }),
    config: { type: 'redis', mode, nodes: addresses, sentinelName: sentinelName ?? null }
  }
}

/**
 * A Weir under load with a shared template store that something happens to: 25,000 records/s over TCP and as many over UDP of
 * exporters that announce their templates, and three that do not all:
 *
 * - `early` never announces any: what another pod put into the store before this one started is all there is.
 * - `late` neither: first heard when the fault is there, what another pod put there meanwhile is all there is.
 * - `newcomer` announces its own when the fault is there.
 */
export class StoreFaultRun {
  readonly weir: RunningWeir
  readonly early: SilentExporter
  readonly late: SilentExporter
  readonly newcomer: SilentExporter
  /** The other pod's ring: what it put is put again when it is lost, `late` only. */
  readonly otherPod: TemplateStore
  readonly #receiver: FlowReceiver
  readonly #generators: readonly Child[]
  #before: FlowReport['delay'] | undefined
  /** Definitions that have to be in the store, by domain and template. */
  readonly #definitions = new Map<string, string>()

  private constructor(
    weir: RunningWeir,
    exporters: { early: SilentExporter; late: SilentExporter; newcomer: SilentExporter },
    otherPod: TemplateStore,
    receiver: FlowReceiver,
    generators: readonly Child[]
  ) {
    this.weir = weir
    this.early = exporters.early
    this.late = exporters.late
    this.newcomer = exporters.newcomer
    this.otherPod = otherPod
    this.#receiver = receiver
    this.#generators = generators
  }

  /**
   * Resolves when records of all that send before the fault have arrived, and all templates are in the store.
   *
   * @param prepare - called before the pod starts, with the other pod's ring; what it puts there is in the store.
   */
  static async start(
    t: TestContext,
    settings: StoreFaultSettings,
    prepare: (otherPod: TemplateStore, early: SilentExporter) => Promise<void> = async () => undefined
  ): Promise<StoreFaultRun> {
    const { isSealed = true } = settings
    const folder = tempFolder(settings.name)
    const keyFile = join(folder, 'store.key')
    const key = 'a key that is known to pods and to nobody else'
    writeFileSync(keyFile, `${key}\n`)
    const hmacKey = isSealed ? Buffer.from(key) : undefined
    const { otherPod, config } = ringOf(settings, hmacKey)
    t.after(() => otherPod.close())
    await otherPod.start()
    const open = (generatorId: number, turn: number): Promise<SilentExporter> =>
      SilentExporter.open({ generatorId, turn, domains: EXPORTERS, templates: TEMPLATES })
    const [early, late, newcomer] = [await open(EARLY_ID, 2), await open(LATE_ID, 7), await open(NEW_ID, 11)]
    await prepare(otherPod, early)
    otherPod.put(entriesOf(early))
    await otherPod.flush()
    const receiver = await FlowReceiver.start()
    t.after(() => receiver.stop())
    const weir = await startWeir(folder, {
      destinations: [{ id: 'truth', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }],
      config: {
        stores: { templates: { ...config, keyFile: isSealed ? keyFile : null } }
      }
    })
    t.after(() => weir.child.kill('SIGKILL'))
    const lateEntries = entriesOf(late)
    otherPod.put(lateEntries)
    otherPod.onLost(() => otherPod.put(lateEntries))
    await otherPod.flush()
    const shared = { records: 0, rate: RATE_OF_EACH, exporters: EXPORTERS, templates: TEMPLATES }
    const generators = [
      startGenerator({ to: weir.tcp, ...shared, generatorId: TCP_ID }),
      startGenerator({ to: weir.udp, ...shared, generatorId: UDP_ID, templateRefreshSec: 1 })
    ]
    t.after(() => generators.forEach(each => each.kill('SIGKILL')))
    early.start(weir.port)
    t.after(() => [early, late, newcomer].forEach(each => each.stop()))
    const run = new StoreFaultRun(weir, { early, late, newcomer }, otherPod, receiver, generators)
    await run.#begin()
    return run
  }

  /** The fault is there: those that come with it come. What was before is known by now. */
  async begin(): Promise<void> {
    this.late.start(this.weir.port)
    this.newcomer.announce(this.weir.port)
    this.newcomer.start(this.weir.port)
    for (const [name, fields] of definitionsOf(this.newcomer)) this.#definitions.set(name, fields)
  }

  /** Resolves when so many records have arrived since the last call: the fault has been there under load. */
  async underLoad(records = BEFORE): Promise<void> {
    const { records: before } = await this.#receiver.report()
    const seen = await until(
      'records arrive',
      async () => {
        const report = await this.#receiver.report()
        return report.records >= before + records && report
      },
      20_000
    )
    assert.equal(seen.wrong, 0, seen.firstWrong ?? '')
  }

  /**
   * A number of the collector's metrics, the sum of those that match.
   *
   * @param labels - that its line must have, as `name="value"`.
   * @throws if there is none.
   */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const lines = (await this.weir.collectorMetrics())
      .split('\n')
      .filter(line => /^[a-z_]+/.exec(line)?.[0] === name && labels.every(label => line.includes(label)))
    if (lines.length === 0) throw new Error(`there is no ${name} with ${labels.join()}`)
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  /** Resolves when all definitions are in the store, valid, and in its index. */
  async untilKeysAreBack(): Promise<void> {
    await until(
      'all templates are in the store',
      async () => {
        const stored = await this.#stored()
        const missing = [...this.#definitions].filter(([name, fields]) => stored.get(name) !== fields)
        if (missing.length === 0) return true
        throw new Error(`not there: ${missing.map(([name]) => name).join(' ')}`)
      },
      BACK_MS
    )
  }

  /** The fault is over: all stop, and everything that was sent must have arrived, once and right. */
  async end(t: TestContext): Promise<void> {
    await until(
      'those that came with the fault are decoded',
      async () => {
        const { generators } = await this.#receiver.report()
        return [...this.late.sent.keys(), ...this.newcomer.sent.keys()].every(id => generators.has(id))
      },
      BACK_MS
    )
    const { delay: during } = await this.#receiver.report()
    const sent = await this.#stopAll()
    const report = await until('all that was sent has arrived', () => this.#whole(sent))
    assert.equal(report.wrong, 0, report.firstWrong ?? '')
    assert.equal(report.malformed, 0)
    const duplicates = [...report.generators.values()].reduce((sum, each) => sum + each.duplicates, 0)
    assert.equal(duplicates, 0)
    const { collector } = await this.weir.checkLedger()
    assert.equal(collector.dataSets.pending, 0)
    assert.equal(sumOf(collector.dataSets.dropped) + sumOf(collector.records.dropped), 0, JSON.stringify(collector))
    const { code } = await this.weir.stop()
    assert.equal(code, 0, this.weir.child.said)
    const records = [...sent.values()].reduce((sum, count) => sum + count, 0)
    t.diagnostic(`${records} records; delay before: ${inWords(this.#before)}; with the fault: ${inWords(during)}`)
  }

  /** What Weir was given has arrived: all, but for datagrams that the kernel of a busy machine has dropped before. */
  async #whole(sent: ReadonlyMap<number, number>): Promise<FlowReport> {
    const report = await this.#receiver.report()
    const { collector } = await readLedger(this.weir.api)
    const uniqueOf = (id: number): number => report.generators.get(id)?.unique ?? 0
    const missing = [...sent].filter(([id, count]) => uniqueOf(id) !== count)
    const lost = missing.reduce((sum, [id, count]) => sum + count - uniqueOf(id), 0)
    if (lost === 0 || (lost === collector.sequence.lost && (collector.kernel.udp ?? 0) > 0)) return report
    const text = missing.map(([id, count]) => `${uniqueOf(id)} of ${count} of ${id}`)
    throw new Error(`${text.join(', ')}; ${JSON.stringify(collector)}`)
  }

  async #begin(): Promise<void> {
    await until(
      'all are decoded',
      async () => {
        const report = await this.#receiver.report()
        if (report.records >= BEFORE / 2 && report.generators.size === EXPORTERS * 3) return true
        const seen = `${report.records} records of ${[...report.generators.keys()].join(' ')}; ${report.firstWrong}`
        throw new Error(`${seen}\n${JSON.stringify(await readLedger(this.weir.api))}\n${this.weir.child.said}`)
      },
      20_000
    )
    const expected = EXPORTERS * 3 * TEMPLATES
    await until('all templates are in the store', async () => {
      const stored = await this.#stored()
      for (const [name, fields] of stored) this.#definitions.set(name, fields)
      return this.#definitions.size === expected
    })
    for (const each of [this.early, this.late]) {
      for (const [name, fields] of definitionsOf(each)) assert.equal(this.#definitions.get(name), fields)
    }
    await this.#receiver.report(true)
    await this.underLoad()
    this.#before = (await this.#receiver.report(true)).delay
  }

  /** Definitions in the store of exporters over UDP. */
  async #stored(): Promise<Map<string, string>> {
    const stored = new Map<string, string>()
    for await (const places of this.otherPod.list()) {
      for (const { place, entries } of places) {
        if (!place.scope.startsWith('udp/')) continue
        for (const entry of entries) {
          if (entry.kind === 'template') stored.set(`${entry.odid}/${entry.templateId}`, JSON.stringify(entry.fields))
        }
      }
    }
    return stored
  }

  /** @returns records sent, by generator. */
  async #stopAll(): Promise<Map<number, number>> {
    const own = [this.early, this.late, this.newcomer]
    for (const each of own) each.stop()
    const sent = new Map(own.flatMap(each => [...each.sent]))
    for (const generator of this.#generators) {
      generator.kill('SIGTERM')
      assert.equal((await generator.waitForEnd()).code, 0, generator.said)
      const line = generator.stdout.trim().split('\n').at(-1)!
      const { generators, connectionLosses } = JSON.parse(line) as {
        generators: Record<string, number>
        connectionLosses: number
      }
      assert.equal(connectionLosses, 0)
      for (const [id, count] of Object.entries(generators)) sent.set(Number(id), count)
    }
    return sent
  }
}

/** What another pod was told by an exporter, as it puts it into the store. */
export function entriesOf(
  exporter: SilentExporter,
  at: { turn?: number; exportTimeSec?: number } = {}
): StoredTemplate[] {
  const nowMs = Date.now()
  const exportTimeSec = at.exportTimeSec ?? Math.floor(nowMs / 1000)
  const { generatorId, domains } = exporter.options
  const scope = udpScope(10, 'udp', '127.0.0.1', exporter.port)
  return Array.from({ length: domains }, (_, index) => generatorId + index).flatMap(odid =>
    exporter.templates.map(({ id }, index) => ({
      kind: 'template' as const,
      scope,
      odid,
      templateId: id,
      scopeCount: 0,
      fields: exporter.templates[(index + (at.turn ?? 0)) % exporter.templates.length].fields,
      exportTimeSec,
      session: `udp 127.0.0.1:${exporter.port} udp`,
      firstSeenMs: exportTimeSec * 1000,
      lastSeenMs: exportTimeSec * 1000,
      announcements: 1,
      lifetimeMs: HOUR_MS
    }))
  )
}

function* definitionsOf(exporter: SilentExporter): Generator<[name: string, fields: string]> {
  for (const odid of exporter.sent.keys()) {
    for (const { id, fields } of exporter.templates) yield [`${odid}/${id}`, JSON.stringify(fields)]
  }
}

const inWords = (delay: FlowReport['delay'] | undefined): string =>
  delay === undefined ? 'unknown' : `p50 ${delay.p50Ms} ms, p99 ${delay.p99Ms} ms, at most ${delay.mostMs} ms`
