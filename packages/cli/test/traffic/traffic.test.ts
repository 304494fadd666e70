import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Pacer, replayTraffic, restamp } from '@weir/analysis/replay'
import { FlowExporter } from '../../src/traffic/flow-exporter.ts'
import { generateTraffic, type GenerateRequest } from '../../src/traffic/generate-traffic.ts'
import { SerialBitmap } from '../../src/traffic/ground-truth.ts'
import { TrafficReceiver } from '../../src/traffic/traffic-receiver.ts'
import { parseTarget } from '../../src/traffic/parse-target.ts'

type Transport = 'udp' | 'tcp'

async function receiverOf(t: TestContext, transport: Transport): Promise<{ receiver: TrafficReceiver; port: number }> {
  const receiver = new TrafficReceiver({ listen: { transport, host: '127.0.0.1', port: 0 }, isVerifying: true })
  const port = await receiver.start()
  t.after(() => receiver.stop())
  return { receiver, port }
}

const requestOf = (transport: Transport, port: number, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  to: { transport, host: '127.0.0.1', port },
  rate: 0,
  exporters: 1,
  templates: 1,
  records: 0,
  durationMs: 0,
  seed: 1,
  version: 10,
  recordsPerMessage: 18,
  templateRefreshMs: 10_000,
  isManyAddresses: false,
  firstGeneratorId: 1,
  ...more
})

async function until(wish: () => boolean): Promise<void> {
  while (!wish()) await new Promise(resolve => setImmediate(resolve))
}

const never = new AbortController().signal

describe('weir generate and weir receive', () => {
  test('agree over TCP to the record', async t => {
    const { receiver, port } = await receiverOf(t, 'tcp')
    const sent = await generateTraffic(requestOf('tcp', port, { records: 20_001, exporters: 3, templates: 7 }), never)
    assert.deepEqual(sent.generators, { 1: 6667, 2: 6667, 3: 6667 })
    await until(() => receiver.unique === 20_001)
    const { messages, octets, records, templates, sequence, truth, malformedMessages } = receiver.report()
    assert.deepEqual({ messages, octets, records }, { messages: sent.messages, octets: sent.octets, records: 20_001 })
    assert.equal(templates, 21)
    assert.equal(malformedMessages, 0)
    assert.deepEqual(sequence, { lost: 0, duplicated: 0, reordered: 0, restarts: 0, suspect: 0 })
    assert.deepEqual([truth?.unique, truth?.duplicates, truth?.missing, truth?.without], [20_001, 0, 0, 0])
  })

  for (const version of [9, 10] as const) {
    test(`agree over UDP, version ${version}, each exporter with its own address`, async t => {
      const { receiver, port } = await receiverOf(t, 'udp')
      const more = { records: 900, exporters: 5, templates: 20, version, rate: 9000, isManyAddresses: true }
      await generateTraffic(requestOf('udp', port, more), never)
      await until(() => receiver.unique === 900)
      const { sessions, unknownTemplateSets, malformedMessages, sequence } = receiver.report()
      assert.deepEqual([sessions, unknownTemplateSets, malformedMessages, sequence.lost], [5, 0, 0, 0])
    })
  }

  test('version 5 counts flows in its sequence', async t => {
    const { receiver, port } = await receiverOf(t, 'udp')
    await generateTraffic(requestOf('udp', port, { records: 300, version: 5, rate: 9000 }), never)
    await until(() => receiver.records === 300)
    const { sequence, truth } = receiver.report()
    assert.equal(sequence.lost, 0)
    assert.equal(truth?.without, 300)
  })

  test('a stop in the middle reports exactly what was sent', async t => {
    const { receiver, port } = await receiverOf(t, 'tcp')
    const stop = new AbortController()
    const running = generateTraffic(requestOf('tcp', port, { rate: 50_000 }), stop.signal)
    await until(() => receiver.records > 1000)
    stop.abort()
    const { records } = await running
    await until(() => receiver.unique === records)
    assert.equal(receiver.report().truth?.missing, 0)
  })

  test('NetFlow over TCP is refused, and so is a target where nobody listens', async t => {
    const { receiver, port } = await receiverOf(t, 'tcp')
    await assert.rejects(generateTraffic(requestOf('tcp', port, { version: 9 }), never), {
      code: 'USAGE',
      exitCode: 64
    })
    await receiver.stop()
    await assert.rejects(generateTraffic(requestOf('tcp', port), never), { code: 'TARGET_UNAVAILABLE', exitCode: 69 })
  })
})

describe('records', () => {
  const write = (seed: number): Uint8Array => {
    const options = {
      generatorId: 4,
      templates: 3,
      recordsPerMessage: 5,
      maxMessageOctets: 1452,
      seed,
      version: 10
    } as const
    const exporter = new FlowExporter(options, 1.7e12)
    const view = new DataView(new ArrayBuffer(8192))
    let at = exporter.writeTemplates(view, 0, 1.7e12).at(-1) ?? 0
    for (let message = 0; message < 4; message++) at = exporter.writeMessage(view, at, 1.7e12, 100)
    return new Uint8Array(view.buffer, 0, at)
  }

  test('depend on the seed alone', () => {
    assert.deepEqual(write(1), write(1))
    assert.notDeepEqual(write(1), write(2))
  })
})

describe('weir replay', () => {
  const fileOf = async (): Promise<Uint8Array> => {
    const options = {
      generatorId: 4,
      templates: 2,
      recordsPerMessage: 5,
      maxMessageOctets: 1452,
      seed: 1,
      version: 10
    } as const
    const exporter = new FlowExporter(options, 1.7e12)
    const view = new DataView(new ArrayBuffer(65_536))
    let at = exporter.writeTemplates(view, 0, 1.7e12).at(-1) ?? 0
    for (let message = 0; message < 40; message++) at = exporter.writeMessage(view, at, 1.7e12, 5)
    return new Uint8Array(view.buffer, 0, at)
  }

  for (const transport of ['tcp', 'udp'] as const) {
    test(`sends an IPFIX File over ${transport} Message by Message`, async t => {
      const { receiver, port } = await receiverOf(t, transport)
      const octets = await fileOf()
      const input = {
        name: 'x',
        format: 'auto' as const,
        chunks: async function* () {
          yield octets
        }
      }
      const to = { transport, host: '127.0.0.1', port }
      const request = { inputs: [input], to, speed: 1, rate: 2000, isLooping: false, isRestamping: true }
      const report = await replayTraffic(request, never)
      assert.deepEqual([report.messages, report.octets, report.sessions, report.unsuited], [41, octets.length, 1, 0])
      await until(() => receiver.unique === 200)
      assert.equal(receiver.report().truth?.missing, 0)
    })
  }

  test('writes the time of sending where the version has it, when told to', () => {
    const ipfix = Uint8Array.from([0, 10, 0, 16, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    restamp(ipfix, 1_700_000_000_500)
    const view = new DataView(ipfix.buffer)
    assert.equal(view.getUint32(4), Math.floor(1_700_000_000_500 / 1000))
    assert.equal(view.getUint32(8), 0x02020202)
    const short = Uint8Array.of(0, 10)
    restamp(short, 1e12)
    assert.deepEqual(short, Uint8Array.of(0, 10))
  })
})

test('a bitmap tells what is missing from what came twice', () => {
  const bitmap = new SerialBitmap()
  for (const serial of [0, 1, 2, 2, 100_000, 2 ** 50]) bitmap.add(serial)
  const { unique, duplicates, missing, highest, absurd } = bitmap
  assert.deepEqual([unique, duplicates, missing, highest, absurd], [4, 1, 99_997, 100_000, 1])
})

test('a pacer gives the rate, and no flood after it was held up', () => {
  const pacer = new Pacer(1000, 0)
  assert.equal(pacer.due(10), 10)
  pacer.take(10)
  assert.equal(pacer.due(10), 0)
  assert.equal(pacer.due(60_000), 50)
  pacer.take(50)
  assert.equal(pacer.due(60_010), 10)
})

test('a target is read or refused in words', () => {
  assert.deepEqual(parseTarget('udp://[::1]:4739'), { transport: 'udp', host: '::1', port: 4739 })
  assert.deepEqual(parseTarget('tcp://localhost:1'), { transport: 'tcp', host: 'localhost', port: 1 })
  for (const text of ['http://x:1', 'udp://x', 'udp://x:70000', 'udp://:1', '']) {
    assert.throws(() => parseTarget(text), /udp:\/\/host:port or tcp:\/\/host:port/)
  }
})
