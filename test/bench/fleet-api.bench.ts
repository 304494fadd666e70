// GET /api/v1/exporters?limit=100 of a front with three pods: node test/bench/fleet-api.bench.ts [seconds of a run] [rounds]
//
// The pods are stand-ins with 1,000 exporters each, so that it is the front that is measured. Floor in the same run, round by
// round: a bare Fastify route that sends the same octets. autocannon, 50 connections, keep-alive. With taskset all of it (server,
// job worker and client) is on two cores; `-2` is the front with two HTTP processes, `-apart` has the client on other cores. Those with jobs
// are run in turn with those without, the job worker stopped meanwhile. Requests a second and 99th percentile of the answer time. Case ids are stable.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Child } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { projectFolder } from '../support/weir-command.ts'
import { FlowJobs } from './flow-jobs.ts'

interface Run {
  readonly requests: { readonly average: number }
  readonly latency: { readonly p50: number; readonly p99: number }
  readonly non2xx: number
  readonly errors: number
}

const sequence = { lost: 0, duplicated: 0, reordered: 0, restarts: 0, suspect: 0, undecoded: 0, gap: 0 }
const exporterOf = (pod: number, number: number): object => ({
  id: `198.${18 + pod}.${number >> 8}.${number & 255}`,
  via: [],
  address: `198.${18 + pod}.${number >> 8}.${number & 255}`,
  state: 'active',
  stateSinceAtMs: 1_790_000_000_000,
  stateReasons: [],
  rebootedAtMs: null,
  scopeDecision: 'single',
  versions: [10],
  sessions: 1,
  domains: 1,
  templates: 12,
  firstSeenAtMs: 1_790_000_000_000,
  lastSeenAtMs: 1_790_000_100_000,
  messages: 123_456,
  octets: 123_456_789,
  records: 2_345_678,
  malformed: 0,
  droppedSets: 0,
  droppedRecords: 0,
  clockSkewMs: 3,
  sequence
})

let asked = 0
async function startPod(pod: number): Promise<string> {
  const all = Array.from({ length: 1_000 }, (_, number) => exporterOf(pod, number))
  const server = createServer((request, response) => {
    asked++
    const limit = Number(new URL(request.url!, 'http://pod').searchParams.get('limit'))
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ items: all.slice(0, limit), total: all.length, offset: 0, limit, next: String(limit) })
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const [seconds = 5, rounds = 5] = process.argv.slice(2).map(Number)
const taskset = ['/usr/bin/taskset', '/bin/taskset'].find(path => existsSync(path))
const onCores = (cores: string, name: string, args: readonly string[]): Child =>
  cpus().length > 3 && taskset !== undefined
    ? new Child(name, taskset, ['-c', cores, process.execPath, ...args])
    : new Child(name, process.execPath, args)
const onTwoCores = (name: string, args: readonly string[]): Child => onCores('0,1', name, args)

const folder = tempFolder('bench-fleet-api')
const pods = await Promise.all([0, 1, 2].map(startPod))

/** @returns the process, where the list is, and the key. */
async function startFront(workers: number) {
  const stateDir = join(folder, `front-${workers}`)
  const config = join(folder, `weir-${workers}.json`)
  const section = {
    port: 0,
    pods,
    workers,
    limits: { requestsPerSec: 100_000, writesPerSec: 10_000 },
    jobs: FlowJobs.config
  }
  writeFileSync(config, JSON.stringify({ stateDir, front: section }))
  const args = [join(projectFolder, 'packages/cli/bin/weir.mjs'), 'front', '--config', config]
  const child = onTwoCores(`weir front, ${workers} processes`, args)
  await child.waitForText(/"process":"front",[^\n]*"process_ready"/)
  const url = /"url":"([^"]+)"/.exec(child.stderr)![1]!
  const authorization = `Bearer ${readFileSync(join(stateDir, 'admin.key'), 'utf8').trim()}`
  return { child, authorization, url, config, path: `${url}/api/v1/exporters?limit=100` }
}

const one = await startFront(1)
const two = await startFront(2)
const { authorization, path } = one
const jobWorker = [join(projectFolder, 'packages/cli/bin/weir.mjs'), 'job-worker', '--config', one.config]
const worker = onTwoCores('weir job-worker', jobWorker)
await worker.waitForText('"process_ready"')
const jobs = new FlowJobs(one.url, authorization, worker)
await jobs.prepare()
const first = await fetch(path, { headers: { authorization } })
const octets = await first.text()
if (first.status !== 200) throw new Error(octets)
writeFileSync(join(folder, 'octets.json'), octets)
const bare = onTwoCores('bare', [join(projectFolder, 'test/bench/bare-server.ts'), join(folder, 'octets.json')])
await bare.waitForText('http://')
interface Case {
  readonly id: string
  readonly url: string
  readonly headers: readonly string[]
  /** Of the client. */
  readonly cores?: string
  readonly hasJobs?: boolean
  /** That with which its rate is compared besides. */
  readonly against?: string
}
const key = [`authorization=${authorization}`]
const cases: readonly Case[] = [
  { id: 'front/floor', url: bare.stdout.trim(), headers: [] },
  { id: 'front/exporters-cached', url: path, headers: key },
  {
    id: 'front/exporters-cached-while-8-analyse-jobs',
    url: path,
    headers: key,
    hasJobs: true,
    against: 'front/exporters-cached'
  },
  { id: 'front/exporters-cached-apart', url: path, headers: key, cores: '2,3' },
  {
    id: 'front/exporters-cached-apart-while-8-analyse-jobs',
    url: path,
    headers: key,
    cores: '2,3',
    hasJobs: true,
    against: 'front/exporters-cached-apart'
  },
  { id: 'front/exporters-cached-2', url: two.path, headers: [`authorization=${two.authorization}`] },
  { id: 'front/exporters-not-modified', url: path, headers: [...key, 'if-none-match=*'] }
]
console.log(
  `${cpus()[0]?.model}, Node ${process.version}, ${octets.length} octets an answer, ${rounds} rounds of ${seconds} s`
)

async function measure({ url: target, headers, cores = '0,1' }: Case, duration: number): Promise<Run> {
  const args = ['-j', '-c', '50', '-d', String(duration), ...headers.flatMap(each => ['-H', each]), target]
  const cannon = onCores(cores, 'autocannon', [join(projectFolder, 'node_modules/autocannon/autocannon.js'), ...args])
  const { code } = await cannon.waitForEnd((duration + 30) * 1_000)
  if (code !== 0) throw new Error(cannon.said)
  return JSON.parse(cannon.stdout) as Run
}

const runs = new Map<string, Run[]>()
/** Records that all jobs together read a second, by case. */
const read = new Map<string, number[]>()
for (let round = 0; round <= rounds; round++) {
  for (const each of cases) {
    const { id } = each
    const once = (): Promise<Run> => measure(each, round === 0 ? 1 : seconds)
    let run: Run
    if (each.hasJobs === true) {
      const { value, recordsPerSec } = await jobs.during(once)
      if (round > 0) read.set(id, [...(read.get(id) ?? []), recordsPerSec])
      run = value
    } else run = await once()
    if (run.errors > 0 || (run.non2xx > 0 && !id.endsWith('not-modified'))) throw new Error(JSON.stringify(run))
    // The first round warms up.
    if (round > 0) runs.set(id, [...(runs.get(id) ?? []), run])
  }
}
const middle = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.trunc(values.length / 2)]!
const rateOf = (id: string): number => middle(runs.get(id)!.map(({ requests }) => requests.average))
const floor = rateOf('front/floor')
for (const { id, against } of cases) {
  const all = runs.get(id)!
  const rate = rateOf(id)
  const p99 = middle(all.map(({ latency }) => latency.p99))
  const worst = Math.max(...all.map(({ latency }) => latency.p99))
  console.log(
    `${id.padEnd(50)} ${rate.toFixed(0).padStart(7)}/s, ${(rate / floor).toFixed(2)} of the floor, 99th percentile ${p99} ms, at worst ${worst} ms` +
      (against === undefined
        ? ''
        : `, ${(rate / rateOf(against)).toFixed(2)} of ${against}; the jobs read ${(middle(read.get(id)!) / 1e6).toFixed(2)} M records/s`)
  )
}
console.log(`the pods were asked ${asked} times`)
for (const [type, params] of [
  ['analyse', {}],
  ['convert', { to: 'ipfix' }],
  ['convert', { to: 'parquet' }],
  ['convert', { to: 'csv' }]
] as const) {
  const all: { perSec: number; perCpuSec: number }[] = []
  for (let round = 0; round < 3; round++) all.push(await jobs.alone(type, params))
  const perSec = middle(all.map(each => each.perSec)) / 1e6
  const perCpuSec = middle(all.map(each => each.perCpuSec)) / 1e6
  console.log(
    `${`jobs/${[type, ...Object.values(params)].join('-')}`.padEnd(50)} ${perSec.toFixed(2)} M records/s, ${perCpuSec.toFixed(2)} M a CPU second of all threads`
  )
}
worker.kill('SIGKILL')
for (const child of [one.child, two.child, bare]) child.kill()
const ended = await one.child.waitForEnd()
process.exit(ended.code ?? 1)
