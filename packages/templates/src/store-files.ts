import { readFileSync } from 'node:fs'
import { ConfigError, errorMessage, type ConfigIssue } from '@weir/runtime'
import type { RedisLinkOptions } from './redis-link.ts'

/** What the configuration says of a shared store, as far as files are concerned. */
export interface StoreSettings {
  readonly keyFile?: string | null
  readonly passwordFile?: string | null
  readonly credentialsFile?: string | null
  readonly tls: {
    readonly caFile: string | null
    readonly certFile: string | null
    readonly keyFile: string | null
    readonly serverName: string | null
  } | null
}

/** What the files hold that the keys of a shared store name. */
export interface StoreFiles {
  readonly hmacKey: Uint8Array | undefined
  readonly password: string | undefined
  readonly credentials: Uint8Array | undefined
  readonly tls: StoreTls | undefined
}

/** PEM texts; what is undefined is as the system has it. */
export interface StoreTls {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly serverName: string | undefined
}

const LEAST_KEY_OCTETS = 32
const MOST_OCTETS = 1_048_576

/**
 * Read them; the ends of lines that editors put at the end of a password or key are no part of it.
 *
 * @param section - of the configuration, for errors, e.g. `stores.templates`.
 * @throws ConfigError with every file that cannot be read or cannot be right.
 */
export function readStoreFiles(store: StoreSettings, section: string): StoreFiles {
  const issues: ConfigIssue[] = []
  const read = (key: string, path: string | null): Buffer | undefined => {
    if (path === null) return undefined
    const octets = readWhole(path)
    if (typeof octets !== 'string') return octets
    issues.push({ path: `${section}.${key}`, message: octets })
    return undefined
  }
  const secret = read('keyFile', store.keyFile ?? null)
  const hmacKey = secret === undefined ? undefined : trimmed(secret)
  if (hmacKey !== undefined && hmacKey.length < LEAST_KEY_OCTETS) {
    issues.push({
      path: `${section}.keyFile`,
      message: `${store.keyFile} holds ${hmacKey.length} octets`,
      allowed: `at least ${LEAST_KEY_OCTETS}, e.g. of: openssl rand -hex 32`
    })
  }
  const password = read('passwordFile', store.passwordFile ?? null)
  const credentials = read('credentialsFile', store.credentialsFile ?? null)
  const { tls } = store
  const files = {
    hmacKey,
    password: password === undefined ? undefined : trimmed(password).toString('utf8'),
    credentials,
    tls:
      tls === null
        ? undefined
        : {
            ca: read('tls.caFile', tls.caFile)?.toString('utf8'),
            cert: read('tls.certFile', tls.certFile)?.toString('utf8'),
            key: read('tls.keyFile', tls.keyFile)?.toString('utf8'),
            serverName: tls.serverName ?? undefined
          }
  }
  if (issues.length > 0) throw new ConfigError(issues)
  return files
}

/** @returns the octets, or what is wrong. */
function readWhole(path: string): Buffer | string {
  try {
    const octets = readFileSync(path)
    if (octets.length === 0) return `${path} is empty`
    return octets.length > MOST_OCTETS ? `${path} is longer than ${MOST_OCTETS} octets` : octets
  } catch (error) {
    return `cannot be read: ${errorMessage(error)}`
  }
}

function trimmed(octets: Buffer): Buffer {
  let { length } = octets
  while (length > 0 && (octets[length - 1] === 0x0a || octets[length - 1] === 0x0d)) length--
  return octets.subarray(0, length)
}

/** What the configuration says of a Redis, whatever is kept in it. */
export interface RedisSettings extends StoreSettings {
  readonly mode: 'single' | 'sentinel' | 'cluster'
  readonly sentinelName: string | null
  readonly database: number
  readonly username: string | null
  readonly prefix: string
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
}

/**
 * The options of a connection to it.
 *
 * @param nodes - its addresses.
 * @throws ConfigError if a file of a key, a password or a certificate cannot be read.
 */
export function redisConnection(
  store: RedisSettings,
  nodes: readonly { readonly host: string; readonly port: number }[],
  section: string
): RedisLinkOptions & { readonly prefix: string; readonly hmacKey: Uint8Array | undefined } {
  const { password, tls, hmacKey } = readStoreFiles(store, section)
  const { mode, sentinelName, database, username, prefix, timeoutMs, connectTimeoutMs } = store
  return { mode, nodes, sentinelName, database, username, password, tls, prefix, hmacKey, timeoutMs, connectTimeoutMs }
}
