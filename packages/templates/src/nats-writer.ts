import { setTimeout as pause } from 'node:timers/promises'
import { NatsRefusal, type NatsBucket } from './nats-bucket.ts'
import type { NatsCalls } from './nats-calls.ts'
import type { NatsPlaces } from './nats-places.ts'
import { placeKey, type Place } from './stored-entry.ts'
import type { TemplateStoreStats } from './template-store.ts'
import type { PlaceChanges, WriteBehind } from './write-behind.ts'

export interface NatsWriterOptions {
  readonly calls: NatsCalls
  readonly places: NatsPlaces
  readonly waiting: WriteBehind
  readonly stats: TemplateStoreStats
  /** Longest time that a change waits for others to be written with it. */
  readonly flushMs: number
  /** Told of places of which others should know. */
  readonly onChanged: (places: readonly Place[]) => void
}

/** Places of one round of requests. */
const ROUND_PLACES = 256
/** Requests that a round waits for, one after another: what is there, then the new value. */
const ROUNDS_OF_A_WRITE = 2
/** Beyond it, some places that were perhaps written are not told of; a read finds them. */
const MAX_UNTOLD = 100_000
/** While writing fails; a round that succeeds is followed by the next at once. */
const RETRY_MS = 500

/** Brings what waits into the bucket, in rounds of many places at once. */
export class NatsWriter {
  readonly #options: NatsWriterOptions
  /** Written perhaps, by a call without an answer: others have not been told. */
  readonly #untold = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<boolean> | undefined
  #isClosed = false

  constructor(options: NatsWriterOptions) {
    this.#options = options
  }

  /** Something waits: it will be written. */
  wake(): void {
    if (this.#timer !== undefined || this.#isClosed || this.#options.waiting.size === 0) return
    this.#timer = setTimeout(() => void this.#onTimer(), this.#options.flushMs).unref()
  }

  /** Writes what waits now, if the server takes it. */
  async flush(): Promise<void> {
    // What was put while a round was under way is not in it.
    await this.#writing
    await this.#writeWaiting()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #onTimer(): Promise<void> {
    const isWritten = await this.#writeWaiting()
    if (!isWritten) await pause(RETRY_MS, undefined, { ref: false })
    this.#timer = undefined
    this.wake()
  }

  #writeWaiting(): Promise<boolean> {
    this.#writing ??= this.#writeRounds().finally(() => (this.#writing = undefined))
    return this.#writing
  }

  /** @returns true if everything that waited when this began was tried, and nothing failed. */
  async #writeRounds(): Promise<boolean> {
    const { calls, waiting } = this.#options
    let isWritten = true
    for (let left = waiting.places; left > 0; left -= ROUND_PLACES) {
      const taken = waiting.next(Math.min(left, ROUND_PLACES))
      const done = await calls.call(ROUNDS_OF_A_WRITE, to => this.#writeRound(to, taken))
      if (done === true) continue
      isWritten = false
      if (calls.health !== 'up') break
    }
    return isWritten
  }

  async #writeRound(to: NatsBucket, taken: readonly PlaceChanges[]): Promise<true> {
    const { places, waiting, stats, onChanged } = this.#options
    const results = await Promise.allSettled(taken.map(changes => places.write(to, changes)))
    const told: Place[] = []
    const failed: Error[] = []
    for (const [index, result] of results.entries()) {
      const changes = taken[index]
      const key = placeKey(changes.place)
      if (result.status === 'rejected') {
        failed.push(result.reason as Error)
        waiting.refused(changes)
        if (this.#untold.size >= MAX_UNTOLD) this.#untold.clear()
        this.#untold.add(key)
        continue
      }
      waiting.written(changes)
      for (const change of changes.changes.values()) stats[change.kind === 'put' ? 'writes' : 'removals']++
      if (this.#untold.delete(key) || result.value) told.push(changes.place)
    }
    stats.writeFailures += failed.length
    if (told.length > 0) onChanged(told)
    const unanswered = failed.find(error => !(error instanceof NatsRefusal)) ?? failed[0]
    if (unanswered !== undefined) throw unanswered
    return true
  }
}
