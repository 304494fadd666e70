import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { Listener } from '@weir/config'
import { buildMessage } from '@weir/ipfix/testing'
import { proxyV2 } from './support/proxy.ts'
import { dropsOf, settingsOf, startRig, type Rig, type SocketKind } from './support/rig.ts'

const FIELDS = '8:4 2:4'
const template = (): Uint8Array => buildMessage().template(256, FIELDS).octets()
const data = (sequence: number): Uint8Array =>
  buildMessage({ sequence }).data(256, sequence.toString(16).padStart(16, '0')).octets()

const listenersOf = (rig: Rig): Listener[] => [...rig.collector.parts.settings.collector.listeners]
const set = (rig: Rig, ...wanted: Listener[]): Promise<void> => rig.collector.parts.listeners.set(wanted)
const state = (rig: Rig, name: string): string => rig.collector.parts.listeners.stateOf(name)
const decoded = (rig: Rig): number => rig.collector.parts.ledger.records.decoded

/** A TCP port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const udpListener = (name: string, port: number, others: object = {}): Listener =>
  ({
    name,
    transport: 'udp',
    address: '127.0.0.1',
    port,
    receiveBufferOctets: 1_048_576,
    socket: 'auto',
    ...others
  }) as Listener
const tcpListener = (name: string, port: number): Listener => ({
  name,
  transport: 'tcp',
  address: '127.0.0.1',
  port,
  proxyProtocol: null
})

async function udpTo(t: TestContext, port: number, from?: number) {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(from ?? 0, '127.0.0.1', resolve))
  t.after(() => void socket.close())
  return {
    port: socket.address().port,
    close: () => new Promise<void>(resolve => socket.close(() => resolve())),
    send: (octets: Uint8Array) =>
      new Promise<void>((resolve, reject) =>
        socket.send(octets, port, '127.0.0.1', error => (error === null ? resolve() : reject(error)))
      )
  }
}

/** An exporter that goes on until it is asked to end, and knows what it wrote before that. */
async function tcpTo(t: TestContext, port: number) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await new Promise<void>(resolve => socket.once('connect', resolve))
  const exporter = { socket, written: 0, isAskedToEnd: false }
  socket.on('end', () => (exporter.isAskedToEnd = true))
  socket.resume()
  return exporter
}

describe('listeners that are changed while the collector runs', () => {
  test('one that is added is read; those that were there keep sockets, sessions and templates', async t => {
    const rig = await startRig(t)
    const udp = await rig.udpSource()
    const tcp = await rig.tcpSource()
    await udp.send(template())
    await tcp.send(template())
    await rig.untilMessages(2)
    const ports = [rig.udpPort, rig.tcpPort]
    const port = await freePort()
    await set(rig, ...listenersOf(rig), udpListener('more', port), tcpListener('more-tcp', port))
    const more = await udpTo(t, port)
    await more.send(template())
    await more.send(data(0))
    const moreTcp = await tcpTo(t, port)
    moreTcp.socket.write(Buffer.concat([template(), data(0)]))
    await udp.send(data(0))
    await tcp.send(data(0))
    await rig.untilMessages(8)
    assert.equal(decoded(rig), 4)
    const { parts } = rig.collector
    assert.deepEqual([parts.udp[0].listener.port, parts.tcp[0].port], ports)
    assert.equal(parts.tcp[0].counters.accepted, 1)
    assert.deepEqual(dropsOf(rig.collector), {})
    const told = rig.events.filter(({ event }) => event === 'listener_changed').map(({ fields }) => fields.listener)
    assert.deepEqual(told.slice(-2), ['more', 'more-tcp'])
  })

  for (const socket of ['dgram', 'recvmmsg'] as SocketKind[]) {
    test(`what waits in a UDP socket is read before it is closed: ${socket}`, async t => {
      const rig = await startRig(t, { socket })
      const udp = await rig.udpSource()
      await udp.send(template())
      await rig.untilMessages(1)
      const { parts } = rig.collector
      await parts.listeners.pause('u')
      for (let sequence = 0; sequence < 500; sequence++) await udp.send(data(sequence))
      await set(rig, listenersOf(rig)[1])
      assert.equal(decoded(rig), 500)
      assert.equal(parts.udp.length, 0)
      assert.equal(parts.sessions.udpSessions, 0)
      assert.deepEqual(dropsOf(rig.collector), {})
    })

    test(`a UDP listener that moves takes its sessions, their templates and its counts along: ${socket}`, async t => {
      const rig = await startRig(t, { socket })
      const udp = await rig.udpSource()
      await udp.send(template())
      await udp.send(data(0))
      await rig.untilMessages(2)
      const port = await freePort()
      const [u, tcp] = listenersOf(rig)
      await set(rig, { ...u, port }, tcp)
      await udp.end()
      const moved = await udpTo(t, port, udp.port)
      await moved.send(data(1))
      await rig.untilMessages(3)
      const { parts } = rig.collector
      assert.equal(decoded(rig), 2)
      assert.equal(parts.udp[0].intake.datagrams, 3)
      assert.equal(parts.sessions.counters.opened, 1)
      assert.equal(parts.ledger.dataSets.pending, 0)
    })

    test(`its receive buffer and the way it is read are changed in place: ${socket}`, async t => {
      const rig = await startRig(t, { socket })
      const udp = await rig.udpSource()
      await udp.send(template())
      await rig.untilMessages(1)
      const [u, tcp] = listenersOf(rig) as [Extract<Listener, { transport: 'udp' }>, Listener]
      const other = socket === 'dgram' ? 'recvmmsg' : 'dgram'
      await set(rig, { ...u, socket: other, receiveBufferOctets: 65_536 }, tcp)
      const { listener } = rig.collector.parts.udp[0]
      assert.deepEqual([listener.socketKind, listener.port, listener.receiveBufferAsked], [other, rig.udpPort, 65_536])
      for (let sequence = 0; sequence < 20; sequence++) await udp.send(data(sequence))
      await rig.untilMessages(21)
      assert.equal(decoded(rig), 20)
    })
  }

  test('TCP sessions of one that is closed are asked to end, and all that they wrote until then is decoded', async t => {
    const rig = await startRig(t, { shutdown: { tcpReadMs: 10_000 } })
    const exporters = await Promise.all(Array.from({ length: 3 }, () => tcpTo(t, rig.tcpPort)))
    const { parts } = rig.collector
    const stay = await rig.udpSource()
    await stay.send(template())
    const running = exporters.map(async exporter => {
      exporter.socket.write(template())
      while (!exporter.isAskedToEnd) {
        exporter.socket.write(data(exporter.written++))
        await new Promise(resolve => setImmediate(resolve))
      }
      // Its last words are on their way when it learns that nothing more is wanted.
      for (let more = 0; more < 50; more++) exporter.socket.write(data(exporter.written++))
      exporter.socket.end()
    })
    await rig.until(() => decoded(rig) > 100)
    await set(rig, listenersOf(rig)[0])
    assert.equal(parts.tcp.length, 0)
    await Promise.all(running)
    await rig.until(() => parts.listeners.closing.size === 0)
    assert.equal(
      decoded(rig),
      exporters.reduce((sum, { written }) => sum + written, 0)
    )
    assert.equal(parts.sessions.tcpSessions, 0)
    assert.equal(parts.sessions.udpSessions, 1)
    await assert.rejects(
      new Promise((resolve, reject) =>
        connect({ port: rig.tcpPort, host: '127.0.0.1' }).on('error', reject).on('connect', resolve)
      ),
      { code: 'ECONNREFUSED' }
    )
  })

  test('a UDP listener that is closed and opened again decodes by what its exporters had announced before', async t => {
    const rig = await startRig(t)
    const port = await freePort()
    const u = udpListener('u', port)
    await set(rig, u)
    const udp = await udpTo(t, port)
    await udp.send(template())
    for (let sequence = 0; sequence < 5; sequence++) await udp.send(data(sequence))
    await rig.until(() => decoded(rig) === 5)
    await set(rig, tcpListener('t', port))
    assert.equal(rig.collector.parts.sessions.udpSessions, 0)
    await set(rig, u)
    await udp.send(data(5))
    await rig.until(() => decoded(rig) === 6)
  })

  test('load balancers are named and forgotten in place: connections that are there go on as they began', async t => {
    const rig = await startRig(t)
    const [u, tcp] = listenersOf(rig) as [Listener, Extract<Listener, { transport: 'tcp' }>]
    const before = await rig.tcpSource()
    await before.send(template())
    await rig.untilMessages(1)
    await set(rig, u, { ...tcp, proxyProtocol: { from: ['127.0.0.0/8'] } })
    const balancer = await rig.tcpSource()
    await balancer.send(Buffer.concat([proxyV2(), template()]))
    await before.send(data(0))
    await rig.untilMessages(3)
    await set(rig, u, tcp)
    const after = await rig.tcpSource()
    await after.send(template())
    await balancer.send(data(0))
    await rig.untilMessages(5)
    assert.equal(decoded(rig), 2)
    const ids = [...rig.collector.parts.sessions.values()].map(({ exporter }) => exporter.id)
    assert.deepEqual(ids, ['127.0.0.1', '192.0.2.1', '127.0.0.1'])
    assert.deepEqual(rig.collector.parts.listeners.counts, {
      serving: 2,
      paused: 0,
      draining: 0,
      drained: 0,
      closing: 0
    })
  })

  test('a TCP session that does not end when it is asked to is cut off in the end', async t => {
    const rig = await startRig(t)
    const exporter = await tcpTo(t, rig.tcpPort)
    const closed = new Promise(resolve => exporter.socket.once('close', resolve))
    exporter.socket.write(template())
    await rig.untilMessages(1)
    await set(rig, listenersOf(rig)[0])
    const timer = setInterval(() => void exporter.socket.write(data(exporter.written++)), 1)
    await closed
    clearInterval(timer)
    assert.equal(rig.collector.parts.listeners.closing.size, 0)
  })

  test('a port that is taken: nothing is changed, nothing is left open, and the error names the listener, its key and why', async t => {
    const rig = await startRig(t)
    const udp = await rig.udpSource()
    await udp.send(template())
    await rig.untilMessages(1)
    const blocker = createServer()
    await new Promise<void>(resolve => blocker.listen(0, '127.0.0.1', resolve))
    t.after(() => void blocker.close())
    const taken = (blocker.address() as AddressInfo).port
    const free = await freePort()
    const [u] = listenersOf(rig)
    const wanted = [{ ...u, port: free }, udpListener('new', await freePort()), tcpListener('blocked', taken)]
    for (const work of ['prepare', 'set'] as const) {
      await assert.rejects(
        rig.collector.parts.listeners[work](wanted),
        (error: Error & { details: { issues: object[] } }) => {
          assert.match(error.message, /TCP listener blocked: 127\.0\.0\.1:\d+ is in use by another process/)
          const [issue] = error.details.issues as { path: string; message: string; allowed: string }[]
          assert.equal(issue.path, 'collector.listeners[2].port')
          assert.match(issue.message, /EADDRINUSE/)
          assert.ok(issue.allowed.length > 0)
          return true
        }
      )
    }
    assert.deepEqual(
      [
        ...rig.collector.parts.udp.map(({ listener }) => listener.port),
        ...rig.collector.parts.tcp.map(({ port }) => port)
      ],
      [rig.udpPort, rig.tcpPort]
    )
    await udp.send(data(0))
    await rig.untilMessages(2)
    assert.equal(decoded(rig), 1)
    // What was opened in vain is free again.
    await set(rig, udpListener('u', rig.udpPort), udpListener('other', free))
  })

  test('an address that is not of this machine is named by its key', async t => {
    const rig = await startRig(t)
    const wanted = [...listenersOf(rig), { ...udpListener('far', 0), address: '192.0.2.77' }]
    await assert.rejects(set(rig, ...wanted), (error: Error & { details: { issues: { path: string }[] } }) => {
      assert.equal(error.details.issues[0].path, 'collector.listeners[2].address')
      return true
    })
  })

  test('another name at the same port: the former socket goes first, and comes back if that was in vain', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    const [u, tcp] = [udpListener('u', await freePort()), tcpListener('t', await freePort())]
    await set(rig, u, tcp)
    const source = await udpTo(t, u.port)
    await source.send(template())
    await rig.untilMessages(1)
    const renamed = [udpListener('v', u.port), tcpListener('w', tcp.port)]
    const blocker = createSocket('udp4')
    await new Promise<void>(resolve => blocker.bind(0, '127.0.0.1', resolve))
    t.after(() => void blocker.close())
    // `::` takes the place of both names' addresses, and is refused where only one of them is ours.
    const inVain = [{ ...udpListener('x', blocker.address().port) }, ...renamed]
    await assert.rejects(set(rig, ...inVain), { code: 'LISTENER_REFUSED' })
    await source.send(data(0))
    await rig.untilMessages(2)
    assert.equal(decoded(rig), 1)
    await set(rig, ...renamed)
    assert.deepEqual([parts.udp[0].listener.config.name, parts.tcp[0].config.name], ['v', 'w'])
    await source.send(template())
    await source.send(data(1))
    await rig.untilMessages(4)
    assert.equal(decoded(rig), 2)
    const wide = { ...udpListener('v', u.port), address: '0.0.0.0' }
    await set(rig, wide, renamed[1])
    assert.equal(parts.udp[0].listener.port, u.port)
  })

  test('where a former socket stood in the way of one that cannot be opened, it is opened again and goes on', async t => {
    const rig = await startRig(t)
    const port = await freePort()
    await set(rig, udpListener('u', port), tcpListener('t', port))
    const source = await udpTo(t, port)
    await source.send(template())
    await rig.untilMessages(1)
    const other = createSocket('udp4')
    await new Promise<void>(resolve => other.bind(port, '127.0.0.2', resolve))
    t.after(() => void other.close())
    await assert.rejects(set(rig, { ...udpListener('all', port), address: '0.0.0.0' }, tcpListener('t', port)), {
      code: 'LISTENER_REFUSED'
    })
    await source.send(data(0))
    await rig.untilMessages(2)
    assert.equal(decoded(rig), 1)
    assert.equal(state(rig, 'u'), 'serving')
  })

  test('what is prepared is not read until it is wanted, and given up if it never is', async t => {
    const rig = await startRig(t)
    const port = await freePort()
    const { listeners } = rig.collector.parts
    const wanted = [...listenersOf(rig), udpListener('more', port), tcpListener('more-tcp', port)]
    await listeners.prepare(wanted)
    const udp = await udpTo(t, port)
    await udp.send(template())
    const tcp = await tcpTo(t, port)
    tcp.socket.write(template())
    const early = new Promise(resolve => tcp.socket.once('close', resolve))
    await set(rig, ...listenersOf(rig))
    await early
    assert.equal(rig.collector.parts.ledger.messages.received, 0)
    await listeners.prepare(wanted)
    await udp.send(template())
    await udp.send(data(0))
    await set(rig, ...wanted)
    await rig.untilMessages(2)
    assert.equal(decoded(rig), 1)
  })
})

describe('a listener that is paused, resumed or drained', () => {
  for (const socket of ['dgram', 'recvmmsg'] as SocketKind[]) {
    test(`pause leaves datagrams in the kernel, which drops and counts what does not fit; resume reads what is there: ${socket}`, async t => {
      const rig = await startRig(t, { socket, receiveBufferOctets: 65_536 })
      const { parts } = rig.collector
      const udp = await rig.udpSource()
      await udp.send(template())
      await rig.untilMessages(1)
      await parts.listeners.pause('u')
      await parts.listeners.pause('u')
      assert.equal(state(rig, 'u'), 'paused')
      const sent = 1_000
      for (let sequence = 0; sequence < sent; sequence++) await udp.send(data(sequence))
      const tick = (): void => parts.listeners.tick(0)
      tick()
      assert.equal(parts.ledger.messages.received, 1)
      const drops = parts.udp[0].listener.kernelDrops
      if (process.platform === 'linux') assert.ok(drops > 0, 'the kernel has dropped some')
      await parts.listeners.resume('u')
      assert.equal(state(rig, 'u'), 'serving')
      await rig.untilMessages(1 + sent - drops)
      assert.equal(decoded(rig) + drops, sent)
      await udp.send(data(sent))
      await rig.untilMessages(2 + sent - drops)
      assert.equal(parts.ledger.dataSets.decoded, sent - drops + 1)
    })
  }

  test('pause holds TCP back, those that come meanwhile too; nothing is lost, and no time-out strikes', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    const early = await rig.tcpSource()
    const mute = await rig.tcpSource()
    await early.send(template())
    await rig.untilMessages(1)
    await rig.until(() => parts.tcp[0].connections.size === 2)
    await parts.listeners.pause('t')
    const late = await rig.tcpSource()
    await early.send(data(0), data(1))
    await late.send(template(), data(0))
    // An hour goes by.
    parts.listeners.tick(parts.clock.monotonicMs() + 3_600_000)
    assert.equal(parts.ledger.messages.received, 1)
    await parts.listeners.resume('t')
    await rig.untilMessages(5)
    parts.listeners.tick(parts.clock.monotonicMs() + 3_600_000)
    await mute.send(template(), data(0))
    await rig.untilMessages(7)
    assert.equal(decoded(rig), 4)
    assert.deepEqual([parts.tcp[0].counters.accepted, parts.tcp[0].counters.timeout_header], [3, 0])
  })

  test('who may not send takes no place among those that wait at a paused listener', async t => {
    const limits = { tcpConnections: 1 }
    const rig = await startRig(t, { limits, collector: { allow: ['127.0.0.1/32'] } })
    const { parts } = rig.collector
    await parts.listeners.pause('t')
    const stranger = connect({ port: rig.tcpPort, host: '127.0.0.1', localAddress: '127.0.0.2' })
    t.after(() => stranger.destroy())
    stranger.on('error', () => {})
    await Promise.race([
      new Promise(resolve => stranger.once('connect', resolve)),
      new Promise(resolve => stranger.once('close', resolve))
    ])
    const exporter = await rig.tcpSource()
    await exporter.send(template(), data(0))
    await parts.listeners.resume('t')
    await rig.until(() => parts.tcp[0].counters.not_allowed === 1)
    await Promise.race([rig.untilMessages(2), exporter.closed])
    assert.equal(decoded(rig), 1)
    assert.equal(parts.tcp[0].counters.limit, 0)
  })

  test('what waits at a paused listener is read when the collector stops', async t => {
    const rig = await startRig(t, { shutdown: { tcpReadMs: 1_000, udpSilenceMs: 50 } })
    const { parts } = rig.collector
    const [udp, tcp] = [await rig.udpSource(), await rig.tcpSource()]
    await udp.send(template())
    await tcp.send(template())
    await rig.untilMessages(2)
    for (const name of ['u', 't']) await parts.listeners.pause(name)
    await udp.send(data(0))
    await tcp.send(data(0), data(1))
    tcp.socket.end()
    await rig.collector.stop(5_000)
    assert.equal(decoded(rig), 3)
  })

  test('drain takes no new TCP session, lets those that are there end, and resume opens it again', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    const tcp = await rig.tcpSource()
    await tcp.send(template())
    await rig.untilMessages(1)
    await parts.listeners.drain('t')
    assert.equal(state(rig, 't'), 'draining')
    const refused = await new Promise<Error>(resolve =>
      connect({ port: rig.tcpPort, host: '127.0.0.1' }).once('error', resolve)
    )
    assert.match(String(refused), /ECONNREFUSED/)
    await tcp.send(data(0))
    await rig.untilMessages(2)
    await assert.rejects(parts.listeners.pause('t'), { code: 'LISTENER_STATE' })
    await tcp.close()
    await rig.until(() => {
      parts.listeners.tick(0)
      return state(rig, 't') === 'drained'
    })
    assert.equal(decoded(rig), 1)
    await parts.listeners.resume('t')
    const again = await tcpTo(t, parts.tcp[0].port)
    again.socket.write(Buffer.concat([template(), data(0)]))
    await rig.until(() => decoded(rig) === 2)
    await assert.rejects(parts.listeners.drain('nobody'), { code: 'NOT_FOUND' })
  })

  test('drain reads UDP empty and closes it; its port may then be taken, and resume says so', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    const port = await freePort()
    await set(rig, udpListener('u', port))
    const udp = await udpTo(t, port)
    await udp.send(template())
    for (let sequence = 0; sequence < 100; sequence++) await udp.send(data(sequence))
    await parts.listeners.drain('u')
    assert.equal(decoded(rig), 100)
    assert.equal(state(rig, 'u'), 'drained')
    assert.equal(parts.sessions.udpSessions, 1)
    const blocker = createSocket('udp4')
    await new Promise<void>(resolve => blocker.bind(port, '127.0.0.1', resolve))
    await assert.rejects(parts.listeners.resume('u'), { code: 'LISTENER_REFUSED' })
    assert.equal(state(rig, 'u'), 'drained')
    await new Promise<void>(resolve => blocker.close(() => resolve()))
    await parts.listeners.resume('u')
    await udp.send(data(100))
    await rig.until(() => decoded(rig) === 101)
    // A change of others leaves it as it is.
    await parts.listeners.drain('u')
    await set(rig, udpListener('u', port), tcpListener('more', 0))
    assert.equal(state(rig, 'u'), 'drained')
    await set(rig, tcpListener('more', 0))
  })
})

test('what a listener was told outlives the collector, and ends with the listener or its place', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-listeners-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const listenerStatesPath = join(folder, 'listeners-0.json')
  const port = await freePort()
  const listeners = [udpListener('u', port), tcpListener('t', port)]
  const first = await startRig(t, { listenerStatesPath, collector: { listeners } })
  await first.collector.parts.listeners.pause('u')
  await first.collector.parts.listeners.drain('t')
  await first.stop()
  // A port that is not used may be another's meanwhile.
  const blocker = createServer()
  await new Promise<void>(resolve => blocker.listen(port, '127.0.0.1', resolve))
  t.after(() => void blocker.close())
  const second = await startRig(t, { listenerStatesPath, collector: { listeners } })
  const { parts } = second.collector
  assert.deepEqual([state(second, 'u'), state(second, 't')], ['paused', 'drained'])
  const udp = await udpTo(t, port)
  await udp.send(template())
  parts.listeners.tick(0)
  assert.equal(parts.ledger.messages.received, 0)
  await parts.listeners.resume('u')
  await second.untilMessages(1)
  await set(second, udpListener('u', port), tcpListener('t', await freePort()))
  assert.equal(state(second, 't'), 'serving')
  await parts.listeners.pause('u')
  await set(second, tcpListener('t', 0))
  assert.deepEqual(JSON.parse(readFileSync(listenerStatesPath, 'utf8')), {})
})

test('what a listener was told is forgotten if it was taken out while no collector was there', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-listeners-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const listenerStatesPath = join(folder, 'listeners-0.json')
  writeFileSync(listenerStatesPath, JSON.stringify({ gone: 'paused', u: 'paused' }))
  const rig = await startRig(t, { listenerStatesPath })
  assert.deepEqual(JSON.parse(readFileSync(listenerStatesPath, 'utf8')), { u: 'paused' })
  const port = await freePort()
  await set(rig, ...listenersOf(rig), tcpListener('gone', port))
  assert.deepEqual([state(rig, 'u'), state(rig, 'gone')], ['paused', 'serving'])
})

describe('bounds that are changed while the collector runs', () => {
  const limitsOf = (rig: Rig) => rig.collector.parts.settings.collector.limits

  test('hold at once: templates of a domain, what waits for a template, connections', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    const tcp = await rig.tcpSource()
    await tcp.send(template())
    await rig.untilMessages(1)
    rig.collector.setLimits({
      ...limitsOf(rig),
      templatesTotal: 1,
      pendingMs: 0,
      tcpConnections: 1,
      domainsPerSession: 1
    })
    await tcp.send(
      buildMessage().template(257, FIELDS).octets(),
      buildMessage({ sequence: 0 }).data(300, '00').octets()
    )
    await tcp.send(buildMessage({ odid: 9 }).template(258, FIELDS).octets())
    await rig.untilMessages(4)
    assert.equal(parts.budget.templates, 1)
    assert.equal(parts.ledger.dataSets.dropped.unknown_template, 1)
    assert.equal(parts.intake.faultCounts.DOMAIN_LIMIT, 1)
    const more = await rig.tcpSource()
    await more.closed
    assert.equal(parts.tcp[0].counters.limit, 1)
    rig.collector.setLimits({ ...limitsOf(rig), templatesTotal: 10, tcpConnections: 10 })
    const other = await rig.tcpSource()
    await other.send(template())
    await rig.until(() => parts.budget.templates === 2)
  })

  test('policies hold at once for sessions that are there, and stay under what is said of single exporters', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    const udp = await rig.udpSource()
    await udp.send(template())
    await rig.untilMessages(1)
    parts.policies.set('192.0.2.1', { scope: 'session' })
    const entry = {
      match: '127.0.0.0/8',
      scope: 'address' as const,
      resumeTemplates: false,
      silentMs: null,
      skewMs: null
    }
    rig.collector.setExporters([entry, { ...entry, match: '192.0.2.0/24' }])
    const [session] = [...parts.sessions.values()].filter(({ transport }) => transport === 'udp')
    assert.match(session.identity.scope, /127\.0\.0\.1$/)
    assert.equal(parts.policies.policyFor('192.0.2.1').scope, 'session')
    assert.equal(parts.policies.policyFor('192.0.2.2').scope, 'address')
    assert.deepEqual(settingsOf().collector.exporters, [])
  })
})
