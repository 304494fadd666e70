/**
 * What a tap of 10,000 records a second costs the data path: `node test/bench/tap.bench.ts`.
 *
 * One Weir takes the same load over and over, as fast as it can, in turn without a tap, with one, and with one that has a filter of three
 * comparisons. Told are CPU seconds of collector and mediator (all threads) per million records, records per second, and both as a ratio
 * to the rounds without a tap of the same run (WEIR_BENCH_REPEATS, default 7; medians of what follows each other).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { TapReader } from '../support/tap-reader.ts'
import { LineProcess, childrenOf, cpuSecondsOf, pause } from './measured-process.ts'

const RATE = 10_000
const RECORDS = 30_000_000
const repeats = Number(process.env.WEIR_BENCH_REPEATS ?? 7)
const root = new URL('../../', import.meta.url).pathname
const cores = cpus().length
const subjectCpus = '0,1'
const otherCpus = cores > 2 ? `2-${cores - 1}` : undefined

const kinds = {
  without: undefined,
  tap: '',
  'tap with a filter': '&filter=octetDeltaCount+%3E%3D+0+and+dst+in+0.0.0.0%2F0+and+sourceTransportPort+in+0..65535'
} as const
type Kind = keyof typeof kinds

interface Round {
  readonly cpuPerMillion: number
  readonly millionPerSecond: number
  readonly shownPerSecond: number
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > endMs) throw new Error(`not within a minute: ${isTrue.toString()}`)
    await pause(20)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'weir-bench-tap-'))
const sink = new LineProcess('sink.ts', ['tcp'], otherCpus)
const { port: sinkPort } = await sink.line<{ port: number }>()
const port = 20_000 + Math.floor(Math.random() * 10_000)
const api = `http://127.0.0.1:${port + 10_000}`
const file = join(folder, 'weir.yaml')
writeFileSync(
  file,
  JSON.stringify({
    stateDir: join(folder, 'state'),
    log: { level: 'warn' },
    collector: { listeners: [{ name: 'in', transport: 'tcp', address: '127.0.0.1', port }], http: null },
    mediator: { http: null },
    coordinator: { port: port + 10_000 },
    front: null,
    destinations: [{ id: 'd', type: 'ipfix', url: `tcp://127.0.0.1:${sinkPort}`, reconnectMinMs: 200 }]
  })
)
const weir = spawn(
  'taskset',
  ['-c', subjectCpus, process.execPath, join(root, 'packages/cli/src/main.ts'), 'up', '--config', file],
  { stdio: ['ignore', 'ignore', 'inherit'] }
)
try {
  await until(async () => (await fetch(`${api}/readyz`)).ok)
  await until(
    async () => ((await (await fetch(`${api}/v1/destinations/d`)).json()) as { status: string }).status === 'ready'
  )
  const dataPath = childrenOf(weir.pid!).filter(({ command }) => /(collector|mediator)( |$)/.test(command))
  const delivered = async (): Promise<number> => (await sink.ask<{ records: number }>()).records

  const round = async (kind: Kind): Promise<Round> => {
    const query = kinds[kind]
    const url = `${api}/v1/tap?rate=${RATE}&limit=10000000${query ?? ''}`
    const tap = query === undefined ? undefined : await TapReader.open(url)
    const before = await delivered()
    const cpuBefore = sum(dataPath.map(({ pid }) => cpuSecondsOf(pid)))
    const startMs = performance.now()
    const sent = await new LineProcess(
      'load.ts',
      ['tcp', String(port), String(RECORDS), '4', '4', '0'],
      otherCpus
    ).line<{
      records: number
    }>()
    await until(async () => (await delivered()) >= before + sent.records)
    const seconds = (performance.now() - startMs) / 1000
    const cpu = sum(dataPath.map(({ pid }) => cpuSecondsOf(pid))) - cpuBefore
    const shown = tap?.records.length ?? 0
    tap?.leave()
    return {
      cpuPerMillion: (cpu / sent.records) * 1e6,
      millionPerSecond: sent.records / seconds / 1e6,
      shownPerSecond: shown / seconds
    }
  }

  console.log(
    `Node ${process.version}, ${cpus()[0]!.model}, ${cores} cores; Weir on cores ${subjectCpus}, the rest on ${otherCpus ?? 'all'}`
  )
  const names = Object.keys(kinds) as Kind[]
  for (const kind of names) await round(kind)
  const rounds = new Map<Kind, Round[]>(names.map(kind => [kind, []]))
  for (let repeat = 0; repeat < repeats; repeat++) for (const kind of names) rounds.get(kind)!.push(await round(kind))
  console.log('| case | CPU s / M records | M records/s | shown/s | CPU, ratio | records/s, ratio |')
  console.log('|---|---|---|---|---|---|')
  const floor = rounds.get('without')!
  for (const [kind, its] of rounds) {
    const cpu = its.map(({ cpuPerMillion }, index) => cpuPerMillion / floor[index]!.cpuPerMillion)
    const speed = its.map(({ millionPerSecond }, index) => millionPerSecond / floor[index]!.millionPerSecond)
    const figures = [
      median(its.map(each => each.cpuPerMillion)).toFixed(3),
      median(its.map(each => each.millionPerSecond)).toFixed(2),
      median(its.map(each => each.shownPerSecond)).toFixed(0),
      median(cpu).toFixed(3),
      median(speed).toFixed(3)
    ]
    console.log(`| ${kind} | ${figures.join(' | ')} |`)
  }
} finally {
  weir.kill('SIGTERM')
  await Promise.race([once(weir, 'exit'), pause(20_000)])
  weir.kill('SIGKILL')
  await sink.end()
  rmSync(folder, { recursive: true, force: true })
}
