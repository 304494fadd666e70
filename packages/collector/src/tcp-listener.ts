import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { listenError, type Clock, type Log } from '@weir/runtime'
import { bindAddress, endpointText } from './bind-address.ts'
import { AllowList } from './allow-list.ts'
import type { ExporterTable } from './exporter.ts'
import type { Forwarder } from './forwarder.ts'
import type { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import { parsePeerAddress, type PeerAddress } from './peer-address.ts'
import type { ProxiedConnection } from './proxied-connection.ts'
import { looksLikeProxyHeader } from './proxy-header.ts'
import { ProxyLobby } from './proxy-lobby.ts'
import { readInto } from './read-into.ts'
import type { SessionTable } from './session-table.ts'
import { TcpConnection, type CloseReason } from './tcp-connection.ts'
import type { TcpGate } from './tcp-gate.ts'

export interface TcpListenerConfig {
  readonly name: string
  readonly address: string
  /** 0 = any free port. */
  readonly port: number
  /** Who has to send PROXY headers: CIDR blocks; null for nobody. */
  readonly proxyProtocol: { readonly from: readonly string[] } | null
}

/** L-05, L-07, L-08. */
export interface TcpLimits {
  readonly tcpConnections: number
  readonly tcpFirstHeaderMs: number
  readonly tcpPartialMessageMs: number
  readonly tcpMalformedMessages: number
}

export interface TcpListenerDeps {
  readonly intake: Intake
  readonly sessions: SessionTable
  readonly exporters: ExporterTable
  readonly forwarder: Forwarder
  readonly allow: AllowList
  readonly ledger: Ledger
  /** Shared by all TCP listeners: L-05, L-06. */
  readonly gate: TcpGate
  readonly clock: Clock
  readonly log: Log
  /** Unique in every run: part of the scope under which a connection's templates are shown (D7). */
  readonly runId: string
}

/** How connections ended, and those that were refused. */
export type TcpCounters = Record<CloseReason, number> & {
  accepted: number
  /** Over L-05 or L-06. */
  limit: number
  /** From a balancer, without a PROXY header that is whole and right. */
  proxy_header: number
  /** From a balancer, and ended before an exporter was named or a Message began: a health check. */
  proxy_silent: number
  /** Octets of Messages that ended with their connection. */
  partialOctets: number
}

const KEEPALIVE_MS = 60_000

const noTcpCounts = (): TcpCounters => ({
  accepted: 0,
  not_allowed: 0,
  limit: 0,
  proxy_header: 0,
  proxy_silent: 0,
  partialOctets: 0,
  peer: 0,
  abnormal: 0,
  framing: 0,
  malformed: 0,
  timeout_header: 0,
  timeout_partial: 0,
  shutdown: 0
})

/** One TCP listener and its connections. `::` takes IPv4 too. It may stop accepting, and be started again. */
export class TcpListener {
  #config: TcpListenerConfig
  port = 0
  readonly counters: TcpCounters
  readonly connections = new Set<TcpConnection>()
  /** Connections of balancers whose exporter is not known yet. */
  readonly lobby: ProxyLobby
  /** Counts up with each read: to see silence. */
  arrivals = 0
  /** Octets read, PROXY headers left out. */
  octets = 0
  readonly #limits: TcpLimits
  readonly #deps: TcpListenerDeps
  #balancers: AllowList | undefined
  #server: Server | undefined
  #serial = 0
  #isBlocked = false
  #isHeld = false
  /** Came while nothing is to be read: nothing is known of them yet. */
  readonly #door = new Set<Socket>()

  /**
   * @param limits - read anew whenever they are asked about.
   * @param counters - those of the listener that this one stands for from now on.
   */
  constructor(config: TcpListenerConfig, limits: TcpLimits, deps: TcpListenerDeps, counters = noTcpCounts()) {
    this.#config = config
    this.#limits = limits
    this.#deps = deps
    this.counters = counters
    this.#balancers = balancersOf(config)
    this.lobby = new ProxyLobby({
      listener: config.name,
      counters: this.counters,
      gate: deps.gate,
      clock: deps.clock,
      log: deps.log,
      introduce: stranger => this.#introduce(stranger),
      onChunk: (connection, chunk) => this.#onChunk(connection, chunk),
      onEnd: (connection, isReset) => (isReset ? this.#end(connection, 'abnormal') : this.#onEnd(connection))
    })
  }

  get config(): TcpListenerConfig {
    return this.#config
  }

  get isOpen(): boolean {
    return this.#server !== undefined
  }

  /** Nothing is read, by an operator's wish; connections that come wait unread. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /**
   * Listens; rejects with one sentence that says what to do.
   *
   * @param isHeld - do not read before {@link release}.
   */
  async start(isHeld = false): Promise<void> {
    this.#isHeld = isHeld
    const { name, address } = this.#config
    const { log } = this.#deps
    await bindAddress(
      address,
      local => this.#listen(local),
      () => log.warn('no_ipv6', 'this machine has no IPv6: 0.0.0.0 is bound instead of ::', { listener: name })
    )
    const server = this.#server!
    server.on('error', error => log.error('tcp_listener', 'a TCP listener failed', { listener: name, error }))
    this.port = (server.address() as AddressInfo).port
  }

  async #listen(address: string): Promise<void> {
    const { name, port } = this.#config
    const server = createServer(
      { pauseOnConnect: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS, noDelay: true },
      socket => this.#onConnection(socket)
    )
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(listenError(error, `TCP listener ${name}`, endpointText(address, port))))
      server.listen({ host: address, port, exclusive: true }, resolve)
    })
    server.removeAllListeners('error')
    this.#server = server
  }

  /** Some connection is not read because the link has no room. */
  get isBlocked(): boolean {
    for (const connection of this.connections) if (connection.isPaused) return true
    return false
  }

  /** Read no more until {@link release}: the peers find that out by themselves (RFC 9293 §3.8.6). */
  hold(): void {
    this.#isHeld = true
    for (const connection of this.connections) this.#pause(connection)
  }

  /** Read again; those that came meanwhile come in. */
  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    const waiting = [...this.#door]
    this.#door.clear()
    for (const accepted of waiting) if (!accepted.destroyed) this.#admit(accepted)
    if (this.#deps.forwarder.isWritable) this.resume()
  }

  /** Take what can be changed without another socket. @param config - of the same address and port. */
  retune(config: TcpListenerConfig): void {
    this.#config = config
    this.#balancers = balancersOf(config)
  }

  /** No more connections; those that are there go on, and those that nothing was read of are reset. */
  stopAccepting(): void {
    this.#server?.close()
    this.#server = undefined
    for (const accepted of this.#door) accepted.resetAndDestroy()
    this.#door.clear()
  }

  /** Tell all peers that nothing more is wanted; what they have sent is still read (RFC 7011 §10.4.4). */
  askToEnd(): void {
    this.release()
    for (const { socket } of this.connections) socket.end()
    this.lobby.closeAll()
  }

  /** Close all connections: what was read is kept. */
  closeAll(): void {
    for (const connection of this.connections) {
      connection.socket.end()
      this.#end(connection, 'shutdown')
      connection.socket.destroy()
    }
    this.lobby.closeAll()
  }

  /** Close the connections of exporters that may not send any more. */
  closeRefused(): void {
    for (const connection of this.connections) {
      if (this.#deps.allow.allows(connection.session.exporter.id)) continue
      this.#end(connection, 'not_allowed')
      connection.socket.destroy()
    }
  }

  /** The link has room again. */
  resume(): void {
    this.#isBlocked = false
    if (this.#isHeld) return
    for (const connection of this.connections) {
      if (!this.#deps.forwarder.isWritable) return
      if (!connection.isPaused) continue
      connection.isPaused = false
      connection.socket.resume()
    }
  }

  /** L-07: reset what began something and does not go on. */
  sweep(nowMs: number): void {
    for (const connection of this.connections) {
      const reason = connection.timeout(nowMs, this.#limits.tcpFirstHeaderMs, this.#limits.tcpPartialMessageMs)
      if (reason === undefined) continue
      if (reason === 'timeout_partial') {
        this.#deps.ledger.messages.received++
        this.#deps.ledger.messages.dropped.timeout_partial++
      }
      this.#end(connection, reason)
      connection.socket.resetAndDestroy()
    }
    this.lobby.sweep(nowMs, this.#limits.tcpFirstHeaderMs)
  }

  #onConnection(accepted: Socket): void {
    // Gone before it was accepted.
    if (accepted.remoteAddress === undefined) return void accepted.destroy()
    accepted.on('error', () => {})
    if (!this.#isHeld) return this.#admit(accepted)
    const address = parsePeerAddress(accepted.remoteAddress).text
    // Who may not come in takes no place at the door either.
    if (this.#balancers?.allows(address) !== true && !this.#mayCome(address)) return void accepted.resetAndDestroy()
    // How many may wait is L-05, as for those that are in.
    if (this.#door.size + this.#deps.gate.count >= this.#limits.tcpConnections) {
      this.#noteLimit(address)
      return void accepted.resetAndDestroy()
    }
    this.#door.add(accepted)
    accepted.once('close', () => this.#door.delete(accepted))
  }

  #admit(accepted: Socket): void {
    const { gate } = this.#deps
    const address = parsePeerAddress(accepted.remoteAddress ?? '')
    if (accepted.remoteAddress === undefined) return void accepted.destroy()
    const refuse = (): void => {
      this.#noteLimit(address.text)
      accepted.resetAndDestroy()
    }
    // Whether the exporter behind a balancer may send, and how often, is asked when it is known.
    if (this.#balancers?.allows(address.text) === true) {
      gate.enter(
        undefined,
        () => {
          if (!this.#isThere(accepted)) return false
          this.lobby.enter(accepted, address.text)
          return true
        },
        refuse
      )
    } else if (this.#mayCome(address.text)) {
      gate.enter(address.text, () => this.#open(accepted, address), refuse)
    } else {
      accepted.resetAndDestroy()
    }
  }

  #mayCome(addressText: string, balancer?: string): boolean {
    const { allow, log } = this.#deps
    if (allow.allows(addressText)) return true
    this.counters.not_allowed++
    log.warn('not_allowed', 'a connection came from an address that is not on the allow list', {
      exporter: addressText,
      ...(balancer === undefined ? {} : { via: balancer })
    })
    return false
  }

  #noteLimit(addressText: string): void {
    this.counters.limit++
    this.#deps.log.warn('connection_limit', 'a connection was refused by a limit', { exporter: addressText })
  }

  /** Whether it is still of use: a peer may have gone while it waited. */
  #isThere(accepted: Socket): boolean {
    if (!accepted.destroyed && this.#server !== undefined) return true
    accepted.destroy()
    return false
  }

  /** @returns false if the peer has gone while it waited. */
  #open(accepted: Socket, address: PeerAddress): boolean {
    if (!this.#isThere(accepted)) return false
    let connection: TcpConnection | undefined
    const port = accepted.remotePort ?? 0
    const socket = readInto(accepted, chunk => this.#onChunk(connection!, chunk))
    const known = (connection = this.#begin(socket, address, port, undefined))
    socket.on('end', () => this.#onEnd(known))
    socket.on('error', () => this.#end(known, 'abnormal'))
    socket.on('close', () => this.#onEnd(known))
    if (this.#deps.forwarder.isWritable && !this.#isHeld) socket.resume()
    else connection.isPaused = true
    return true
  }

  /** A session for a connection whose exporter is known. */
  #begin(socket: Socket, address: PeerAddress, port: number, stranger: ProxiedConnection | undefined): TcpConnection {
    const { sessions, exporters, clock, intake, ledger, runId } = this.#deps
    const nowMs = clock.monotonicMs()
    const nowAtMs = clock.nowMs()
    const exporter = exporters.candidate(address, nowAtMs)
    const id = `${runId}-${++this.#serial}`
    const session = sessions.openTcp(this.#config.name, exporter, port, id, nowMs, nowAtMs, stranger?.balancer)
    const deps = { intake, ledger, nowMs: () => clock.monotonicMs(), nowAtMs: () => clock.nowMs() }
    const { tcpMalformedMessages } = this.#limits
    const connection = new TcpConnection(socket, session, tcpMalformedMessages, deps, stranger?.openedMs)
    this.counters.accepted++
    this.connections.add(connection)
    return connection
  }

  /** It is known who speaks: what holds for any exporter holds for this one. @returns undefined if it may not. */
  #introduce(stranger: ProxiedConnection): TcpConnection | undefined {
    const { gate } = this.#deps
    const { source } = stranger.header
    const address = source?.address ?? parsePeerAddress(stranger.balancer)
    if (!this.#mayCome(address.text, stranger.balancer)) {
      gate.leave(undefined)
      return undefined
    }
    if (!gate.name(address.text)) {
      this.#noteLimit(address.text)
      gate.leave(undefined)
      return undefined
    }
    return this.#begin(stranger.socket, address, source?.port ?? stranger.port, stranger)
  }

  /** @returns false to stop reading. */
  #onChunk(connection: TcpConnection, chunk: Uint8Array): boolean {
    if (!this.connections.has(connection)) return false
    this.arrivals++
    this.octets += chunk.length
    const reason = connection.read(chunk)
    if (reason !== undefined) {
      const { exporter, messages } = connection.session
      const isProxy = reason === 'framing' && messages === 0 && looksLikeProxyHeader(chunk)
      const hint = isProxy ? ': a PROXY header; if this is a load balancer, add it to proxyProtocol.from' : ''
      this.#deps.log.warn('connection_closed', `a TCP session was closed for what it sent${hint}`, {
        exporter: exporter.id,
        listener: this.#config.name,
        reason,
        fault: connection.fault
      })
      this.#end(connection, reason)
      connection.socket.destroy()
      return false
    }
    const isWritable = this.#deps.forwarder.isWritable
    if (isWritable && !this.#isHeld) return true
    if (!isWritable) this.#pauseAll()
    this.#pause(connection)
    return false
  }

  /** All at once: one more chunk of each would be many batches beyond the link's window. */
  #pauseAll(): void {
    if (this.#isBlocked) return
    this.#isBlocked = true
    for (const connection of this.connections) this.#pause(connection)
  }

  #pause(connection: TcpConnection): void {
    if (connection.isPaused) return
    connection.isPaused = true
    connection.socket.pause()
  }

  #onEnd(connection: TcpConnection): void {
    this.#end(connection, connection.partialOctets > 0 ? 'abnormal' : 'peer')
  }

  /** Once for each connection: its templates end with it (RFC 7011 §8.1). */
  #end(connection: TcpConnection, reason: CloseReason): void {
    if (!this.connections.delete(connection)) return
    this.counters[reason]++
    this.counters.partialOctets += connection.partialOctets
    const { sessions, gate, log } = this.#deps
    if (reason === 'abnormal') {
      log.warn('session_abnormal', 'a TCP session ended within a Message, or was reset', {
        exporter: connection.session.exporter.id,
        listener: this.#config.name,
        partialOctets: connection.partialOctets
      })
    }
    gate.leave(connection.session.exporter.id)
    sessions.close(connection.session, true)
  }
}

const balancersOf = ({ proxyProtocol }: TcpListenerConfig): AllowList | undefined =>
  proxyProtocol === null ? undefined : new AllowList(proxyProtocol.from, false)
