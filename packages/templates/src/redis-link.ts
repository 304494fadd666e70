import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Clock } from '@weir/runtime'
import { CircuitBreaker } from './circuit-breaker.ts'
import { RedisPushes, type PushEvents } from './redis-pushes.ts'
import type { RedisScript } from './redis-scripts.ts'
import type { StoreHealth, TemplateStoreStats } from './template-store.ts'

export interface RedisTls {
  /** PEM texts; undefined: as the system has it. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** Name that the server's certificate must have. */
  readonly serverName?: string | undefined
}

export interface RedisLinkOptions {
  /** What `nodes` are: one server, Sentinels, or some nodes of a Cluster. */
  readonly mode: 'single' | 'sentinel' | 'cluster'
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  /** Mode sentinel: the name of the master. */
  readonly sentinelName?: string | null
  readonly database?: number
  readonly username?: string | null
  readonly password?: string | undefined
  readonly tls?: RedisTls | undefined
  /** Time for one exchange with the server. */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
}

export type RedisArgument = string | number | Uint8Array
/** One command of a batch: a name and its arguments, or a script, its keys and the others. */
export type RedisCommand =
  | readonly [name: string, ...args: RedisArgument[]]
  | { readonly script: RedisScript; readonly keys: readonly string[]; readonly args: readonly RedisArgument[] }

/** Commands whose keys are all of one shard. */
export interface RedisBatch {
  readonly shard: number
  readonly commands: readonly RedisCommand[]
}

/** Strings are Buffers; what the server refused is an Error. */
export type RedisReply = unknown

export interface LinkEvents extends PushEvents {
  /** The server can be asked, after it could not or for the first time. */
  readonly onUp: () => void
  /** What was written may be lost. */
  readonly onLost: () => void
  /** It cannot be reached or does not answer; told once until it does. */
  readonly onFailure: (error: Error) => void
}

/** A connection on which nothing comes for so long, although something was asked, is given up. */
const SILENT_MS = 5_000
const MOST_RETRY_MS = 3_000

/** Half of it is chance, so that pods that lost one server together do not come back together. */
const retryMs = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times, 10), MOST_RETRY_MS) * (0.5 + Math.random() / 2)

/**
 * The connection to one Redis server, to the master that Sentinels name, or to a Cluster. Exchanges never reject and
 * never wait longer than their time; while the server is away nothing is queued.
 */
export class RedisLink {
  readonly #options: RedisLinkOptions
  readonly #clock: Clock
  readonly #stats: TemplateStoreStats
  readonly #events: LinkEvents
  readonly #breaker: CircuitBreaker
  #client: Redis | Cluster | undefined
  #pushes: RedisPushes | undefined
  #wasUp = false
  #isFailing = false

  constructor(options: RedisLinkOptions, clock: Clock, stats: TemplateStoreStats, events: LinkEvents) {
    this.#options = options
    this.#clock = clock
    this.#stats = stats
    this.#events = events
    this.#breaker = new CircuitBreaker(clock)
  }

  get health(): StoreHealth {
    if (this.#client?.status !== 'ready') return 'down'
    return this.#breaker.isOpen ? 'breaker_open' : 'up'
  }

  /** Resolves when it is up, or `connectTimeoutMs` have passed. @param channels - by shard. */
  start(channels: readonly string[]): Promise<void> {
    const client = this.#connect()
    this.#client = client
    this.#pushes = new RedisPushes(client, channels, this.#events, ended => this.#reconnect(ended))
    return new Promise(resolve => {
      const timer = this.#clock.setTimer(this.#options.connectTimeoutMs, resolve)
      // A refused connection or a wrong password shows as `down`; it is tried on in the background.
      client.on('error', (error: Error) => this.#failed(error))
      client.on('end', () => {
        if (this.#client === client) this.#reconnect(client)
      })
      client.on('close', () => {
        if (this.#client === client) this.#failed(new Error('the connection to Redis was closed'))
      })
      client.on('ready', () => {
        void this.#onReady().then(() => {
          timer.cancel()
          resolve()
        })
      })
      client.on('+node', () => {
        if (this.#wasUp) this.#events.onLost()
      })
    })
  }

  /** Look after the connections; called once in a while. */
  tend(): void {
    void this.#pushes?.tend()
  }

  /**
   * Send batches and wait for all replies.
   *
   * @param timeoutMs - instead of the usual time.
   * @returns replies by batch and command, Errors where a node of a Cluster does not answer; undefined if nobody answers
   * in time, or nobody is to be asked now.
   */
  async exchange(
    batches: readonly RedisBatch[],
    timeoutMs = this.#options.timeoutMs
  ): Promise<RedisReply[][] | undefined> {
    const client = this.#client
    if (batches.length === 0) return []
    if (client?.status !== 'ready' || !this.#breaker.tryCall()) return undefined
    const replies = await this.#send(client, batches, timeoutMs)
    const first = replies.every(ofBatch => ofBatch.every(isUnreachable)) ? replies[0][0] : undefined
    if (first instanceof Error) {
      this.#failed(first)
      const { opened } = this.#breaker
      this.#breaker.failed()
      this.#stats.breakerOpened += this.#breaker.opened - opened
      return undefined
    }
    const wasOpen = this.#breaker.isOpen
    this.#breaker.succeeded()
    this.#isFailing = false
    if (wasOpen) this.#events.onUp()
    return replies
  }

  close(): void {
    this.#pushes?.close()
    const client = this.#client
    this.#client = undefined
    client?.disconnect()
  }

  /** The client gives up where it was told of a failover while it was connecting: it must not. */
  #reconnect(client: Redis | Cluster): void {
    this.#clock.setTimer(retryMs(3), () => {
      if (this.#client !== undefined && client.status === 'end') client.connect().catch(() => {})
    })
  }

  #failed(error: Error): void {
    this.#stats.backendErrors++
    if (!this.#isFailing) this.#events.onFailure(error)
    this.#isFailing = true
  }

  async #onReady(): Promise<void> {
    this.#breaker.succeeded()
    if (this.#wasUp) this.#events.onLost()
    this.#events.onUp()
    await this.#pushes?.tend()
    this.#wasUp = true
  }

  async #send(client: Redis | Cluster, batches: readonly RedisBatch[], timeoutMs: number): Promise<RedisReply[][]> {
    const replies = await this.#sendOnce(client, batches, timeoutMs, false)
    const unknown = batches.filter((_, index) => replies[index].some(isNoScript))
    if (unknown.length === 0) return replies
    // The server was restarted or its scripts flushed: none of these ran, so all commands of the batch may run again.
    const again = await this.#sendOnce(client, unknown, timeoutMs, true)
    return batches.map((batch, index) => again[unknown.indexOf(batch)] ?? replies[index])
  }

  async #sendOnce(
    client: Redis | Cluster,
    batches: readonly RedisBatch[],
    timeoutMs: number,
    isWhole: boolean
  ): Promise<RedisReply[][]> {
    // One node of a Cluster is asked for one shard; one server for all of them at once.
    if (client instanceof Cluster) {
      this.#stats.roundTrips += batches.length
      return Promise.all(batches.map(({ commands }) => this.#inTime(client, commands, timeoutMs, isWhole)))
    }
    this.#stats.roundTrips++
    const commands = batches.flatMap(batch => batch.commands)
    const replies = await this.#inTime(client, commands, timeoutMs, isWhole)
    let from = 0
    return batches.map(batch => replies.slice(from, (from += batch.commands.length)))
  }

  #inTime(
    client: Redis | Cluster,
    commands: readonly RedisCommand[],
    timeoutMs: number,
    isWhole: boolean
  ): Promise<RedisReply[]> {
    return new Promise(resolve => {
      const fail = (error: Error): void => resolve(commands.map(() => error))
      const timer = this.#clock.setTimer(timeoutMs, () =>
        fail(new Error(`no answer from Redis within ${timeoutMs} ms`))
      )
      runPipeline(client, commands, isWhole)
        .then(resolve, fail)
        .finally(() => timer.cancel())
    })
  }

  #connect(): Redis | Cluster {
    const { mode, nodes, sentinelName, database, username, password, tls } = this.#options
    const secure =
      tls === undefined ? {} : { tls: { ca: tls.ca, cert: tls.cert, key: tls.key, servername: tls.serverName } }
    const common = {
      ...secure,
      username: username ?? undefined,
      password,
      protocol: 2,
      connectionName: 'weir',
      disableClientInfo: true,
      connectTimeout: this.#options.connectTimeoutMs,
      socketTimeout: SILENT_MS,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // A master that became a replica: the connection is made anew, to the one that is master now.
      reconnectOnError: (error: Error) => error.message.startsWith('READONLY')
    } satisfies RedisOptions
    if (mode === 'cluster') {
      return new Cluster([...nodes], {
        clusterRetryStrategy: retryMs,
        enableOfflineQueue: false,
        shardedSubscribers: true,
        slotsRefreshInterval: SILENT_MS,
        slotsRefreshTimeout: this.#options.connectTimeoutMs,
        // What a node does not take now is tried again by who sent it; nobody waits for it here.
        retryDelayOnFailover: 0,
        retryDelayOnClusterDown: 0,
        redisOptions: common
      })
    }
    const single = { ...common, db: database ?? 0, enableOfflineQueue: false, retryStrategy: retryMs }
    if (mode === 'single') return new Redis({ ...single, host: nodes[0].host, port: nodes[0].port })
    return new Redis({
      ...single,
      sentinels: [...nodes],
      name: sentinelName ?? '',
      failoverDetector: true,
      sentinelRetryStrategy: retryMs,
      sentinelCommandTimeout: this.#options.connectTimeoutMs,
      ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: secure.tls })
    })
  }
}

async function runPipeline(
  client: Redis | Cluster,
  commands: readonly RedisCommand[],
  isWhole: boolean
): Promise<RedisReply[]> {
  const pipeline = client.pipeline()
  for (const command of commands) {
    if ('script' in command) {
      const { script, keys, args } = command
      const name = isWhole ? 'EVAL' : 'EVALSHA'
      pipeline.callBuffer(name, [isWhole ? script.lua : script.sha, keys.length, ...keys, ...args.map(argumentOf)])
    } else {
      const [name, ...args] = command
      pipeline.callBuffer(name, args.map(argumentOf))
    }
  }
  const results = await pipeline.exec()
  return (results ?? []).map(([error, reply]) => error ?? reply)
}

/** Fields and values of a reply to HGETALL; none of any other reply. */
export function* pairsOf(reply: RedisReply): Generator<[field: string, value: Buffer]> {
  const items: unknown[] = Array.isArray(reply) ? reply : []
  for (let index = 0; index + 1 < items.length; index += 2) {
    const [field, value] = [items[index], items[index + 1]]
    if (Buffer.isBuffer(field) && Buffer.isBuffer(value)) yield [field.toString(), value]
  }
}

const argumentOf = (value: RedisArgument): string | number | Buffer =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value

const isNoScript = (reply: RedisReply): boolean => reply instanceof Error && reply.message.startsWith('NOSCRIPT')

/** The server did not say this: there was no connection. */
const isUnreachable = (reply: RedisReply): boolean => reply instanceof Error && reply.name !== 'ReplyError'
