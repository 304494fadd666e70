import type { Clock, Log, Timer } from '@weir/runtime'
import type { OptionsRecord } from '@weir/templates'
import type { Domain } from '../domain.ts'
import type { Publisher } from './publisher.ts'
import { Rotation } from './rotation.ts'

export interface StoreRewriterDeps {
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Log
  /** Domains of verified UDP sessions. */
  readonly domains: () => Iterable<Domain>
  /** Domains of TCP sessions. */
  readonly connections: () => Iterable<Domain>
  readonly optionsOf: (domain: Domain) => Iterable<OptionsRecord>
}

/** Everything is put again within this time, in slices. */
const REWRITE_MS = 20_000
const SLICE_MS = 100

/** After the shared store may have lost something: gives it all that is live once more. */
export class StoreRewriter {
  /** Times that it was begun. */
  rewrites = 0
  readonly #deps: StoreRewriterDeps
  #timer: Timer | undefined
  #isLostAgain = false

  constructor(deps: StoreRewriterDeps) {
    this.#deps = deps
  }

  /** Begin; if it is at it, once more afterwards. */
  onLost(): void {
    if (this.#timer === undefined) this.#begin()
    else this.#isLostAgain = true
  }

  close(): void {
    this.#timer?.cancel()
  }

  #begin(): void {
    const { publisher, domains, connections, optionsOf, clock, log } = this.#deps
    this.#isLostAgain = false
    this.rewrites++
    log.info('store_rewritten', 'the shared store may have lost something: all that is live is put again')
    // These are written with the next look at them.
    for (const domain of connections()) domain.keptMs = -Infinity
    let total = 0
    for (const _ of domains()) total++
    const slice = Math.max(1, Math.ceil((total * SLICE_MS) / REWRITE_MS))
    const rotation = new Rotation(domains)
    this.#timer = clock.setPeriodic(SLICE_MS, () => {
      const nowMs = clock.monotonicMs()
      rotation.visit(slice, domain => publisher.rewrite(domain, optionsOf(domain), nowMs))
      if (rotation.rounds === 0) return
      this.#timer?.cancel()
      this.#timer = undefined
      if (this.#isLostAgain) this.#begin()
    })
  }
}
