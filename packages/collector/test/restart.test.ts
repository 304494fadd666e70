import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { allEntries, createFileTemplateStore, createMemoryTemplateStore, type TemplateStore } from '@weir/templates'
import { FakeLink } from './support/fake-link.ts'
import { dataMessage, recordHex, templateMessage, v9DataMessage, v9TemplateMessage } from './support/messages.ts'
import { createCollectorOf, dropsOf, startRig } from './support/rig.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-collector-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const fileStore = (path: string): TemplateStore => createFileTemplateStore({ path, flushMs: 5 })

/** samplerId as scope, samplingInterval. */
const optionsMessage = (interval: string, sequence = 0): Uint8Array =>
  buildMessage({ sequence }).optionsTemplate(300, 1, '302:4 305:4').data(300, `00000007${interval}`).octets()

/** A Set that runs past its Message. */
const malformedV9Message = (): Uint8Array =>
  buildV9({ odid: 1, sequence: 1 }).data(256, '0102030405060708').lie({ setLength: 400 }).octets()

describe('a collector that was restarted', () => {
  test('F-04 decodes a UDP session at once by what the file store has', async t => {
    const path = join(folder, `${++files}.db`)
    const first = await startRig(t, { store: fileStore(path) })
    const source = await first.udpSource()
    await source.send(templateMessage(), dataMessage([1]))
    await first.untilMessages(2)
    const { port } = first.collector.parts.udp[0].listener
    const sourcePort = source.port
    await first.stop()

    const link = new FakeLink()
    const second = await startRig(t, { store: fileStore(path), link })
    const { intake } = second.collector.parts.udp[0]
    const octets = dataMessage([2], { sequence: 1 })
    intake.begin()
    intake.fromText('127.0.0.1', sourcePort, octets, new DataView(octets.buffer), 0, octets.length)
    assert.deepEqual(link.hex, [recordHex(2)])
    assert.equal(second.collector.parts.recollection.restored, 1)
    assert.ok(port > 0)
    const [session] = second.collector.parts.sessions.values()
    assert.equal(session.domains.get(1)?.table.entry(256)?.source, 'store')
  })

  test('does not decode another port of the same exporter by it', async t => {
    const store = createMemoryTemplateStore()
    const first = await startRig(t, { store })
    const source = await first.udpSource()
    await source.send(templateMessage(), v9TemplateMessage())
    await first.untilMessages(2)
    await first.stop()
    const second = await startRig(t, { store })
    const other = await second.udpSource()
    await other.send(dataMessage([1]), v9DataMessage([2], 1, 1))
    await second.untilMessages(2)
    assert.deepEqual(second.link.hex, [])
    assert.equal(second.collector.parts.ledger.dataSets.pending, 2)
  })

  test('decodes any port of an exporter by it whose policy is its address', async t => {
    const store = createMemoryTemplateStore()
    const collector = { exporters: [{ match: '127.0.0.1', scope: 'address' }] }
    const first = await startRig(t, { store, collector })
    const source = await first.udpSource()
    await source.send(templateMessage(), v9TemplateMessage())
    await first.untilMessages(2)
    await first.stop()
    const second = await startRig(t, { store, collector })
    const other = await second.udpSource()
    await other.send(dataMessage([1]), v9DataMessage([2], 1, 1))
    await second.untilMessages(2)
    assert.deepEqual(second.link.hex, [recordHex(1), recordHex(2)])
  })

  test('still knows it after a first Message that was malformed', async t => {
    const store = createMemoryTemplateStore()
    const first = await startRig(t, { store })
    const source = await first.udpSource()
    await source.send(v9TemplateMessage())
    await first.untilMessages(1)
    await first.stop()
    const second = await startRig(t, { store })
    const next = await second.udpSource('127.0.0.1', source.port)
    await next.send(malformedV9Message(), v9DataMessage([2], 1, 1))
    await second.untilMessages(2)
    assert.deepEqual(second.link.hex, [recordHex(2)])
    assert.equal((await allEntries(store)).length, 1)
  })

  test('TH-04 TH-22 remembers a session only when it is no spoofed one-off', async t => {
    const store = createMemoryTemplateStore()
    const rig = await startRig(t, { store })
    const source = await rig.udpSource()
    await source.send(optionsMessage('00000064'), optionsMessage('00000064', 1))
    await rig.untilMessages(2)
    assert.deepEqual(await allEntries(store), [])
    await source.send(optionsMessage('00000064', 2))
    await rig.untilMessages(3)
    assert.deepEqual(
      (await allEntries(store)).map(({ kind }) => kind),
      ['template', 'options']
    )
  })

  test('lets the wire win over the store', async t => {
    const store = createMemoryTemplateStore()
    const first = await startRig(t, { store })
    await (await first.udpSource()).send(v9TemplateMessage())
    await first.untilMessages(1)
    await first.stop()
    const second = await startRig(t, { store })
    const source = await second.udpSource()
    await source.send(v9DataMessage([1], 1, 1))
    await second.untilMessages(1)
    await source.send(v9TemplateMessage(1, 2))
    await second.untilMessages(2)
    const [session] = second.collector.parts.sessions.values()
    assert.deepEqual(
      [session.domains.get(1)?.table.entry(256)?.source, session.domains.get(1)?.table.size],
      ['wire', 1]
    )
  })

  test('forgets what is older than any lifetime', async t => {
    const store = createMemoryTemplateStore()
    const first = await startRig(t, { store, clock: new FakeClock(1_700_000_000_000) })
    await (await first.udpSource()).send(v9TemplateMessage())
    await first.untilMessages(1)
    await first.stop()
    const later = new FakeClock(1_700_000_000_000 + 4 * 86_400_000)
    const second = await startRig(t, { store, clock: later })
    assert.equal(second.collector.parts.recollection.waiting, 0)
    assert.deepEqual(await allEntries(store), [])
  })

  test('knows options state too, and tells the mediator of it when the session is seen again', async t => {
    const store = createMemoryTemplateStore()
    const first = await startRig(t, { store })
    const source = await first.udpSource()
    await source.send(optionsMessage('00000064'), optionsMessage('000000c8', 1))
    await first.untilMessages(2)
    const { port } = source
    await first.stop()
    const second = await startRig(t, { store })
    const octets = dataMessage([1], { sequence: 2 })
    second.collector.parts.udp[0].intake.begin()
    second.collector.parts.udp[0].intake.fromText(
      '127.0.0.1',
      port,
      octets,
      new DataView(octets.buffer),
      0,
      octets.length
    )
    const [state] = second.link.entries
    assert.deepEqual([state.isState, state.hex, state.source.odid], [true, '00000007000000c8', 1])
  })
})

describe('a mediator that was restarted', () => {
  test('is told the last options record of each scope value, as state, in no ledger', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    const second = buildMessage({ sequence: 2 }).data(300, '0000000800000001').octets()
    await source.send(optionsMessage('00000064'), optionsMessage('000000c8', 1), second)
    await rig.untilMessages(3)
    const before = rig.link.entries.length
    rig.link.restartPeer()
    const state = rig.link.entries.slice(before)
    assert.deepEqual(
      state.map(({ hex, isState }) => [hex, isState]),
      [
        ['00000007000000c8', true],
        ['0000000800000001', true]
      ]
    )
    assert.equal(rig.collector.parts.ledger.records.admitted, 3)
  })

  test('options records are forwarded as data as well', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(optionsMessage('00000064'))
    await rig.untilMessages(1)
    assert.deepEqual(rig.link.hex, ['0000000700000064'])
    assert.equal(rig.link.entries[0].layout.scopeCount, 1)
  })
})

const lists = (): Uint8Array =>
  buildMessage().template(256, '8:4').template(257, '292:v').data(257, '07ff0100c0000201').octets()

describe('contexts', () => {
  test('a Layout with lists names the template table as it stands, another names none', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(lists(), buildMessage({ sequence: 1 }).data(256, 'c0000201').octets())
    await rig.untilMessages(2)
    const [list, plain] = rig.link.entries
    assert.equal(plain.contextId, 0)
    const context = rig.link.contexts.get(list.contextId)!
    assert.deepEqual([...context.keys()], [256, 257])
    assert.equal(context.get(256), plain.layout)
  })

  test('a changed table gets a new context at next need, and the old one is released', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    const data = buildMessage({ sequence: 1 }).data(257, '07ff0100c0000201').octets()
    await source.send(lists(), data, buildMessage({ sequence: 2 }).template(258, '8:4').octets(), data)
    await rig.untilMessages(4)
    const [first, same, other] = rig.link.entries
    assert.equal(first.contextId, same.contextId)
    assert.notEqual(first.contextId, other.contextId)
    assert.deepEqual([...rig.link.contexts.keys()], [other.contextId])
    await source.close()
    await rig.until(() => rig.link.contexts.size === 0 && rig.link.sources.size === 0)
  })
})

describe('stops', () => {
  test('F-40 reads what a TCP peer has sent until it closes, settles, and counts nothing as lost', async t => {
    const rig = await startRig(t, { shutdown: { tcpReadMs: 5_000 } })
    const source = await rig.tcpSource()
    await source.send(templateMessage())
    await rig.untilMessages(1)
    const stopping = rig.collector.stop(20_000)
    assert.equal(rig.collector.readiness().isReady, false)
    for (let index = 0; index < 50; index++) await source.send(dataMessage([index], { sequence: index }))
    await source.close()
    await stopping
    assert.equal(rig.link.records, 50)
    assert.equal(rig.link.isStopped, true)
    assert.deepEqual(dropsOf(rig.collector), {})
  })

  test('F-41 reads UDP until it is silent', async t => {
    const rig = await startRig(t, { shutdown: { udpSilenceMs: 150 } })
    const source = await rig.udpSource()
    await source.send(templateMessage())
    await rig.untilMessages(1)
    const stopping = rig.collector.stop(20_000)
    for (let index = 0; index < 50; index++) await source.send(dataMessage([index], { sequence: index }))
    await stopping
    assert.equal(rig.link.records, 50)
  })

  test('drops and counts what waits for a template, shutdown', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(dataMessage([1]))
    await rig.untilMessages(1)
    await rig.stop()
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { shutdown: 1 } })
  })

  test('keeps the templates of UDP sessions in the store', async t => {
    const store = createMemoryTemplateStore()
    const rig = await startRig(t, { store })
    await (await rig.udpSource()).send(templateMessage())
    await rig.untilMessages(1)
    await rig.stop()
    assert.equal((await allEntries(store)).length, 1)
  })

  test('may be stopped twice, and before it was started', async () => {
    const parts = { store: createMemoryTemplateStore(), link: new FakeLink() }
    const rig = createCollectorOf(parts.link, parts.store)
    await rig.stop(100)
    await rig.stop(100)
    assert.equal(parts.link.isStarted, false)
  })
})

test('a port that is in use is one sentence that says what to do', async t => {
  const rig = await startRig(t)
  const listeners = [{ name: 'again', transport: 'udp', address: '127.0.0.1', port: rig.udpPort }]
  const other = createCollectorOf(new FakeLink(), createMemoryTemplateStore(), listeners)
  await assert.rejects(other.start(new AbortController().signal), /UDP listener again: 127\.0\.0\.1:\d+ is in use/)
  await other.stop(100)
})
