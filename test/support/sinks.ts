import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Socket as UdpSocket } from 'node:dgram'
import type { AddressInfo, Server, Socket } from 'node:net'
import { once } from 'node:events'

/** Takes datagrams and keeps them. */
export interface UdpSink {
  readonly port: number
  readonly datagrams: readonly Buffer[]
  close(): void
}

export async function udpSink(port = 0): Promise<UdpSink> {
  const socket: UdpSocket = createSocket({ type: 'udp4', recvBufferSize: 8_388_608 })
  const datagrams: Buffer[] = []
  socket.on('message', octets => void datagrams.push(octets))
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  socket.unref()
  return { port: socket.address().port, datagrams, close: () => void socket.close() }
}

/** Takes TCP connections and keeps what they bring, a buffer a connection. */
export class TcpSink {
  readonly #server: Server
  readonly #received: Buffer[][] = []
  readonly #sockets = new Set<Socket>()
  #isReading: boolean

  private constructor(server: Server, isReading: boolean) {
    this.#server = server
    this.#isReading = isReading
    server.on('connection', socket => {
      const chunks: Buffer[] = []
      this.#received.push(chunks)
      this.#sockets.add(socket)
      // A test that has failed leaves it open: it must not keep the test file from ending.
      socket.unref()
      socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
      if (!this.#isReading) socket.pause()
    })
  }

  /** @param options - `isReading: false`: connections are taken, but nothing is read from them until {@link read}. */
  static async listen(options: { port?: number; isReading?: boolean } = {}): Promise<TcpSink> {
    const server = createServer()
    const sink = new TcpSink(server, options.isReading ?? true)
    server.listen(options.port ?? 0, '127.0.0.1')
    await once(server, 'listening')
    server.unref()
    return sink
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#received.length
  }

  get octets(): number {
    return this.#received.flat().reduce((sum, { length }) => sum + length, 0)
  }

  /** What each connection has brought, in the order in which they came. */
  get streams(): Buffer[] {
    return this.#received.map(chunks => Buffer.concat(chunks))
  }

  /** Begin to read, or stop reading. */
  read(isReading: boolean): void {
    this.#isReading = isReading
    for (const socket of this.#sockets) socket[isReading ? 'resume' : 'pause']()
  }

  /** Reset all connections and take no more. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
