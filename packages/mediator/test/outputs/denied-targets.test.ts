import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { TargetPolicy, resolveConfig, validateDestination } from '@weir/config'
import type { Destination } from '@weir/config'
import { until } from '../../../../test/support/until.ts'
import type { Lookup } from '../../src/outputs/guarded-lookup.ts'
import { probe } from '../../src/outputs/probe.ts'
import { flowBatch, sourceOf } from '../support/batches.ts'
import { Rig } from '../support/rig.ts'

/** Every address that a socket of this process tried to connect to. */
const attempts: string[] = []
const onTcp = (message: unknown): void => {
  const { socket } = message as { socket: Socket }
  socket.on('connectionAttempt', (address: string) => attempts.push(address))
}
const onUdp = (message: unknown): void => {
  const { socket } = message as { socket: UdpSocket }
  const connect = socket.connect.bind(socket) as (port: number, address: string, done: () => void) => void
  socket.connect = ((port: number, address: string, done: () => void) => {
    attempts.push(address)
    connect(port, address, done)
  }) as typeof socket.connect
}
before(() => {
  channel('net.client.socket').subscribe(onTcp)
  channel('udp.socket').subscribe(onUdp)
})
after(() => {
  channel('net.client.socket').unsubscribe(onTcp)
  channel('udp.socket').unsubscribe(onUdp)
})

const policyOf = (destinationPolicy: object, destinations: object[] = []): TargetPolicy =>
  new TargetPolicy(resolveConfig({ mediator: { destinationPolicy }, destinations }).config, () => [
    '10.1.2.3',
    'fd00::10:1:2:3'
  ])

const inPod = { profile: 'pod', allow: ['10.0.0.0/8', 'fd00::/8', '0.0.0.0/0', '::/0'], deny: ['10.9.0.0/16'] }

/** Where nothing may be sent to from a pod, in all the ways in which it can be written. */
const denied = Object.values({
  loopback: '127.0.0.1 127.1 127.0.1 127.0.0.1. 127.1.2.3 127.255.255.254 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1',
  octal: '017700000001 0177.0.0.1',
  named: 'localhost LOCALHOST localhost.',
  loopback6: '[::1] [0:0:0:0:0:0:0:1]',
  mapped: '[::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:10.0.0.1] [::ffff:0:127.0.0.1]',
  translated: '[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::1]',
  metadata6: '[::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::1] [fd00:ec2::254] [fd20:ce::254]',
  metadata: '169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.16689662',
  clouds: '100.100.100.200 168.63.129.16 192.0.0.192',
  local: '169.254.1.1 [fe80::1] [fec0::1]',
  nobody: '0.0.0.0 0 0x0 0.1.2.3 [::]',
  everybody: '255.255.255.255 4294967295 0xffffffff 240.0.0.1 224.0.0.1 239.255.255.250 [ff02::1] [ff0e::1]',
  own: '10.1.2.3 [fd00::10:1:2:3] [fd00:0::10:1:2:3] [FD00:0:0:0:10:1:2:3]',
  unwanted: '10.9.1.2 0x0a090102'
}).flatMap(hosts => hosts.split(' '))

/** Its own listeners are elsewhere: loops are refused for another reason. */
const { config: elsewhere } = resolveConfig({ collector: { listeners: [{ name: 'l', transport: 'udp', port: 1 }] } })

const destination = (url: string, more: object = {}): Destination | undefined =>
  validateDestination({ id: 'd', type: 'ipfix', url, reconnectMinMs: 100, reconnectMaxMs: 100, ...more }, elsewhere)
    .destination

test('TH-34 what may not be sent to is refused when it is configured, and never connected to where that is passed by', async () => {
  assert.ok(denied.length >= 60, `${denied.length}`)
  const policy = policyOf(inPod)
  const unseen: string[] = []
  const configured: Destination[] = []
  for (const host of denied) {
    for (const scheme of ['tcp', 'udp']) {
      const wanted = destination(`${scheme}://${host}:4739`)
      // Some are no target at all.
      if (wanted === undefined) continue
      if (policy.issuesOf(wanted, '').length === 0) unseen.push(host)
      configured.push(wanted)
    }
  }
  assert.deepEqual([...new Set(unseen)], ['localhost', 'LOCALHOST', 'localhost.'], 'names are not looked up there')
  attempts.length = 0
  const rig = new Rig({ targets: policy, drainMs: 0 })
  for (const [index, each] of configured.entries()) rig.destinations.add({ ...each, id: `d${index}` }, false)
  rig.push(flowBatch(sourceOf(), 10, 0))
  await until('each has been tried twice', () => {
    rig.destinations.tick()
    return rig.destinations.states.every(({ output }) => output.attempts >= 2)
  })
  for (const { output } of rig.destinations.states) {
    assert.match(output.lastError!, /^(denied|name_unknown|name_timeout): /, output.target)
    assert.equal(output.sessions, 0, output.target)
  }
  for (const { id } of rig.destinations.states.slice(0, 20)) {
    const { reachable, address } = await rig.destinations.test(id, 1_000)
    assert.deepEqual([reachable, address], ['no', null])
  }
  await rig.stop(0)
  assert.deepEqual(attempts, [], 'nothing was connected to')
})

test('TH-34 ports that are not allowed are refused; on a machine any port of loopback and of private networks is right', () => {
  const issues = (policy: TargetPolicy, url: string): number => policy.issuesOf(destination(url)!, 'd').length
  const pod = policyOf(inPod)
  for (const port of [22, 80, 443, 6379, 8090]) assert.equal(issues(pod, `tcp://10.0.0.1:${port}`), 1)
  for (const port of [4739, 4740, 2055, 9995]) assert.equal(issues(pod, `udp://10.0.0.1:${port}`), 0)
  assert.equal(issues(policyOf({ profile: 'pod' }), 'udp://10.0.0.1:4739'), 1, 'without a list nothing is allowed')
  const machine = policyOf({})
  for (const host of ['127.0.0.1', '[::1]', 'localhost', '10.0.0.1', '192.168.1.1', '198.51.100.1', '[2001:db8::1]']) {
    assert.equal(issues(machine, `tcp://${host}:514`), 0, host)
  }
  for (const host of ['169.254.169.254', '[fe80::1]', '224.0.0.1', '[::ffff:127.0.0.1]']) {
    assert.equal(issues(machine, `tcp://${host}:4739`), 1, host)
  }
  const narrow = policyOf({ allow: ['198.51.100.0/24', '169.254.7.0/24'] })
  assert.equal(issues(narrow, 'tcp://198.51.100.9:1'), 0)
  assert.equal(issues(narrow, 'tcp://198.51.101.9:1'), 1)
  assert.equal(issues(narrow, 'tcp://169.254.7.9:1'), 0, 'an entry within a block that is never allowed opens it')
  assert.equal(issues(narrow, 'tcp://169.254.169.254:1'), 1)
  // To open the IPv4 addresses in IPv6 is not to open those of them that may not be sent to.
  const mapped = policyOf({ profile: 'pod', allow: ['::ffff:0:0/96', '10.0.0.0/8'], deny: ['10.9.0.0/16'] })
  assert.equal(issues(mapped, 'tcp://[::ffff:10.0.0.1]:4739'), 0)
  for (const inner of ['127.0.0.1', '169.254.169.254', '10.1.2.3', '10.9.0.1', '224.0.0.1']) {
    assert.equal(issues(mapped, `tcp://[::ffff:${inner}]:4739`), 1, inner)
  }
  // The owner of the file has named it.
  const named = policyOf(inPod, [{ id: 'own', type: 'ipfix', url: 'tcp://127.0.0.1:6000' }])
  assert.equal(issues(named, 'tcp://127.0.0.1:6000'), 0)
  assert.equal(named.checkOf('127.0.0.1', 6_000), undefined)
  assert.equal(issues(named, 'tcp://127.0.0.1:6001'), 1)
  const podAlone = policyOf({ profile: 'pod', allow: ['127.0.0.2/32', '10.1.2.3'] })
  assert.equal(issues(podAlone, 'tcp://127.0.0.2:4739'), 0)
  assert.equal(issues(podAlone, 'tcp://10.1.2.3:4739'), 0)
  const error = machine.issuesOf(destination('tcp://169.254.169.254:80')!, 'destinations[3]')[0]!
  assert.deepEqual([error.path, error.allowed?.includes('mediator.destinationPolicy')], ['destinations[3].url', true])
})

/** Two servers on one port of two addresses of loopback, the second of which is not allowed. */
async function twoServers(): Promise<{ servers: Server[]; sockets: Socket[][]; port: number; close: () => void }> {
  const servers = [createServer(), createServer()]
  const sockets: Socket[][] = [[], []]
  for (const [index, server] of servers.entries()) {
    server.on('connection', socket => {
      socket.on('error', () => undefined)
      socket.resume()
      sockets[index]!.push(socket)
    })
  }
  servers[0]!.listen(0, '127.0.0.1')
  await once(servers[0]!, 'listening')
  const { port } = servers[0]!.address() as AddressInfo
  servers[1]!.listen(port, '127.0.0.2')
  await once(servers[1]!, 'listening')
  const close = (): void => {
    for (const server of servers) server.close()
    for (const socket of sockets.flat()) socket.destroy()
  }
  return { servers, sockets, port, close }
}

test('TH-34 a name that stands for another address at the next connection is not followed to one that is denied', async t => {
  const { sockets, port, close } = await twoServers()
  t.after(close)
  let answer = ['127.0.0.1']
  let lookups = 0
  const lookup: Lookup = (_host, _options, onFound) => {
    lookups++
    onFound(
      null,
      answer.map(address => ({ address, family: 4 }))
    )
  }
  const targets = policyOf({ profile: 'pod', ports: [port], allow: ['127.0.0.1'] })
  const rig = new Rig({ targets, lookup, drainMs: 0 })
  rig.add({ id: 't', type: 'ipfix', url: `tcp://flips.example:${port}`, reconnectMinMs: 100, reconnectMaxMs: 100 })
  await until('it is connected', () => sockets[0]!.length === 1)
  attempts.length = 0
  answer = ['127.0.0.2']
  sockets[0]![0]!.destroy()
  const before = lookups
  await until('it has asked again, often', () => lookups > before + 3)
  assert.match(rig.destinations.states[0]!.output.lastError!, /^denied: /)
  assert.deepEqual(attempts, [])
  // Where some are allowed, only those are tried.
  answer = ['127.0.0.2', '169.254.169.254', '127.0.0.1']
  await until('it is connected again', () => sockets[0]!.length === 2)
  assert.deepEqual(attempts, ['127.0.0.1'])
  assert.equal(sockets[1]!.length, 0)
  await rig.stop(0)
})

test('TH-34 UDP does not move to an address that is denied', async t => {
  const sinks = [createSocket('udp4'), createSocket('udp4')]
  const received = [0, 0]
  for (const [index, sink] of sinks.entries()) sink.on('message', () => void received[index]!++)
  sinks[0]!.bind(0, '127.0.0.1')
  await once(sinks[0]!, 'listening')
  const { port } = sinks[0]!.address()
  sinks[1]!.bind(port, '127.0.0.2')
  await once(sinks[1]!, 'listening')
  t.after(() => sinks.forEach(sink => sink.close()))
  let address = '127.0.0.1'
  let lookups = 0
  const lookup: Lookup = (_host, _options, onFound) => {
    lookups++
    onFound(null, [{ address, family: 4 }])
  }
  const targets = policyOf({ profile: 'pod', ports: [port], allow: ['127.0.0.1'] })
  const rig = new Rig({ targets, lookup, drainMs: 0 })
  attempts.length = 0
  rig.add({ id: 'u', type: 'ipfix', url: `udp://flips.example:${port}`, reconnectMinMs: 100, reconnectMaxMs: 100 })
  await until('it is ready', () => rig.destinations.states[0]!.output.status === 'ready')
  assert.deepEqual(attempts, ['127.0.0.1'])
  attempts.length = 0
  address = '127.0.0.2'
  await until('it has asked again, often', () => {
    rig.destinations.tick()
    return lookups > 3
  })
  rig.push(flowBatch(sourceOf(), 100, 0))
  await until('it goes where it went', () => received[0]! > 0)
  await rig.stop(0)
  assert.equal(received[1], 0)
  assert.deepEqual(attempts, [])
})

test('a try that took too long opens nothing when the name servers answer at last', async () => {
  let answer: (() => void) | undefined
  const lookup: Lookup = (_host, _options, onFound) => {
    answer = () => onFound(null, [{ address: '127.0.0.1', family: 4 }])
  }
  for (const kind of ['udp', 'tcp'] as const) {
    attempts.length = 0
    const { failure } = await probe({ kind, host: 'slow.example', port: 9 }, { lookup, timeoutMs: 1 })
    assert.equal(failure, 'timeout')
    answer!()
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(attempts, [], kind)
  }
})
