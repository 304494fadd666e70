import { randomBytes } from 'node:crypto'
import { systemClock, type Clock } from '@weir/runtime'
import type { NatsConnection } from '@nats-io/transport-node'
import { CircuitBreaker } from './circuit-breaker.ts'
import { EntrySeal } from './entry-seal.ts'
import { NatsBucket, NatsRefusal, type BucketChange } from './nats-bucket.ts'
import { parsePlaceHeader, PLACE_HEADER, placeHash, placeOfKey, SEEN_HEADER, WRITER_HEADER } from './nats-key.ts'
import { NatsLink, type NatsTls } from './nats-link.ts'
import { createNatsPendingShelf } from './nats-pending-shelf.ts'
import { NatsPlaces } from './nats-places.ts'
import { placeKey, type Place, type StoredEntry, type StoredPlace } from './stored-entry.ts'
import { emptyStats, LIST_BATCH_PLACES, type StoreHealth, type TemplateStore } from './template-store.ts'
import { WriteBehind } from './write-behind.ts'

export interface NatsTemplateStoreOptions {
  /** `nats://host:port` or `tls://host:port`; one that answers is enough, the others of its cluster are not asked for. */
  readonly servers: readonly string[]
  /** Made if it is not there; Data Sets that wait are in `<bucket>-pending`. Default `weir-templates`. */
  readonly bucket?: string
  readonly replicas?: number
  /** What a credentials file of NATS holds. */
  readonly credentials?: Uint8Array | undefined
  readonly tls?: NatsTls | undefined
  /** At least 32 octets; undefined: entries are not authenticated. */
  readonly hmacKey?: Uint8Array | undefined
  /** Of one call, milliseconds. */
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
  /** History, and values that nobody writes, go after so long. */
  readonly ttlMs?: number
  readonly shelfOctetsTotal?: number
  readonly shelfOctetsPerPlace?: number
  /** A claim of Data Sets is its claimer's for so long. */
  readonly leaseMs?: number
  /** Longest time that a change waits for others to be written with it. */
  readonly flushMs?: number
  readonly clock?: Clock
  /** Told of each failure of a call or a connection; often, while a server is away. */
  readonly onFailure?: ((error: Error) => void) | undefined
}

const DAY_MS = 86_400_000
/** Places of one round of requests: three for each. */
const ROUND_PLACES = 256
/** Requests that a round of writes waits for, one after another: what is there, then the new value. */
const ROUNDS_OF_A_WRITE = 2
/** While writing fails; a round that succeeds is followed by the next at once. */
const RETRY_MS = 500

/**
 * The ring in a NATS JetStream key-value bucket: nats-server 2.9 or later.
 *
 * A place is read by the three keys that it has, all at once; NATS would look at every key of the bucket to find those
 * below a prefix. Writes compare and set, and merge what another pod wrote meanwhile.
 */
export function createNatsTemplateStore(options: NatsTemplateStoreOptions): TemplateStore {
  const { timeoutMs = 200, connectTimeoutMs = 2_000, flushMs = 50, clock = systemClock } = options
  const { bucket: bucketName = 'weir-templates', replicas = 1, ttlMs = 30 * DAY_MS } = options
  const stats = emptyStats()
  const writer = randomBytes(12).toString('base64url')
  const seal = new EntrySeal(options.hmacKey)
  const breaker = new CircuitBreaker(clock)
  const waiting = new WriteBehind(clock)
  const places = new NatsPlaces({ seal, clock, stats, writer, ttlMs })
  const link = new NatsLink({ ...options, connectTimeoutMs }, { onConnected, onLost: onDisconnected }, clock)
  const watchers = new Set<(changed: readonly Place[]) => void>()
  const lostListeners = new Set<() => void>()

  let bucket: NatsBucket | undefined
  /** How far pushes were told of, and of which bucket. */
  let cursor: { readonly createdAt: string; revision: number } | undefined
  let pushed = new Map<string, Place>()
  let isLooking = false
  let isStarted = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<boolean> | undefined
  let droppedBefore = 0
  let onFirstEnd = (): void => {}

  async function onConnected(connection: NatsConnection): Promise<void> {
    const description = 'Weir: templates and options state that pods share'
    const opened = await NatsBucket.open(connection, { bucket: bucketName, description, replicas, ttlMs, timeoutMs })
    await shelf.onConnected(connection)
    const isSame = cursor?.createdAt === opened.createdAt
    const from = isSame ? cursor!.revision + 1 : opened.nextRevision
    const isFirst = cursor === undefined
    cursor = { createdAt: opened.createdAt, revision: from - 1 }
    await opened.watch('e.>', from, onPush, () => link.renew())
    bucket = opened
    breaker.succeeded()
    onFirstEnd()
    kick()
    if (!isFirst || waiting.dropped > droppedBefore) for (const listener of lostListeners) listener()
    droppedBefore = waiting.dropped
  }

  function onDisconnected(error: Error | undefined): void {
    bucket = undefined
    shelf.onDisconnected()
    stats.backendErrors++
    options.onFailure?.(error ?? new Error('the connection to NATS was closed'))
    onFirstEnd()
  }

  function onPush({ revision, headers }: BucketChange): void {
    if (cursor !== undefined && revision > cursor.revision) cursor.revision = revision
    if (headers === undefined || headers.get(WRITER_HEADER) === writer || watchers.size === 0) return
    const place = parsePlaceHeader(headers.get(PLACE_HEADER))
    if (place === undefined) return
    if (pushed.size === 0) setImmediate(tellPushed)
    pushed.set(placeKey(place), place)
  }

  function tellPushed(): void {
    const changed = [...pushed.values()]
    pushed = new Map()
    stats.pushes += changed.length
    for (const watcher of watchers) watcher(changed)
  }

  /**
   * Make one call: nothing if there is no server to ask.
   *
   * @returns undefined if it failed, which is counted.
   */
  async function call<T>(rounds: number, make: (to: NatsBucket) => Promise<T>): Promise<T | undefined> {
    const to = bucket
    if (to === undefined || !breaker.tryCall()) return undefined
    stats.roundTrips += rounds
    try {
      const result = await make(to)
      breaker.succeeded()
      return result
    } catch (error) {
      if (error instanceof NatsRefusal) breaker.succeeded()
      else onCallFailed(to)
      stats.backendErrors++
      options.onFailure?.(error as Error)
      return undefined
    }
  }

  function onCallFailed(to: NatsBucket): void {
    breaker.failed()
    stats.breakerOpened = breaker.opened
    if (isLooking) return
    isLooking = true
    // A bucket that was deleted is not told of: calls of it are not answered. A new connection makes it again.
    to.isThere()
      .then(isThere => {
        if (!isThere && bucket === to) link.renew()
      })
      .catch(() => undefined)
      .finally(() => (isLooking = false))
  }

  async function readHashes(hashes: readonly string[]): Promise<(StoredEntry[] | undefined)[]> {
    const found: (StoredEntry[] | undefined)[] = []
    for (let from = 0; from < hashes.length; from += ROUND_PLACES) {
      const round = hashes.slice(from, from + ROUND_PLACES)
      const entries = await call(1, to => Promise.all(round.map(hash => places.read(to, hash))))
      for (let index = 0; index < round.length; index++) found.push(entries?.[index])
    }
    return found
  }

  function kick(): void {
    if (timer === undefined && isStarted && !isClosed && waiting.size > 0) timer = setTimeout(onTimer, flushMs).unref()
  }

  async function onTimer(): Promise<void> {
    timer = undefined
    const isWritten = await writeWaiting()
    if (isWritten) kick()
    else if (!isClosed && timer === undefined) timer = setTimeout(onTimer, RETRY_MS).unref()
  }

  /** @returns true if everything that waited when this began was tried, and none failed. */
  function writeWaiting(): Promise<boolean> {
    flushing ??= writeRounds().finally(() => (flushing = undefined))
    return flushing
  }

  async function writeRounds(): Promise<boolean> {
    let isWritten = true
    for (let left = waiting.places; left > 0 && waiting.size > 0; left -= ROUND_PLACES) {
      const taken = waiting.next(Math.min(left, ROUND_PLACES))
      const results = await call(ROUNDS_OF_A_WRITE, async to => {
        const settled = await Promise.allSettled(taken.map(changes => places.write(to, changes)))
        for (const [index, result] of settled.entries()) {
          const changes = taken[index]!
          if (result.status === 'fulfilled') {
            waiting.written(changes)
            for (const change of changes.changes.values()) stats[change.kind === 'put' ? 'writes' : 'removals']++
          } else {
            stats.writeFailures++
            waiting.refused(changes)
          }
        }
        const failed = settled.filter(result => result.status === 'rejected').map(result => result.reason as Error)
        const unanswered = failed.find(error => !(error instanceof NatsRefusal)) ?? failed[0]
        if (unanswered !== undefined) throw unanswered
        return true
      })
      if (results === undefined) isWritten = false
      if (results === undefined && (bucket === undefined || breaker.isOpen)) break
    }
    return isWritten
  }

  const shelf = createNatsPendingShelf({ ...options, bucket: bucketName, replicas, seal, clock })

  return {
    get stats() {
      stats.unflushed = waiting.size
      stats.writeBehindLagMs = waiting.lagMs
      stats.writesDropped = waiting.dropped + places.dropped
      return stats
    },
    shelf,
    get health(): StoreHealth {
      if (breaker.isOpen) return 'breaker_open'
      return bucket === undefined ? 'down' : 'up'
    },
    async start() {
      if (isStarted || isClosed) return
      isStarted = true
      const end = new Promise<void>(resolve => (onFirstEnd = resolve))
      link.start()
      const late = setTimeout(onFirstEnd, connectTimeoutMs)
      await end
      clearTimeout(late)
    },
    async read(asked) {
      stats.reads++
      stats.readPlaces += asked.length
      const found = await readHashes(asked.map(placeHash))
      return asked.map((place, index) => {
        const entries = found[index] ?? []
        if (entries.length > 0) stats.hits++
        else stats.misses++
        return { place, entries }
      })
    },
    async *list({ seenSinceMs = -Infinity } = {}) {
      const seen = new Map<string, number>()
      const note = ({ key, headers }: BucketChange): void => {
        const place = placeOfKey(key)
        const seenMs = Number(headers?.get(SEEN_HEADER)) || 0
        if (seenMs >= (seen.get(place) ?? seenSinceMs)) seen.set(place, seenMs)
      }
      await call(1, to => Promise.all([to.index('e.>', note), to.index('q.>', note)]))
      const hashes = [...seen].toSorted((a, b) => b[1] - a[1]).map(([hash]) => hash)
      for (let from = 0; from < hashes.length; from += LIST_BATCH_PLACES) {
        const found = await readHashes(hashes.slice(from, from + LIST_BATCH_PLACES))
        const batch = found.flatMap((entries): StoredPlace[] => {
          const first = entries?.[0]
          return first === undefined ? [] : [{ place: { scope: first.scope, odid: first.odid }, entries: entries! }]
        })
        if (batch.length > 0) yield batch
      }
    },
    put(entries) {
      if (isClosed) return
      waiting.put(entries)
      kick()
    },
    remove(keys, reason) {
      // What expires here may live elsewhere; in the bucket each entry has its own time.
      if (isClosed || reason !== 'withdrawn') return
      waiting.remove(keys)
      kick()
    },
    watch(listener) {
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    onLost(listener) {
      lostListeners.add(listener)
      return () => lostListeners.delete(listener)
    },
    async history(place, templateId) {
      const versions = (await call(1, to => places.history(to, place))) ?? []
      return versions.filter(version => templateId === undefined || version.templateId === templateId)
    },
    async flush() {
      // What was put while a round was under way is not in it.
      await flushing
      await writeWaiting()
    },
    async close() {
      if (isClosed) return
      isClosed = true
      clearTimeout(timer)
      timer = undefined
      if (bucket !== undefined) {
        await flushing
        await writeWaiting()
      }
      onFirstEnd()
      await link.close()
      bucket = undefined
    }
  }
}
