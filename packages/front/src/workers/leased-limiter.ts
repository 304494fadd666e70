import type { Clock } from '@weir/runtime'
import type { Limiter } from './front-home.ts'

/** What the primary gave: so many, or how long to wait. */
export interface Lease {
  readonly tokens: number
  readonly waitMs: number
}

interface Held {
  tokens: number
  untilMs: number
  asking?: Promise<Lease>
}

/** Names that are remembered at once. */
const NAMES = 10_000

/** A limit that all processes of a front share: the primary keeps what is left, and gives a few at a time. */
export class LeasedLimiter implements Limiter {
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #ask: (name: string) => Promise<Lease>
  readonly #held = new Map<string, Held>()

  /** @param keepMs - how long what was given and not used is still good: with it, no more pass than the limit. */
  constructor(clock: Clock, keepMs: number, ask: (name: string) => Promise<Lease>) {
    this.#clock = clock
    this.#keepMs = keepMs
    this.#ask = ask
  }

  async take(name: string): Promise<number> {
    const held = this.#heldOf(name)
    for (;;) {
      if (held.tokens > 0 && this.#clock.monotonicMs() < held.untilMs) {
        held.tokens--
        return 0
      }
      const { waitMs } = await (held.asking ??= this.#refill(name, held))
      if (waitMs > 0) return waitMs
    }
  }

  async #refill(name: string, held: Held): Promise<Lease> {
    try {
      const lease = await this.#ask(name)
      held.tokens = lease.tokens
      held.untilMs = this.#clock.monotonicMs() + this.#keepMs
      return lease
    } finally {
      held.asking = undefined
    }
  }

  #heldOf(name: string): Held {
    const held = this.#held.get(name) ?? { tokens: 0, untilMs: 0 }
    this.#held.delete(name)
    this.#held.set(name, held)
    if (this.#held.size > NAMES) this.#held.delete(this.#held.keys().next().value!)
    return held
  }
}
