// GET /api/v1/exporters?limit=100 of a front with three pods: node test/bench/fleet-api.bench.ts [seconds of a run] [rounds]
//
// The pods are stand-ins with 1,000 exporters each, so that it is the front that is measured. Floor in the same run, round by
// round: a bare Fastify route that sends the same octets. autocannon, 50 connections, keep-alive. With taskset all of it (server
// and client) is on two cores; `-2` is the front with two HTTP processes. Requests a second and 99th percentile of the answer time. Case ids are stable.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Child } from '../support/child.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { projectFolder } from '../support/weir-command.ts'

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
const onTwoCores = (name: string, args: readonly string[]): Child =>
  cpus().length > 2 && taskset !== undefined
    ? new Child(name, taskset, ['-c', '0,1', process.execPath, ...args])
    : new Child(name, process.execPath, args)

const folder = tempFolder('bench-fleet-api')
const pods = await Promise.all([0, 1, 2].map(startPod))

/** @returns the process, where the list is, and the key. */
async function startFront(workers: number) {
  const stateDir = join(folder, `front-${workers}`)
  const config = join(folder, `weir-${workers}.json`)
  const section = { port: 0, pods, workers, limits: { requestsPerSec: 100_000 } }
  writeFileSync(config, JSON.stringify({ stateDir, front: section }))
  const args = [join(projectFolder, 'packages/cli/bin/weir.mjs'), 'front', '--config', config]
  const child = onTwoCores(`weir front, ${workers} processes`, args)
  await child.waitForText(/"process":"front",[^\n]*"process_ready"/)
  const url = /"url":"([^"]+)"/.exec(child.stderr)![1]!
  const authorization = `Bearer ${readFileSync(join(stateDir, 'admin.key'), 'utf8').trim()}`
  return { child, authorization, path: `${url}/api/v1/exporters?limit=100` }
}

const one = await startFront(1)
const two = await startFront(2)
const { authorization, path } = one
const first = await fetch(path, { headers: { authorization } })
const octets = await first.text()
if (first.status !== 200) throw new Error(octets)
writeFileSync(join(folder, 'octets.json'), octets)
const bare = onTwoCores('bare', [join(projectFolder, 'test/bench/bare-server.ts'), join(folder, 'octets.json')])
await bare.waitForText('http://')
const cases: readonly (readonly [id: string, url: string, headers: readonly string[]])[] = [
  ['front/floor', bare.stdout.trim(), []],
  ['front/exporters-cached', path, [`authorization=${authorization}`]],
  ['front/exporters-cached-2', two.path, [`authorization=${two.authorization}`]],
  ['front/exporters-not-modified', path, [`authorization=${authorization}`, 'if-none-match=*']]
]
console.log(
  `${cpus()[0]?.model}, Node ${process.version}, ${octets.length} octets an answer, ${rounds} rounds of ${seconds} s`
)

async function measure(target: string, headers: readonly string[], duration: number): Promise<Run> {
  const args = ['-j', '-c', '50', '-d', String(duration), ...headers.flatMap(each => ['-H', each]), target]
  const cannon = onTwoCores('autocannon', [join(projectFolder, 'node_modules/autocannon/autocannon.js'), ...args])
  const { code } = await cannon.waitForEnd((duration + 30) * 1_000)
  if (code !== 0) throw new Error(cannon.said)
  return JSON.parse(cannon.stdout) as Run
}

const runs = new Map<string, Run[]>()
for (let round = 0; round <= rounds; round++) {
  for (const [id, target, headers] of cases) {
    const run = await measure(target, headers, round === 0 ? 1 : seconds)
    if (run.errors > 0 || (run.non2xx > 0 && !id.endsWith('not-modified'))) throw new Error(JSON.stringify(run))
    // The first round warms up.
    if (round > 0) runs.set(id, [...(runs.get(id) ?? []), run])
  }
}
const middle = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.trunc(values.length / 2)]!
const floor = middle(runs.get('front/floor')!.map(({ requests }) => requests.average))
for (const [id, all] of runs) {
  const rate = middle(all.map(({ requests }) => requests.average))
  const p99 = middle(all.map(({ latency }) => latency.p99))
  const worst = Math.max(...all.map(({ latency }) => latency.p99))
  console.log(
    `${id.padEnd(30)} ${rate.toFixed(0).padStart(7)}/s, ${(rate / floor).toFixed(2)} of the floor, 99th percentile ${p99} ms, at worst ${worst} ms`
  )
}
console.log(`the pods were asked ${asked} times`)
for (const child of [one.child, two.child, bare]) child.kill()
const ended = await one.child.waitForEnd()
process.exit(ended.code ?? 1)
