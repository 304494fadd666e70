import { delay, type Clock } from '@weir/runtime'
import { connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'

/** PEM texts; `serverName` where the certificate bears another name than the address. */
export interface NatsTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
}

export interface NatsLinkOptions {
  /** `nats://host:port`, `tls://host:port`; one that answers is enough. */
  readonly servers: readonly string[]
  /** What a credentials file holds: a JWT and its seed. */
  readonly credentials?: Uint8Array | undefined
  readonly tls?: NatsTls | undefined
  readonly connectTimeoutMs: number
}

export interface NatsLinkEvents {
  /** A connection is there; used from when this resolves. Rejects to have another one tried. */
  onConnected(connection: NatsConnection): Promise<void>
  onLost(error: Error | undefined): void
}

const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 5_000
/** A server that is frozen is left after two of these. */
const PING_MS = 2_000

/**
 * One connection after another: a lost one is left and a new one made, with growing pauses. The client's own reconnecting
 * is not used: it cannot be ended while it waits, and each new connection has to look at the bucket anyway.
 */
export class NatsLink {
  #connection: NatsConnection | undefined
  /** Made, but not yet said to be of use. */
  #made: NatsConnection | undefined
  readonly #options: NatsLinkOptions
  readonly #events: NatsLinkEvents
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: NatsLinkOptions, events: NatsLinkEvents, clock: Clock) {
    this.#options = options
    this.#events = events
    this.#clock = clock
  }

  /** The connection in use; undefined while there is none. */
  get connection(): NatsConnection | undefined {
    return this.#connection
  }

  /** Leaves the connection and makes another: what it was to serve is not there any more. */
  renew(): void {
    void this.#connection?.close()
  }

  /** Connects from now on, in the background. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Leaves the connection; one that is being made is left as soon as it is there. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#made?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!this.#closing.signal.aborted) {
      const error = await this.#connectOnce(() => (pauseMs = FIRST_PAUSE_MS))
      if (this.#closing.signal.aborted) return
      this.#events.onLost(error)
      // Pods that lost one server together do not come back together.
      await delay(this.#clock, pauseMs * (0.5 + Math.random()), this.#closing.signal).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
    }
  }

  /** @returns when the connection is lost, with the reason where there is one. */
  async #connectOnce(onUsed: () => void): Promise<Error | undefined> {
    let connection: NatsConnection | undefined
    try {
      connection = await connect(connectionOptions(this.#options))
      this.#made = connection
      if (this.#closing.signal.aborted) return undefined
      await this.#events.onConnected(connection)
      this.#connection = connection
      onUsed()
      return (await connection.closed()) as Error | undefined
    } catch (error) {
      return error as Error
    } finally {
      this.#connection = undefined
      this.#made = undefined
      await connection?.close().catch(() => undefined)
    }
  }
}

function connectionOptions(options: NatsLinkOptions): NodeConnectionOptions {
  const { credentials, servers } = options
  const tls = options.tls ?? (servers.some(server => server.startsWith('tls://')) ? {} : undefined)
  return {
    name: 'weir template store',
    servers: [...servers],
    timeout: options.connectTimeoutMs,
    reconnect: false,
    pingInterval: PING_MS,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) })
  }
}

/** The client hands these to `tls.connect`, `servername` too, which its types do not know. */
function tlsOptions({ ca, cert, key, serverName }: NatsTls): NonNullable<NodeConnectionOptions['tls']> {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName })
  }
}
