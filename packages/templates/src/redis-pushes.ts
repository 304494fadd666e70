import { Cluster, type Redis } from 'ioredis'

export interface PushEvents {
  /** @param message - what a writer published. */
  readonly onPush: (message: string) => void
  /** Messages may have been missed. */
  readonly onMissed: () => void
}

/**
 * The channels that writers tell changes on: sharded ones of a Cluster, else plain ones on a connection of their own.
 */
export class RedisPushes {
  readonly #client: Redis | Cluster
  readonly #channels: readonly string[]
  readonly #events: PushEvents
  readonly #reconnect: (client: Redis) => void
  /** The connection of a single server; a Cluster has its own. */
  #subscriber: Redis | undefined
  #isSubscribed = false
  #wasSubscribed = false

  /**
   * @param channels - by shard.
   * @param reconnect - called for a connection that has given up.
   */
  constructor(
    client: Redis | Cluster,
    channels: readonly string[],
    events: PushEvents,
    reconnect: (client: Redis) => void
  ) {
    this.#reconnect = reconnect
    this.#client = client
    this.#channels = channels
    this.#events = events
    if (client instanceof Cluster) client.on('smessage', (_channel: string, message: string) => events.onPush(message))
    else this.#subscriber = this.#connect(client)
  }

  /** Subscribe where that is not done, and see that the connections live. Never rejects. */
  async tend(): Promise<void> {
    const client = this.#client
    if (client instanceof Cluster) {
      // To subscribe again is nothing to a server where it is done.
      if (client.status === 'ready') await Promise.allSettled(this.#channels.map(channel => client.ssubscribe(channel)))
    } else if (this.#subscriber?.status === 'ready') {
      await (this.#isSubscribed ? this.#subscriber.ping() : this.#subscribe(this.#subscriber)).catch(() => {})
    }
  }

  close(): void {
    const subscriber = this.#subscriber
    this.#subscriber = undefined
    subscriber?.disconnect()
  }

  #connect(client: Redis): Redis {
    const subscriber = client.duplicate({ autoResubscribe: false })
    subscriber.on('error', () => {})
    subscriber.on('end', () => {
      if (this.#subscriber === subscriber) this.#reconnect(subscriber)
    })
    subscriber.on('message', (_channel: string, message: string) => this.#events.onPush(message))
    subscriber.on('ready', () => {
      this.#isSubscribed = false
      void this.tend()
    })
    return subscriber
  }

  async #subscribe(subscriber: Redis): Promise<void> {
    await subscriber.subscribe(...this.#channels)
    this.#isSubscribed = true
    if (this.#wasSubscribed) this.#events.onMissed()
    this.#wasSubscribed = true
  }
}
