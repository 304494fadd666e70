import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { UnavailableError, errorCode } from '@weir/runtime'
import type { TrafficTarget } from './traffic-target.ts'

/** One exporter's way out. */
export interface TrafficSocket {
  /** Send whole Messages. Over UDP each of `ends` closes a datagram. Resolves when more may be sent. */
  send(octets: Uint8Array, ends: readonly number[]): Promise<void>
  /** Resolves when everything is handed to the kernel. */
  close(): Promise<void>
  /** True once the connection was lost since the last call: what was on its way is uncertain, templates have to go again. */
  takeLoss(): boolean
}

/** @param sourceAddress - local address to send from, or undefined. @throws UnavailableError when nobody listens (TCP), or a name or address is none of ours. */
export async function openTrafficSocket(target: TrafficTarget, sourceAddress?: string): Promise<TrafficSocket> {
  return target.transport === 'udp' ? openUdp(target, sourceAddress) : openTcp(target, sourceAddress)
}

async function openUdp({ host, port }: TrafficTarget, sourceAddress?: string): Promise<TrafficSocket> {
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', sendBufferSize: 4_194_304 })
  try {
    if (sourceAddress !== undefined) {
      socket.bind(0, sourceAddress)
      await once(socket, 'listening')
    }
    socket.connect(port, host)
    await once(socket, 'connect')
  } catch (error) {
    socket.close()
    throw unavailable(`udp://${host}:${port} cannot be sent to`, 'check --to', error)
  }
  // A port that nobody listens on answers by ICMP; a real exporter goes on.
  socket.on('error', () => {})
  return {
    async send(octets, ends) {
      let start = 0
      let last: Promise<void> | undefined
      for (const end of ends) {
        const datagram = octets.subarray(start, end)
        const isLast = end === ends[ends.length - 1]
        if (isLast) last = new Promise(resolve => socket.send(datagram, () => resolve()))
        else socket.send(datagram)
        start = end
      }
      await last
    },
    close: () => new Promise(resolve => socket.close(resolve)),
    takeLoss: () => false
  }
}

async function openTcp(target: TrafficTarget, sourceAddress?: string): Promise<TrafficSocket> {
  let socket = await connectTcp(target, sourceAddress)
  let wasLost = false
  const reconnect = async (): Promise<void> => {
    wasLost = true
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 100))
      try {
        socket = await connectTcp(target, sourceAddress)
        return
      } catch {
        // The collector is being restarted: a real exporter tries again too.
      }
    }
  }
  return {
    async send(octets) {
      if (socket.destroyed) await reconnect()
      if (socket.write(octets)) return
      await new Promise<void>(resolve => {
        const done = (): void => {
          socket.off('drain', done).off('close', done)
          resolve()
        }
        socket.once('drain', done).once('close', done)
      })
    },
    close: () =>
      new Promise(resolve => {
        if (socket.destroyed) return resolve()
        socket.once('close', () => resolve())
        socket.end()
      }),
    takeLoss() {
      const isLost = wasLost
      wasLost = false
      return isLost
    }
  }
}

function unavailable(what: string, remedy: string, error: unknown): UnavailableError {
  const code = errorCode(error) ?? 'UNKNOWN'
  return new UnavailableError('TARGET_UNAVAILABLE', `${what} (${code}); ${remedy}`, { code }, error)
}

async function connectTcp({ host, port }: TrafficTarget, localAddress?: string): Promise<Socket> {
  const socket = createConnection({ host, port, localAddress })
  try {
    await once(socket, 'connect')
  } catch (error) {
    throw unavailable(
      `tcp://${host}:${port} does not take a connection`,
      'start the collector first, or check --to',
      error
    )
  }
  socket.on('error', () => {})
  // A collector sends nothing; but its FIN has to be seen.
  socket.resume()
  return socket
}
