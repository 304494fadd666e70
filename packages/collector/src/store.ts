import { join } from 'node:path'
import { redisNodes, type NatsStore, type RedisStore, type WeirConfig } from '@weir/config'
import type { Log } from '@weir/runtime'
import {
  createFileTemplateStore,
  createMemoryTemplateStore,
  readStoreFiles,
  redisConnection,
  type TemplateStore
} from '@weir/templates'

const SECTION = 'stores.templates'

/** The rings that the configuration names. */
export interface Stores {
  /** Of this worker alone, in the state folder. */
  readonly local: TemplateStore
  /** Of all pods. */
  readonly shared: TemplateStore | undefined
}

/**
 * Make the stores; nothing is opened yet.
 *
 * @throws ConfigError if a file of a key, a password or a certificate cannot be read.
 */
export async function createStores(config: WeirConfig, worker: number, log: Log): Promise<Stores> {
  const shared = config.stores.templates
  return {
    local: createLocal(config, worker, log),
    shared: shared.type === 'none' ? undefined : await createShared(shared, log)
  }
}

function createLocal(config: WeirConfig, worker: number, log: Log): TemplateStore {
  if (config.collector.templateStore === 'memory') return createMemoryTemplateStore()
  return createFileTemplateStore({
    path: join(config.stateDir, `templates-${worker}.db`),
    onQuarantine: (path, reason) =>
      log.warn('store_damaged', 'the template store is damaged: it was set aside and a new one begun', {
        path,
        reason
      }),
    onFailure: error => log.warn('store_failed', 'templates cannot be written to the store', { error })
  })
}

async function createShared(store: RedisStore | NatsStore, log: Log): Promise<TemplateStore> {
  const onFailure = (error: Error): void => log.warn('store_failed', 'the shared store does not answer', { error })
  // Loaded where it is used: each client takes memory of every collector that has it.
  if (store.type === 'nats') {
    const options = natsOptions(store)
    const { createNatsTemplateStore } = await import('@weir/templates/nats')
    return createNatsTemplateStore({ ...options, onFailure })
  }
  const options = { ...redisConnection(store, redisNodes(store), SECTION), ...shelfOptions(store) }
  const { createRedisTemplateStore } = await import('@weir/templates/redis')
  return createRedisTemplateStore({ ...options, onFailure })
}

function natsOptions(store: NatsStore) {
  const { servers, bucket, replicas, timeoutMs, connectTimeoutMs } = store
  const { credentials, tls, hmacKey } = readStoreFiles(store, SECTION)
  return { servers, bucket, replicas, credentials, tls, hmacKey, timeoutMs, connectTimeoutMs, ...shelfOptions(store) }
}

function shelfOptions({ shelfOctetsTotal, shelfOctetsPerPlace }: RedisStore | NatsStore) {
  return { shelfOctetsTotal, shelfOctetsPerPlace }
}
