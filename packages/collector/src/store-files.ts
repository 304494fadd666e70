import { readFileSync } from 'node:fs'
import type { NatsStore, RedisStore } from '@weir/config'
import { ConfigError, errorMessage, type ConfigIssue } from '@weir/runtime'

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
 * @throws ConfigError with every file that cannot be read or cannot be right.
 */
export function readStoreFiles(store: RedisStore | NatsStore): StoreFiles {
  const issues: ConfigIssue[] = []
  const read = (key: string, path: string | null): Buffer | undefined => {
    if (path === null) return undefined
    const octets = readWhole(path)
    if (typeof octets !== 'string') return octets
    issues.push({ path: `stores.templates.${key}`, message: octets })
    return undefined
  }
  const secret = read('keyFile', store.keyFile)
  const hmacKey = secret === undefined ? undefined : trimmed(secret)
  if (hmacKey !== undefined && hmacKey.length < LEAST_KEY_OCTETS) {
    issues.push({
      path: 'stores.templates.keyFile',
      message: `${store.keyFile} holds ${hmacKey.length} octets`,
      allowed: `at least ${LEAST_KEY_OCTETS}, e.g. of: openssl rand -hex 32`
    })
  }
  const password = store.type === 'redis' ? read('passwordFile', store.passwordFile) : undefined
  const credentials = store.type === 'nats' ? read('credentialsFile', store.credentialsFile) : undefined
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
