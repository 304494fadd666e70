import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { CaptureReader } from '@weir/ipfix'
import { absent } from '../../../../test/support/debian-tools.ts'
import { decodeFile, fixtureCapture } from '../../../../test/support/fixture-captures.ts'
import { startNfcapd } from '../../../../test/support/nfcapd.ts'
import { isAlive } from '../../../../test/support/process-tree.ts'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { until } from '../../../../test/support/until.ts'
import { tasks } from '../../src/jobs/own-tasks.ts'
import { JobFront } from './support/job-front.ts'

interface JobResult {
  readonly summary: Readonly<Record<string, number>>
  readonly files: readonly { readonly name: string; readonly href: string }[]
}

const captures = ['softflowd-v5', 'pmacctd-v9', 'softflowd-ipfix', 'softflowd-ipfix-tcp'].map(fixtureCapture)
/** As the children of weir up have it. */
const compiled = tempFolder('compiled')
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0)

/** A front, and a job worker that keeps what is temporary in a folder of its own. */
class Replays {
  readonly temporary = tempFolder('rp')
  readonly front: JobFront

  private constructor(front: JobFront) {
    this.front = front
  }

  static async start(t: TestContext, limits: object, more: object = {}) {
    const replays = new Replays(await JobFront.start(t, limits, {}, tasks))
    const worker = await replays.front.startWeirWorker(t, more, {
      TMPDIR: replays.temporary,
      NODE_COMPILE_CACHE: compiled
    })
    return { replays, worker }
  }

  async upload(names: readonly string[]): Promise<string[]> {
    const ids: string[] = []
    for (const name of names) {
      const { body } = await this.front.upload(`${name}.pcap`, readFileSync(fixtureCapture(name).path))
      ids.push(String(body.id))
    }
    return ids
  }

  make(type: string, uploads: readonly string[], params: object): Promise<string> {
    return this.front.make(type, { input: { uploads }, params })
  }

  async result(id: string): Promise<JobResult> {
    return (await this.front.untilState(id, 'succeeded')).result as JobResult
  }

  async error(id: string): Promise<{ code: string; detail: string }> {
    return (await this.front.untilState(id, 'failed')).error as { code: string; detail: string }
  }

  async file({ files }: JobResult, name: string): Promise<Buffer> {
    const { href } = files.find(each => each.name === name)!
    const headers = { authorization: `Bearer ${this.front.operator}` }
    return Buffer.from(await (await fetch(this.front.fixture.front.url + href, { headers })).arrayBuffer())
  }

  /** Processes of pipelines: their documents are in the temporary folder. */
  get pipelines(): number[] {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
      .filter(pid => isAlive(pid) && argumentsOf(pid).includes(this.temporary))
  }

  async untilPipelineRuns(): Promise<number[]> {
    await until('a pipeline runs', () => this.pipelines.length === 4, 20_000)
    return this.pipelines
  }

  async untilNothingIsLeft(): Promise<void> {
    await until('no process of a pipeline is left', () => this.pipelines.length === 0, 20_000)
    await until('no folder of one is left', () => this.folders.length === 0)
  }

  get folders(): string[] {
    return readdirSync(this.temporary).filter(name => name.startsWith('weir-'))
  }
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

const lines = (octets: Buffer): string[] => octets.toString().trimEnd().split('\n').toSorted()

/** Payloads of a capture in order. */
function messagesOf(path: string): { octets: Buffer; exporter: string }[] {
  const reader = new CaptureReader()
  reader.begin('auto')
  const all: { octets: Buffer; exporter: string }[] = []
  const take = (each: Iterable<{ octets: Uint8Array; source: { address: string } }>): void => {
    for (const { octets, source } of each) all.push({ octets: Buffer.from(octets), exporter: source.address })
  }
  take(reader.push(readFileSync(path)))
  take(reader.end())
  take(reader.finish())
  return all
}

const exportersOf = (path: string): string[] => messagesOf(path).map(({ exporter }) => exporter)

test('replays by one job worker', async t => {
  const { replays } = await Replays.start(t, { threads: 4 }, { collector: { strict: true } })

  await t.test(
    'a recording goes through a pipeline of its own: its files are what convert makes of it, and its ledger closes',
    async () => {
      const uploads = await replays.upload(captures.map(({ name }) => name))
      const plan = { lineage: false, timestamps: 'nanoseconds' }
      const toSandbox = (destination: object): object => ({ to: { sandbox: { destination } }, speed: 0 })
      const [json, ipfix, wanted, filtered] = await Promise.all([
        replays.make('replay', uploads, toSandbox({ type: 'json', plan })),
        replays.make('replay', uploads, toSandbox({ type: 'ipfix-file', filter: 'proto = tcp' })),
        replays.make('convert', uploads, { to: 'ndjson', ...plan }),
        replays.make('convert', uploads, { to: 'ipfix', filter: 'proto = tcp' })
      ]).then(ids => Promise.all(ids.map(id => replays.result(id))))

      assert.deepEqual(
        lines(await replays.file(json!, 'flows.ndjson')),
        lines(await replays.file(wanted!, 'flows.ndjson'))
      )
      const { summary } = json!
      const records = sumOf(captures.map(each => each.records))
      const messages = sumOf(captures.map(each => each.summary.messages))
      assert.deepEqual(
        [summary.records, summary.messages, summary.droppedRecords, summary.setsWithoutTemplate, summary.damagedFiles],
        [records, messages, 0, 0, 0]
      )
      const ledger = JSON.parse(String(await replays.file(json!, 'ledger.json'))) as {
        equations: { holds: boolean }[]
        collector: { messages: { received: number } }
        exporters: Record<string, string>
      }
      assert.ok(ledger.equations.length > 4 && ledger.equations.every(({ holds }) => holds))
      assert.equal(ledger.collector.messages.received, messages)
      assert.deepEqual(
        new Set(Object.values(ledger.exporters)),
        new Set(captures.flatMap(({ path }) => exportersOf(path)))
      )

      const folder = tempFolder('replayed')
      const made = await Promise.all(
        [ipfix!, filtered!].map(async (each, index) => {
          const path = join(folder, `${index}.ipfix`)
          writeFileSync(path, await replays.file(each, 'flows.ipfix'))
          return decodeFile(path).summary
        })
      )
      assert.ok(made[0]!.dataRecords > 0 && ipfix!.summary.filteredRecords! > 0)
      assert.deepEqual(
        [made[0]!.dataRecords, made[0]!.optionsRecords],
        [made[1]!.dataRecords, made[1]!.optionsRecords],
        JSON.stringify(made)
      )
      assert.deepEqual(replays.folders, [])
    }
  )

  await t.test('a destination that cannot be is told of; what a collector ends a session for is counted', async () => {
    const [first, ...others] = messagesOf(fixtureCapture('softflowd-ipfix-tcp').path).map(({ octets }) => octets)
    const damaged = Buffer.from(others[0]!)
    // A Set that is shorter than its own header.
    damaged.writeUInt16BE(3, 18)
    const file = Buffer.concat([first!, damaged, ...others, ...others])
    const { body } = await replays.front.upload('damaged.ipfix', file)
    const uploads = [String(body.id)]
    const make = (destination: object): Promise<string> =>
      replays.make('replay', uploads, { to: { sandbox: { destination } }, speed: 0 })
    const wrong = await replays.error(await make({ type: 'json', filter: 'proto = = 6' }))
    assert.deepEqual([wrong.code, wrong.detail.includes('filter: at character 9')], ['DESTINATION_INVALID', true])
    const { summary } = await replays.result(await make({ type: 'json' }))
    assert.equal(summary.messages, 2 + 2 * others.length)
    assert.ok(summary.lostMessages! > 0 && summary.records! > 0, JSON.stringify(summary))
  })

  await t.test('a recording is sent to a collector as it was recorded, at a rate, over UDP and TCP', async t => {
    const [v9, tcp] = [fixtureCapture('pmacctd-v9'), fixtureCapture('softflowd-ipfix-tcp')]
    const uploads = await replays.upload([v9.name, tcp.name])
    const datagrams: Buffer[] = []
    const udpReceiver = createSocket('udp4', octets => datagrams.push(octets)).bind(0, '127.0.0.1')
    await once(udpReceiver, 'listening')
    const streams: Buffer[] = []
    const tcpReceiver = createServer(socket => socket.on('data', (octets: Buffer) => streams.push(octets)))
    await once(tcpReceiver.listen(0, '127.0.0.1'), 'listening')
    t.after(() => {
      udpReceiver.close()
      tcpReceiver.close()
    })
    const to = (scheme: string, port: number, more: object = {}): object => ({
      to: { url: `${scheme}://127.0.0.1:${port}` },
      rate: 500,
      ...more
    })
    const ids = await Promise.all([
      replays.make('replay', [uploads[0]!], to('udp', udpReceiver.address().port)),
      replays.make('replay', [uploads[1]!], to('tcp', (tcpReceiver.address() as AddressInfo).port))
    ])
    const results = await Promise.all(ids.map(id => replays.result(id)))
    const expected = [v9, tcp].map(({ path }) => messagesOf(path).map(({ octets }) => octets))
    await until('all datagrams have come', () => datagrams.length >= expected[0]!.length)
    assert.deepEqual(datagrams, expected[0])
    assert.deepEqual(Buffer.concat(streams), Buffer.concat(expected[1]!))
    assert.deepEqual(
      results.map(({ summary, files }) => [summary.messages, files.map(({ name }) => name)]),
      expected.map(each => [each.length, ['replay.json']])
    )
    const nothing = await replays.error(await replays.make('replay', [uploads[0]!], to('tcp', 1)))
    assert.equal(nothing.code, 'NOTHING_SENT', 'NetFlow over TCP')
  })

  await t.test(
    'nfcapd counts what a replay sends it as it counts the capture',
    { skip: absent('nfcapd') },
    async () => {
      const nfcapd = await startNfcapd(tempFolder('replay-nfcapd'), 'replay')
      const names = ['softflowd-v5', 'softflowd-v9', 'softflowd-ipfix']
      const params = { to: { url: `udp://127.0.0.1:${nfcapd.port}` }, rate: 100, restamp: true }
      const uploads = await replays.upload(names)
      await replays.result(await replays.make('replay', uploads, params))
      const report = await replays.result(await replays.make('analyse', uploads, {}))
      const { totals } = JSON.parse(String(await replays.file(report, 'report.json'))) as {
        totals: { records: number; packets: number; octets: number }
      }
      const { flows, packets, octets, badPackets } = await nfcapd.stop()
      assert.deepEqual([flows, packets, octets, badPackets], [totals.records, totals.packets, totals.octets, 0])
    }
  )
})

test('TH-34 a target that the policy does not allow is never connected to, whatever it is called', async t => {
  let connections = 0
  const server = createServer(() => connections++)
  // Both families on one port.
  await once(server.listen(0, '::'), 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const destinationPolicy = { deny: ['127.0.0.0/8', '::1/128'] }
  const limits = { threads: 4, taskTimeMs: 1_500 }
  const { replays } = await Replays.start(t, limits, { mediator: { destinationPolicy } })
  const uploads = await replays.upload(['softflowd-ipfix-tcp'])
  const hosts = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0x7f000001',
    '2130706433',
    '127.1',
    '0.0.0.0'
  ]
  for (const host of hosts) {
    for (const scheme of ['tcp', 'udp']) {
      const { code, detail } = await replays.error(
        await replays.make('replay', uploads, { to: { url: `${scheme}://${host}:${port}` }, speed: 0 })
      )
      assert.equal(code, 'TARGET_DENIED', `${scheme} ${host}: ${detail}`)
    }
  }
  assert.equal(connections, 0)

  // The same worker, the bound of time: the pipeline of the job ends with it.
  const destination = { type: 'json' }
  const { code, detail } = await replays.error(
    await replays.make('replay', uploads, { to: { sandbox: { destination } }, rate: 1 })
  )
  assert.equal(code, 'TASK_LIMIT')
  assert.match(detail, /taskTimeMs/)
  await replays.untilNothingIsLeft()
})

test('a cancelled replay, and one whose worker is killed, leave no process and no folder', async t => {
  const { replays, worker } = await Replays.start(t, { threads: 1 })
  const uploads = await replays.upload(['openvswitch-ipfix'])
  const params = { to: { sandbox: { destination: { type: 'ipfix-file' } } }, rate: 1 }
  const id = await replays.make('replay', uploads, params)
  const pids = await replays.untilPipelineRuns()
  await replays.front.call('POST', `/api/v1/jobs/${id}/cancel`)
  await replays.front.untilState(id, 'cancelled')
  assert.deepEqual(pids.filter(isAlive), [], 'the job ends after its processes')
  await replays.untilNothingIsLeft()

  await replays.make('replay', uploads, params)
  await replays.untilPipelineRuns()
  worker.kill('SIGKILL')
  await replays.untilNothingIsLeft()
})
