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

/** Of a socket that never gets empty so long is read before it is closed. */
const EMPTY_MOST_MS = 500

/** One UDP socket. `::` takes IPv4 too. It may be stopped and started again. */
export class UdpListener {
  #config: UdpListenerConfig
  /** Port in use, 0 before start. */
  port = 0
  /** Octets that were asked of the kernel. */
  receiveBufferAsked = 0
  /** Octets that the kernel gives, in the unit in which they are asked. */
  receiveBufferGranted = 0
  /** Datagrams that the kernel dropped at this socket. */
  kernelDrops = 0
  /** Of the sockets before this one. */
  #formerDrops = 0
  readonly #deps: UdpListenerDeps
  #reader: RecvmmsgReader | undefined
  #isHeld = false
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
    this.#config = config
    this.#deps = deps
    this.#reader = deps.reader
  }

  get config(): UdpListenerConfig {
    return this.#config
  }

  get socketKind(): 'recvmmsg' | 'dgram' {
    return this.#reader !== undefined && this.#fd >= 0 ? 'recvmmsg' : 'dgram'
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  /** Nothing is read: what comes waits in the kernel, which drops and counts what its buffer does not hold. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** So much comes that the socket is asked every millisecond. */
  get isPolling(): boolean {
    return this.#isPolling
  }

  /** Counts up with each turn in which something came: to see silence. */
  get arrivals(): number {
    return this.#arrivals
  }

  /**
   * Binds; rejects with one sentence that says what to do.
   *
   * @param isHeld - do not read before {@link release}.
   */
  async start(isHeld = false): Promise<void> {
    const { name, address, receiveBufferOctets } = this.#config
    this.#formerDrops = this.kernelDrops
    this.#isPolling = false
    this.#isHeld = false
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
    if (isHeld) this.hold()
  }

  /**
   * Read no more until {@link release}.
   *
   * @returns false where the socket cannot be told so.
   */
  hold(): boolean {
    if (this.#handle === undefined || this.#fd < 0) return false
    this.#isHeld = true
    this.#handle.recvStop()
    return true
  }

  /** Read again; what waits in the kernel comes first. */
  release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (this.#fd < 0) return
    clearTimeout(this.#timer)
    this.#isPolling = false
    this.#handle!.recvStart()
  }

  /**
   * Take what can be changed without another socket: its receive buffer and how it is read.
   *
   * @param config - of the same address and port.
   */
  retune(config: UdpListenerConfig, reader: RecvmmsgReader | undefined): void {
    const { receiveBufferOctets } = this.#config
    this.#config = config
    this.#reader = reader
    const socket = this.#socket
    if (socket === undefined) return
    socket.removeAllListeners('message')
    socket.on('message', this.socketKind === 'recvmmsg' ? this.#onMany : this.#onSingle)
    if (config.receiveBufferOctets !== receiveBufferOctets) this.#askBuffer(socket, config.receiveBufferOctets)
  }

  /** Read what waits in the kernel, until nothing does. To be followed by {@link stop} at once. */
  async readEmpty(): Promise<void> {
    this.release()
    const endMs = performance.now() + EMPTY_MOST_MS
    let isEmpty = false
    while (!isEmpty && this.#fd >= 0 && performance.now() < endMs) {
      if (this.#reader !== undefined) {
        const fetched = this.#reader.drain(this.#fd, this.#deps.sink)
        if (fetched > 0) this.#arrivals++
        isEmpty = fetched === 0
        if (!isEmpty) await turn()
        continue
      }
      if (this.#isPolling) this.#wake()
      const before = this.#arrivals
      await turn()
      await turn()
      isEmpty = this.#arrivals === before
    }
  }

  async #bind(address: string): Promise<void> {
    const { name, port } = this.#config
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
    this.#countDrops(tables)
  }

  #countDrops(tables: string): void {
    this.kernelDrops = Math.max(this.kernelDrops, this.#formerDrops + (dropsOf(tables, this.#identity) ?? 0))
  }

  /** What the kernel dropped at another socket, which this one stands for from now on, is part of the account here. */
  succeed({ kernelDrops }: UdpListener): void {
    this.#formerDrops += kernelDrops
    this.kernelDrops += kernelDrops
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    this.#countDrops(readUdpTables())
    this.#fd = -1
    this.#isHeld = false
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
      { listener: this.#config.name, askedOctets: octets, grantedOctets: this.receiveBufferGranted }
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
    if (this.#fd < 0 || this.#isHeld) return
    this.#isPolling = false
    this.#handle!.recvStart()
  }

  /**
   * The first datagram of a turn came by dgram; the others are fetched together. While many come, the event loop is not
   * told of each: they are fetched every millisecond, which costs the less the more there are.
   */
  readonly #onMany = (message: Buffer, source: { address: string; port: number }): void => {
    this.#onOne(message, source)
    if (this.#fd < 0 || this.#reader === undefined) return
    const fetched = this.#reader.drain(this.#fd, this.#deps.sink)
    if (fetched >= POLL_FROM && this.#isPollable) this.#rest(this.#poll)
  }

  readonly #poll = (): void => {
    if (this.#fd < 0 || this.#isHeld) return
    const fetched = this.#reader?.drain(this.#fd, this.#deps.sink) ?? 0
    if (fetched > 0) this.#arrivals++
    if (fetched >= POLL_FROM) this.#timer!.refresh()
    else this.#wake()
  }

  get #isPollable(): boolean {
    return this.#handle !== undefined && this.receiveBufferGranted >= POLL_BUFFER_OCTETS
  }

  /** Do not listen to the socket for a moment, so that datagrams gather. */
  #rest(then: () => void): void {
    if (this.#isPolling || this.#isHeld) return
    this.#isPolling = true
    this.#handle!.recvStop()
    this.#timer = setTimeout(then, POLL_MS)
  }
}

/** One turn of the event loop: the sockets have been looked at. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

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
