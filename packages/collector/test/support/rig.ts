import assert from 'node:assert/strict'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import { ElementRegistry } from '@weir/ipfix'
import type { LinkSender, PodEvent } from '@weir/link'
import { FakeClock, silentLog, type Clock, type Log } from '@weir/runtime'
import { createMemoryTemplateStore, type TemplateStore } from '@weir/templates'
import { checkLedger, createCollector, type Collector } from '../../src/index.ts'
import type { EventFields } from '../../src/event-outlet.ts'
import { droppedIn } from '../../src/ledger.ts'
import { FakeLink } from './fake-link.ts'

export type SocketKind = 'dgram' | 'recvmmsg'

export interface RigOptions {
  readonly limits?: Record<string, number>
  readonly collector?: Record<string, unknown>
  readonly shutdown?: Record<string, number>
  /** Keys of stores.templates. */
  readonly templates?: Record<string, unknown>
  readonly clock?: Clock
  readonly store?: TemplateStore
  /** A store of all pods. */
  readonly shared?: TemplateStore
  readonly link?: FakeLink
  readonly pendingSpoolPath?: string
  readonly listenerStatesPath?: string
  readonly socket?: SocketKind
  readonly receiveBufferOctets?: number
  readonly address?: string
  /** Who has to send PROXY headers. */
  readonly proxiesFrom?: readonly string[]
  readonly log?: Log
}

/** An event as the coordinator is told it. */
export interface ToldEvent {
  readonly event: PodEvent
  readonly fields: EventFields
}

/** A collector on loopback sockets with a fake link. Its ledger is checked when the test ends. */
export interface Rig {
  readonly collector: Collector
  readonly link: FakeLink
  /** What it told of, in order. */
  readonly events: readonly ToldEvent[]
  readonly udpPort: number
  readonly tcpPort: number
  /** A UDP source of its own port; datagrams go out in order. */
  udpSource(address?: string, sourcePort?: number): Promise<UdpSource>
  tcpSource(address?: string): Promise<TcpSource>
  /** Resolves when so many Messages were received, over UDP and TCP, dropped ones included. */
  untilMessages(count: number): Promise<void>
  until(condition: () => boolean): Promise<void>
  stop(): Promise<void>
}

export interface UdpSource {
  readonly socket: UdpSocket
  readonly port: number
  send(...datagrams: Uint8Array[]): Promise<void>
  /** Close its socket, so that another can have its port. */
  end(): Promise<void>
}

export interface TcpSource {
  readonly socket: Socket
  readonly port: number
  /** Resolves when the peer has closed. */
  readonly closed: Promise<void>
  send(...messages: Uint8Array[]): Promise<void>
  close(): Promise<void>
}

/** Settings with the defaults, two listeners on any port of loopback, no health server. */
export function settingsOf(options: RigOptions = {}) {
  const { config } = resolveConfig({
    collector: {
      listeners: [
        {
          name: 'u',
          transport: 'udp',
          address: options.address ?? '127.0.0.1',
          port: 0,
          receiveBufferOctets: options.receiveBufferOctets ?? 1_048_576,
          socket: options.socket ?? 'dgram'
        },
        {
          name: 't',
          transport: 'tcp',
          address: options.address ?? '127.0.0.1',
          port: 0,
          ...(options.proxiesFrom === undefined ? {} : { proxyProtocol: { from: options.proxiesFrom } })
        }
      ],
      http: null,
      limits: { ...options.limits },
      ...options.collector
    },
    stores: { templates: { type: options.shared === undefined ? 'none' : 'redis', ...options.templates } },
    shutdown: { tcpReadMs: 100, udpSilenceMs: 0, drainMs: 100, ...options.shutdown }
  })
  return config
}

/** @param link - instead of the fake one; then `rig.link` is not to be used. */
export async function startRig(t: TestContext, options: RigOptions = {}, link?: LinkSender): Promise<Rig> {
  const fake = options.link ?? new FakeLink()
  const events: ToldEvent[] = []
  const collector = createCollector(settingsOf(options), {
    link: link ?? fake,
    store: options.store ?? createMemoryTemplateStore(),
    shared: options.shared,
    registry: ElementRegistry.standard(),
    log: options.log ?? silentLog(),
    clock: options.clock,
    pendingSpoolPath: options.pendingSpoolPath,
    listenerStatesPath: options.listenerStatesPath,
    emit: (event, fields) => void events.push({ event, fields })
  })
  await collector.start(new AbortController().signal)
  const { parts } = collector
  const sources: { end(): void }[] = []
  const stop = async (): Promise<void> => {
    for (const source of sources.splice(0)) source.end()
    const stopping = collector.stop(1_000)
    if (options.clock instanceof FakeClock) await advanceUntil(options.clock, stopping)
    await stopping
  }
  t.after(async () => {
    await stop()
    assert.deepEqual(checkLedger(parts.ledger, parts.link.stats.records), [])
  })
  const udpPort = parts.udp[0].listener.port
  const tcpPort = parts.tcp[0].port
  const target = options.address === '::1' || options.address === '::' ? '::1' : '127.0.0.1'
  return {
    collector,
    link: fake,
    events,
    udpPort,
    tcpPort,
    stop,
    until,
    untilMessages: count => until(() => parts.ledger.messages.received >= count),
    async udpSource(address = target, sourcePort = 0) {
      const source = await openUdp(udpPort, address, sourcePort)
      sources.push({ end: () => void source.end() })
      return source
    },
    async tcpSource(address = target) {
      const source = await openTcp(tcpPort, address)
      sources.push({ end: () => source.socket.destroy() })
      return source
    }
  }
}

async function openUdp(port: number, address: string, sourcePort: number): Promise<UdpSource> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  await new Promise<void>(resolve => socket.bind(sourcePort, address, resolve))
  let ended: Promise<void> | undefined
  return {
    socket,
    port: socket.address().port,
    end: () => (ended ??= new Promise(resolve => socket.close(() => resolve()))),
    async send(...datagrams) {
      for (const datagram of datagrams) {
        await new Promise<void>((resolve, reject) =>
          socket.send(datagram, port, address, error => (error === null ? resolve() : reject(error)))
        )
      }
    }
  }
}

async function openTcp(port: number, address: string): Promise<TcpSource> {
  const socket = connect({ port, host: address, noDelay: true })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  // A reset may be there before the connection has been told of.
  await Promise.race([new Promise<void>(resolve => socket.once('connect', resolve)), closed])
  socket.resume()
  return {
    socket,
    port: socket.localPort!,
    closed,
    async send(...messages) {
      for (const message of messages) await new Promise<void>(resolve => socket.write(message, () => resolve()))
    },
    async close() {
      socket.end()
      await closed
    }
  }
}

/** The reasons for which Messages, Data Sets and records were dropped, without the zeros. */
export function dropsOf(collector: Collector): Record<string, Record<string, number>> {
  const { messages, dataSets, records } = collector.parts.ledger
  const shown: Record<string, Record<string, number>> = {}
  for (const [unit, { dropped }] of Object.entries({ messages, dataSets, records })) {
    if (droppedIn(dropped) === 0) continue
    shown[unit] = Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0))
  }
  return shown
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

async function advanceUntil(clock: FakeClock, done: Promise<void>): Promise<void> {
  const waiting = { isOver: false }
  void done.finally(() => (waiting.isOver = true))
  while (!waiting.isOver) {
    clock.advance(50)
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** A collector that is not started. */
export function createCollectorOf(link: LinkSender, store: TemplateStore, listeners?: readonly object[]): Collector {
  const collector = listeners === undefined ? {} : { listeners }
  return createCollector(settingsOf({ collector }), {
    link,
    store,
    registry: ElementRegistry.standard(),
    log: silentLog()
  })
}
