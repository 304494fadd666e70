import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { redisNodes } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import { ConfigError, errorCode, writeFileAtomic } from '@weir/runtime'
import type { Log } from '@weir/runtime'
import { redisConnection } from '@weir/templates'
import type { RedisSharedDocument } from '@weir/templates/redis'
import { isKey } from './api-key.ts'
import type { StoredKey } from './api-key.ts'

/** All keys, and how often they were written. */
export interface VersionedKeys {
  readonly version: number
  readonly keys: readonly StoredKey[]
}

/** Where the keys are: in a file of one front, or in a store of several. */
export interface KeyStore {
  /** Others may change them. */
  readonly isShared: boolean
  start(): Promise<void>
  /** undefined: the store does not answer. @throws ConfigError for a file that is damaged. */
  read(): Promise<VersionedKeys | undefined>
  /**
   * @param after - version from which they were made.
   * @param version - their own.
   * @throws an error of code DOCUMENT_CONFLICT if that is not the last one any more; DOCUMENT_STORE_AWAY; the system's.
   */
  write(keys: readonly StoredKey[], after: number, version: number): Promise<void>
  /** Told when they may have changed. */
  watch(listener: () => void): void
  close(): Promise<void>
}

/** A file for its owner only. */
export class KeyFile implements KeyStore {
  readonly isShared = false
  readonly #path: string
  #version = 0

  constructor(path: string) {
    this.#path = path
  }

  async start(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
  }

  async read(): Promise<VersionedKeys> {
    return { version: this.#version, keys: keysOf(await this.#text(), this.#path) }
  }

  async write(keys: readonly StoredKey[]): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify(keys, undefined, 2)}\n`)
    this.#version++
  }

  watch(): void {}

  async close(): Promise<void> {}

  async #text(): Promise<string> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return '[]'
      throw error
    }
  }
}

function keysOf(text: string, path: string): StoredKey[] {
  const wrong = (message: string): ConfigError => new ConfigError([{ path: '', message }], path)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw wrong('is not JSON; put back a copy, or remove it: admin.key then still opens')
  }
  if (areKeys(parsed)) return parsed
  throw wrong('is no list of keys; put back a copy, or remove it: admin.key then still opens')
}

const areKeys = (value: unknown): value is StoredKey[] => Array.isArray(value) && value.every(isKey)

/** A store that several fronts have in common. */
class SharedKeys implements KeyStore {
  readonly isShared = true
  readonly #document: RedisSharedDocument<StoredKey[]>

  constructor(document: RedisSharedDocument<StoredKey[]>) {
    this.#document = document
  }

  start(): Promise<void> {
    return this.#document.start()
  }

  async read(): Promise<VersionedKeys | undefined> {
    const seen = await this.#document.look()
    return seen === undefined ? undefined : { version: seen.version, keys: seen.value ?? [] }
  }

  write(keys: readonly StoredKey[], after: number, version: number): Promise<void> {
    return this.#document.write([...keys], after, version)
  }

  watch(listener: () => void): void {
    this.#document.watch(listener)
  }

  close(): Promise<void> {
    return this.#document.close()
  }
}

/**
 * The store of keys that the configuration names; nothing is opened yet.
 *
 * @returns undefined: there is none, each front keeps its own.
 * @throws ConfigError if a file of a key, a password or a certificate cannot be read.
 */
export async function openKeyStore({ stores: { keys } }: WeirConfig, log: Log): Promise<KeyStore | undefined> {
  if (keys.type === 'none') return undefined
  const connection = redisConnection(keys, redisNodes(keys), 'stores.keys')
  // Loaded where it is used: the client takes memory of every process that has it.
  const { RedisSharedDocument } = await import('@weir/templates/redis')
  const onFailure = (error: Error): void => log.warn('store_failed', 'the store of keys does not answer', { error })
  return new SharedKeys(new RedisSharedDocument({ ...connection, name: 'keys', isRight: areKeys, onFailure }))
}
