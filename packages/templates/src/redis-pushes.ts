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
  /** Channels of a Cluster that are subscribed. */
  readonly #subscribed = new Set<string>()
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
    if (client instanceof Cluster) {
      client.on('smessage', (_channel: string, message: string) => events.onPush(message))
      // Who serves a channel may be another one now.
      for (const event of ['ready', '+node', '-node']) client.on(event, () => this.#subscribed.clear())
    } else this.#subscriber = this.#connect(client)
  }

  /** Subscribe where that is not done, and see that the connections live. Never rejects. */
  async tend(): Promise<void> {
    const client = this.#client
    if (client instanceof Cluster) {
      if (client.status === 'ready') await this.#subscribeShards(client)
    } else if (this.#subscriber?.status === 'ready') {
      await (this.#isSubscribed ? this.#subscriber.ping() : this.#subscribe(this.#subscriber)).catch(() => {})
    }
  }

  close(): void {
    const subscriber = this.#subscriber
    this.#subscriber = undefined
    subscriber?.disconnect()
  }

  /** The client keeps a list of what it subscribed, and adds to it each time: each channel is taken out before. */
  async #subscribeShards(client: Cluster): Promise<void> {
    const open = this.#channels.filter(channel => !this.#subscribed.has(channel))
    const before = this.#subscribed.size
    await Promise.allSettled(
      open.map(async channel => {
        await client.sunsubscribe(channel).catch(() => {})
        await client.ssubscribe(channel)
        this.#subscribed.add(channel)
      })
    )
    if (this.#subscribed.size === before) return
    if (this.#wasSubscribed) this.#events.onMissed()
    this.#wasSubscribed = true
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
