import { PeerError, systemClock, type Clock, type Timer } from '@weir/runtime'
import { EntrySeal } from './entry-seal.ts'
import { RedisLink, type RedisLinkOptions } from './redis-link.ts'
import { scriptOf } from './redis-scripts.ts'
import { emptyStats } from './template-store.ts'

export interface RedisSharedDocumentOptions<T> extends RedisLinkOptions {
  readonly prefix: string
  /** Of the document: it stands at `<prefix>:{<name>}:document`. */
  readonly name: string
  /** Seals what is stored; undefined: whoever can write to the server is believed. */
  readonly hmacKey?: Uint8Array | undefined
  /** What is of no such form is not taken. */
  readonly isRight: (value: unknown) => value is T
  /** How often the connections are looked after. */
  readonly tendMs?: number
  /** Told once when the server cannot be reached or does not answer, until it does again. */
  readonly onFailure?: (error: Error) => void
  readonly clock?: Clock
}

/** A value, and how often it has been written. */
export interface Versioned<T> {
  readonly version: number
  readonly value: T
}

const TEND_MS = 5_000

/** KEYS: document. ARGV: version that is known. @returns version and value; no value if it is known. */
const lookScript = scriptOf(`
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version == ARGV[1] then return { version, '' } end
return { version, redis.call('HGET', KEYS[1], 'value') or '' }`)

/** KEYS: document. ARGV: version from which it was made, its own, value, channel, PUBLISH or SPUBLISH. @returns 1: it is written. */
const writeScript = scriptOf(`
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'value', ARGV[3])
redis.call(ARGV[5], ARGV[4], 'changed')
return 1`)

/** One small document that several processes have in common, in Redis: read whole, and written whole by whoever has seen the last one. */
export class RedisSharedDocument<T> {
  readonly #options: RedisSharedDocumentOptions<T>
  readonly #clock: Clock
  readonly #link: RedisLink
  readonly #seal: EntrySeal
  readonly #key: string
  readonly #channel: string
  readonly #listeners = new Set<() => void>()
  #known: Versioned<T> | undefined
  #tending: Timer | undefined

  constructor(options: RedisSharedDocumentOptions<T>) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#seal = new EntrySeal(options.hmacKey)
    this.#key = `${options.prefix}:{${options.name}}:document`
    this.#channel = `${options.prefix}:{${options.name}}:changed`
    const tell = (): void => {
      for (const listener of this.#listeners) listener()
    }
    this.#link = new RedisLink(options, this.#clock, emptyStats(), {
      onUp: tell,
      onLost: tell,
      onPush: tell,
      onMissed: tell,
      onFailure: error => options.onFailure?.(error)
    })
  }

  /** Resolves when it is up, or `connectTimeoutMs` have passed. Never rejects because the server is away. */
  async start(): Promise<void> {
    if (this.#tending !== undefined) return
    this.#tending = this.#clock.setPeriodic(this.#options.tendMs ?? TEND_MS, () => this.#link.tend()).unref()
    await this.#link.start([this.#channel])
  }

  /** Told when it may have changed. */
  watch(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** The document; version 0: there is none. undefined: the server does not answer, or is not believed. */
  async look(): Promise<Versioned<T | undefined> | undefined> {
    const known = this.#known
    const reply = await this.#ask(lookScript, [String(known?.version ?? '')])
    if (!Array.isArray(reply)) return undefined
    const version = Number(String(reply[0]))
    if (version === 0) return { version, value: undefined }
    if (version === known?.version) return known
    const value = this.#open(version, reply[1])
    if (value === undefined) return undefined
    this.#known = { version, value }
    return this.#known
  }

  /**
   * Write it.
   *
   * @param after - version that the caller has seen; 0: there is none.
   * @param version - its own: later than every one that was ever seen, where the server has lost some.
   * @throws PeerError DOCUMENT_CONFLICT if that is not so any more; DOCUMENT_STORE_AWAY, and it may have been written all the same.
   */
  async write(value: T, after: number, version = after + 1): Promise<void> {
    const octets = Buffer.from(JSON.stringify(value))
    const sealed = this.#seal.seal(this.#key, String(version), octets)
    const publish = this.#options.mode === 'cluster' ? 'SPUBLISH' : 'PUBLISH'
    const reply = await this.#ask(writeScript, [String(after), String(version), sealed, this.#channel, publish])
    if (reply === 0) throw new PeerError('DOCUMENT_CONFLICT', 'it has been written by another process meanwhile')
    if (reply !== 1) throw new PeerError('DOCUMENT_STORE_AWAY', 'the store does not answer')
    this.#known = { version, value }
  }

  async close(): Promise<void> {
    this.#tending?.cancel()
    this.#link.close()
  }

  async #ask(script: ReturnType<typeof scriptOf>, args: readonly (string | Uint8Array)[]): Promise<unknown> {
    const replies = await this.#link.exchange([{ shard: 0, commands: [{ script, keys: [this.#key], args }] }])
    const reply = replies?.[0]?.[0]
    return reply instanceof Error ? undefined : reply
  }

  #open(version: number, sealed: unknown): T | undefined {
    if (!Buffer.isBuffer(sealed)) return undefined
    const octets = this.#seal.open(this.#key, String(version), sealed)
    if (octets === undefined) return undefined
    try {
      const value: unknown = JSON.parse(Buffer.from(octets).toString('utf8'))
      return this.#options.isRight(value) ? value : undefined
    } catch {
      return undefined
    }
  }
}
