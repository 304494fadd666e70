import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemClock } from '@weir/runtime'
import type { Task } from '@weir/analysis'
import { Child } from '../../../../../test/support/child.ts'
import { until } from '../../../../../test/support/until.ts'
import { weir } from '../../../../../test/support/weir-command.ts'
import { startFront } from '../../support/front-fixture.ts'
import type { Answer, FrontFixture } from '../../support/front-fixture.ts'
import { fileURLToPath } from 'node:url'
import { tasks } from './test-tasks.ts'

const script = fileURLToPath(new URL('./worker-process.ts', import.meta.url))
const many = { requestsPerSec: 100_000, writesPerSec: 100_000, failedLoginsPerMin: 10_000 }

/** A front with the tasks of the tests, or others, whose clock goes. */
export class JobFront {
  readonly fixture: FrontFixture
  readonly operator: string
  readonly reader: string
  readonly #limits: object

  private constructor(fixture: FrontFixture, operator: string, reader: string, limits: object) {
    this.fixture = fixture
    this.operator = operator
    this.reader = reader
    this.#limits = limits
  }

  static async start(
    t: TestContext,
    limits: object = {},
    httpLimits: object = {},
    kinds: readonly Task[] = tasks
  ): Promise<JobFront> {
    const jobs = { limits: { lockMs: 1_500, ...limits } }
    const all = { ...many, ...httpLimits }
    const fixture = await startFront(t, { more: { jobs }, tasks: kinds, realClock: systemClock, limits: all })
    return new JobFront(fixture, await fixture.keyOf('operator'), await fixture.keyOf('reader'), jobs)
  }

  get uploadsFolder(): string {
    return join(this.fixture.stateDir, 'jobs', 'uploads')
  }

  /** A process that does its jobs. */
  async startWorker(t: TestContext): Promise<Child> {
    const document = { stateDir: this.fixture.stateDir, front: { jobs: this.#limits } }
    const worker = new Child('job-worker', process.execPath, [script, JSON.stringify(document)])
    t.after(() => worker.kill('SIGKILL'))
    await worker.waitForText('process_ready', 40_000)
    return worker
  }

  /** A job worker as an operator runs it: with the tasks that there are. */
  async startWeirWorker(t: TestContext, more: object, env: Record<string, string>): Promise<Child> {
    const { stateDir } = this.fixture
    const file = join(stateDir, 'worker.json')
    writeFileSync(file, JSON.stringify({ stateDir, front: { jobs: this.#limits }, ...more }))
    const worker = weir(['job-worker', '--config', file], { env })
    t.after(() => worker.kill('SIGKILL'))
    await worker.waitForText('process_ready', 40_000)
    return worker
  }

  call(method: string, path: string, body?: unknown, headers?: Record<string, string>, key = this.operator) {
    return this.fixture.call(method, path, key, body, headers)
  }

  /** Bring a file. */
  async upload(
    name: string,
    octets: Uint8Array | string | ReadableStream,
    key = this.operator,
    headers: Record<string, string> = {}
  ): Promise<Answer> {
    const response = await fetch(`${this.fixture.front.url}/api/v1/uploads?${new URLSearchParams({ name })}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/octet-stream', ...headers },
      body: octets,
      ...(octets instanceof ReadableStream ? { duplex: 'half' } : {})
    } as RequestInit)
    const text = await response.text()
    const body = (text === '' ? {} : JSON.parse(text)) as Answer['body']
    return { status: response.status, headers: response.headers, body, text }
  }

  /** Make a job. @returns its id. */
  async make(type: string, more: object = {}, headers?: Record<string, string>): Promise<string> {
    const { status, body, text } = await this.call('POST', '/api/v1/jobs', { type, ...more }, headers)
    if (status !== 202) throw new Error(`${status} ${text}`)
    return String(body.id)
  }

  async untilState(id: string, state: string): Promise<Answer['body']> {
    return until(
      `job ${id} is ${state}`,
      async () => {
        const { body, text } = await this.call('GET', `/api/v1/jobs/${id}`)
        if (body.state === state) return body
        throw new Error(text)
      },
      20_000
    )
  }
}
