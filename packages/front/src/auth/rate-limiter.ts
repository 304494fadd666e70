import type { Clock } from '@weir/runtime'
import type { Limiter } from '../workers/front-home.ts'

/** Names that are remembered at once; those that have been silent for longest are forgotten first. */
const NAMES = 10_000

interface Bucket {
  tokens: number
  atMs: number
}

/** So many in a time for each name: a bucket that refills evenly, and may be emptied at once. */
export class RateLimiter implements Limiter {
  readonly #clock: Clock
  readonly #count: number
  readonly #windowMs: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock, count: number, windowMs: number) {
    this.#clock = clock
    this.#count = count
    this.#windowMs = windowMs
  }

  /** Take one. @returns 0, or milliseconds until there is one again; then nothing was taken. */
  take(name: string): number {
    const waitMs = this.waitMs(name)
    if (waitMs === 0) this.#refilled(name).tokens--
    return waitMs
  }

  /** Take so many, or as many as there are. @returns how many; if none, milliseconds until there is one. */
  takeUpTo(name: string, count: number): { readonly tokens: number; readonly waitMs: number } {
    const waitMs = this.waitMs(name)
    if (waitMs > 0) return { tokens: 0, waitMs }
    const bucket = this.#refilled(name)
    const tokens = Math.min(count, Math.floor(bucket.tokens))
    bucket.tokens -= tokens
    return { tokens, waitMs: 0 }
  }

  /** @returns milliseconds until there is one, 0 if there is; takes nothing. */
  waitMs(name: string): number {
    const { tokens } = this.#refilled(name)
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * this.#windowMs) / this.#count)
  }

  #refilled(name: string): Bucket {
    const atMs = this.#clock.monotonicMs()
    const known = this.#buckets.get(name)
    const gained = known === undefined ? this.#count : ((atMs - known.atMs) * this.#count) / this.#windowMs
    const bucket = { tokens: Math.min(this.#count, (known?.tokens ?? 0) + gained), atMs }
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    if (this.#buckets.size > NAMES) this.#buckets.delete(this.#buckets.keys().next().value!)
    return bucket
  }
}
