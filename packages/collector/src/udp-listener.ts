import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { listenError, type Log } from '@weir/runtime'
import { bindAddress, endpointText } from './bind-address.ts'
import { dropsOf, readUdpTables, socketInode, type SocketIdentity } from './kernel-drops.ts'
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
/** Datagrams at once from which on the socket is asked every {@link POLL_MS} instead of asking us. */
const POLL_FROM = 8
const POLL_MS = 1
/** Over so long it is judged whether {@link POLL_FROM} came in a millisecond. */
const POLL_WINDOW_MS = 10
/** Datagrams that libuv reads of one socket before it looks at others. */
const TURN_DATAGRAMS = 32
/** A smaller receive buffer does not bridge some milliseconds at a high rate. */
const POLL_BUFFER_OCTETS = 1_048_576

/** One UDP socket. `::` takes IPv4 too. */
export class UdpListener {
  readonly config: UdpListenerConfig
  /** Port in use, 0 before start. */
  port = 0
  /** Octets that were asked of the kernel. */
  receiveBufferAsked = 0
  /** Octets that the kernel gives, in the unit in which they are asked. */
  receiveBufferGranted = 0
  /** Datagrams that the kernel dropped at this socket. */
  kernelDrops = 0
  readonly #deps: UdpListenerDeps
  readonly #octets = new Uint8Array(MAX_DATAGRAM_OCTETS)
  readonly #view = new DataView(this.#octets.buffer)
  #socket: Socket | undefined
  #fd = -1
  #handle: DatagramHandle | undefined
  #isPolling = false
  #turnDatagrams = 0
  #pollSinceMs = 0
  #pollDatagrams = 0
  #timer: NodeJS.Timeout | undefined
  #identity: SocketIdentity = { inode: undefined, port: 0 }
  #arrivals = 0

  constructor(config: UdpListenerConfig, deps: UdpListenerDeps) {
    this.config = config
    this.#deps = deps
  }

  get socketKind(): 'recvmmsg' | 'dgram' {
    return this.#deps.reader !== undefined && this.#fd >= 0 ? 'recvmmsg' : 'dgram'
  }

  /** So much comes that the socket is asked every millisecond. */
  get isPolling(): boolean {
    return this.#isPolling
  }

  /** Counts up with each turn in which something came: to see silence. */
  get arrivals(): number {
    return this.#arrivals
  }

  /** Binds; rejects with one sentence that says what to do. */
  async start(): Promise<void> {
    const { name, address, receiveBufferOctets } = this.config
    await bindAddress(
      address,
      local => this.#bind(local),
      () =>
        this.#deps.log.warn('no_ipv6', 'this machine has no IPv6: 0.0.0.0 is bound instead of ::', { listener: name })
    )
    const socket = this.#socket!
    socket.on('error', error => this.#deps.log.error('udp_socket', 'a UDP socket failed', { listener: name, error }))
    this.port = socket.address().port
    this.#askBuffer(socket, receiveBufferOctets)
    this.#handle = handleOf(socket)
    this.#fd = this.#handle?.fd ?? -1
    this.#identity = { inode: socketInode(this.#fd), port: this.port }
    socket.on('message', this.socketKind === 'recvmmsg' ? this.#onMany : this.#onSingle)
  }

  async #bind(address: string): Promise<void> {
    const { name, port } = this.config
    const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', error => {
        socket.close()
        reject(listenError(error, `UDP listener ${name}`, endpointText(address, port)))
      })
      socket.bind({ address, port, exclusive: true }, resolve)
    })
    socket.removeAllListeners('error')
    this.#socket = socket
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
    this.kernelDrops = Math.max(this.kernelDrops, dropsOf(readUdpTables(), this.#identity) ?? 0)
    this.#fd = -1
    clearTimeout(this.#timer)
    await new Promise<void>(resolve => socket.close(resolve))
  }

  #askBuffer(socket: Socket, octets: number): void {
    this.receiveBufferAsked = octets
    try {
      socket.setRecvBufferSize(octets)
    } catch {
      // Not granted: what there is shows below.
    }
    // Linux reports twice what was asked: the other half is for its own bookkeeping (socket(7), SO_RCVBUF).
    this.receiveBufferGranted = socket.getRecvBufferSize() / (process.platform === 'linux' ? 2 : 1)
    if (this.receiveBufferGranted >= octets) return
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
    this.#deps.sink.begin()
    this.#deps.sink.fromText(address, port, this.#octets, this.#view, 0, message.length)
  }

  /**
   * By dgram alone. libuv reads at most {@link TURN_DATAGRAMS} in a turn of the event loop; the turn's end says whether there
   * was more than a few, and whether the socket is empty.
   */
  readonly #onSingle = (message: Buffer, source: { address: string; port: number }): void => {
    this.#onOne(message, source)
    if (this.#turnDatagrams++ === 0 && this.#isPollable) setImmediate(this.#endTurn)
  }

  readonly #endTurn = (): void => {
    const read = this.#turnDatagrams
    this.#turnDatagrams = 0
    this.#pollDatagrams += read
    // The socket still holds some: the next turn brings them.
    if (this.#fd < 0 || read >= TURN_DATAGRAMS) return
    const nowMs = performance.now()
    const isBusy = this.#pollDatagrams >= POLL_FROM * (nowMs - this.#pollSinceMs)
    if (isBusy) this.#rest(this.#wake)
    if (isBusy || nowMs - this.#pollSinceMs > POLL_WINDOW_MS) {
      this.#pollSinceMs = nowMs
      this.#pollDatagrams = 0
    }
  }

  readonly #wake = (): void => {
    if (this.#fd < 0) return
    this.#isPolling = false
    this.#handle!.recvStart()
  }

  /**
   * The first datagram of a turn came by dgram; the others are fetched together. While many come, the event loop is not
   * told of each: they are fetched every millisecond, which costs the less the more there are.
   */
  readonly #onMany = (message: Buffer, source: { address: string; port: number }): void => {
    this.#onOne(message, source)
    if (this.#fd < 0) return
    const fetched = this.#deps.reader!.drain(this.#fd, this.#deps.sink)
    if (fetched >= POLL_FROM && this.#isPollable) this.#rest(this.#poll)
  }

  readonly #poll = (): void => {
    if (this.#fd < 0) return
    const fetched = this.#deps.reader!.drain(this.#fd, this.#deps.sink)
    if (fetched > 0) this.#arrivals++
    if (fetched >= POLL_FROM) this.#timer!.refresh()
    else this.#wake()
  }

  get #isPollable(): boolean {
    return this.#handle !== undefined && this.receiveBufferGranted >= POLL_BUFFER_OCTETS
  }

  /** Do not listen to the socket for a moment, so that datagrams gather. */
  #rest(then: () => void): void {
    if (this.#isPolling) return
    this.#isPolling = true
    this.#handle!.recvStop()
    this.#timer = setTimeout(then, POLL_MS)
  }
}

/** What is used of dgram's own handle, which has no public name. */
interface DatagramHandle {
  readonly fd: number
  recvStart(): void
  recvStop(): void
}

/** @returns undefined where dgram is made in another way; then it reads its socket itself. */
function handleOf(socket: Socket): DatagramHandle | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(symbol => symbol.description === 'state symbol')
  if (key === undefined) return undefined
  const state = (socket as unknown as Record<symbol, { handle?: Partial<DatagramHandle> } | undefined>)[key]
  const handle = state?.handle
  const isUsable =
    typeof handle?.fd === 'number' && typeof handle.recvStart === 'function' && typeof handle.recvStop === 'function'
  return isUsable ? (handle as DatagramHandle) : undefined
}
