import type { Socket } from 'node:net'
import type { Clock, Log } from '@weir/runtime'
import { ProxiedConnection } from './proxied-connection.ts'
import type { ProxyFault } from './proxy-header.ts'
import { readInto } from './read-into.ts'
import type { TcpConnection } from './tcp-connection.ts'
import type { TcpGate } from './tcp-gate.ts'

/** What the lobby asks of its listener. */
export interface LobbyHost {
  readonly listener: string
  readonly counters: { proxy_header: number; proxy_silent: number }
  readonly gate: TcpGate
  readonly clock: Clock
  readonly log: Log
  /** Its exporter is known. @returns its session's connection, or undefined if it may not come and has left the gate. */
  introduce(stranger: ProxiedConnection): TcpConnection | undefined
  /** @returns false to stop reading. */
  onChunk(connection: TcpConnection, chunk: Uint8Array): boolean
  onEnd(connection: TcpConnection, isReset: boolean): void
}

/** Where connections of load balancers wait until their PROXY header has come. They are let in by the gate, without a name. */
export class ProxyLobby {
  readonly strangers = new Set<ProxiedConnection>()
  readonly #host: LobbyHost

  constructor(host: LobbyHost) {
    this.#host = host
  }

  /** @param balancer - address of the load balancer. */
  enter(accepted: Socket, balancer: string): void {
    const { clock } = this.#host
    const stranger = new ProxiedConnection(balancer, accepted.remotePort ?? 0, clock.monotonicMs())
    const socket = (stranger.socket = readInto(accepted, chunk => this.#onChunk(stranger, chunk)))
    this.strangers.add(stranger)
    socket.on('end', () => this.#onEnd(stranger, false))
    socket.on('error', () => this.#onEnd(stranger, true))
    socket.on('close', () => this.#onEnd(stranger, false))
    socket.resume()
  }

  /** L-07: the header counts as the beginning of the first Message. */
  sweep(nowMs: number, firstHeaderMs: number): void {
    for (const stranger of this.strangers) {
      if (nowMs - stranger.openedMs < firstHeaderMs) continue
      if (stranger.header.isWhole) this.#leave(stranger, 'proxy_silent')
      else this.#refuse(stranger, 'PROXY_TIMEOUT')
      stranger.socket.resetAndDestroy()
    }
  }

  closeAll(): void {
    for (const stranger of this.strangers) {
      this.#leave(stranger, 'proxy_silent')
      stranger.socket.destroy()
    }
  }

  #onChunk(stranger: ProxiedConnection, chunk: Uint8Array): boolean {
    const known = stranger.connection
    if (known !== undefined) return this.#host.onChunk(known, chunk)
    if (!this.strangers.has(stranger)) return false
    const rest = stranger.read(chunk)
    const { fault } = stranger.header
    if (fault !== undefined) this.#refuse(stranger, fault)
    else if (rest === undefined) return true
    else {
      this.strangers.delete(stranger)
      stranger.connection = this.#host.introduce(stranger)
      if (stranger.connection !== undefined) return this.#host.onChunk(stranger.connection, rest)
    }
    stranger.socket.resetAndDestroy()
    return false
  }

  #onEnd(stranger: ProxiedConnection, isReset: boolean): void {
    const { connection, header } = stranger
    if (connection !== undefined) this.#host.onEnd(connection, isReset)
    else if (header.octets > 0 && !header.isWhole) this.#refuse(stranger, 'PROXY_CUT')
    else this.#leave(stranger, 'proxy_silent')
  }

  /** Once for each that ends before it is known. */
  #leave(stranger: ProxiedConnection, reason: 'proxy_header' | 'proxy_silent'): boolean {
    if (!this.strangers.delete(stranger)) return false
    this.#host.counters[reason]++
    this.#host.gate.leave(undefined)
    return true
  }

  #refuse(stranger: ProxiedConnection, fault: ProxyFault | 'PROXY_TIMEOUT' | 'PROXY_CUT'): void {
    if (!this.#leave(stranger, 'proxy_header')) return
    const { log, listener } = this.#host
    const advice = fault === 'PROXY_SIGNATURE' ? ': switch it on there, or take the address off proxyProtocol.from' : ''
    log.warn('proxy_header', `a load balancer's connection did not begin with a right PROXY header${advice}`, {
      via: stranger.balancer,
      listener,
      fault
    })
  }
}
