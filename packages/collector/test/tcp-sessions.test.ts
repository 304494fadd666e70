import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { allEntries, createMemoryTemplateStore } from '@weir/templates'
import { vector } from '../../../test/conformance/vectors.ts'
import { dataMessage, FIELDS, recordHex, templateMessage } from './support/messages.ts'
import { dropsOf, startRig, type Rig, type RigOptions, type TcpSource } from './support/rig.ts'

/** Run Messages through one TCP session and wait until all of them were received. */
async function session(
  t: TestContext,
  messages: Uint8Array[],
  options?: RigOptions
): Promise<{ rig: Rig; source: TcpSource }> {
  const rig = await startRig(t, options)
  const source = await rig.tcpSource()
  await source.send(...messages)
  await rig.untilMessages(messages.length)
  return { rig, source }
}

const bothKinds = (odid: number): Uint8Array =>
  buildMessage({ odid }).template(256, FIELDS).optionsTemplate(300, 1, '149:4 41:8').octets()
const templateIds = (rig: Rig): string[] =>
  [...rig.collector.parts.sessions.values()].flatMap(({ domains }) =>
    [...domains.values()].flatMap(({ odid, table }) =>
      [...table.entries()].map(({ templateId }) => `${odid}/${templateId}`)
    )
  )
const bad = (): Uint8Array => vector('V31')

describe('decodes', () => {
  test('T01 a template and its data over TCP, with addresses and ports', async t => {
    const { rig, source } = await session(t, [vector('V01')])
    assert.equal(rig.link.records, 5)
    const [entry] = rig.link.entries
    assert.equal(entry.source.exporterId, '127.0.0.1')
    assert.deepEqual(entry.source.address.slice(0, 4), Uint8Array.of(127, 0, 0, 1))
    assert.equal(entry.source.port, source.port)
    assert.equal(entry.source.transport, 'tcp')
    assert.equal(entry.exportTimeSec, 0x6553f100)
  })

  test('T01 over TCP and IPv6', async t => {
    const { rig } = await session(t, [vector('V01')], { address: '::1' })
    assert.equal(rig.link.records, 5)
    assert.equal(rig.link.entries[0].source.exporterId, '::1')
  })

  test('T01 an IPv4 exporter at a dual-stack listener is an IPv4 exporter', async t => {
    const rig = await startRig(t, { address: '::' })
    const source = await rig.tcpSource('127.0.0.1')
    await source.send(vector('V01'))
    await rig.untilMessages(1)
    assert.equal(rig.link.entries[0].source.exporterId, '127.0.0.1')
    assert.equal(rig.link.entries[0].source.isIPv6, false)
  })

  test('R7011-10.4.3-1 a Message sent one octet at a time', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    for (const octet of vector('V01')) await source.send(Uint8Array.of(octet))
    await rig.untilMessages(1)
    assert.equal(rig.link.records, 5)
  })

  test('R7011-10.4.3-1 100 Messages in one write', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    const messages = [
      templateMessage(),
      ...Array.from({ length: 99 }, (_, index) => dataMessage([index], { sequence: index }))
    ]
    await source.send(Buffer.concat(messages))
    await rig.untilMessages(100)
    assert.deepEqual(
      rig.link.hex,
      Array.from({ length: 99 }, (_, index) => recordHex(index))
    )
  })

  test('R7011-10-1 a Message of 65535 octets', async t => {
    const octets = buildMessage()
      .template(256, '210:1')
      .set(256, new Uint8Array(65535 - 16 - 12 - 4))
      .octets()
    assert.equal(octets.length, 65535)
    const { rig } = await session(t, [octets])
    assert.equal(rig.link.records, 65503)
  })

  test('R7011-8-1 a session that was idle for two hours keeps its templates', async t => {
    const clock = new FakeClock()
    const { rig, source } = await session(t, [templateMessage()], { clock })
    clock.advance(7_200_000)
    await source.send(dataMessage([1]))
    await rig.untilMessages(2)
    assert.deepEqual(rig.link.hex, [recordHex(1)])
  })
})

describe('tolerates', () => {
  test('T47 a rest shorter than a record', async t => {
    const { rig } = await session(t, [templateMessage(), buildMessage().data(256, recordHex(1), '000000').octets()])
    assert.deepEqual(rig.link.hex, [recordHex(1)])
    assert.deepEqual(dropsOf(rig.collector), {})
  })

  test('T48 a reserved Set (V30): skipped, the rest decodes, and the Message counts as no malformed one', async t => {
    const { rig } = await session(t, [vector('V30'), vector('V30'), vector('V30'), vector('V30')])
    assert.equal(rig.link.records, 4)
    assert.equal(rig.collector.parts.ledger.messages.decodedPartial, 4)
    assert.equal(rig.collector.parts.tcp[0].connections.size, 1)
  })

  test('T40 T43 a Length of more octets than came (V05a, V05d): the stream waits for them', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(vector('V05d'))
    await rig.until(() => [...rig.collector.parts.tcp[0].connections].some(({ partialOctets }) => partialOctets === 28))
    assert.equal(rig.collector.parts.ledger.messages.received, 0)
  })
})

describe('templates of a session', () => {
  test('T11 data after a withdrawal is dropped, unknown_template', async t => {
    const withdraw = buildMessage().withdraw(256).octets()
    const { rig } = await session(t, [templateMessage(), dataMessage([1]), withdraw, dataMessage([2], { sequence: 1 })])
    assert.deepEqual(rig.link.hex, [recordHex(1)])
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 1 } })
  })

  for (const [name, messages] of [
    [
      'T12 a template withdrawn twice',
      [templateMessage(), buildMessage().withdraw(256).octets(), buildMessage().withdraw(256).octets()]
    ],
    ['T13 a template withdrawn that was never sent', [vector('V10')]]
  ] as const) {
    test(`${name} is ignored and the session lives`, async t => {
      const { rig, source } = await session(t, [...messages])
      assert.ok(rig.collector.parts.intake.faultCounts.WITHDRAW_UNKNOWN >= 1)
      await source.send(templateMessage(), dataMessage([7]))
      await rig.untilMessages(messages.length + 2)
      assert.deepEqual(rig.link.hex, [recordHex(7)])
    })
  }

  test('T14 All Templates Withdrawal ends the templates of its domain alone', async t => {
    const { rig } = await session(t, [bothKinds(1), bothKinds(2), vector('V11')])
    assert.deepEqual(templateIds(rig), ['1/300', '2/256', '2/300'])
  })

  test('T15 All Options Templates Withdrawal ends the options templates of its domain alone', async t => {
    const { rig } = await session(t, [bothKinds(1), bothKinds(2), vector('V12')])
    assert.deepEqual(templateIds(rig), ['1/256', '2/256', '2/300'])
  })

  test('T49 the same template again is accepted', async t => {
    const { rig } = await session(t, [templateMessage(), templateMessage(), dataMessage([1])])
    assert.deepEqual(rig.link.hex, [recordHex(1)])
    assert.equal(rig.collector.parts.events.changes.refreshed, 1)
  })

  test('T50 a changed template replaces the old one, counted', async t => {
    const changed = buildMessage().template(256, '8:4').octets()
    const { rig } = await session(t, [templateMessage(), changed, buildMessage().data(256, 'c0000209').octets()])
    assert.equal(rig.link.entries[0].layout.fields.length, 1)
    assert.equal(rig.collector.parts.events.changes.redefined, 1)
  })

  test('T50 strict: a changed template closes the session', async t => {
    const rig = await startRig(t, { collector: { strict: true } })
    const source = await rig.tcpSource()
    await source.send(templateMessage(), buildMessage().template(256, '8:4').octets())
    await source.closed
    assert.equal(rig.collector.parts.tcp[0].counters.malformed, 1)
  })

  test('T51 withdraw, data, define, data: the first data is dropped, the second decodes', async t => {
    const withdraw = buildMessage().withdraw(256).octets()
    const { rig } = await session(t, [
      templateMessage(),
      withdraw,
      dataMessage([1]),
      templateMessage(),
      dataMessage([2], { sequence: 1 })
    ])
    assert.deepEqual(rig.link.hex, [recordHex(2)])
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 1 } })
  })

  test('T38 R7011-8.1-6 the end of a session ends its templates, and the next session sends its own', async t => {
    const { rig, source } = await session(t, [templateMessage(), dataMessage([1])])
    await source.close()
    await rig.until(() => rig.collector.parts.sessions.tcpSessions === 0)
    assert.equal(rig.collector.parts.budget.templates, 0)
    const again = await rig.tcpSource()
    await again.send(templateMessage(), dataMessage([2]))
    await rig.untilMessages(4)
    assert.deepEqual(rig.link.hex, [recordHex(1), recordHex(2)])
  })

  test('D7 R7011-8-2 a later connection does not decode by an earlier one, not even by what the store has', async t => {
    const store = createMemoryTemplateStore()
    const { rig, source } = await session(t, [templateMessage()], { store })
    const [written] = await allEntries(store)
    assert.ok(written.scope.startsWith('tcp/'))
    await source.close()
    await rig.until(() => rig.collector.parts.sessions.tcpSessions === 0)
    store.put([written])
    const again = await rig.tcpSource()
    await again.send(dataMessage([1]))
    await rig.untilMessages(2)
    await again.close()
    await rig.until(() => rig.collector.parts.sessions.tcpSessions === 0)
    assert.equal(rig.link.records, 0)
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 1 } })
  })

  test('D7 TCP entries of an earlier run are removed at the start', async t => {
    const store = createMemoryTemplateStore()
    const first = await session(t, [templateMessage()], { store })
    const entries = await allEntries(store)
    await first.rig.stop()
    store.put(entries)
    await startRig(t, { store })
    assert.deepEqual(await allEntries(store), [])
  })

  test('R7011-10-1 templates of UDP do not decode TCP of the same host', async t => {
    const rig = await startRig(t)
    const udp = await rig.udpSource()
    const tcp = await rig.tcpSource()
    await udp.send(templateMessage())
    await rig.untilMessages(1)
    await tcp.send(dataMessage([1]))
    await rig.untilMessages(2)
    await tcp.close()
    await rig.until(() => rig.collector.parts.sessions.tcpSessions === 0)
    assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 1 } })
  })

  test('R7011-8-6 data waits for its template on TCP too, and goes on in order', async t => {
    const { rig } = await session(t, [dataMessage([1]), dataMessage([2]), templateMessage(), dataMessage([3])])
    assert.deepEqual(rig.link.hex, [1, 2, 3].map(recordHex))
  })
})

describe('closes', () => {
  for (const [name, first] of [
    ['T21 scope field count 0 (V05f)', () => vector('V05f')],
    ['T46 a value past its Set (V31)', () => vector('V31')],
    ['T46 a value past its Set in the second record (V32)', () => vector('V32')],
    ['T41 a field count that the Set does not hold (V05b)', () => vector('V05b')]
  ] as const) {
    test(`${name}: discards, and closes at the third in a row`, async t => {
      const rig = await startRig(t)
      const source = await rig.tcpSource()
      await source.send(first(), first(), templateMessage(), first(), first())
      await rig.untilMessages(5)
      assert.equal(rig.collector.parts.tcp[0].connections.size, 1)
      await source.send(first())
      await source.closed
      assert.equal(rig.link.records, 0)
      assert.equal(rig.collector.parts.tcp[0].counters.malformed, 1)
      assert.equal(rig.collector.parts.ledger.messages.received, 6)
    })
  }

  test('D5 strict: at the first malformed Message', async t => {
    const rig = await startRig(t, { collector: { strict: true } })
    const source = await rig.tcpSource()
    await source.send(bad())
    await source.closed
    assert.equal(rig.collector.parts.ledger.messages.received, 1)
  })

  test('believes nothing behind the Message that ends the session', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(Buffer.concat([templateMessage(), bad(), bad(), bad(), dataMessage([1])]))
    await source.closed
    assert.equal(rig.link.records, 0)
    assert.equal(rig.collector.parts.ledger.messages.received, 4)
  })

  test('R7011-3.1-1 another version: framing is lost, closed at once', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    const octets = vector('V01')
    octets[1] = 11
    await source.send(octets)
    await source.closed
    assert.deepEqual(dropsOf(rig.collector), { messages: { bad_version: 1 } })
    assert.equal(rig.collector.parts.tcp[0].counters.framing, 1)
  })

  test('T42 a Length that ends within a Set (V05c): framing is lost with the next octets, closed', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(vector('V05c'), templateMessage())
    await source.closed
    assert.equal(rig.collector.parts.tcp[0].counters.framing, 1)
    assert.equal(rig.link.records, 0)
  })

  test('R7011-3.1-2 a Length below 16', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(buildMessage().lie({ messageLength: 15 }).octets())
    await source.closed
    assert.deepEqual(dropsOf(rig.collector), { messages: { message_length: 1 } })
  })

  test('TH-15 R7011-10.4.4-1 a Message cut at any octet yields no record, and the listener goes on', async t => {
    const rig = await startRig(t, { limits: { tcpAcceptsPerSec: 1000, tcpConnectionsPerAddress: 1000 } })
    const { counters } = rig.collector.parts.tcp[0]
    const whole = vector('V01')
    for (let cut = 1; cut < whole.length; cut++) {
      const source = await rig.tcpSource()
      await source.send(whole.subarray(0, cut))
      await source.close()
    }
    await rig.until(() => counters.abnormal === whole.length - 1)
    assert.equal(rig.link.entries.length, 0)
    assert.equal(counters.partialOctets, (whole.length * (whole.length - 1)) / 2)
    assert.equal(rig.collector.parts.ledger.messages.received, 0)
    const source = await rig.tcpSource()
    await source.send(whole)
    await rig.untilMessages(1)
    assert.equal(rig.link.records, 5)
  })

  test('R7011-10.4.4-1 a reset within a Message: the session is abnormal, a new connection works', async t => {
    const rig = await startRig(t)
    const { counters } = rig.collector.parts.tcp[0]
    const source = await rig.tcpSource()
    await source.send(vector('V01').subarray(0, 60))
    await rig.until(() => [...rig.collector.parts.tcp[0].connections].some(({ partialOctets }) => partialOctets === 60))
    source.socket.resetAndDestroy()
    await rig.until(() => counters.abnormal === 1)
    const again = await rig.tcpSource()
    await again.send(vector('V01'))
    await rig.untilMessages(1)
    assert.equal(rig.link.records, 5)
  })
})

describe('limits', () => {
  test('L-07 TH-14 no header within 10 s: reset', async t => {
    const clock = new FakeClock()
    const rig = await startRig(t, { clock })
    const source = await rig.tcpSource()
    await rig.until(() => rig.collector.parts.tcp[0].connections.size === 1)
    clock.advance(9_000)
    assert.equal(rig.collector.parts.tcp[0].connections.size, 1)
    clock.advance(1_000)
    await source.closed
    assert.equal(rig.collector.parts.tcp[0].counters.timeout_header, 1)
  })

  test('L-07 TH-14 a Message that does not become whole within 30 s, however it drips: reset and counted', async t => {
    const clock = new FakeClock()
    const { rig, source } = await session(t, [templateMessage()], { clock })
    const [connection] = rig.collector.parts.tcp[0].connections
    const message = dataMessage([1, 2, 3])
    for (let index = 0; index < 4; index++) {
      await source.send(message.subarray(index, index + 1))
      await rig.until(() => connection.partialOctets === index + 1)
      if (index < 3) clock.advance(9_000)
    }
    clock.advance(3_000)
    await source.closed
    assert.equal(rig.collector.parts.tcp[0].counters.timeout_partial, 1)
    assert.deepEqual(dropsOf(rig.collector), { messages: { timeout_partial: 1 } })
  })

  test('L-05 connections of one address above the limit are reset, the others go on', async t => {
    const rig = await startRig(t, { limits: { tcpConnectionsPerAddress: 2 } })
    const first = await rig.tcpSource()
    await rig.tcpSource()
    const third = await rig.tcpSource()
    await third.closed
    assert.equal(rig.collector.parts.tcp[0].counters.limit, 1)
    await first.send(vector('V01'))
    await rig.untilMessages(1)
    await first.close()
    await rig.until(() => rig.collector.parts.tcp[0].connections.size === 1)
    const fourth = await rig.tcpSource()
    await fourth.send(vector('V01'))
    await rig.untilMessages(2)
    assert.equal(rig.link.records, 10)
  })

  test('L-05 connections above the total are reset', async t => {
    const rig = await startRig(t, { limits: { tcpConnections: 1 } })
    await rig.tcpSource()
    const second = await rig.tcpSource()
    await second.closed
    assert.equal(rig.collector.parts.tcp[0].counters.limit, 1)
  })

  test('L-06 TH-16 connections above the rate wait for their turn and lose nothing', async t => {
    const clock = new FakeClock()
    const rig = await startRig(t, { clock, limits: { tcpAcceptsPerSec: 2 } })
    const sources = [await rig.tcpSource(), await rig.tcpSource(), await rig.tcpSource()]
    for (const source of sources) await source.send(vector('V01'))
    await rig.untilMessages(2)
    await rig.until(() => rig.collector.parts.tcp[0].counters.accepted === 2)
    clock.advance(500)
    await rig.untilMessages(3)
    assert.equal(rig.link.records, 15)
  })

  test('R7011-11.5-1 an address that is not on the allow list is reset, and no state is made', async t => {
    const rig = await startRig(t, { collector: { allow: ['192.0.2.0/24'] } })
    const source = await rig.tcpSource()
    await source.closed
    assert.equal(rig.collector.parts.tcp[0].counters.not_allowed, 1)
    assert.equal(rig.collector.parts.exporters.size, 0)
  })

  test('L-04 Observation Domains above the limit are dropped, session_limit', async t => {
    const { rig } = await session(
      t,
      [1, 2, 3].map(odid => templateMessage(odid)),
      { limits: { domainsPerSession: 2 } }
    )
    assert.deepEqual(dropsOf(rig.collector), { messages: { session_limit: 1 } })
  })
})

describe('back-pressure', () => {
  test('stops reading when the link is full, and loses nothing that was read', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    await source.send(templateMessage())
    await rig.untilMessages(1)
    rig.link.fill()
    const count = 5_000
    const sent = Array.from({ length: count }, (_, index) => dataMessage([index], { sequence: index }))
    source.socket.write(Buffer.concat(sent))
    await rig.until(() => rig.collector.parts.tcp[0].isBlocked)
    const { records } = rig.collector.parts.ledger
    assert.ok(records.held > 0)
    assert.equal(rig.link.records, 0)
    // A little room, then room enough: the order stays.
    rig.link.empty(3)
    rig.link.fill()
    rig.link.empty()
    await rig.link.untilRecords(count)
    assert.deepEqual(
      rig.link.hex,
      Array.from({ length: count }, (_, index) => recordHex(index))
    )
    assert.equal(records.held, 0)
  })

  test('names held entries a source that is released only behind them', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    rig.link.fill()
    await source.send(vector('V01'))
    await rig.untilMessages(1)
    source.socket.resetAndDestroy()
    await rig.until(() => rig.collector.parts.tcp[0].connections.size === 0 || rig.collector.parts.tcp[0].isBlocked)
    assert.equal(rig.link.sources.size, 1)
    rig.link.empty()
    await rig.link.untilRecords(5)
    await rig.until(() => rig.link.sources.size === 0)
  })

  test('drops and counts what is still held when the process must end', async t => {
    const rig = await startRig(t)
    const source = await rig.tcpSource()
    rig.link.fill()
    await source.send(vector('V01'))
    await rig.untilMessages(1)
    await rig.stop()
    assert.deepEqual(dropsOf(rig.collector), { records: { shutdown: 5 } })
    assert.equal(rig.collector.parts.ledger.records.held, 0)
  })
})
