import { Cluster, Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { redisNodes } from '@weir/config'
import type { RedisJobStore } from '@weir/config'
import { redisConnection } from '@weir/templates'

export type RedisClient = Redis | Cluster

/** `asking`: an answer in time or an error, as somebody waits for it. `waiting`: until it is back, however long that takes. */
export type ClientKind = 'asking' | 'waiting'

const MOST_RETRY_MS = 3_000
const retryMs = (times: number): number =>
  Math.min(50 * 2 ** Math.min(times, 10), MOST_RETRY_MS) * (0.5 + Math.random() / 2)

/**
 * Makes connections to the Redis of the jobs.
 *
 * @throws ConfigError if a file of a password or a certificate cannot be read.
 */
export function redisClients(store: RedisJobStore): (kind: ClientKind) => RedisClient {
  const connection = redisConnection(store, redisNodes(store), 'stores.jobs')
  const { mode, nodes, sentinelName, database, username, password, tls, connectTimeoutMs } = connection
  const secure =
    tls === undefined ? {} : { tls: { ca: tls.ca, cert: tls.cert, key: tls.key, servername: tls.serverName } }
  return kind => {
    const common = {
      ...secure,
      username: username ?? undefined,
      password,
      connectionName: 'weir-jobs',
      disableClientInfo: true,
      connectTimeout: connectTimeoutMs,
      reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
      // While it is away nothing waits for it but a worker.
      ...(kind === 'asking'
        ? { maxRetriesPerRequest: 1, commandTimeout: store.timeoutMs }
        : { maxRetriesPerRequest: null })
    } satisfies RedisOptions
    if (mode === 'cluster') {
      return new Cluster([...nodes], {
        clusterRetryStrategy: retryMs,
        slotsRefreshTimeout: connectTimeoutMs,
        lazyConnect: true,
        redisOptions: common
      })
    }
    const single = { ...common, db: database ?? 0, retryStrategy: retryMs, lazyConnect: true }
    if (mode === 'single') return new Redis({ ...single, host: nodes[0]!.host, port: nodes[0]!.port })
    return new Redis({
      ...single,
      sentinels: [...nodes],
      name: sentinelName ?? '',
      sentinelRetryStrategy: retryMs,
      ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: secure.tls })
    })
  }
}
