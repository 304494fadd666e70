import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { buildFixed, buildMessage } from '@weir/ipfix/testing'
import type { ControlClient, ControlHandler, JsonValue } from '@weir/link'
import {
  createCollectorMetrics,
  ledgerToJson,
  serveControl,
  type collectorState,
  type exporterList,
  type exporterState,
  type fieldShares,
  type templateList
} from '../src/index.ts'
import { vector } from '../../../test/conformance/vectors.ts'
import { dataMessage, recordHex, templateMessage } from './support/messages.ts'
import { startRig, type Rig } from './support/rig.ts'

interface Answers {
  'collector.state': ReturnType<typeof collectorState>
  'collector.exporters': Awaited<ReturnType<typeof exporterList>>
  'collector.exporter': ReturnType<typeof exporterState>
  'collector.templates': Awaited<ReturnType<typeof templateList>>
  'collector.fields': ReturnType<typeof fieldShares>
  'collector.metrics': string
}
type Ask = <M extends keyof Answers>(method: M, params?: JsonValue) => Promise<Answers[M]>

async function served(t: TestContext, options = {}): Promise<{ rig: Rig; ask: Ask }> {
  const rig = await startRig(t, options)
  const handlers = new Map<string, ControlHandler>()
  const control = { handle: (method: string, handler: ControlHandler) => void handlers.set(method, handler) }
  serveControl(control as ControlClient, rig.collector, createCollectorMetrics(rig.collector.parts, false))
  // As the channel does: through JSON and back.
  return { rig, ask: async (method, params = {}) => JSON.parse(JSON.stringify(await handlers.get(method)!(params))) }
}

describe('collector.state', () => {
  test('names listeners, exporters, the ledger, kernel drops and the link', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.udpSource()
    await source.send(vector('V01'), vector('V31'))
    await rig.untilMessages(2)
    const state = await ask('collector.state')
    assert.deepEqual(
      state.listeners.map(listener => listener.name),
      ['u', 't']
    )
    assert.equal(state.listeners[0].port, rig.udpPort)
    assert.ok('kernelDrops' in state.listeners[0])
    assert.ok(state.listeners[0].receiveBufferGrantedOctets > 0)
    assert.equal(state.listeners[0].kernelDrops, 0)
    assert.equal(state.exporters, 1)
    const {
      total,
      exporters: [exporter]
    } = await ask('collector.exporters')
    assert.equal(total, 1)
    assert.deepEqual(
      [exporter.id, exporter.versions, exporter.templates, exporter.messages, exporter.records, exporter.malformed],
      ['127.0.0.1', [10], 2, 1, 5, 1]
    )
    assert.deepEqual(state.ledger.messages, {
      received: 2,
      decodedOk: 1,
      decodedPartial: 0,
      dropped: { data_malformed: 1 }
    })
    assert.deepEqual(state.ledger.kernel, { u: 0 })
    assert.deepEqual(state.ledger.window, { admitted: 5, settled: 0, inWindow: 5, redelivered: 0, dropped: {} })
    assert.deepEqual(state.faults, { VARLEN_OVERRUN: 1 })
    assert.equal(state.link.state, 'ready')
    assert.deepEqual(JSON.parse(JSON.stringify(ledgerToJson(rig.collector.parts))), state.ledger)
  })
})

describe('collector.exporter', () => {
  test('tells of its sessions and domains', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.udpSource()
    await source.send(templateMessage(), dataMessage([1]), dataMessage([2], { sequence: 4 }))
    await rig.untilMessages(3)
    const exporter = await ask('collector.exporter', { id: '127.0.0.1' })
    const [session] = exporter.sessionList
    assert.deepEqual(
      [session.port, session.listener, session.transport, session.isVerified],
      [source.port, 'u', 'udp', true]
    )
    assert.deepEqual([session.domains[0].odid, session.domains[0].sequence.lost], [1, 3])
    assert.equal(exporter.sequence.lost, 3)
  })

  test('does not know one that has no session: NOT_FOUND', async t => {
    const { ask } = await served(t)
    await assert.rejects(ask('collector.exporter', { id: '192.0.2.1' }), { code: 'NOT_FOUND' })
    await assert.rejects(ask('collector.fields', {}), { code: 'NOT_FOUND' })
  })
})

describe('collector.templates', () => {
  test('R7011-8.4-7 says of each who sent it from where to where, its definition and when it was last seen', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.udpSource()
    await source.send(vector('V02'))
    await rig.untilMessages(1)
    const { total, templates } = await ask('collector.templates')
    assert.equal(total, 1)
    const [template] = templates
    assert.deepEqual(
      [
        template.exporter,
        template.exporterPort,
        template.collectorAddress,
        template.collectorPort,
        template.odid,
        template.templateId
      ],
      ['127.0.0.1', source.port, '127.0.0.1', rig.udpPort, 1, 257]
    )
    assert.ok(Math.abs(template.lastSeenAtMs - Date.now()) < 60_000)
    assert.ok(template.expiresAtMs! > template.lastSeenAtMs)
    assert.deepEqual(template.fields[0], {
      pen: 0,
      id: 8,
      length: 4,
      name: 'sourceIPv4Address',
      type: 'ipv4Address',
      isScope: false
    })
    assert.deepEqual([template.fields[2].pen, template.fields[2].id], [32473, 15])
  })

  test('gives pages, and those of one exporter or domain', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.tcpSource()
    for (const odid of [1, 2, 3]) await source.send(templateMessage(odid))
    await rig.untilMessages(3)
    const odids = async (params: JsonValue): Promise<number[]> =>
      (await ask('collector.templates', params)).templates.map(template => template.odid)
    assert.deepEqual(await odids({}), [1, 2, 3])
    assert.deepEqual(await odids({ offset: 1, limit: 1 }), [2])
    assert.deepEqual(await odids({ odid: 3 }), [3])
    assert.deepEqual(await odids({ exporter: '192.0.2.1' }), [])
    assert.equal((await ask('collector.templates', { limit: 1 })).total, 3)
  })
})

describe('collector.fields', () => {
  test('tells which elements an exporter sends, and in what share of its records', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.udpSource()
    const other = buildMessage().template(300, '8:4 8:4').data(300, 'c0000201c0000202').octets()
    await source.send(templateMessage(), dataMessage([1, 2, 3]), other)
    await rig.untilMessages(3)
    const { records, fields } = await ask('collector.fields', { exporter: '127.0.0.1' })
    assert.equal(records, 4)
    assert.deepEqual(
      fields.map(field => [field.name, field.records, field.share, field.templates]),
      [
        ['sourceIPv4Address', 4, 1, 2],
        ['packetDeltaCount', 3, 0.75, 1]
      ]
    )
  })

  test('of NetFlow v5 too', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.udpSource()
    await source.send(buildFixed([{}, {}]))
    await rig.untilMessages(1)
    const { records, fields } = await ask('collector.fields', { exporter: '127.0.0.1' })
    assert.equal(records, 2)
    assert.ok(fields.every(field => field.share === 1))
  })
})

describe('collector.metrics', () => {
  test('shows what was received, dropped by reason, and each exporter', async t => {
    const { rig, ask } = await served(t)
    const source = await rig.udpSource()
    await source.send(vector('V01'), vector('V31'))
    await rig.untilMessages(2)
    const text = await ask('collector.metrics')
    for (const line of [
      'weir_collector_messages_total{outcome="received"} 2',
      'weir_collector_messages_dropped_total{reason="data_malformed"} 1',
      'weir_collector_faults_total{code="VARLEN_OVERRUN"} 1',
      'weir_collector_records_total{outcome="admitted"} 5',
      'weir_collector_exporter_records{exporter="127.0.0.1"} 5',
      'weir_collector_kernel_drops_total{listener="u"} 0',
      'weir_collector_sequence{kind="lost"} 0'
    ]) {
      assert.ok(text.split('\n').includes(line), `${line} in\n${text}`)
    }
  })

  test('L-75 TH-40 sums the exporters above the limit as other', async t => {
    const { rig, ask } = await served(t, { limits: { exporterLabels: 1 } })
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) {
      const octets = buildMessage().template(256, '8:4').data(256, recordHex(1).slice(0, 8)).octets()
      rig.collector.parts.udp[0].intake.begin()
      rig.collector.parts.udp[0].intake.fromText(address, 1000, octets, new DataView(octets.buffer), 0, octets.length)
    }
    const text = await ask('collector.metrics')
    assert.match(text, /exporter_records\{exporter="127\.0\.0\.1"\} 1\n/)
    assert.match(text, /exporter_records\{exporter="other"\} 2\n/)
    assert.equal(text.match(/weir_collector_exporter_records\{/g)?.length, 2)
  })
})
