import { join } from 'node:path'
import { parseHostPort, type NatsStore, type RedisStore, type WeirConfig } from '@weir/config'
import type { Log } from '@weir/runtime'
import { createFileTemplateStore, createMemoryTemplateStore, type TemplateStore } from '@weir/templates'
import { readStoreFiles, type StoreFiles } from './store-files.ts'

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
    shared: shared.type === 'none' ? undefined : await createShared(shared, readStoreFiles(shared), log)
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

async function createShared(store: RedisStore | NatsStore, files: StoreFiles, log: Log): Promise<TemplateStore> {
  const onFailure = (error: Error): void => log.warn('store_failed', 'the shared store does not answer', { error })
  // Loaded where it is used: each client takes memory of every collector that has it.
  if (store.type === 'nats') {
    const { createNatsTemplateStore } = await import('@weir/templates/nats')
    return createNatsTemplateStore({ ...natsOptions(store, files), onFailure })
  }
  const { createRedisTemplateStore } = await import('@weir/templates/redis')
  return createRedisTemplateStore({ ...redisOptions(store, files), onFailure })
}

function redisOptions(store: RedisStore, { password, tls, hmacKey }: StoreFiles) {
  const { mode, nodes, sentinelName, database, username, prefix } = store
  const defaultPort = mode === 'sentinel' ? 26_379 : 6_379
  return {
    mode,
    // What is no address has been refused with the configuration.
    nodes: nodes.map(node => parseHostPort(node, defaultPort)).filter(node => typeof node !== 'string'),
    sentinelName,
    database,
    username,
    password,
    prefix,
    tls,
    hmacKey,
    ...sharedOptions(store)
  }
}

function natsOptions(store: NatsStore, { credentials, tls, hmacKey }: StoreFiles) {
  const { servers, bucket, replicas } = store
  return { servers, bucket, replicas, credentials, tls, hmacKey, ...sharedOptions(store) }
}

function sharedOptions(store: RedisStore | NatsStore) {
  const { timeoutMs, connectTimeoutMs, shelfOctetsTotal, shelfOctetsPerPlace } = store
  return { timeoutMs, connectTimeoutMs, shelfOctetsTotal, shelfOctetsPerPlace }
}
