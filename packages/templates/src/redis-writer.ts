import type { Clock, Timer } from '@weir/runtime'
import { decodeEntry, encodeEntry, MAX_ENTRY_OCTETS } from './entry-codec.ts'
import type { EntrySeal } from './entry-seal.ts'
import { memberOf, type PlaceKeys, type RedisKeys } from './redis-keys.ts'
import type { RedisArgument, RedisBatch, RedisLink, RedisReply } from './redis-link.ts'
import { writeScript } from './redis-scripts.ts'
import { entryField, MAX_VERSIONS_PER_PLACE, seenMsOf, type StoredEntry } from './stored-entry.ts'
import type { TemplateStoreStats } from './template-store.ts'
import { WriteBehind, type PlaceChanges } from './write-behind.ts'

export interface RedisWriterParts {
  readonly keys: RedisKeys
  readonly seal: EntrySeal
  readonly link: RedisLink
  readonly clock: Clock
  readonly stats: TemplateStoreStats
  /** Names this ring in pushes. */
  readonly writer: string
  /** What pushes are published with. */
  readonly publish: 'PUBLISH' | 'SPUBLISH'
  readonly flushMs: number
  readonly historyMs: number
}

/** Places and entries of one exchange: encoding and sealing them holds the event loop for some milliseconds. */
const SLICE_PLACES = 64
const SLICE_ENTRIES = 768
/** Fields of one place; above it those last seen longest ago go. More than a domain's templates and options (L-10, L-16). */
export const MAX_PLACE_FIELDS = 8192
const FIRST_PAUSE_MS = 500
const MOST_PAUSE_MS = 5_000
/** What has no lifetime of its own keeps its place for so long: the first lifetime of a template (D8). */
const OPTIONS_LIVE_MS = 3_600_000
const DECISION_LIVE_MS = 259_200_000
/** Whatever a template says, and however wrong a clock is. */
const MOST_LIVE_MS = 2_592_000_000

interface PlaceWrite {
  readonly changes: PlaceChanges
  readonly keys: PlaceKeys
}

/**
 * Writes changes behind, in slices, one after the other: the newest per entry waits while the server is away, frozen,
 * full or refuses. An entry that does not supersede the one that stands there is not written; if what stands there is
 * not to be believed, it is written over.
 */
export class RedisWriter {
  readonly behind: WriteBehind
  readonly #parts: RedisWriterParts
  #timer: Timer | undefined
  #pauseMs = 0
  #running: Promise<void> | undefined
  #isClosed = false

  constructor(parts: RedisWriterParts) {
    this.#parts = parts
    this.behind = new WriteBehind(parts.clock)
  }

  /** There is something to write, or the server is back. */
  wake(): void {
    if (this.#isClosed || this.#timer !== undefined || this.behind.size === 0) return
    this.#timer = this.#parts.clock.setTimer(Math.max(this.#parts.flushMs, this.#pauseMs), () => {
      this.#timer = undefined
      void this.flush()
    })
  }

  /** The server is back: what waits need not pause any longer. */
  hurry(): void {
    this.#pauseMs = 0
    this.#timer?.cancel()
    this.#timer = undefined
    this.wake()
  }

  /** Resolves when everything that waits now is written, or cannot be written now. */
  flush(): Promise<void> {
    // What runs may have begun before the last change.
    return this.#running === undefined ? this.#run() : this.#running.then(() => this.#run())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #run(): Promise<void> {
    this.#running ??= this.#writeAll().then(isWritten => {
      this.#running = undefined
      this.#pauseMs = isWritten ? 0 : Math.min(Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2), MOST_PAUSE_MS)
      this.wake()
    })
    return this.#running
  }

  /** @returns false if something is left. */
  async #writeAll(): Promise<boolean> {
    // What is put meanwhile is not waited for.
    let left = this.behind.size
    const failed = new Set<number>()
    while (left > 0) {
      const taken = this.behind.next(SLICE_PLACES, SLICE_ENTRIES)
      if (!(await this.#writeSlice(taken, failed))) return false
      for (const { changes } of taken) left -= changes.size
    }
    return failed.size === 0
  }

  /**
   * @param failed - shards that took nothing in this run: they are left alone.
   * @returns false if none took anything.
   */
  async #writeSlice(taken: readonly PlaceChanges[], failed: Set<number>): Promise<boolean> {
    const byShard = this.#byShard(taken)
    const batches = [...byShard]
      .filter(([shard]) => !failed.has(shard))
      .map(([shard, writes]) => this.#batchOf(shard, writes, false))
    const replies = await this.#parts.link.exchange(batches)
    for (const [index, { shard }] of batches.entries()) {
      const reply = replies?.[index][0]
      if (Array.isArray(reply)) await this.#overwrite(shard, byShard.get(shard)!, reply as RedisReply[])
      else failed.add(shard)
    }
    for (const [shard, writes] of byShard) {
      if (failed.has(shard)) this.#parts.stats.writeFailures += writes.length
      for (const { changes } of writes) {
        if (failed.has(shard)) this.behind.refused(changes)
        else this.behind.written(changes)
      }
    }
    return batches.length === 0 || batches.some(({ shard }) => !failed.has(shard))
  }

  #byShard(taken: readonly PlaceChanges[]): Map<number, PlaceWrite[]> {
    const byShard = new Map<number, PlaceWrite[]>()
    for (const changes of taken) {
      const keys = this.#parts.keys.placeOf(changes.place)
      const writes = byShard.get(keys.shard)
      if (writes === undefined) byShard.set(keys.shard, [{ changes, keys }])
      else writes.push({ changes, keys })
    }
    return byShard
  }

  #batchOf(shard: number, writes: readonly PlaceWrite[], isForced: boolean): RedisBatch {
    const { keys, writer, publish, historyMs } = this.#parts
    const names = [keys.seen(shard)]
    const args: RedisArgument[] = [
      writer,
      keys.channel(shard),
      publish,
      historyMs,
      MAX_VERSIONS_PER_PLACE,
      MAX_PLACE_FIELDS
    ]
    for (const { changes, keys: place } of writes) {
      names.push(place.entries, place.versions, place.ended)
      this.#addPlace(args, changes, place, isForced)
    }
    return { shard, commands: [{ script: writeScript, keys: names, args }] }
  }

  #addPlace(args: RedisArgument[], { place, changes }: PlaceChanges, keys: PlaceKeys, isForced: boolean): void {
    const { seal, clock, stats } = this.#parts
    const nowMs = clock.nowMs()
    const puts: RedisArgument[] = []
    const removals: RedisArgument[] = []
    let liveMs = 0
    let seenMs = 0
    for (const [field, change] of changes) {
      if (change.kind === 'remove') {
        removals.push(field, change.key.exportTimeSec)
        continue
      }
      const octets = encodeEntry(change.entry)
      if (octets.length > MAX_ENTRY_OCTETS) {
        stats.writesDropped++
        continue
      }
      puts.push(field, seal.seal(keys.entries, field, octets), isForced ? 1 : 0)
      liveMs = Math.max(liveMs, liveMsOf(change.entry, nowMs))
      seenMs = Math.max(seenMs, seenMsOf(change.entry))
    }
    args.push(memberOf(place), Math.ceil(liveMs), seenMs, puts.length / 3, removals.length / 2, ...puts, ...removals)
  }

  /** Of what refused our entries, take away what is not to be believed. */
  async #overwrite(shard: number, writes: readonly PlaceWrite[], refused: readonly RedisReply[]): Promise<void> {
    const forced: PlaceWrite[] = []
    for (const item of refused) {
      const [index, fieldOctets, value] = item as [number, Buffer, Buffer]
      const { changes, keys } = writes[index]
      const field = fieldOctets.toString()
      const change = changes.changes.get(field)
      const octets = this.#parts.seal.open(keys.entries, field, value)
      const entry = octets === undefined ? undefined : decodeEntry(octets)
      if (entry !== undefined && isOf(entry, changes, field)) continue
      this.#parts.stats.rejected++
      if (change !== undefined)
        forced.push({ changes: { place: changes.place, changes: new Map([[field, change]]) }, keys })
    }
    if (forced.length > 0) await this.#parts.link.exchange([this.#batchOf(shard, forced, true)])
  }
}

const isOf = (entry: StoredEntry, { place }: PlaceChanges, field: string): boolean =>
  entry.scope === place.scope && entry.odid === place.odid && entryField(entry) === field

/** How long an entry keeps its place from now on. */
function liveMsOf(entry: StoredEntry, nowMs: number): number {
  if (entry.kind === 'template') {
    return Math.min(Math.max(1, entry.lastSeenMs + entry.lifetimeMs - nowMs), MOST_LIVE_MS)
  }
  return entry.kind === 'decision' ? DECISION_LIVE_MS : OPTIONS_LIVE_MS
}
