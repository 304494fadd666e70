import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createConnection, isIP, type Socket } from 'node:net'
import { CodedError, UnavailableError, errorCode, exitCodes } from '@weir/runtime'
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

export interface SocketOptions {
  /** Local address to send from. */
  readonly sourceAddress?: string | undefined
  /** Which addresses may be sent to, asked at every connection about the address that is connected to; undefined = all. */
  readonly allows?: ((address: string) => boolean) | undefined
  /** Whether a TCP connection that was lost is made again; default true. If not, `send` throws. */
  readonly isReconnecting?: boolean
}

/**
 * @throws UnavailableError when nobody listens (TCP), or a name or address is none of ours; CodedError TARGET_DENIED if no address
 * of the target is allowed.
 */
export async function openTrafficSocket(target: TrafficTarget, options: SocketOptions = {}): Promise<TrafficSocket> {
  return target.transport === 'udp' ? openUdp(target, options) : openTcp(target, options)
}

/** The addresses to connect to: those that were checked and no others, because a name may say another one the next time. */
async function allowedHosts({ transport, host, port }: TrafficTarget, { allows }: SocketOptions): Promise<string[]> {
  if (allows === undefined) return [host]
  const found = isIP(host) === 0 ? await addressesOf(transport, host, port) : [host]
  const addresses = found.filter(each => allows(each))
  if (addresses.length > 0) return addresses
  const message = `${transport}://${host}:${port} may not be sent to: mediator.destinationPolicy does not allow its address; name another target, or allow it in weir.yaml`
  throw new CodedError('TARGET_DENIED', message, exitCodes.unavailable)
}

async function addressesOf(transport: string, host: string, port: number): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    throw unavailable(`the name in ${transport}://${host}:${port} is not known`, 'check it', error)
  }
}

async function openUdp(target: TrafficTarget, options: SocketOptions): Promise<TrafficSocket> {
  const { sourceAddress } = options
  const { port } = target
  const [host] = (await allowedHosts(target, options)) as [string]
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
    throw unavailable(`udp://${host}:${port} cannot be sent to`, 'check the target', error)
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

async function openTcp(target: TrafficTarget, options: SocketOptions): Promise<TrafficSocket> {
  let socket = await connectTcp(target, options)
  let wasLost = false
  const reconnect = async (): Promise<void> => {
    wasLost = true
    for (;;) {
      await new Promise(resolve => setTimeout(resolve, 100))
      try {
        socket = await connectTcp(target, options)
        return
      } catch {
        // The collector is being restarted: a real exporter tries again too.
      }
    }
  }
  return {
    async send(octets) {
      if (socket.destroyed) {
        if (options.isReconnecting === false) throw lost(target)
        await reconnect()
      }
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
      new Promise((resolve, reject) => {
        const end = (isLost: boolean): void =>
          isLost && options.isReconnecting === false ? reject(lost(target)) : resolve()
        if (socket.destroyed) return end(true)
        socket.once('close', end)
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

const lost = ({ host, port }: TrafficTarget): UnavailableError =>
  new UnavailableError(
    'TARGET_LOST',
    `tcp://${host}:${port} has ended the connection; what was on its way is uncertain`
  )

async function connectTcp(target: TrafficTarget, options: SocketOptions): Promise<Socket> {
  const hosts = await allowedHosts(target, options)
  for (const [index, host] of hosts.entries()) {
    const socket = createConnection({ host, port: target.port, localAddress: options.sourceAddress })
    try {
      await once(socket, 'connect')
    } catch (error) {
      if (index + 1 < hosts.length) continue
      const what = `tcp://${target.host}:${target.port} does not take a connection`
      throw unavailable(what, 'start the collector first, or check the target', error)
    }
    socket.on('error', () => {})
    // A collector sends nothing; but its FIN has to be seen.
    socket.resume()
    return socket
  }
  throw new Error('a target has one address at least')
}
