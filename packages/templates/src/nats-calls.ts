import type { Clock } from '@weir/runtime'
import type { NatsConnection } from '@nats-io/transport-node'
import { CircuitBreaker } from './circuit-breaker.ts'
import { NatsBucket, NatsRefusal, type NatsBucketOptions } from './nats-bucket.ts'
import { NatsLink, type NatsLinkOptions } from './nats-link.ts'
import type { StoreHealth, TemplateStoreStats } from './template-store.ts'

export interface NatsCallsOptions {
  readonly link: NatsLinkOptions
  readonly bucket: NatsBucketOptions
  readonly clock: Clock
  /** `roundTrips`, `backendErrors` and `breakerOpened` are counted here. */
  readonly stats: TemplateStoreStats
  /** A bucket is there, over a new connection; it is used from when this resolves. */
  onUp(bucket: NatsBucket, connection: NatsConnection): Promise<void>
  onDown(): void
  /** Told once, until a call succeeds again. */
  onFailure(error: Error): void
}

/** Calls of a bucket: over the connection that there is, with a breaker, counted. */
export class NatsCalls {
  readonly #options: NatsCallsOptions
  readonly #breaker: CircuitBreaker
  readonly #link: NatsLink
  #bucket: NatsBucket | undefined
  #connection: NatsConnection | undefined
  #isLooking = false
  #isFailing = false

  constructor(options: NatsCallsOptions) {
    const { clock } = options
    this.#options = options
    this.#breaker = new CircuitBreaker(clock)
    const events = {
      onConnected: (to: NatsConnection) => this.#onConnected(to),
      onLost: (e?: Error) => this.#onLost(e)
    }
    this.#link = new NatsLink(options.link, events, clock)
  }

  get health(): StoreHealth {
    if (this.#breaker.isOpen) return 'breaker_open'
    return this.#bucket === undefined ? 'down' : 'up'
  }

  /** The connection over which the bucket is reached, for what is not a call of it. */
  get connection(): NatsConnection | undefined {
    return this.#connection
  }

  start(): void {
    this.#link.start()
  }

  async close(): Promise<void> {
    await this.#link.close()
    this.#bucket = undefined
    this.#connection = undefined
  }

  /**
   * Make one call: nothing if there is no server to ask.
   *
   * @param rounds - times that the server is waited for.
   * @returns undefined if it failed, which is counted.
   */
  async call<T>(rounds: number, make: (to: NatsBucket) => Promise<T>): Promise<T | undefined> {
    const to = this.#bucket
    const { stats } = this.#options
    if (to === undefined || !this.#breaker.tryCall()) return undefined
    stats.roundTrips += rounds
    try {
      const result = await make(to)
      this.#breaker.succeeded()
      this.#isFailing = false
      return result
    } catch (error) {
      if (error instanceof NatsRefusal) this.#breaker.succeeded()
      else this.#onUnanswered(to)
      this.#fail(error as Error)
      return undefined
    }
  }

  /** Leave the connection for a new one: it is not known what became of a call. */
  renew(): void {
    this.#bucket = undefined
    this.#link.renew()
  }

  async #onConnected(connection: NatsConnection): Promise<void> {
    const bucket = await NatsBucket.open(connection, this.#options.bucket)
    this.#connection = connection
    await this.#options.onUp(bucket, connection)
    this.#bucket = bucket
    this.#isFailing = false
    this.#breaker.succeeded()
  }

  #onLost(error: Error | undefined): void {
    this.#bucket = undefined
    this.#connection = undefined
    this.#options.onDown()
    this.#fail(error ?? new Error('the connection to NATS was closed'))
  }

  #onUnanswered(to: NatsBucket): void {
    this.#breaker.failed()
    this.#options.stats.breakerOpened = this.#breaker.opened
    if (this.#isLooking) return
    this.#isLooking = true
    // That a bucket was deleted is not told: calls of it are not answered. A new connection makes it again.
    to.isThere()
      .then(isThere => {
        if (!isThere && this.#bucket === to) this.renew()
      })
      .catch(() => undefined)
      .finally(() => (this.#isLooking = false))
  }

  #fail(error: Error): void {
    this.#options.stats.backendErrors++
    if (this.#isFailing) return
    this.#isFailing = true
    this.#options.onFailure(error)
  }
}
