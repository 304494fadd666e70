import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { StrictReader } from './strict-reader.ts'
import type { Socket as DgramSocket } from 'node:dgram'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A TCP collector on a free port: one reader for each connection. */
export class TcpSink {
  readonly sessions: StrictReader[] = []
  readonly sockets: Socket[] = []
  port: number
  #server: Server | undefined
  #waiters: { isDone: () => boolean; resolve: () => void }[] = []
  /** False: what comes is left in the socket. */
  isReading = true
  errors: unknown[] = []
  ended = 0
  /** Called with each piece instead of reading IPFIX. */
  onOctets: ((octets: Buffer) => void) | undefined

  constructor(port = 0) {
    this.port = port
  }

  async listen(): Promise<this> {
    const server = createServer(socket => this.#accept(socket))
    this.#server = server
    server.listen({ port: this.port, host: '127.0.0.1' })
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    return this
  }

  get url(): string {
    return `tcp://127.0.0.1:${this.port}`
  }

  /** Data records of all sessions. */
  get records(): StrictReader['records'] {
    return this.sessions.flatMap(session => session.records)
  }

  /** Wait until something holds; looked at after each piece of data. */
  async until(isDone: () => boolean): Promise<void> {
    this.#throw()
    if (isDone()) return
    await new Promise<void>(resolve => this.#waiters.push({ isDone, resolve }))
    this.#throw()
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.close()
    await once(server, 'close')
  }

  /** No FIN: a reset. */
  reset(): void {
    for (const socket of this.sockets) if (!socket.destroyed) socket.resetAndDestroy()
  }

  #throw(): void {
    if (this.errors.length > 0) throw this.errors[0]
  }

  #accept(socket: Socket): void {
    const reader = new StrictReader('tcp')
    this.sessions.push(reader)
    this.sockets.push(socket)
    let rest: Buffer = Buffer.alloc(0)
    if (!this.isReading) socket.pause()
    socket.on('error', () => undefined)
    socket.on('end', () => {
      this.ended++
      this.#wake()
    })
    socket.on('data', (octets: Buffer) => {
      try {
        if (this.onOctets !== undefined) this.onOctets(octets)
        else {
          rest = Buffer.concat([rest, octets])
          while (rest.length >= 4 && rest.length >= rest.readUInt16BE(2)) {
            const length = rest.readUInt16BE(2)
            reader.read(rest.subarray(0, length))
            rest = rest.subarray(length)
          }
        }
      } catch (error) {
        this.errors.push(error)
      }
      this.#wake()
    })
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) {
      if (this.errors.length > 0 || waiter.isDone()) waiter.resolve()
      else this.#waiters.push(waiter)
    }
  }
}

/** A UDP collector on a free port. */
export class UdpSink {
  readonly reader = new StrictReader('udp')
  readonly sizes: number[] = []
  readonly #socket: DgramSocket
  readonly #family: 'udp4' | 'udp6'
  #waiters: { isDone: () => boolean; resolve: () => void }[] = []
  errors: unknown[] = []
  port = 0

  constructor(family: 'udp4' | 'udp6' = 'udp4') {
    this.#family = family
    this.#socket = createSocket({ type: family, recvBufferSize: 4_194_304 })
  }

  async listen(): Promise<this> {
    this.#socket.on('message', octets => {
      try {
        this.sizes.push(octets.length)
        this.reader.read(octets)
      } catch (error) {
        this.errors.push(error)
      }
      const waiters = this.#waiters
      this.#waiters = []
      for (const waiter of waiters) {
        if (this.errors.length > 0 || waiter.isDone()) waiter.resolve()
        else this.#waiters.push(waiter)
      }
    })
    this.#socket.bind(0, this.#family === 'udp6' ? '::1' : '127.0.0.1')
    await once(this.#socket, 'listening')
    this.port = this.#socket.address().port
    return this
  }

  async until(isDone: () => boolean): Promise<void> {
    if (this.errors.length === 0 && !isDone()) {
      await new Promise<void>(resolve => this.#waiters.push({ isDone, resolve }))
    }
    if (this.errors.length > 0) throw this.errors[0]
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
