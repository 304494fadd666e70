// What the collector does with a Message, with a link that takes everything and does nothing:
// node packages/collector/bench/intake.bench.ts [repeats]
//
// Messages of 18 records of 74 octets (1352 octets). Cases `memory/*` have no socket; cases `socket/*` read loopback
// sockets that a child process fills as fast as it can, and count the CPU time of this process alone. Case ids are stable.
import { fork, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { resolveConfig } from '@weir/config'
import { ElementRegistry } from '@weir/ipfix'
import { buildMessage } from '@weir/ipfix/testing'
import type { LinkSender } from '@weir/link'
import { silentLog } from '@weir/runtime'
import { createMemoryTemplateStore } from '@weir/templates'
import { createCollector, type Collector } from '../src/index.ts'
import { TcpConnection } from '../src/tcp-connection.ts'
import { FakeLink } from '../test/support/fake-link.ts'

const FIELDS =
  '8:4 12:4 15:4 10:4 14:4 2:8 1:8 152:8 153:8 7:2 11:2 6:1 4:1 5:1 16:4 17:4 9:1 13:1 136:1 61:1 58:2 192:1'
const RECORD_OCTETS = FIELDS.split(' ').reduce((sum, field) => sum + Number(field.split(':')[1]), 0)
const RECORDS = 18
const SECONDS = 2

const template = buildMessage({ sequence: 0 }).template(256, FIELDS).octets()
const data = buildMessage({ sequence: 0 })
  .data(256, new Uint8Array(RECORDS * RECORD_OCTETS))
  .octets()

/** Takes everything, keeps nothing. */
class NullLink extends FakeLink implements LinkSender {
  taken = 0
  override append(...values: Parameters<LinkSender['append']>): boolean
  override append(
    _layout: never,
    _source: never,
    _context: never,
    _time: never,
    _at: never,
    _boot: never,
    records: number
  ): boolean {
    this.taken += records
    return true
  }
}

async function makeCollector(socket: string): Promise<{ collector: Collector; link: NullLink }> {
  const { config } = resolveConfig({
    collector: {
      listeners: [
        { name: 'u', transport: 'udp', address: '127.0.0.1', port: 0, receiveBufferOctets: 4_194_304, socket },
        { name: 't', transport: 'tcp', address: '127.0.0.1', port: 0 }
      ],
      http: null
    },
    shutdown: { tcpReadMs: 0, udpSilenceMs: 0, drainMs: 0 }
  })
  const link = new NullLink()
  const collector = createCollector(config, {
    link,
    store: createMemoryTemplateStore(),
    registry: ElementRegistry.standard(),
    log: silentLog()
  })
  await collector.start(new AbortController().signal)
  return { collector, link }
}

interface Result {
  readonly nsPerMessage: number
  readonly messages: number
  readonly note: string
}

async function measureAll(repeats: number): Promise<void> {
  console.log(`${cpus()[0]?.model}, Node ${process.version}, ${RECORDS} records of ${RECORD_OCTETS} octets a Message`)
  for (const [id, run] of cases) {
    const results: Result[] = []
    for (let repeat = 0; repeat < repeats; repeat++) results.push(await run())
    results.sort((a, b) => a.nsPerMessage - b.nsPerMessage)
    const [middle, least, most] = [results[Math.trunc(results.length / 2)], results[0], results[results.length - 1]]
    const perRecord = middle.nsPerMessage / RECORDS
    console.log(
      `${id.padEnd(24)} ${middle.nsPerMessage.toFixed(0).padStart(7)} ns/Message (${least.nsPerMessage.toFixed(0)}..${most.nsPerMessage.toFixed(0)}) ` +
        `${perRecord.toFixed(1).padStart(6)} ns/record  ${middle.note}`
    )
  }
}

const cases: readonly (readonly [id: string, run: () => Promise<Result>])[] = [
  ['memory/udp-ipv4', () => inMemory('udp')],
  ['memory/tcp', () => inMemory('tcp')],
  ['socket/udp-dgram', () => overSocket('udp', 'dgram')],
  ['socket/udp-recvmmsg', () => overSocket('udp', 'recvmmsg')],
  ['socket/tcp', () => overSocket('tcp', 'dgram')]
]

async function inMemory(transport: 'udp' | 'tcp'): Promise<Result> {
  const { collector } = await makeCollector('dgram')
  const { parts } = collector
  const octets = new Uint8Array(65_536)
  const view = new DataView(octets.buffer)
  const count = 400_000
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const { intake } = parts.udp[0]
  const exporter = parts.exporters.candidate({ text: '192.0.2.1', isIPv6: false, octets: new Uint8Array(16) }, 0)
  const session = parts.sessions.openTcp('t', exporter, 1, 'bench', 0, 0)
  const connection = new TcpConnection(undefined as never, session, 3, {
    intake: parts.intake,
    ledger: parts.ledger,
    nowMs: () => performance.now(),
    nowAtMs: () => Date.now()
  })
  let sequence = 0
  const perChunk = transport === 'udp' ? 1 : 48
  const chunk = octets.subarray(0, perChunk * data.length)
  const fill = (message: Uint8Array): void => {
    for (let at = 0; at < perChunk; at++) octets.set(message, at * data.length)
  }
  const give = (): void => {
    for (let at = 0; at < perChunk; at++) {
      view.setUint32(at * data.length + 8, sequence)
      sequence = (sequence + RECORDS) >>> 0
    }
    if (transport === 'udp') {
      intake.begin()
      intake.fromIPv4(0x7f000001, 4739, octets, view, 0, data.length)
    } else connection.read(chunk)
  }
  octets.set(template)
  intake.begin()
  if (transport === 'udp') intake.fromIPv4(0x7f000001, 4739, octets, view, 0, template.length)
  else connection.read(octets.subarray(0, template.length))
  fill(data)
  for (let warm = 0; warm < 100_000; warm += perChunk) give()
  collectGarbage()
  const heapBefore = process.memoryUsage().heapUsed
  const started = process.hrtime.bigint()
  for (let done = 0; done < count; done += perChunk) give()
  const elapsed = Number(process.hrtime.bigint() - started)
  const allocated = process.memoryUsage().heapUsed - heapBefore
  await collector.stop(0)
  return { nsPerMessage: elapsed / count, messages: count, note: `${(allocated / count).toFixed(1)} octets/Message` }
}

async function overSocket(transport: 'udp' | 'tcp', socket: string): Promise<Result> {
  const { collector, link } = await makeCollector(socket)
  const { parts } = collector
  const port = transport === 'udp' ? parts.udp[0].listener.port : parts.tcp[0].port
  const child: ChildProcess = fork(import.meta.filename, ['send', transport, String(port)], { stdio: 'inherit' })
  while (link.taken < 100_000 * RECORDS) await new Promise(resolve => setTimeout(resolve, 10))
  const before = process.cpuUsage()
  const messagesBefore = parts.ledger.messages.received
  await new Promise(resolve => setTimeout(resolve, SECONDS * 1000))
  const used = process.cpuUsage(before)
  const messages = parts.ledger.messages.received - messagesBefore
  const kind = transport === 'udp' ? parts.udp[0].listener.socketKind : 'tcp'
  child.kill('SIGKILL')
  await new Promise(resolve => child.once('exit', resolve))
  await collector.stop(0)
  const cpuUs = used.user + used.system
  const note = `CPU; ${kind}; ${((messages / SECONDS / 1000) * 1).toFixed(0)} k Messages/s, ${((messages * RECORDS) / SECONDS / 1e6).toFixed(2)} M records/s, ${((cpuUs / 1e6 / (messages * RECORDS)) * 1e6).toFixed(3)} CPU s/M records`
  return { nsPerMessage: (cpuUs * 1000) / messages, messages, note }
}

/** The child: sends until it is killed. */
async function send(transport: string, port: number): Promise<void> {
  const message = new DataView(data.buffer)
  let sequence = 0
  if (transport === 'udp') {
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => socket.connect(port, '127.0.0.1', resolve))
    socket.send(template)
    const burst = (): void => {
      for (let at = 0; at < 64; at++) {
        message.setUint32(8, sequence)
        sequence = (sequence + RECORDS) >>> 0
        socket.send(data.slice())
      }
      setImmediate(burst)
    }
    burst()
    return
  }
  const socket = connect(port, '127.0.0.1')
  await new Promise<void>(resolve => socket.once('connect', resolve))
  socket.write(template)
  for (;;) {
    const chunk = new Uint8Array(192 * data.length)
    const view = new DataView(chunk.buffer)
    for (let at = 0; at < 192; at++) {
      chunk.set(data, at * data.length)
      view.setUint32(at * data.length + 8, sequence)
      sequence = (sequence + RECORDS) >>> 0
    }
    if (!socket.write(chunk)) await new Promise<void>(resolve => socket.once('drain', resolve))
  }
}

if (process.argv[2] === 'send') await send(process.argv[3], Number(process.argv[4]))
else await measureAll(Number(process.argv[2] ?? 3))
