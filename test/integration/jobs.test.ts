import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { constants, getPriority } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { RedisServer } from '../support/redis-server.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { weir } from '../support/weir-command.ts'

interface Job {
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly result: { readonly files: readonly { readonly name: string; readonly href: string }[] } | null
}

const capture = fixtureCapture('softflowd-v9')

/** The web API of a front, with its admin key. */
class JobApi {
  readonly url: string
  readonly #authorization: string

  constructor(port: number, stateDir: string) {
    this.url = `http://127.0.0.1:${port}`
    this.#authorization = `Bearer ${readFileSync(join(stateDir, 'admin.key'), 'utf8').trim()}`
  }

  async call(method: string, path: string, type?: string, body?: string | Uint8Array): Promise<string> {
    const headers = { authorization: this.#authorization, ...(type === undefined ? {} : { 'content-type': type }) }
    const response = await fetch(this.url + path, { method, headers, body } as RequestInit)
    const text = await response.text()
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
    return text
  }

  async upload(): Promise<string> {
    const octets = readFileSync(capture.path)
    const path = '/api/v1/uploads?name=softflowd-v9.pcap'
    return (JSON.parse(await this.call('POST', path, 'application/octet-stream', octets)) as { id: string }).id
  }

  async analyse(upload: string): Promise<string> {
    const order = JSON.stringify({ type: 'analyse', input: { uploads: [upload] } })
    return (JSON.parse(await this.call('POST', '/api/v1/jobs', 'application/json', order)) as Job).id
  }

  async job(id: string): Promise<Job> {
    return JSON.parse(await this.call('GET', `/api/v1/jobs/${id}`)) as Job
  }

  /** What a job has made, as soon as it has. */
  async report(id: string): Promise<string> {
    await until(`job ${id} has succeeded`, async () => (await this.job(id)).state === 'succeeded', 30_000)
    const { result } = await this.job(id)
    return this.call('GET', result!.files.find(({ name }) => name.endsWith('.json'))!.href)
  }
}

/** Of sched(7). */
const SCHED_IDLE = 5
/** The scheduling policy of a thread: field 41 of its stat, whose second one is a name in brackets. */
function policyOf(pid: number, thread: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38])
}

test('weir up does jobs: a capture is uploaded and analysed, also where the front and the worker are killed on the way', async () => {
  const folder = tempFolder('jobs')
  const frontPort = await freePort()
  const weirIs = await launchWeir(folder, await freePort(), await freePort(), {
    config: { front: { port: frontPort, jobs: { priority: 'idle' } } }
  })
  await weirIs.child.waitForText('Weir is ready', 40_000)
  const api = new JobApi(frontPort, join(folder, 'var'))
  const upload = await api.upload()
  const ids = [await api.analyse(upload), await api.analyse(upload)]
  await weirIs.crash('job-worker')
  ids.push(await api.analyse(upload))
  await weirIs.crash('front')
  await until('the front answers again', async () => fetch(`${api.url}/livez`).then(({ ok }) => ok))
  const reports = new Set<string>()
  for (const id of ids) reports.add(await api.report(id))
  assert.equal(reports.size, 1, 'whoever did it, how often it was begun: the same result')
  assert.match([...reports][0]!, /exporters/)
  const worker = weirIs.pidOf('job-worker')!
  for (const thread of readdirSync(`/proc/${worker}/task`).map(Number)) {
    if (thread === worker) assert.equal(getPriority(thread), constants.priority.PRIORITY_LOW)
    else assert.equal(policyOf(worker, thread), SCHED_IDLE, 'no thread is in the way of the others')
  }
  assert.deepEqual(readdirSync(join(folder, 'var/jobs/results')).toSorted(), ids.toSorted())
  assert.equal((await weirIs.stop()).code, 0, weirIs.child.said)
})

test(
  'two fronts and two job workers, each a process of its own, share one queue in Redis',
  { skip: absent('redis-server') },
  async () => {
    const redis = await RedisServer.start()
    const folder = tempFolder('jobs-redis')
    const stores = { jobs: { type: 'redis', nodes: [`127.0.0.1:${redis.port}`] } }
    const start = async (process: 'front' | 'job-worker', name: string, port = 0, health?: number) => {
      const file = join(folder, `${name}.yaml`)
      const jobs = {
        folder: join(folder, 'jobs'),
        priority: 'normal',
        http: health === undefined ? null : { port: health },
        limits: { lockMs: 1_500, threads: 1 }
      }
      const document = {
        stateDir: join(folder, name),
        stores,
        front: { port, pods: ['http://127.0.0.1:1'], workers: 1, jobs }
      }
      writeFileSync(file, JSON.stringify(document))
      const child = weir([process, '--config', file], { cwd: folder })
      await child.waitForText('process_ready', 40_000)
      return child
    }
    const ports = [await freePort(), await freePort()]
    const fronts = await Promise.all(ports.map((port, index) => start('front', `front-${index}`, port)))
    const [one, other] = ports.map((port, index) => new JobApi(port, join(folder, `front-${index}`)))
    const upload = await one!.upload()
    const ids = [await one!.analyse(upload), await other!.analyse(upload)]
    const health = await freePort()
    const workers = await Promise.all([start('job-worker', 'worker-0'), start('job-worker', 'worker-1', 0, health)])
    ids.push(await one!.analyse(upload))
    workers[0]!.kill('SIGKILL')
    for (const id of ids) assert.equal(await one!.report(id), await other!.report(id))
    assert.deepEqual(readdirSync(join(folder, 'jobs/results')).toSorted(), ids.toSorted())
    assert.match(
      await other!.call('GET', '/metrics'),
      /weir_front_jobs_ended_total\{type="analyse",result="succeeded"\} 3/
    )
    const told = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${health}${path}`)
      return { status: response.status, text: await response.text() }
    }
    assert.equal((await told('/readyz')).status, 200)
    const { text } = await told('/metrics')
    assert.match(text, /^weir_job_worker_attempts_total\{outcome="succeeded"\} [123]$/m)
    assert.match(text, /^weir_job_worker_running 0$/m)
    assert.match(text, /^weir_job_worker_queue_connected 1$/m)
    await redis.kill()
    await until('the worker says that its queue is away', async () => (await told('/readyz')).status === 503, 20_000)
    assert.equal((await told('/livez')).status, 200)
    await redis.start()
    await until('the worker is ready again', async () => (await told('/readyz')).status === 200, 20_000)
    for (const child of [...fronts, workers[1]!]) {
      child.kill('SIGTERM')
      assert.deepEqual(await child.waitForEnd(), { code: 0, signal: null }, child.said)
    }
  }
)
