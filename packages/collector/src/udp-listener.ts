import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { listenError, type Log } from '@weir/runtime'
import { dropsOf, socketInode, type SocketIdentity } from './kernel-drops.ts'
import type { RecvmmsgReader } from './recvmmsg.ts'
import type { DatagramSink } from './udp-intake.ts'

export interface UdpListenerConfig {
  readonly name: string
  readonly address: string
  /** 0 = any free port. */
  readonly port: number
  /** Receive buffer to ask for (L-64). */
  readonly receiveBufferOctets: number
}

export interface UdpListenerDeps {
  readonly sink: DatagramSink
  /** Present: read by recvmmsg; absent: by dgram alone. */
  readonly reader: RecvmmsgReader | undefined
  readonly log: Log
}

const MAX_DATAGRAM_OCTETS = 65_536

/** One UDP socket. `::` takes IPv4 too. */
export class UdpListener {
  readonly config: UdpListenerConfig
  /** Port in use, 0 before start. */
  port = 0
  receiveBufferAsked = 0
  /** What the kernel gives, as SO_RCVBUF reports it: twice what can be used. */
  receiveBufferGranted = 0
  /** Datagrams that the kernel dropped at this socket. */
  kernelDrops = 0
  readonly #deps: UdpListenerDeps
  readonly #octets = new Uint8Array(MAX_DATAGRAM_OCTETS)
  readonly #view = new DataView(this.#octets.buffer)
  #socket: Socket | undefined
  #fd = -1
  #identity: SocketIdentity = { inode: undefined, port: 0 }
  #arrivals = 0

  constructor(config: UdpListenerConfig, deps: UdpListenerDeps) {
    this.config = config
    this.#deps = deps
  }

  get socketKind(): 'recvmmsg' | 'dgram' {
    return this.#deps.reader !== undefined && this.#fd >= 0 ? 'recvmmsg' : 'dgram'
  }

  /** Counts up with each turn in which something came: to see silence. */
  get arrivals(): number {
    return this.#arrivals
  }

  /** Binds; rejects with one sentence that says what to do. */
  async start(): Promise<void> {
    const { name, address, port, receiveBufferOctets } = this.config
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' })
    this.#socket = socket
    await new Promise<void>((resolve, reject) => {
      socket.once('error', error => {
        socket.close()
        this.#socket = undefined
        reject(
          listenError(error, `UDP listener ${name}`, isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`)
        )
      })
      socket.bind({ address, port, exclusive: true }, resolve)
    })
    socket.removeAllListeners('error')
    socket.on('error', error => this.#deps.log.error('udp_socket', 'a UDP socket failed', { listener: name, error }))
    this.port = socket.address().port
    this.#askBuffer(socket, receiveBufferOctets)
    this.#fd = fdOf(socket)
    this.#identity = { inode: socketInode(this.#fd), port: this.port }
    socket.on('message', this.socketKind === 'recvmmsg' ? this.#onMany : this.#onOne)
  }

  /** @param tables - text of /proc/net/udp and udp6. */
  readKernelDrops(tables: string): void {
    if (this.#socket === undefined) return
    this.kernelDrops = Math.max(this.kernelDrops, dropsOf(tables, this.#identity) ?? 0)
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    this.#fd = -1
    await new Promise<void>(resolve => socket.close(resolve))
  }

  #askBuffer(socket: Socket, octets: number): void {
    this.receiveBufferAsked = octets
    try {
      socket.setRecvBufferSize(octets)
    } catch {
      // Not granted: what there is shows below.
    }
    this.receiveBufferGranted = socket.getRecvBufferSize()
    // Linux doubles what is asked, for its own bookkeeping.
    if (this.receiveBufferGranted >= octets * (process.platform === 'linux' ? 2 : 1)) return
    this.#deps.log.warn(
      'receive_buffer',
      'the kernel grants a smaller receive buffer than asked: bursts will be dropped sooner; raise net.core.rmem_max',
      { listener: this.config.name, askedOctets: octets, grantedOctets: this.receiveBufferGranted }
    )
  }

  readonly #onOne = (message: Buffer, { address, port }: { address: string; port: number }): void => {
    this.#arrivals++
    // Copied to a place that stays: one long-lived view, and the decoder sees one kind of array only.
    this.#octets.set(message)
    this.#deps.sink.fromText(address, port, this.#octets, this.#view, 0, message.length)
  }

  /** The first datagram of a turn came by dgram; the others are fetched together. */
  readonly #onMany = (message: Buffer, source: { address: string; port: number }): void => {
    this.#onOne(message, source)
    if (this.#fd >= 0) this.#deps.reader!.drain(this.#fd, this.#deps.sink)
  }
}

/** The file descriptor of a dgram socket, which has no public name; -1 if it is not found. */
function fdOf(socket: Socket): number {
  const key = Object.getOwnPropertySymbols(socket).find(symbol => symbol.description === 'state symbol')
  if (key === undefined) return -1
  const state = (socket as unknown as Record<symbol, { handle?: { fd?: unknown } } | undefined>)[key]
  const fd = state?.handle?.fd
  return typeof fd === 'number' ? fd : -1
}
