import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { tasks } from '@weir/analysis'
import { resolveConfig } from '@weir/config'
import { createCoordinator } from '@weir/coordinator'
import { createFront, roles } from '@weir/front'
import type { Front, Role } from '@weir/front'
import { createControlServer } from '@weir/link'
import { silentLog } from '@weir/runtime'
import { tempFolder } from '../temp-folder.ts'
import { ApiDocument } from './api-document.ts'
import { RequestMaker } from './request-maker.ts'
import type { MadeRequest } from './request-maker.ts'
import { StandInPod } from './stand-in-pod.ts'

export interface Failure {
  readonly seed: number
  readonly request: string
  readonly status: number
  readonly what: string
  readonly answer: string
}

export interface FuzzReport {
  readonly failures: readonly Failure[]
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>
  /** Routes that were never answered with less than 400, of so many that there are. */
  readonly unserved: readonly string[]
  readonly routes: number
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** What may be said while pods are away, or say that their store is. */
const away = /"code":"(NO_POD_ANSWERS|POD_AWAY|STORE_AWAY)"/

/** What this front has not. */
const missing = /"code":"SCALE_NOT_CONFIGURED"/

const AT_ONCE = 16
const MAX_FAILURES = 25
/** Requests until another pod is away or back. */
const PHASE = 250

/**
 * Send requests that are made from the OpenAPI document to a front, and check each answer: no 5xx but 503 while pods are away, no
 * secret, nothing for those who may not, and every answer as the document says.
 *
 * @param firstSeed - of the first request; a run with the seed of a failure and one request shows it again.
 */
export async function fuzzWebApi(requests: number, firstSeed: number): Promise<FuzzReport> {
  const stateDir = tempFolder('web-api-fuzz')
  const pods = await Promise.all([1, 2].map(async seed => new StandInPod(await controlApi(), firstSeed + seed).start()))
  const limits = {
    requestsPerSec: 100_000,
    writesPerSec: 100_000,
    failedLoginsPerMin: 10_000,
    eventSubscribers: 1_024,
    podTimeoutMs: 1_000
  }
  const { config } = resolveConfig({
    stateDir,
    front: {
      port: 0,
      pods: pods.map(({ url }) => url),
      limits: { ...limits, keys: 200 },
      cache: { freshMs: 0, staleMs: 0 }
    }
  })
  const front = createFront(config, { log: silentLog(), version: '9.9.9' })
  await front.start(new AbortController().signal)
  try {
    return await new Run(front, pods, stateDir, requests, firstSeed).run()
  } finally {
    await front.stop(1_000)
    for (const pod of pods) pod.stop()
  }
}

async function controlApi(): Promise<object> {
  const { config, baseHash } = resolveConfig(undefined)
  const control = createControlServer({ endpoint: 'ipc:///run/weir/control' })
  return createCoordinator({ config, baseHash }, { control, log: silentLog(), version: '9.9.9' }).openApi()
}

class Run {
  readonly #front: Front
  readonly #pods: readonly StandInPod[]
  readonly #stateDir: string
  readonly #requests: number
  readonly #firstSeed: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  readonly #failures: Failure[] = []
  readonly #statuses = new Map<number, number>()
  readonly #served = new Set<string>()
  readonly #secrets: string[] = []
  readonly #roles = new Map<string, Role | 'anybody'>()
  #api!: ApiDocument
  #maker!: RequestMaker
  #next = 0

  constructor(front: Front, pods: readonly StandInPod[], stateDir: string, requests: number, firstSeed: number) {
    this.#front = front
    this.#pods = pods
    this.#stateDir = stateDir
    this.#requests = requests
    this.#firstSeed = firstSeed
  }

  async run(): Promise<FuzzReport> {
    this.#api = new ApiDocument(await this.#front.openApi())
    for (const { method, url, role } of this.#front.routes) {
      this.#roles.set(`${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`, role)
    }
    this.#maker = new RequestMaker(this.#api, await this.#credentials(), [
      ...this.#pods.map(({ url }) => url.slice('http://'.length)),
      'a',
      '192.0.2.7',
      'octetDeltaCount'
    ])
    this.#maker.known.set(
      '/api/v1/job-types',
      tasks.map(({ name }) => name)
    )
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work()))
    this.#agent.destroy()
    const routes = this.#api.operations.map(({ method, path }) => `${method} ${path}`)
    const unserved = routes.filter(each => !this.#served.has(each))
    return { failures: this.#failures, statuses: this.#statuses, unserved, routes: routes.length }
  }

  /** One key of each role, and what is none. */
  async #credentials(): Promise<Record<string, string | undefined>> {
    const admin = readFileSync(this.#front.adminKeyPath, 'utf8').trim()
    const tokens: Record<string, string> = { admin }
    for (const role of roles.slice(0, -1)) {
      const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ name: role, role })
      const response = await fetch(`${this.#front.url}/api/v1/keys`, { method: 'POST', headers, body })
      tokens[role] = ((await response.json()) as { token: string }).token
    }
    for (const token of Object.values(tokens)) {
      const secret = token.slice('wk_0123456789abcdef_'.length)
      this.#secrets.push(secret, hash('sha256', secret))
    }
    this.#secrets.push(this.#stateDir)
    const bearers = Object.entries(tokens).map(([name, token]) => [name, `Bearer ${token}`])
    return {
      ...(Object.fromEntries(bearers) as Record<string, string>),
      none: undefined,
      wrong: `Bearer ${admin.slice(0, -8)}AAAAAAAA`,
      'no key at all': 'Bearer eyJhbGciOiJub25lIn0.e30.'
    }
  }

  async #work(): Promise<void> {
    while (this.#next < this.#requests && this.#failures.length < MAX_FAILURES) {
      const seed = this.#firstSeed + this.#next++
      const phase = Math.floor(this.#next / PHASE) % 5
      for (const [index, pod] of this.#pods.entries()) pod.isAway = phase === 4 || (phase === 2 && index === 0)
      const made = this.#maker.make(seed)
      const answer = await this.#send(made)
      this.#statuses.set(answer.status, (this.#statuses.get(answer.status) ?? 0) + 1)
      this.#maker.learn(answer.headers.location)
      const what = this.#faultOf(made, answer)
      if (what === undefined) continue
      const request = `${made.method} ${made.path} ${JSON.stringify(made.headers)} ${made.body ?? ''} (as ${made.as})`
      this.#failures.push({
        seed,
        request: request.slice(0, 1_500),
        status: answer.status,
        what,
        answer: answer.text.slice(0, 600)
      })
    }
  }

  #send({ method, path, headers, body, operation }: MadeRequest): Promise<Answer> {
    const { hostname, port } = new URL(this.#front.url)
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, hostname, port, method, path, headers: { ...headers, ...length } }
      const request = httpRequest(options, response => {
        const { statusCode: status = 0 } = response
        if (operation.isStream && status === 200) {
          response.destroy()
          return resolve({ status, headers: response.headers, text: '' })
        }
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () =>
          resolve({ status, headers: response.headers, text: Buffer.concat(parts).toString('utf8') })
        )
      })
      request.setTimeout(20_000, () => request.destroy(new Error(`no answer to ${method} ${path}`)))
      request.once('error', reject)
      request.end(body)
    })
  }

  #faultOf(made: MadeRequest, { status, headers, text }: Answer): string | undefined {
    const { operation, method, path, as } = made
    const told = text + JSON.stringify(headers)
    if (this.#secrets.some(secret => told.includes(secret))) return 'a secret is in the answer'
    const isAllowed = (status === 503 && away.test(text)) || (status === 501 && missing.test(text))
    if (status >= 500 && !isAllowed) return 'it is a 5xx'
    const type = headers['content-type'] ?? ''
    if (
      status >= 400 &&
      method !== 'HEAD' &&
      !type.startsWith('application/problem+json') &&
      operation.path !== '/readyz'
    ) {
      return 'an error is no problem document'
    }
    const needed = this.#roles.get(`${method} ${operation.path}`)
    const isItsRoute = method === operation.method && samePath(operation.path, path)
    if (status < 400 && needed !== 'anybody' && !roles.includes(as as Role)) return 'it was served to nobody'
    if (!isItsRoute || needed === undefined) return undefined
    if (status < 400) {
      this.#served.add(`${method} ${operation.path}`)
      if (needed !== 'anybody' && roles.indexOf(as as Role) < roles.indexOf(needed)) return `it was served to ${as}`
    }
    if (operation.isStream && status === 200) return undefined
    return method === 'HEAD' ? undefined : this.#api.fault(operation, status, type, text)
  }
}

/** The path of a request is one of the route, and not of another one that it was bent to. */
function samePath(pattern: string, path: string): boolean {
  const own = path.split('?', 1)[0]!
  return new RegExp(`^${pattern.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(own)
}
