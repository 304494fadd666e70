import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer } from './coordinator-client.ts'
import { freePort } from './free-port.ts'
import type { RedisServer } from './redis-server.ts'
import { launchWeir, type RunningWeir } from './running-weir.ts'
import { tempFolder } from './temp-folder.ts'

/** What `GET /v1/config/status` says, as far as tests read it. */
export interface PodStanding {
  readonly revision: { readonly number: number }
  readonly newest: { readonly number: number } | null
  readonly store: string
  readonly isConverged: boolean
  readonly reason: string | null
}

/** Asks the front of one pod. */
export class FrontClient {
  readonly origin: string
  readonly #key: () => string

  constructor(port: number, key: () => string) {
    this.origin = `http://127.0.0.1:${port}`
    this.#key = key
  }

  async call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {}
  ): Promise<Answer<T>> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(this.origin + path, {
      method,
      headers: { authorization: `Bearer ${this.#key()}`, ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000)
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as T }
  }

  /** @throws Error for anything but a 2xx */
  async ask<T>(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T> {
    const answer = await this.call<T>(method, path, body, headers)
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
}

/** A pod of a fleet, and how it is started again: with the same folder and the same ports. */
export class FleetPod {
  readonly apiPort: number
  readonly front: FrontClient
  readonly start: () => Promise<void>
  #weir: RunningWeir | undefined

  /** @param key - an admin key of its front. */
  constructor(apiPort: number, frontPort: number, key: () => string, start: () => Promise<RunningWeir>) {
    this.apiPort = apiPort
    this.front = new FrontClient(frontPort, key)
    this.start = async () => {
      this.#weir = await start()
      await this.#weir.waitUntilReady(60_000)
    }
  }

  get weir(): RunningWeir {
    return this.#weir!
  }

  standing(): Promise<PodStanding> {
    return this.weir.api.get<PodStanding>('/v1/config/status')
  }

  /** True if the newest revision has this number, in the store too, and is in force. */
  async isAt(number: number): Promise<boolean> {
    const { revision, newest, isConverged, store } = await this.standing()
    return store === 'up' && isConverged && revision.number === number && newest?.number === number
  }
}

/** Pods with one store of revisions and one document; nothing but folders and ports is each one's own. */
export async function makeFleet(
  size: number,
  redis: RedisServer,
  settings: {
    readonly destinations?: readonly object[]
    /** Each pod has a front of all, with keys in common. */
    readonly hasFronts?: boolean
  } = {}
): Promise<FleetPod[]> {
  const folder = tempFolder('fleet')
  const keyFile = join(folder, 'revisions.key')
  writeFileSync(keyFile, randomBytes(32).toString('hex'))
  const keys = { type: 'redis', nodes: [`${redis.host}:${redis.port}`], keyFile, connectTimeoutMs: 500 }
  /** One of the fronts has made it. */
  const adminKey = (): string => {
    const paths = apiPorts.map((_, index) => join(folder, `pod-${index}`, 'var/admin.key'))
    return readFileSync(
      paths.find(path => existsSync(path))!,
      'utf8'
    ).trim()
  }
  const revisions = { type: 'redis', nodes: [`${redis.host}:${redis.port}`], keyFile, connectTimeoutMs: 500 }
  const apiPorts: number[] = []
  for (let index = 0; index < size; index++) apiPorts.push(await freePort())
  const urls = apiPorts.map(port => `http://127.0.0.1:${port}`)
  return Promise.all(
    apiPorts.map(async (apiPort, index) => {
      const port = await freePort()
      const frontPort = await freePort()
      // A pod that is away refuses at once; one that is only slow, on a busy machine, is no fault.
      const limits = { podTimeoutMs: 4_000 }
      const front = settings.hasFronts === true ? { port: frontPort, pods: urls, limits } : null
      const listeners = JSON.stringify([{ name: 'udp', transport: 'udp', port }])
      const start = (): Promise<RunningWeir> =>
        launchWeir(join(folder, `pod-${index}`), port, apiPort, {
          destinations: (settings.destinations ?? []) as Readonly<Record<string, unknown>>[],
          config: {
            stores: front === null ? { revisions } : { revisions, keys },
            front,
            // The same in all: their files have to be.
            mediator: { destinationPolicy: { folders: [folder] } }
          },
          env: { WEIR_COLLECTOR_LISTENERS: listeners }
        })
      return new FleetPod(apiPort, frontPort, adminKey, start)
    })
  )
}
