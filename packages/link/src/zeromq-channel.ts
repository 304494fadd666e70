import { listenError } from '@weir/runtime'
import { Context, Dealer, Router } from 'zeromq'
import type { BoundChannel, BoundChannelEvents, Channel, ChannelEvents, ChannelOptions } from './channel.ts'

/** Frames taken in one turn of the event loop: zeromq.js would go on for 512, and starve what sends them on. */
const FRAMES_PER_TURN = 8
const HIGH_WATER_FRAMES = 4096
const LINGER_MS = 2000

let sharedContext: Context | undefined

/** One context for the process, made at first use; it does not hold the process up at its end. */
function context(): Context {
  sharedContext ??= new Context({ blocky: false })
  return sharedContext
}

/** The octets of a Buffer without its ways: `slice` of a Buffer aliases, where that of a Uint8Array copies. */
const plain = ({ buffer, byteOffset, length }: Buffer): Uint8Array => new Uint8Array(buffer, byteOffset, length)

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Sends what is queued, one message at a time: zeromq throws EBUSY for a second. */
class SendQueue<Message> {
  readonly #send: (message: Message) => Promise<void>
  #queue: Message[] = []
  #isSending = false
  #isClosed = false
  #onDrained: (() => void) | undefined

  constructor(send: (message: Message) => Promise<void>) {
    this.#send = send
  }

  push(message: Message): void {
    if (this.#isClosed) return
    this.#queue.push(message)
    if (!this.#isSending) void this.#pump()
  }

  close(): void {
    this.#isClosed = true
    this.#queue = []
    this.#onDrained?.()
  }

  /** Resolves when nothing is queued, or it is closed. */
  drained(): Promise<void> {
    return new Promise(resolve => {
      if (!this.#isSending || this.#isClosed) resolve()
      else this.#onDrained = resolve
    })
  }

  async #pump(): Promise<void> {
    this.#isSending = true
    try {
      while (this.#queue.length > 0) {
        const messages = this.#queue
        this.#queue = []
        for (const message of messages) {
          if (this.#isClosed) return
          await this.#send(message)
        }
      }
    } catch {
      // The socket was closed under a pending send: what it had is sent again after the next HELLO.
    } finally {
      this.#isSending = false
      this.#onDrained?.()
    }
  }
}

class ZeromqChannel implements Channel {
  readonly #endpoint: string
  readonly #events: ChannelEvents
  readonly #options: ChannelOptions
  #socket: Dealer | undefined
  #queue: SendQueue<Uint8Array> | undefined
  #isConnected = false
  #isClosed = false

  constructor(endpoint: string, events: ChannelEvents, options: ChannelOptions) {
    this.#endpoint = endpoint
    this.#events = events
    this.#options = options
    this.#open()
  }

  send(frame: Uint8Array): void {
    if (this.#isConnected) this.#queue?.push(frame)
  }

  reconnect(): void {
    if (this.#isClosed) return
    this.#shut(0)
    this.#open()
  }

  close(): void {
    this.#isClosed = true
    const socket = this.#socket
    if (this.#isConnected && this.#queue !== undefined) {
      void this.#queue.drained().then(() => socket?.close())
    } else {
      this.#shut(0)
    }
    this.#isConnected = false
  }

  #shut(lingerMs: number): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#isConnected = false
    this.#queue?.close()
    if (socket === undefined) return
    socket.linger = lingerMs
    socket.close()
  }

  #open(): void {
    const { heartbeatMs, heartbeatTimeoutMs, maxFrameOctets } = this.#options
    const socket = new Dealer({
      context: context(),
      immediate: true,
      linger: LINGER_MS,
      heartbeatInterval: heartbeatMs,
      heartbeatTimeout: heartbeatTimeoutMs,
      maxMessageSize: maxFrameOctets,
      // A hung peer's kernel accepts; only the greeting tells. Longer, and its successor would wait for us (30 s by default).
      handshakeInterval: heartbeatTimeoutMs,
      reconnectInterval: 100,
      reconnectMaxInterval: 0,
      sendHighWaterMark: HIGH_WATER_FRAMES,
      receiveHighWaterMark: HIGH_WATER_FRAMES
    })
    this.#socket = socket
    this.#queue = new SendQueue(frame => socket.send(frame))
    socket.events.on('handshake', () => {
      if (this.#socket !== socket || this.#isClosed) return
      this.#isConnected = true
      this.#events.onConnect()
    })
    socket.events.on('disconnect', () => {
      if (this.#socket !== socket || this.#isClosed) return
      this.#isConnected = false
      this.#events.onDisconnect()
      // A new socket: with the old one, frames of before the break could follow frames of after it.
      this.reconnect()
    })
    socket.connect(this.#endpoint)
    void this.#receive(socket)
  }

  async #receive(socket: Dealer): Promise<void> {
    let frames = 0
    while (!socket.closed) {
      let parts: Buffer[]
      try {
        parts = await socket.receive()
      } catch {
        return
      }
      if (this.#socket !== socket || this.#isClosed) return
      this.#events.onFrame(parts.length === 1 ? plain(parts[0]) : new Uint8Array(0))
      if (++frames % FRAMES_PER_TURN === 0) await turn()
    }
  }
}

/** Connect by a DEALER socket. Only on the main thread: a worker thread that ends with a pending receive aborts the process. */
export function connectZeromq(endpoint: string, events: ChannelEvents, options: ChannelOptions): Channel {
  return new ZeromqChannel(endpoint, events, options)
}

class ZeromqBoundChannel implements BoundChannel {
  readonly #socket: Router
  readonly #events: BoundChannelEvents
  readonly #queue: SendQueue<Uint8Array[]>
  #isClosed = false

  constructor(events: BoundChannelEvents, { heartbeatMs, heartbeatTimeoutMs, maxFrameOctets }: ChannelOptions) {
    const socket = new Router({
      context: context(),
      linger: LINGER_MS,
      heartbeatInterval: heartbeatMs,
      heartbeatTimeout: heartbeatTimeoutMs,
      maxMessageSize: maxFrameOctets,
      sendHighWaterMark: HIGH_WATER_FRAMES,
      receiveHighWaterMark: HIGH_WATER_FRAMES
    })
    this.#socket = socket
    this.#events = events
    this.#queue = new SendQueue(message => socket.send(message))
  }

  async bind(endpoint: string): Promise<void> {
    try {
      await this.#socket.bind(endpoint)
    } catch (error) {
      this.#socket.close()
      throw listenError(error, 'The link', endpoint)
    }
    void this.#receive()
  }

  send(peer: string, frame: Uint8Array): void {
    if (!this.#isClosed) this.#queue.push([Buffer.from(peer, 'latin1'), frame])
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#queue.drained()
    this.#socket.close()
  }

  async #receive(): Promise<void> {
    let frames = 0
    while (!this.#isClosed) {
      let parts: Buffer[]
      try {
        parts = await this.#socket.receive()
      } catch {
        return
      }
      if (this.#isClosed) return
      this.#events.onFrame(parts[0].toString('latin1'), parts.length === 2 ? plain(parts[1]) : new Uint8Array(0))
      if (++frames % FRAMES_PER_TURN === 0) await turn()
    }
  }
}

/** Bind a ROUTER socket. Takes the path from whoever has it: claim the endpoint first. Main thread only. */
export async function bindZeromq(
  endpoint: string,
  events: BoundChannelEvents,
  options: ChannelOptions
): Promise<BoundChannel> {
  const channel = new ZeromqBoundChannel(events, options)
  await channel.bind(endpoint)
  return channel
}
