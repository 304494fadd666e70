import { createServer, Socket, type AddressInfo, type Server } from 'node:net'
import { listenError, type Clock, type Log } from '@weir/runtime'
import { bindAddress, endpointText } from './bind-address.ts'
import type { AllowList } from './allow-list.ts'
import type { ExporterTable } from './exporter.ts'
import type { Forwarder } from './forwarder.ts'
import type { Intake } from './intake.ts'
import type { Ledger } from './ledger.ts'
import { parsePeerAddress } from './peer-address.ts'
import type { SessionTable } from './session-table.ts'
import { TcpConnection, type CloseReason } from './tcp-connection.ts'
import type { TcpGate } from './tcp-gate.ts'

export interface TcpListenerConfig {
  readonly name: string
  readonly address: string
  /** 0 = any free port. */
  readonly port: number
}

/** L-07, L-08. */
export interface TcpLimits {
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
  not_allowed: number
  /** Over L-05 or L-06. */
  limit: number
  /** Octets of Messages that ended with their connection. */
  partialOctets: number
}

const KEEPALIVE_MS = 60_000
const READ_OCTETS = 262_144
/** All connections read into this one place: what was read is worked off before the next read. */
let sharedBuffer: Uint8Array | undefined

/** One TCP listener and its connections. `::` takes IPv4 too. */
export class TcpListener {
  readonly config: TcpListenerConfig
  port = 0
  readonly counters: TcpCounters = {
    accepted: 0,
    not_allowed: 0,
    limit: 0,
    partialOctets: 0,
    peer: 0,
    abnormal: 0,
    framing: 0,
    malformed: 0,
    timeout_header: 0,
    timeout_partial: 0,
    shutdown: 0
  }
  readonly connections = new Set<TcpConnection>()
  /** Counts up with each read: to see silence. */
  arrivals = 0
  readonly #limits: TcpLimits
  readonly #deps: TcpListenerDeps
  #server: Server | undefined
  #serial = 0
  #isBlocked = false

  constructor(config: TcpListenerConfig, limits: TcpLimits, deps: TcpListenerDeps) {
    this.config = config
    this.#limits = limits
    this.#deps = deps
  }

  /** Listens; rejects with one sentence that says what to do. */
  async start(): Promise<void> {
    const { name, address } = this.config
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
    const { name, port } = this.config
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
  get isHeld(): boolean {
    for (const connection of this.connections) if (connection.isPaused) return true
    return false
  }

  /** No more connections; those that are there go on. */
  stopAccepting(): void {
    this.#server?.close()
    this.#server = undefined
  }

  /** Close all connections: what was read is kept. */
  closeAll(): void {
    for (const connection of this.connections) {
      connection.socket.end()
      this.#end(connection, 'shutdown')
      connection.socket.destroy()
    }
  }

  /** The link has room again. */
  resume(): void {
    this.#isBlocked = false
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
  }

  #onConnection(accepted: Socket): void {
    const { allow, log, gate } = this.#deps
    const address = parsePeerAddress(accepted.remoteAddress ?? '')
    // Gone before it was accepted.
    if (accepted.remoteAddress === undefined) return void accepted.destroy()
    accepted.on('error', () => {})
    if (!allow.allows(address.text)) {
      this.counters.not_allowed++
      log.warn('not_allowed', 'a connection came from an address that is not on the allow list', {
        exporter: address.text
      })
      return void accepted.resetAndDestroy()
    }
    gate.enter(
      address.text,
      () => this.#open(accepted, address.text),
      () => {
        this.counters.limit++
        log.warn('connection_limit', 'a connection was refused by a limit', { exporter: address.text })
        accepted.resetAndDestroy()
      }
    )
  }

  /** @returns false if the peer has gone while it waited. */
  #open(accepted: Socket, addressText: string): boolean {
    const { sessions, exporters, clock, intake, ledger, runId } = this.#deps
    if (accepted.destroyed || this.#server === undefined) {
      accepted.destroy()
      return false
    }
    const nowMs = clock.monotonicMs()
    const nowAtMs = clock.nowMs()
    const exporter = exporters.candidate(parsePeerAddress(addressText), nowAtMs)
    const port = accepted.remotePort ?? 0
    const id = `${runId}-${++this.#serial}`
    const session = sessions.openTcp(this.config.name, exporter, port, id, nowMs, nowAtMs)
    const deps = { intake, ledger, nowMs: () => clock.monotonicMs(), nowAtMs: () => clock.nowMs() }
    let connection: TcpConnection | undefined
    const socket = readInto(accepted, chunk => this.#onChunk(connection!, chunk))
    connection = new TcpConnection(socket, session, this.#limits.tcpMalformedMessages, deps)
    this.counters.accepted++
    this.connections.add(connection)
    const known = connection
    socket.on('end', () => this.#onEnd(known))
    socket.on('error', () => this.#end(known, 'abnormal'))
    socket.on('close', () => this.#onEnd(known))
    if (this.#deps.forwarder.isWritable) socket.resume()
    else connection.isPaused = true
    return true
  }

  /** @returns false to stop reading. */
  #onChunk(connection: TcpConnection, chunk: Uint8Array): boolean {
    if (!this.connections.has(connection)) return false
    this.arrivals++
    const reason = connection.read(chunk)
    if (reason !== undefined) {
      const { exporter } = connection.session
      this.#deps.log.warn('connection_closed', 'a TCP session was closed for what it sent', {
        exporter: exporter.id,
        listener: this.config.name,
        reason,
        fault: connection.fault
      })
      this.#end(connection, reason)
      connection.socket.destroy()
      return false
    }
    if (this.#deps.forwarder.isWritable) return true
    this.#pauseAll()
    return false
  }

  /** All at once: one more chunk of each would be many batches beyond the link's window. */
  #pauseAll(): void {
    if (this.#isBlocked) return
    this.#isBlocked = true
    for (const connection of this.connections) {
      connection.isPaused = true
      connection.socket.pause()
    }
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
        listener: this.config.name,
        partialOctets: connection.partialOctets
      })
    }
    gate.leave(connection.session.exporter.id)
    sessions.close(connection.session, true)
  }
}

/**
 * Read a connection into one buffer that is used again and again, instead of a new one for each read. Accepted sockets
 * cannot be told so by a public way; where the way round fails, ordinary `data` events serve.
 *
 * @param onChunk - gets what was read, valid during the call; returns false to stop reading until `resume()`.
 */
function readInto(accepted: Socket, onChunk: (chunk: Uint8Array) => boolean): Socket {
  const holder = accepted as unknown as { _handle: object | null }
  const handle = holder._handle
  if (handle === null || typeof handle !== 'object') return readEvents(accepted, onChunk)
  sharedBuffer ??= new Uint8Array(READ_OCTETS)
  const buffer = sharedBuffer
  const onread = { buffer, callback: (count: number) => onChunk(buffer.subarray(0, count)) }
  const socket = new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0])
  holder._handle = null
  accepted.destroy()
  return socket
}

function readEvents(accepted: Socket, onChunk: (chunk: Uint8Array) => boolean): Socket {
  accepted.on('data', (chunk: Buffer) => {
    // Not a Buffer, whose slice would alias.
    if (!onChunk(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))) accepted.pause()
  })
  return accepted
}
