import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemClock, type Clock, type Timer } from '@weir/runtime'
import { decodeEntry } from './entry-codec.ts'
import { EntrySeal } from './entry-seal.ts'
import { createRedisShelf } from './redis-pending-shelf.ts'
import { memberOf, parseMember, RedisKeys, SHARDS, type PlaceKeys } from './redis-keys.ts'
import { pairsOf, RedisLink, type RedisBatch, type RedisLinkOptions, type RedisReply } from './redis-link.ts'
import { readRedisVersions } from './redis-history.ts'
import { readScript, tidyScript } from './redis-scripts.ts'
import { MAX_PLACE_FIELDS, RedisWriter } from './redis-writer.ts'
import { entryField, type Place, type StoredEntry, type StoredPlace } from './stored-entry.ts'
import { emptyStats, type TemplateStore, type TemplateStoreStats } from './template-store.ts'

export interface RedisTemplateStoreOptions extends Omit<RedisLinkOptions, 'timeoutMs' | 'connectTimeoutMs'> {
  /** What all keys begin with: Weirs that should not know of each other have different ones. */
  readonly prefix: string
  /** Seals what is stored; undefined: whoever can write to the server is believed. */
  readonly hmacKey?: Uint8Array | undefined
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
  /** Longest time a change waits while the server is well, milliseconds. */
  readonly flushMs?: number
  /** How long definitions that ended are known. */
  readonly historyMs?: number
  /** Octets of Data Sets on the shelf, of all pods together and of one place; 0 = none. */
  readonly shelfOctetsTotal?: number
  readonly shelfOctetsPerPlace?: number
  /** How long a Data Set may wait on the shelf, and how long it is a claimer's. */
  readonly shelfKeepMs?: number
  readonly leaseMs?: number
  /** How often the connections are looked after, and the server is asked whether it lost what was written. */
  readonly tendMs?: number
  /** Told once when the server cannot be reached or does not answer, until it does again. */
  readonly onFailure?: (error: Error) => void
  readonly clock?: Clock
}

const MIB = 1_048_576
/** Places of one exchange of a list; their replies are parsed at once. */
const LIST_PLACES = 250
/** More than the options state of a domain has in memory, and what is not sent if a liar put it there. */
const MAX_PLACE_OCTETS = 33_554_432
/** Places decoded before others have their turn. */
const TURN_PLACES = 32
/** A list is no matter of the data path: it may take longer. */
const LEAST_LIST_MS = 2_000
/** Places of one shard that the index keeps, and how long. */
const MAX_INDEX_PLACES = 65_536
const INDEX_MS = 604_800_000
/** Listeners are told of a loss once for all that is noticed within this time. */
const LOST_PAUSE_MS = 500

/** A ring in Redis: one server, Sentinels, or a Cluster. */
export function createRedisTemplateStore(options: RedisTemplateStoreOptions): TemplateStore {
  return new RedisTemplateStore(options)
}

class RedisTemplateStore implements TemplateStore {
  readonly stats: TemplateStoreStats
  readonly shelf
  readonly #keys: RedisKeys
  readonly #seal: EntrySeal
  readonly #clock: Clock
  readonly #link: RedisLink
  readonly #writer: RedisWriter
  readonly #name = randomBytes(9).toString('base64url')
  readonly #watchers = new Set<{ changed: (places: readonly Place[]) => void; missed: () => void }>()
  readonly #lostListeners = new Set<() => void>()
  /** What each shard's server said when it was first asked. */
  readonly #epochs = new Map<number, string>()
  readonly #timeoutMs: number
  readonly #tendMs: number
  #droppedBefore = 0
  #tending: Timer | undefined
  #telling: Timer | undefined
  #isClosed = false

  constructor(options: RedisTemplateStoreOptions) {
    const { clock = systemClock, timeoutMs = 200, connectTimeoutMs = 2_000 } = options
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#tendMs = options.tendMs ?? 5_000
    this.#keys = new RedisKeys(options.prefix)
    this.#seal = new EntrySeal(options.hmacKey)
    const stats = emptyStats()
    this.#link = new RedisLink({ ...options, timeoutMs, connectTimeoutMs }, clock, stats, {
      onUp: () => this.#writer.hurry(),
      onLost: () => this.#lost(),
      onFailure: error => options.onFailure?.(error),
      onPush: message => this.#onPush(message),
      onMissed: () => {
        for (const { missed } of this.#watchers) missed()
      }
    })
    const shared = { keys: this.#keys, seal: this.#seal, link: this.#link, clock, stats }
    const { flushMs = 100, historyMs = INDEX_MS } = options
    const publish = options.mode === 'cluster' ? 'SPUBLISH' : 'PUBLISH'
    const writer = new RedisWriter({ ...shared, writer: this.#name, publish, flushMs, historyMs })
    this.#writer = writer
    this.stats = Object.defineProperties(stats, {
      unflushed: { enumerable: true, get: () => writer.behind.size },
      writeBehindLagMs: { enumerable: true, get: () => writer.behind.lagMs }
    })
    this.shelf = createRedisShelf({
      ...shared,
      isCluster: options.mode === 'cluster',
      octetsTotal: options.shelfOctetsTotal ?? 256 * MIB,
      octetsPerPlace: options.shelfOctetsPerPlace ?? 4 * MIB,
      keepMs: options.shelfKeepMs ?? 1_800_000,
      leaseMs: options.leaseMs ?? 60_000
    })
  }

  get health() {
    return this.#link.health
  }

  async start(): Promise<void> {
    if (this.#tending !== undefined || this.#isClosed) return
    this.#tending = this.#clock.setPeriodic(this.#tendMs, () => void this.#tend()).unref()
    await this.#link.start(Array.from({ length: SHARDS }, (_, shard) => this.#keys.channel(shard)))
    await this.#tend()
  }

  async read(places: readonly Place[]): Promise<StoredPlace[]> {
    this.stats.reads++
    this.stats.readPlaces += places.length
    return (await this.#readPlaces(places, this.#timeoutMs)) ?? places.map(place => ({ place, entries: [] }))
  }

  async *list({ seenSinceMs = 0 } = {}): AsyncGenerator<readonly StoredPlace[]> {
    const places = await this.#placesSeen(seenSinceMs)
    for (let from = 0; from < places.length; from += LIST_PLACES) {
      const asked = places.slice(from, from + LIST_PLACES)
      const found = (await this.#readList(asked)) ?? (await this.#readList(asked))
      if (found === undefined) return
      this.#tidy(found.filter(({ entries }) => entries.length === 0))
      yield found.filter(({ entries }) => entries.length > 0)
    }
  }

  put(entries: readonly StoredEntry[]): void {
    this.stats.writes += entries.length
    this.#writer.behind.put(entries)
    this.#writer.wake()
  }

  remove(keys: readonly { scope: string; odid: number; field: string; exportTimeSec: number }[], reason: string): void {
    if (reason !== 'withdrawn') return
    this.stats.removals += keys.length
    this.#writer.behind.remove(keys)
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

  async history(place: Place, templateId?: number) {
    const keys = this.#keys.placeOf(place)
    const commands = [['HGETALL', keys.versions] as const, ['LRANGE', keys.ended, 0, -1] as const]
    const replies = await this.#link.exchange([{ shard: keys.shard, commands }])
    if (replies === undefined) return []
    const [live, ended] = replies[0]
    const versions = readRedisVersions(live, ended, value => this.#believe(place, keys, value.field, value.sealed))
    return versions.filter(version => templateId === undefined || version.templateId === templateId)
  }

  flush(): Promise<void> {
    return this.#writer.flush()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    if (this.#tending !== undefined) await this.flush()
    this.#isClosed = true
    this.#tending?.cancel()
    this.#telling?.cancel()
    this.#writer.close()
    this.#link.close()
  }

  #readList(places: readonly Place[]): Promise<StoredPlace[] | undefined> {
    return this.#readPlaces(places, Math.max(LEAST_LIST_MS, this.#timeoutMs))
  }

  /** @returns undefined if the server does not answer. */
  async #readPlaces(places: readonly Place[], timeoutMs: number): Promise<StoredPlace[] | undefined> {
    const keys = places.map(place => this.#keys.placeOf(place))
    const byShard = Map.groupBy(keys.keys(), index => keys[index].shard)
    const batches: RedisBatch[] = []
    for (const [shard, indexes] of byShard) {
      const names = indexes.map(index => keys[index].entries)
      batches.push({
        shard,
        commands: [{ script: readScript, keys: names, args: [MAX_PLACE_FIELDS, MAX_PLACE_OCTETS] }]
      })
    }
    const replies = await this.#link.exchange(batches, timeoutMs)
    if (replies === undefined) {
      this.stats.misses += places.length
      return undefined
    }
    const found: StoredPlace[] = []
    for (const [at, indexes] of [...byShard.values()].entries()) {
      for (const [position, index] of indexes.entries()) {
        const [reply] = replies[at]
        found[index] = this.#placeOf(places[index], keys[index], Array.isArray(reply) ? reply[position] : reply)
        if (index % TURN_PLACES === TURN_PLACES - 1) await nextTurn()
      }
    }
    return found
  }

  #placeOf(place: Place, keys: PlaceKeys, reply: RedisReply): StoredPlace {
    const entries: StoredEntry[] = []
    if (reply instanceof Error) this.stats.backendErrors++
    else if (reply === null) this.stats.rejected++
    else {
      for (const [field, sealed] of pairsOf(reply)) {
        const entry = this.#believe(place, keys, field, sealed)
        if (entry !== undefined) entries.push(entry)
      }
    }
    if (entries.length > 0) this.stats.hits++
    else this.stats.misses++
    return { place, entries }
  }

  /** Nothing is believed that was not sealed for exactly here, and is not a valid entry of exactly this place and field. */
  #believe(place: Place, keys: PlaceKeys, field: string, sealed: Uint8Array): StoredEntry | undefined {
    const octets = this.#seal.open(keys.entries, field, sealed)
    const entry = octets === undefined ? undefined : decodeEntry(octets)
    if (entry?.scope === place.scope && entry.odid === place.odid && entryField(entry) === field) return entry
    this.stats.rejected++
    if (octets !== undefined && entry === undefined) this.stats.codecErrors++
    return undefined
  }

  /** The last seen first. */
  async #placesSeen(seenSinceMs: number): Promise<Place[]> {
    const command = (shard: number) =>
      [
        'ZREVRANGEBYSCORE',
        this.#keys.seen(shard),
        '+inf',
        seenSinceMs,
        'WITHSCORES',
        'LIMIT',
        0,
        MAX_INDEX_PLACES
      ] as const
    const batches = Array.from({ length: SHARDS }, (_, shard) => ({ shard, commands: [command(shard)] }))
    const replies = await this.#link.exchange(batches, Math.max(LEAST_LIST_MS, this.#timeoutMs))
    const seen: { place: Place; seenMs: number }[] = []
    for (const [reply] of replies ?? []) {
      const items = Array.isArray(reply) ? (reply as Buffer[]) : []
      for (let index = 0; index + 1 < items.length; index += 2) {
        const place = parseMember(items[index].toString())
        if (place === undefined) this.stats.rejected++
        else seen.push({ place, seenMs: Number(items[index + 1].toString()) })
      }
    }
    return seen.toSorted((a, b) => b.seenMs - a.seenMs).map(({ place }) => place)
  }

  /** Take places out of the index of which nothing is there any more. */
  #tidy(gone: readonly StoredPlace[]): void {
    if (gone.length === 0) return
    const byShard = Map.groupBy(gone, ({ place }) => this.#keys.placeOf(place).shard)
    const batches = [...byShard].map(([shard, ended]) => {
      const keys = [this.#keys.seen(shard), ...ended.map(({ place }) => this.#keys.placeOf(place).entries)]
      return { shard, commands: [{ script: tidyScript, keys, args: ended.map(({ place }) => memberOf(place)) }] }
    })
    void this.#link.exchange(batches)
  }

  #onPush(message: string): void {
    const [writer, ...members] = message.split('\n')
    if (writer === this.#name) return
    const places = members.map(parseMember).filter(place => place !== undefined)
    this.stats.pushes += places.length
    if (places.length > 0) for (const { changed } of this.#watchers) changed(places)
  }

  /** Also the probe that closes the breaker when nothing else is asked. */
  async #tend(): Promise<void> {
    this.#link.tend()
    const oldestMs = this.#clock.nowMs() - INDEX_MS
    const batches = Array.from({ length: SHARDS }, (_, shard) => ({
      shard,
      commands: [
        ['SET', this.#keys.epoch(shard), randomBytes(9).toString('base64url'), 'NX'] as const,
        ['GET', this.#keys.epoch(shard)] as const,
        ['ZREMRANGEBYSCORE', this.#keys.seen(shard), '-inf', oldestMs] as const,
        ['ZREMRANGEBYRANK', this.#keys.seen(shard), 0, -MAX_INDEX_PLACES - 1] as const
      ]
    }))
    const replies = await this.#link.exchange(batches)
    for (const [shard, [, epoch]] of (replies ?? []).entries()) {
      if (!Buffer.isBuffer(epoch)) continue
      const known = this.#epochs.get(shard)
      this.#epochs.set(shard, epoch.toString())
      if (known !== undefined && known !== epoch.toString()) this.#lost()
    }
    const { dropped } = this.#writer.behind
    this.stats.writesDropped += dropped - this.#droppedBefore
    if (dropped !== this.#droppedBefore && this.health === 'up') this.#lost()
    this.#droppedBefore = dropped
  }

  #lost(): void {
    if (this.#telling !== undefined || this.#isClosed) return
    // Pods notice the same loss at the same time, and do not all write at once.
    this.#telling = this.#clock.setTimer(LOST_PAUSE_MS * (1 + Math.random()), () => {
      this.#telling = undefined
      for (const listener of this.#lostListeners) listener()
    })
  }
}
