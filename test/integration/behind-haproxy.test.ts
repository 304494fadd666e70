import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { freePort } from '../support/free-port.ts'
import { startHaproxy, type Haproxy } from '../support/haproxy.ts'
import { RedisServer } from '../support/redis-server.ts'
import { launchWeir, type RunningWeir } from '../support/running-weir.ts'
import { isTrue, SerialExporter, type SerialRecord } from '../support/serial-exporter.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

const EXPORTERS = 10
const skip = absent('haproxy', 'redis-server')

interface Pod {
  readonly weir: RunningWeir
  /** Where its records go. */
  readonly file: string
}

interface Json extends SerialRecord {
  readonly exporter: string
}

interface ExporterAnswer {
  readonly id: string
  readonly sessionList: readonly { readonly transport: string; readonly via: string | null }[]
}

interface StageOptions {
  /** What the pods share, if they do. */
  readonly redis?: RedisServer
  /** Exporters that send their templates once only. */
  readonly isForgetful?: boolean
  readonly resumeTemplates?: boolean
}

async function startPod(folder: string, { redis, resumeTemplates = false }: StageOptions): Promise<Pod> {
  const port = await freePort()
  const file = join(folder, 'records.json')
  const weir = await launchWeir(folder, port, await freePort(), {
    destinations: [{ id: 'all', type: 'json', target: `file:${file}` }],
    config: {
      collector: {
        listeners: [
          { name: 'tcp', transport: 'tcp', address: '127.0.0.1', port, proxyProtocol: { from: ['127.0.0.1'] } }
        ],
        allow: ['127.0.1.0/24'],
        exporters: [{ match: '127.0.1.0/24', resumeTemplates }]
      },
      stores: {
        templates: redis === undefined ? { type: 'none' } : { type: 'redis', nodes: [`127.0.0.1:${redis.port}`] }
      }
    }
  })
  await weir.waitUntilReady()
  return { weir, file }
}

interface Stage {
  readonly pods: readonly Pod[]
  readonly haproxy: Haproxy
  readonly exporters: readonly SerialExporter[]
}

/** Two pods behind HAProxy, ten exporters that are decoded, some by each pod. */
async function setStage(name: string, options: StageOptions): Promise<Stage> {
  const folder = tempFolder(name)
  const pods = await Promise.all(['a', 'b'].map(each => startPod(join(folder, each), options)))
  const haproxy = await startHaproxy(
    folder,
    pods.map(({ weir }) => weir.port)
  )
  const exporters = Array.from(
    { length: EXPORTERS },
    (_, index) =>
      new SerialExporter({
        address: `127.0.1.${index + 1}`,
        layout: index,
        port: haproxy.port,
        isForgetful: options.isForgetful
      })
  )
  for (const exporter of exporters) exporter.start()
  await until(
    'every exporter is decoded by one pod, and each pod has some',
    async () => {
      const known = await Promise.all(pods.map(pod => exportersWithRecords(pod, 50)))
      return known.flat().length === EXPORTERS && known.every(ids => ids.length > 0)
    },
    30_000
  )
  return { pods, haproxy, exporters }
}

async function exportersWithRecords({ weir }: Pod, least: number): Promise<string[]> {
  const { items } = await weir.api.get<{ items: { id: string; records: number }[] }>('/v1/exporters?limit=100')
  return items.filter(({ records }) => records >= least).map(({ id }) => id)
}

/** All records that a pod wrote; of a pod that was killed, the last line may be cut. */
function recordsOf({ file }: Pod): Json[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.slice(0, -1).map(line => JSON.parse(line) as Json)
}

const wrongOf = (records: readonly Json[]): Json[] => records.filter(record => !isTrue(record, record.exporter))

async function endStage({ pods, haproxy, exporters }: Stage, victim: Pod): Promise<void> {
  for (const exporter of exporters) await exporter.stop()
  await haproxy.stop()
  for (const pod of pods) if (pod !== victim) assert.equal((await pod.weir.stop()).code, 0, pod.weir.child.said)
}

/** One pod is killed with all its processes: every exporter goes on with the other, whole from its new connection on, and right. */
async function loseOnePod(name: string, options: StageOptions): Promise<void> {
  const stage = await setStage(name, options)
  const [victim, survivor] = stage.pods
  const moved = await exportersWithRecords(victim, 1)
  const connectionsBefore = new Map(stage.exporters.map(({ address, firstSerials }) => [address, firstSerials.length]))
  await victim.weir.killPod()
  const reconnected = stage.exporters.filter(({ address }) => moved.includes(address))
  await until('those of the killed pod have connected again', () =>
    reconnected.every(({ address, firstSerials }) => firstSerials.length > connectionsBefore.get(address)!)
  )
  const all = stage.exporters.map(({ address }) => address)
  await until(
    'all are decoded by the pod that is left',
    async () => (await exportersWithRecords(survivor, 200)).toSorted().join() === all.toSorted().join(),
    30_000
  )
  for (const address of all) {
    const { id, sessionList } = await survivor.weir.api.get<ExporterAnswer>(`/v1/exporters/${address}`)
    assert.equal(id, address)
    assert.ok(sessionList.every(({ via, transport }) => via === '127.0.0.1' && transport === 'tcp'))
  }
  // Health checks leave no trace there: HAProxy resets most of them before they are accepted.
  const [listener] = (await survivor.weir.api.get<{ items: Record<string, number>[] }>('/v1/listeners')).items
  assert.deepEqual([listener.proxy_header, listener.not_allowed, listener.framing], [0, 0, 0])
  for (const exporter of stage.exporters) await exporter.stop()
  const ledger = await survivor.weir.checkLedger()
  await endStage(stage, victim)
  assert.deepEqual(ledger.collector.dataSets.dropped, {})
  assert.equal(ledger.collector.sequence.lost, 0)
  for (const pod of stage.pods) assert.deepEqual(wrongOf(recordsOf(pod)), [])
  const records = recordsOf(survivor)
  assert.equal(records.length, ledger.collector.records.decoded)
  for (const { address, serial, firstSerials } of stage.exporters) {
    const serials = records.filter(({ exporter }) => exporter === address).map(({ flowId }) => flowId)
    const first = firstSerials.at(-1)!
    // What it sent over its last connection has all come, once.
    assert.deepEqual(
      serials.filter(each => each >= first).toSorted((one, other) => one - other),
      Array.from({ length: serial - first }, (_, index) => first + index)
    )
  }
}

describe('behind HAProxy with PROXY v2, two pods and one Redis, one pod is killed:', () => {
  let redis: RedisServer
  before(async () => {
    if (skip === false) redis = await RedisServer.start()
  })
  after(() => redis?.kill())

  test('every exporter goes on with the other, none is decoded wrong', { skip }, () =>
    loseOnePod('behind-haproxy', { redis })
  )

  test(
    'so do those that send no templates after they have connected again, where resumeTemplates allows it',
    { skip },
    () => loseOnePod('behind-haproxy-resumed', { redis, isForgetful: true, resumeTemplates: true })
  )
})

test(
  'exporters that send no templates after they have connected again: their data is counted, none is decoded wrong',
  { skip },
  async () => {
    const stage = await setStage('behind-haproxy-forgetful', { isForgetful: true })
    const [victim, survivor] = stage.pods
    const moved = await exportersWithRecords(victim, 1)
    const recordsBefore = recordsOf(survivor).length
    await victim.weir.killPod()
    const reconnected = stage.exporters.filter(({ address }) => moved.includes(address))
    await until('those of the killed pod have connected again and export', () =>
      reconnected.every(({ firstSerials, dataSets }) => firstSerials.length > 1 && dataSets > 20)
    )
    for (const exporter of stage.exporters) await exporter.stop()
    const ledger = await survivor.weir.checkLedger()
    await endStage(stage, victim)
    const sets = reconnected.reduce((sum, { dataSets }) => sum + dataSets, 0)
    assert.deepEqual(ledger.collector.dataSets.dropped, { unknown_template: sets })
    const records = recordsOf(survivor)
    assert.ok(records.length > recordsBefore)
    assert.deepEqual(wrongOf(records), [])
    assert.ok(records.every(({ exporter }) => !moved.includes(exporter)))
  }
)
