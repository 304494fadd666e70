import type { Clock } from '@weir/runtime'

export interface BreakerOptions {
  /** So many failures within `windowMs` open it. */
  readonly failures?: number
  readonly windowMs?: number
  /** While open, one call is let through after each such time. */
  readonly probeMs?: number
}

/**
 * Keeps a server that does not answer from being waited for again and again. A call is one round of requests, however
 * many are in it: a round that fails is one failure.
 */
export class CircuitBreaker {
  /** Times it opened. */
  opened = 0
  readonly #clock: Clock
  readonly #failures: number
  readonly #windowMs: number
  readonly #probeMs: number
  /** When the last failures were, by the monotonic clock; the oldest first. */
  readonly #failedMs: number[] = []
  /** When the next probe may go; undefined while closed. */
  #probeAtMs: number | undefined

  constructor(clock: Clock, { failures = 5, windowMs = 10_000, probeMs = 5_000 }: BreakerOptions = {}) {
    this.#clock = clock
    this.#failures = failures
    this.#windowMs = windowMs
    this.#probeMs = probeMs
  }

  get isOpen(): boolean {
    return this.#probeAtMs !== undefined
  }

  /** @returns true if a call may be made now; its end must be told. While open, once per `probeMs`. */
  tryCall(): boolean {
    if (this.#probeAtMs === undefined) return true
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#probeAtMs) return false
    this.#probeAtMs = nowMs + this.#probeMs
    return true
  }

  /** A call was answered, even if by a refusal; or the server was found anew. */
  succeeded(): void {
    if (this.#probeAtMs === undefined) return
    this.#probeAtMs = undefined
    this.#failedMs.length = 0
  }

  /** A call was not answered in time, or there is no connection. */
  failed(): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#probeAtMs !== undefined) return
    this.#failedMs.push(nowMs)
    while (this.#failedMs.length > 0 && this.#failedMs[0]! < nowMs - this.#windowMs) this.#failedMs.shift()
    if (this.#failedMs.length < this.#failures) return
    this.#probeAtMs = nowMs + this.#probeMs
    this.opened++
  }
}
