/**
 * The whole of Weir against a load, beside Debian's nfdump where it is installed: `npm run bench:system [-- CASE...]`.
 *
 * Each case starts collector and mediator anew, sends the corpus of corpus.ts, waits until every record has come out and
 * reports CPU seconds (all threads of collector and mediator) per million records, records per second, loss and memory. Rows
 * are interleaved: all cases, then all again (WEIR_BENCH_REPEATS, default 3; the median is printed). Absolute figures hold for the
 * machine that is printed with them; ratios travel better.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { absent } from '../support/debian-tools.ts'
import { RedisServer } from '../support/redis-server.ts'
import { LineProcess, childrenOf, cpuSecondsOf, pause, peakMiBOf } from './measured-process.ts'

interface Case {
  readonly id: string
  readonly input: 'tcp' | 'udp'
  readonly socket?: 'dgram' | 'recvmmsg'
  readonly destinations: readonly string[]
  readonly exporters?: number
  readonly templates?: number
  /** With the template store in a Redis of its own. */
  readonly hasRedis?: boolean
  readonly records: number
  /** Records per second offered; 0 = as fast as it is taken. */
  readonly rate: number
  /** CPU seconds per million records at most, as the design asks. */
  readonly bar?: number
}

interface Row {
  readonly cpuPerMillion: number
  readonly millionPerSecond: number
  readonly lost: number
  readonly peakMiB: number
}

const repeats = Number(process.env.WEIR_BENCH_REPEATS ?? 3)
const cases: readonly Case[] = [
  { id: 'tcp-tcp', input: 'tcp', destinations: ['tcp'], records: 12e6, rate: 0, bar: 0.3 },
  {
    id: 'tcp-tcp-64x4',
    input: 'tcp',
    destinations: ['tcp'],
    exporters: 64,
    templates: 4,
    records: 12e6,
    rate: 0,
    bar: 0.36
  },
  // What the shared store costs the data path: beside the rows of the same name without it.
  { id: 'tcp-tcp-redis', input: 'tcp', destinations: ['tcp'], hasRedis: true, records: 12e6, rate: 0, bar: 0.3 },
  {
    id: 'udp-tcp-recvmmsg-64x4-redis',
    input: 'udp',
    socket: 'recvmmsg',
    destinations: ['tcp'],
    exporters: 64,
    templates: 4,
    hasRedis: true,
    records: 6e6,
    rate: 1.5e6,
    bar: 0.46
  },
  { id: 'tcp-tcp-tcp', input: 'tcp', destinations: ['tcp', 'tcp'], records: 8e6, rate: 0 },
  {
    id: 'udp-tcp-dgram',
    input: 'udp',
    socket: 'dgram',
    destinations: ['tcp'],
    exporters: 8,
    records: 5e6,
    rate: 1e6,
    bar: 0.5
  },
  {
    id: 'udp-tcp-recvmmsg',
    input: 'udp',
    socket: 'recvmmsg',
    destinations: ['tcp'],
    exporters: 8,
    records: 6e6,
    rate: 1.5e6,
    bar: 0.38
  },
  {
    id: 'udp-tcp-recvmmsg-64x4',
    input: 'udp',
    socket: 'recvmmsg',
    destinations: ['tcp'],
    exporters: 64,
    templates: 4,
    records: 6e6,
    rate: 1.5e6,
    bar: 0.46
  },
  { id: 'tcp-udp-dgram', input: 'tcp', destinations: ['udp-dgram'], records: 4e6, rate: 0, bar: 0.75 },
  { id: 'tcp-udp-segment', input: 'tcp', destinations: ['udp-segment'], records: 8e6, rate: 0, bar: 0.4 },
  { id: 'tcp-json', input: 'tcp', destinations: ['json'], records: 5e6, rate: 0, bar: 0.75 },
  { id: 'udp-file', input: 'udp', destinations: ['file'], exporters: 8, records: 5e6, rate: 1e6, bar: 0.5 }
]

const cores = cpus().length
/** The program under test on the first two cores; load and sinks on the others, where there are any. */
const subjectCpus = '0,1'
const otherCpus = cores > 2 ? `2-${cores - 1}` : undefined
const root = new URL('../../', import.meta.url).pathname

function destinationOf(kind: string, index: number, sinkPort: number, folder: string): object {
  const id = `d${index}`
  const tcp = { id, type: 'ipfix', url: `tcp://127.0.0.1:${sinkPort}`, reconnectMinMs: 200 }
  const udp = { id, type: 'ipfix', url: `udp://127.0.0.1:${sinkPort}`, maxMessageOctets: 1452 }
  if (kind === 'tcp') return tcp
  if (kind === 'udp-dgram') return { ...udp, socket: 'dgram' }
  if (kind === 'udp-segment') return { ...udp, socket: 'segment' }
  if (kind === 'json') return { id, type: 'json', target: 'file:/dev/null' }
  return { id, type: 'ipfix-file', path: join(folder, 'out') }
}

interface Ledger {
  readonly mediator: { readonly destinations: Readonly<Record<string, { readonly sent: number }>> }
}

async function runCase(test: Case): Promise<Row> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'weir-bench-'))
  const sinks: LineProcess[] = []
  const destinations: object[] = []
  for (const [index, kind] of test.destinations.entries()) {
    let port = 0
    if (kind === 'tcp' || kind.startsWith('udp')) {
      const sink = new LineProcess('sink.ts', [kind.slice(0, 3)], otherCpus)
      sinks.push(sink)
      port = (await sink.line<{ port: number }>()).port
    }
    destinations.push(destinationOf(kind, index, port, folder))
  }
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const redis = test.hasRedis === true ? await RedisServer.start() : undefined
  const config = {
    stateDir: join(folder, 'state'),
    stores: {
      templates: redis === undefined ? { type: 'none' } : { type: 'redis', nodes: [`127.0.0.1:${redis.port}`] }
    },
    log: { level: 'warn' },
    collector: {
      listeners: [
        test.input === 'tcp'
          ? { name: 'in', transport: 'tcp', address: '127.0.0.1', port }
          : { name: 'in', transport: 'udp', address: '127.0.0.1', port, socket: test.socket ?? 'auto' }
      ],
      http: null
    },
    mediator: { http: null },
    coordinator: { port: port + 10_000 },
    front: null,
    destinations
  }
  const file = join(folder, 'weir.yaml')
  writeFileSync(file, JSON.stringify(config))
  const weir = spawn(
    'taskset',
    ['-c', subjectCpus, process.execPath, join(root, 'packages/cli/src/main.ts'), 'up', '--config', file],
    {
      stdio: ['ignore', 'ignore', 'inherit']
    }
  )
  try {
    const api = `http://127.0.0.1:${port + 10_000}`
    await until(async () => (await fetch(`${api}/readyz`)).ok, 20_000)
    await until(
      async () =>
        ((await (await fetch(`${api}/v1/destinations`)).json()) as { items: { status: string }[] }).items.every(
          ({ status }) => status === 'ready'
        ),
      20_000
    )
    const measured = childrenOf(weir.pid!).filter(({ command }) => /(collector|mediator)( |$)/.test(command))
    const load = (records: number): LineProcess =>
      new LineProcess(
        'load.ts',
        [
          test.input,
          String(port),
          String(records),
          String(test.exporters ?? 2),
          String(test.templates ?? 1),
          String(test.rate)
        ],
        otherCpus
      )
    // Over UDP a sink may lose what Weir has sent: there, as for files, the ledger says what the kernel took.
    const delivered = async (): Promise<number> => {
      const isCounted = test.destinations.every(kind => kind === 'tcp')
      if (isCounted)
        return Math.min(
          ...(await Promise.all(sinks.map(sink => sink.ask<{ records: number }>()))).map(({ records }) => records)
        )
      const { mediator } = (await (await fetch(`${api}/v1/ledger`)).json()) as Ledger
      return Math.min(...Object.values(mediator.destinations).map(({ sent }) => sent))
    }
    // Warm up: the programs are compiled and the buffers are made.
    const warm = await load(test.input === 'udp' ? 500_000 : 1_000_000).line<{ records: number }>()
    await settle(delivered, warm.records)
    const before = await delivered()
    const cpuBefore = sum(measured.map(({ pid }) => cpuSecondsOf(pid)))
    const startMs = performance.now()
    const sent = await load(test.records).line<{ records: number }>()
    const arrived = await settle(delivered, before + sent.records)
    const seconds = (performance.now() - startMs) / 1000
    const cpu = sum(measured.map(({ pid }) => cpuSecondsOf(pid))) - cpuBefore
    const records = arrived - before
    return {
      cpuPerMillion: (cpu / records) * 1e6,
      millionPerSecond: records / seconds / 1e6,
      lost: sent.records - records,
      peakMiB: sum(measured.map(({ pid }) => peakMiBOf(pid)))
    }
  } finally {
    weir.kill('SIGTERM')
    await Promise.race([once(weir, 'exit'), pause(20_000)])
    weir.kill('SIGKILL')
    for (const sink of sinks) await sink.end()
    await redis?.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** nfcapd (Debian) collecting the same stream into files: a yardstick for `udp-file` in the same run. */
async function runNfcapd(): Promise<Row> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'weir-bench-'))
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const nfcapd = spawn(
    'taskset',
    ['-c', subjectCpus, 'nfcapd', '-b', '127.0.0.1', '-p', String(port), '-w', folder, '-B', '4194304'],
    {
      stdio: ['ignore', 'pipe', 'pipe']
    }
  )
  let text = ''
  nfcapd.stdout.on('data', chunk => (text += String(chunk)))
  nfcapd.stderr.on('data', chunk => (text += String(chunk)))
  await pause(500)
  const cpuBefore = cpuSecondsOf(nfcapd.pid!)
  const startMs = performance.now()
  const sent = await new LineProcess('load.ts', ['udp', String(port), '5000000', '8', '1', '1000000'], otherCpus).line<{
    records: number
  }>()
  const seconds = (performance.now() - startMs) / 1000
  await pause(300)
  const cpu = cpuSecondsOf(nfcapd.pid!) - cpuBefore
  const peakMiB = peakMiBOf(nfcapd.pid!)
  nfcapd.kill('SIGTERM')
  await once(nfcapd, 'exit')
  const flows = [...text.matchAll(/Flows: (\d+)/g)].reduce((total, [, count]) => total + Number(count), 0)
  const octets = readdirSync(folder).reduce((total, name) => total + statSync(join(folder, name)).size, 0)
  rmSync(folder, { recursive: true, force: true })
  if (octets === 0) throw new Error('nfcapd wrote nothing')
  return {
    cpuPerMillion: (cpu / flows) * 1e6,
    millionPerSecond: flows / seconds / 1e6,
    lost: sent.records - flows,
    peakMiB
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

async function until(isTrue: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    if (await isTrue().catch(() => false)) return
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${isTrue.toString()}`)
    await pause(50)
  }
}

/** Waits until as many records have been delivered as wanted, or nothing has moved for two seconds. */
async function settle(delivered: () => Promise<number>, wanted: number): Promise<number> {
  let last = -1
  let movedAtMs = performance.now()
  for (;;) {
    const now = await delivered()
    if (now >= wanted) return now
    if (now !== last) movedAtMs = performance.now()
    else if (performance.now() - movedAtMs > 2_000) return now
    last = now
    await pause(20)
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)]!
}

const chosen = process.argv.slice(2)
const runs: { id: string; bar: number | undefined; run: () => Promise<Row>; rows: Row[] }[] = cases
  .filter(({ id, hasRedis }) =>
    chosen.length === 0 ? hasRedis !== true || !absent('redis-server') : chosen.includes(id)
  )
  .map(test => ({ id: test.id, bar: test.bar, run: () => runCase(test), rows: [] }))
if (existsSync('/usr/bin/nfcapd') && (chosen.length === 0 || chosen.includes('nfcapd'))) {
  runs.push({ id: 'nfcapd (udp, file)', bar: undefined, run: runNfcapd, rows: [] })
}
console.log(
  `Node ${process.version}, ${cpus()[0]!.model}, ${cores} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; subject on cores ${subjectCpus}, load and sinks on ${otherCpus ?? 'all'}`
)
for (let repeat = 0; repeat < repeats; repeat++) {
  for (const { id, run, rows } of runs) {
    const row = await run()
    rows.push(row)
    process.stderr.write(
      `  ${repeat + 1}/${repeats} ${id}: ${row.cpuPerMillion.toFixed(3)} s/M, ${row.millionPerSecond.toFixed(2)} M/s, lost ${row.lost}, ${row.peakMiB.toFixed(0)} MiB\n`
    )
  }
}
console.log('| case | CPU s / M records: min/median/max | at most | M records/s, median | lost, most | peak RSS MiB |')
console.log('|---|---|---|---|---|---|')
for (const { id, bar, rows } of runs) {
  const cpu = rows.map(row => row.cpuPerMillion)
  console.log(
    `| ${id} | ${Math.min(...cpu).toFixed(3)}/${median(cpu).toFixed(3)}/${Math.max(...cpu).toFixed(3)} | ${bar?.toFixed(2) ?? '-'} | ${median(rows.map(row => row.millionPerSecond)).toFixed(2)} | ${Math.max(...rows.map(row => row.lost))} | ${Math.max(...rows.map(row => row.peakMiB)).toFixed(0)} |`
  )
}
