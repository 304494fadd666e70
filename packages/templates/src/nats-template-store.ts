import { randomBytes } from 'node:crypto'
import { systemClock, type Clock, type Timer } from '@weir/runtime'
import type { NatsConnection } from '@nats-io/transport-node'
import { EntrySeal } from './entry-seal.ts'
import type { BucketIndexEntry, NatsBucket } from './nats-bucket.ts'
import { NatsCalls } from './nats-calls.ts'
import { EPOCH_KEY, placeHash, placeOfKey, SEEN_HEADER } from './nats-key.ts'
import type { NatsTls } from './nats-link.ts'
import { NatsPendingShelf } from './nats-pending-shelf.ts'
import { NatsPlaces } from './nats-places.ts'
import { NatsPushes } from './nats-pushes.ts'
import { NatsWriter } from './nats-writer.ts'
import type { EntryKey, Place, StoredEntry, StoredPlace, TemplateVersion } from './stored-entry.ts'
import {
  emptyStats,
  LIST_BATCH_PLACES,
  type ListOptions,
  type RemovalReason,
  type StoreHealth,
  type TemplateStore,
  type TemplateStoreStats
} from './template-store.ts'
import { WriteBehind } from './write-behind.ts'

export interface NatsTemplateStoreOptions {
  /** `nats://host:port` or `tls://host:port`; one that answers is enough. */
  readonly servers: readonly string[]
  /** Made if it is not there; Data Sets that wait are in `<bucket>-pending`. Default `weir-templates`. */
  readonly bucket?: string
  readonly replicas?: number
  /** What a credentials file of NATS holds. */
  readonly credentials?: Uint8Array | undefined
  readonly tls?: NatsTls | undefined
  /** Seals what is stored; undefined: whoever can write to the server is believed. */
  readonly hmacKey?: Uint8Array | undefined
  /** Of one call, milliseconds. */
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
  /** History, and values that nobody writes, go after so long. */
  readonly ttlMs?: number
  /** Octets of Data Sets on the shelf, of all pods together and of one place; 0 = none. */
  readonly shelfOctetsTotal?: number
  readonly shelfOctetsPerPlace?: number
  /** How long a Data Set may wait on the shelf, and how long it is a claimer's. */
  readonly shelfKeepMs?: number
  readonly leaseMs?: number
  /** Longest time a change waits while the server is well, milliseconds. */
  readonly flushMs?: number
  /** Told once when the server cannot be reached or does not answer, until it does again. */
  readonly onFailure?: (error: Error) => void
  readonly clock?: Clock
}

const DAY_MS = 86_400_000
/** Places of one round of requests: three for each. */
const ROUND_PLACES = 256
/** How often the server is asked whether it lost what was written; also the probe when nothing else is asked. */
const TEND_MS = 5_000

/**
 * A ring in a key-value bucket of NATS JetStream: nats-server 2.9 or later.
 *
 * A place is read by the three keys that it has, all at once: NATS would look at every key of the bucket to find those
 * below a prefix. Writes compare and set, and merge what another pod wrote meanwhile.
 */
export function createNatsTemplateStore(options: NatsTemplateStoreOptions): TemplateStore {
  return new NatsTemplateStore(options)
}

interface Watcher {
  readonly changed: (places: readonly Place[]) => void
  readonly missed: () => void
}

class NatsTemplateStore implements TemplateStore {
  readonly stats: TemplateStoreStats
  readonly shelf: NatsPendingShelf
  readonly #clock: Clock
  readonly #calls: NatsCalls
  readonly #places: NatsPlaces
  readonly #waiting: WriteBehind
  readonly #writer: NatsWriter
  readonly #pushes: NatsPushes
  readonly #connectTimeoutMs: number
  readonly #watchers = new Set<Watcher>()
  readonly #lostListeners = new Set<() => void>()
  readonly #tried = Promise.withResolvers<void>()
  #epoch: string | undefined
  /** The last one that was opened. */
  #bucket: NatsBucket | undefined
  #droppedBefore = 0
  #tending: Timer | undefined
  #isClosed = false

  constructor(options: NatsTemplateStoreOptions) {
    const { bucket = 'weir-templates', replicas = 1, ttlMs = 30 * DAY_MS, flushMs = 50, clock = systemClock } = options
    const { timeoutMs = 200, connectTimeoutMs = 2_000 } = options
    const stats = emptyStats()
    const seal = new EntrySeal(options.hmacKey)
    const waiting = new WriteBehind(clock)
    const places = new NatsPlaces({ seal, clock, stats, ttlMs })
    const calls = new NatsCalls({
      link: { ...options, connectTimeoutMs },
      bucket: { bucket, replicas, ttlMs, timeoutMs, description: 'Weir: templates and options state that pods share' },
      clock,
      stats,
      onUp: (opened, connection) => this.#onUp(opened, connection),
      onDown: () => this.shelf.onDisconnected(),
      onFailure: error => options.onFailure?.(error)
    })
    this.#clock = clock
    this.#connectTimeoutMs = connectTimeoutMs
    this.#places = places
    this.#waiting = waiting
    this.#calls = calls
    this.#pushes = new NatsPushes(bucket, randomBytes(9).toString('base64url'), changed => this.#onPush(changed))
    const onChanged = (changed: readonly Place[]): void => {
      if (calls.connection !== undefined) this.#pushes.tell(calls.connection, changed)
    }
    this.#writer = new NatsWriter({ calls, places, waiting, stats, flushMs, onChanged })
    this.shelf = new NatsPendingShelf({ ...options, bucket, replicas, seal, clock, renew: () => calls.renew() })
    this.stats = Object.defineProperties(stats, {
      unflushed: { enumerable: true, get: () => waiting.size },
      writeBehindLagMs: { enumerable: true, get: () => waiting.lagMs },
      writesDropped: { enumerable: true, get: () => waiting.dropped + places.dropped }
    })
  }

  get health(): StoreHealth {
    return this.#calls.health
  }

  async start(): Promise<void> {
    if (this.#tending !== undefined || this.#isClosed) return
    this.#tending = this.#clock.setPeriodic(TEND_MS, () => void this.#tend()).unref()
    this.#calls.start()
    const late = this.#clock.setTimer(this.#connectTimeoutMs, () => this.#tried.resolve())
    await this.#tried.promise
    late.cancel()
  }

  async read(places: readonly Place[]): Promise<StoredPlace[]> {
    this.stats.reads++
    this.stats.readPlaces += places.length
    const found = await this.#readHashes(places.map(placeHash))
    return places.map((place, index) => {
      const entries = found[index] ?? []
      if (entries.length > 0) this.stats.hits++
      else this.stats.misses++
      return { place, entries }
    })
  }

  async *list({ seenSinceMs = -Infinity }: ListOptions = {}): AsyncGenerator<readonly StoredPlace[]> {
    const seen = new Map<string, number>()
    const note = ({ key, headers }: BucketIndexEntry): void => {
      const place = placeOfKey(key)
      const seenMs = Number(headers?.get(SEEN_HEADER)) || 0
      if (seenMs >= (seen.get(place) ?? seenSinceMs)) seen.set(place, seenMs)
    }
    await this.#calls.call(1, to => Promise.all([to.index('e.>', note), to.index('q.>', note)]))
    const hashes = [...seen].toSorted((a, b) => b[1] - a[1]).map(([hash]) => hash)
    for (let from = 0; from < hashes.length; from += LIST_BATCH_PLACES) {
      const found = await this.#readHashes(hashes.slice(from, from + LIST_BATCH_PLACES))
      const batch = found.flatMap((entries): StoredPlace[] => {
        const first = entries?.[0]
        return first === undefined ? [] : [{ place: { scope: first.scope, odid: first.odid }, entries: entries! }]
      })
      if (batch.length > 0) yield batch
    }
  }

  put(entries: readonly StoredEntry[]): void {
    this.#waiting.put(entries)
    this.#writer.wake()
  }

  remove(keys: readonly EntryKey[], reason: RemovalReason): void {
    // What expires here may live elsewhere; in the bucket each entry has its own time.
    if (reason !== 'withdrawn') return
    this.#waiting.remove(keys)
    this.#writer.wake()
  }

  watch(changed: (places: readonly Place[]) => void, missed: () => void = () => {}): () => void {
    const watcher = { changed, missed }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener)
    return () => this.#lostListeners.delete(listener)
  }

  async history(place: Place, templateId?: number): Promise<TemplateVersion[]> {
    const versions = (await this.#calls.call(1, to => this.#places.history(to, place))) ?? []
    return versions.filter(version => templateId === undefined || version.templateId === templateId)
  }

  flush(): Promise<void> {
    return this.#writer.flush()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.health === 'up') await this.flush()
    this.#writer.close()
    this.#tending?.cancel()
    this.#tried.resolve()
    await this.#calls.close()
  }

  /** @returns for each place its entries, or undefined where nobody answered. */
  async #readHashes(hashes: readonly string[]): Promise<(StoredEntry[] | undefined)[]> {
    const found: (StoredEntry[] | undefined)[] = []
    for (let from = 0; from < hashes.length; from += ROUND_PLACES) {
      const round = hashes.slice(from, from + ROUND_PLACES)
      const entries = await this.#calls.call(1, to => Promise.all(round.map(hash => this.#places.read(to, hash))))
      for (let index = 0; index < round.length; index++) found.push(entries?.[index])
    }
    return found
  }

  async #onUp(bucket: NatsBucket, connection: NatsConnection): Promise<void> {
    await this.shelf.open(connection)
    await this.#pushes.listen(connection)
    const isFirst = this.#epoch === undefined
    const isWhole = bucket.nextRevision > (this.#bucket?.lastWritten ?? 0)
    const isSame = (await this.#lookAtEpoch(bucket)) && isWhole
    this.#bucket = bucket
    const isDropped = this.#waiting.dropped > this.#droppedBefore
    this.#droppedBefore = this.#waiting.dropped
    // Only when the bucket is in use: who is told asks it.
    setImmediate(() => {
      this.#tried.resolve()
      this.#writer.wake()
      if (!isFirst) for (const { missed } of this.#watchers) missed()
      if (!isSame || isDropped) this.#tellLost()
    })
  }

  #onPush(changed: readonly Place[]): void {
    this.stats.pushes += changed.length
    for (const watcher of this.#watchers) watcher.changed(changed)
  }

  /** @returns false if what was written before may be gone. */
  async #lookAtEpoch(bucket: NatsBucket): Promise<boolean> {
    const known = this.#epoch
    let stored = await bucket.get(EPOCH_KEY)
    if (stored === undefined || stored.octets.length === 0) {
      await bucket.write(EPOCH_KEY, randomBytes(9), stored?.revision ?? 0)
      stored = await bucket.getFromLeader(EPOCH_KEY)
    }
    this.#epoch = stored && Buffer.from(stored.octets).toString('base64')
    return known === undefined || known === this.#epoch
  }

  async #tend(): Promise<void> {
    const { connection } = this.#calls
    if (connection !== undefined) await this.shelf.open(connection)
    const isSame = await this.#calls.call(1, to => this.#lookAtEpoch(to))
    if (isSame === false) this.#tellLost()
  }

  #tellLost(): void {
    for (const listener of this.#lostListeners) listener()
  }
}
