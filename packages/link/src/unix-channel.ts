import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { listenError } from '@weir/runtime'
import type { BoundChannel, BoundChannelEvents, Channel, ChannelEvents, ChannelOptions } from './channel.ts'
import { pathOf } from './endpoint.ts'

/** The binding end says this first, so that whoever asks knows that the path is served. */
const GREETING = new Uint8Array([0x57, 0x45, 0x49, 0x52])
const RECONNECT_MS = 100

/** Splits a stream into frames: u32 little-endian length, frame. Frames have octets of their own. */
class FrameSplitter {
  readonly #onFrame: (frame: Uint8Array) => void
  readonly #maxFrameOctets: number
  readonly #head = new Uint8Array(4)
  #skip: number
  #headOctets = 0
  #frame: Uint8Array | undefined
  #filled = 0

  /** @param skip - octets of greeting before the first frame. */
  constructor(maxFrameOctets: number, skip: number, onFrame: (frame: Uint8Array) => void) {
    this.#maxFrameOctets = maxFrameOctets
    this.#skip = skip
    this.#onFrame = onFrame
  }

  /** @returns false if a frame is longer than allowed: the connection is of no more use. */
  push(chunk: Uint8Array): boolean {
    let at = Math.min(this.#skip, chunk.length)
    this.#skip -= at
    while (at < chunk.length) {
      if (this.#frame === undefined) {
        this.#head[this.#headOctets++] = chunk[at++]
        if (this.#headOctets < 4) continue
        const length = new DataView(this.#head.buffer).getUint32(0, true)
        if (length > this.#maxFrameOctets) return false
        this.#frame = new Uint8Array(length)
        this.#filled = this.#headOctets = 0
      }
      const octets = Math.min(this.#frame.length - this.#filled, chunk.length - at)
      this.#frame.set(chunk.subarray(at, at + octets), this.#filled)
      this.#filled += octets
      at += octets
      if (this.#filled < this.#frame.length) continue
      const frame = this.#frame
      this.#frame = undefined
      this.#onFrame(frame)
    }
    return true
  }
}

function writeFrame(socket: Socket, frame: Uint8Array): void {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, frame.length, true)
  socket.cork()
  socket.write(head)
  socket.write(frame)
  socket.uncork()
}

class UnixChannel implements Channel {
  readonly #path: string
  readonly #events: ChannelEvents
  readonly #maxFrameOctets: number
  #socket: Socket | undefined
  #isConnected = false
  #isClosed = false
  #retry: NodeJS.Timeout | undefined

  constructor(endpoint: string, events: ChannelEvents, options: ChannelOptions) {
    this.#path = pathOf(endpoint)
    this.#events = events
    this.#maxFrameOctets = options.maxFrameOctets
    this.#open()
  }

  send(frame: Uint8Array): void {
    if (this.#isConnected && this.#socket !== undefined) writeFrame(this.#socket, frame)
  }

  reconnect(): void {
    this.#socket?.destroy()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    if (this.#isConnected) this.#socket?.end()
    else this.#socket?.destroy()
  }

  #open(): void {
    const socket = createConnection({ path: this.#path })
    this.#socket = socket
    const splitter = new FrameSplitter(this.#maxFrameOctets, GREETING.length, frame => {
      if (!this.#isClosed) this.#events.onFrame(frame)
    })
    socket.once('data', () => {
      if (this.#isClosed) return
      this.#isConnected = true
      this.#events.onConnect()
    })
    socket.on('data', (chunk: Buffer) => {
      if (!splitter.push(chunk)) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      const wasConnected = this.#isConnected
      this.#isConnected = false
      if (this.#isClosed) return
      if (wasConnected) this.#events.onDisconnect()
      this.#retry = setTimeout(() => this.#open(), RECONNECT_MS)
    })
  }
}

/** Connect by a plain unix socket. */
export function connectUnix(endpoint: string, events: ChannelEvents, options: ChannelOptions): Channel {
  return new UnixChannel(endpoint, events, options)
}

class UnixBoundChannel implements BoundChannel {
  readonly #server: Server
  readonly #peers = new Map<string, Socket>()
  #nextPeer = 1

  constructor(events: BoundChannelEvents, options: ChannelOptions) {
    this.#server = createServer(socket => {
      const peer = String(this.#nextPeer++)
      this.#peers.set(peer, socket)
      socket.write(GREETING)
      const splitter = new FrameSplitter(options.maxFrameOctets, 0, frame => events.onFrame(peer, frame))
      socket.on('data', (chunk: Buffer) => {
        if (!splitter.push(chunk)) socket.destroy()
      })
      socket.on('error', () => {})
      socket.on('close', () => this.#peers.delete(peer))
    })
  }

  listen(endpoint: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', error => reject(listenError(error, 'Link', endpoint)))
      this.#server.listen(pathOf(endpoint), resolve)
    })
  }

  send(peer: string, frame: Uint8Array): void {
    const socket = this.#peers.get(peer)
    if (socket !== undefined) writeFrame(socket, frame)
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve())
      for (const socket of this.#peers.values()) socket.end(() => socket.destroy())
    })
  }
}

/** Listen on a plain unix socket. */
export async function bindUnix(
  endpoint: string,
  events: BoundChannelEvents,
  options: ChannelOptions
): Promise<BoundChannel> {
  const channel = new UnixBoundChannel(events, options)
  await channel.listen(endpoint)
  return channel
}
