import type { Socket } from 'node:net'
import { ProxyHeaderReader } from './proxy-header.ts'
import type { TcpConnection } from './tcp-connection.ts'

/** A connection from a load balancer: first a PROXY header, then what the exporter says. */
export class ProxiedConnection {
  readonly header = new ProxyHeaderReader()
  /** The balancer's own address and port. */
  readonly balancer: string
  readonly port: number
  /** Monotonic. */
  readonly openedMs: number
  /** Set before anything is read. */
  socket!: Socket
  /** The session of the exporter, once it is known. */
  connection: TcpConnection | undefined

  constructor(balancer: string, port: number, openedMs: number) {
    this.balancer = balancer
    this.port = port
    this.openedMs = openedMs
  }

  /**
   * Take what came before the exporter is known.
   *
   * @returns what follows the header and is the exporter's own, once the exporter is known; undefined before, and after a
   *   fault. A connection that is the balancer's own (a health check) is known when it says more than the header.
   */
  read(chunk: Uint8Array): Uint8Array | undefined {
    const { header } = this
    const taken = header.isWhole ? 0 : header.push(chunk)
    if (!header.isWhole) return undefined
    const rest = chunk.subarray(taken)
    return header.source === undefined && rest.length === 0 ? undefined : rest
  }
}
