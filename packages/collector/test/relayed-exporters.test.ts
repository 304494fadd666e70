import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { exporterState, exporterSummary } from '../src/collector-state.ts'
import { recordHex } from './support/messages.ts'
import { dropsOf, startRig, type Rig, type RigOptions } from './support/rig.ts'

const A = '0a000001'
const B = '0a000002'
const NOBODY = '00000000'

/** A rig where 127.0.0.1 relays. */
const relaying = (t: TestContext, options: RigOptions & { scope?: string } = {}): Promise<Rig> =>
  startRig(t, {
    ...options,
    collector: { exporters: [{ match: '127.0.0.1', scope: options.scope ?? 'element:403' }], ...options.collector }
  })

const template = (element = 403): Uint8Array => buildMessage().template(256, `8:4 2:4 ${element}:4`).octets()
const record = (value: number, owner: string): string => recordHex(value) + owner
const data = (sequence: number, ...records: string[]): Uint8Array =>
  buildMessage({ sequence })
    .data(256, ...records)
    .octets()

/** Who each run of records on the link is of, and how many they are. */
const runsOf = (rig: Rig): [string, number][] =>
  rig.link.entries.filter(({ isState }) => !isState).map(({ source, records }) => [source.exporterId, records])
const statesOf = (rig: Rig): string[] =>
  rig.link.entries.filter(({ isState }) => isState).map(({ source, hex }) => `${source.exporterId} ${hex}`)
const idsOf = (rig: Rig): string[] => [...rig.collector.parts.exporters.values()].map(({ id }) => id)

describe('the exporter is', () => {
  test('the one that each record names, run by run, in order', async t => {
    const rig = await relaying(t)
    const source = await rig.udpSource()
    await source.send(template(), data(0, record(1, A), record(2, A), record(3, B), record(4, NOBODY), record(5, A)))
    await rig.untilMessages(2)
    assert.deepEqual(runsOf(rig), [
      ['10.0.0.1', 2],
      ['10.0.0.2', 1],
      ['127.0.0.1', 1],
      ['10.0.0.1', 1]
    ])
    assert.equal(
      rig.link.hex.join(''),
      [1, 2].map(value => record(value, A)).join('') + record(3, B) + record(4, NOBODY) + record(5, A)
    )
    const [entry] = rig.link.entries
    assert.deepEqual([...entry.source.address.subarray(0, 4)], [10, 0, 0, 1])
    assert.deepEqual([entry.source.port, entry.source.odid, entry.source.isIPv6], [source.port, 1, false])
    assert.equal(new Set(rig.link.entries.map(({ source }) => source.id)).size, 3)
    assert.deepEqual(rig.collector.parts.relays.counters, { relayed: 4, unnamed: 1, limited: 0 })
    assert.deepEqual(dropsOf(rig.collector), {})
  })

  for (const [scope, element] of [
    ['element:130', 130],
    ['element:131', 130],
    ['element:403', 403]
  ] as const) {
    test(`told by element ${element} under ${scope}`, async t => {
      const rig = await relaying(t, { scope })
      const source = await rig.tcpSource()
      await source.send(template(element), data(0, record(1, A)))
      await rig.untilMessages(2)
      assert.deepEqual(runsOf(rig), [['10.0.0.1', 1]])
    })
  }

  test('an IPv6 address where the record has one', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    const owner = '20010db8'.padEnd(31, '0') + '7'
    const records = [recordHex(1) + owner]
    await source.send(buildMessage().template(256, '8:4 2:4 404:16').octets(), data(0, ...records))
    await rig.untilMessages(2)
    const [{ source: named }] = rig.link.entries
    assert.deepEqual([named.exporterId, named.isIPv6], ['2001:db8::7', true])
    assert.equal(Buffer.from(named.address).toString('hex'), owner)
  })

  test('the sender for all who are not trusted to relay', async t => {
    const rig = await relaying(t, { collector: { exporters: [{ match: '192.0.2.0/24', scope: 'element:403' }] } })
    const source = await rig.udpSource()
    await source.send(template(), data(0, record(1, A), record(2, B)))
    await rig.untilMessages(2)
    assert.deepEqual(runsOf(rig), [['127.0.0.1', 2]])
  })

  test('in data that waited for its template too', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    await source.send(data(0, record(1, A), record(2, B)), template())
    await rig.untilMessages(2)
    assert.deepEqual(runsOf(rig), [
      ['10.0.0.1', 1],
      ['10.0.0.2', 1]
    ])
  })

  test('in NetFlow v9 too', async t => {
    const rig = await relaying(t, { scope: 'element:130' })
    const source = await rig.udpSource()
    const message = buildV9().template(256, '8:4 2:4 130:4').data(256, record(1, A), record(2, B))
    await source.send(message.octets())
    await rig.untilMessages(1)
    assert.deepEqual(
      runsOf(rig).map(([id]) => id),
      ['10.0.0.1', '10.0.0.2']
    )
  })
})

describe('options state', () => {
  const optionsTemplate = (): Uint8Array => buildMessage().optionsTemplate(300, 1, '149:4 34:4').octets()
  const named = (): Uint8Array => buildMessage().optionsTemplate(301, 2, '403:4 149:4 34:4').octets()
  const all = '0000000100000064'

  test('that names nobody is told of every exporter of the domain, now and later; one that changes again', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    await source.send(template(), optionsTemplate(), data(0, record(1, A)))
    await source.send(buildMessage({ sequence: 1 }).data(300, all).octets(), data(2, record(2, B)))
    await source.send(buildMessage({ sequence: 3 }).data(300, all).octets())
    await rig.untilMessages(6)
    assert.deepEqual(statesOf(rig), [`10.0.0.1 ${all}`, `10.0.0.2 ${all}`])
    await source.send(buildMessage({ sequence: 4 }).data(300, '00000001000000c8').octets())
    await rig.untilMessages(7)
    assert.deepEqual(statesOf(rig).slice(2), ['10.0.0.1 00000001000000c8', '10.0.0.2 00000001000000c8'])
    // The record itself is data of the sender, once.
    assert.deepEqual(runsOf(rig).filter(([id]) => id === '127.0.0.1').length, 3)
  })

  test('that names an exporter is its own, and told of no other', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    const ofA = `${A}${all}`
    await source.send(template(), named(), data(0, record(1, A), record(2, B)))
    await source.send(buildMessage({ sequence: 2 }).data(301, ofA).octets())
    await rig.untilMessages(4)
    assert.deepEqual(statesOf(rig), [])
    assert.deepEqual(runsOf(rig).at(-1), ['10.0.0.1', 1])
  })

  test('that names exporters which were never heard makes them known, record by record', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    await source.send(named(), buildMessage().data(301, `${A}${all}`, `${B}${all}`, `${NOBODY}${all}`).octets())
    await rig.untilMessages(2)
    assert.deepEqual(runsOf(rig), [
      ['10.0.0.1', 1],
      ['10.0.0.2', 1],
      ['127.0.0.1', 1]
    ])
    assert.deepEqual(rig.link.hex, [`${A}${all}`, `${B}${all}`, `${NOBODY}${all}`])
  })

  test('is told again to a mediator that restarted, each record to those whom it concerns', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    await source.send(template(), optionsTemplate(), named(), data(0, record(1, A), record(2, B)))
    await source.send(buildMessage({ sequence: 2 }).data(300, all).octets())
    await source.send(buildMessage({ sequence: 3 }).data(301, `${B}${all}`).octets())
    await rig.untilMessages(6)
    const before = statesOf(rig).length
    rig.link.restartPeer()
    assert.deepEqual(
      statesOf(rig).slice(before).toSorted(),
      [`10.0.0.1 ${all}`, `10.0.0.2 ${all}`, `10.0.0.2 ${B}${all}`, `127.0.0.1 ${all}`].toSorted()
    )
  })
})

describe('the API shows', () => {
  test('the true exporters, and through whom they come', async t => {
    const rig = await relaying(t)
    const source = await rig.tcpSource()
    await source.send(template(), data(0, record(1, A), record(2, A), record(3, B)))
    await rig.untilMessages(2)
    assert.deepEqual(idsOf(rig), ['127.0.0.1', '10.0.0.1', '10.0.0.2'])
    const exporter = rig.collector.parts.exporters.get('10.0.0.1')!
    const { via, records, sessions } = exporterSummary(exporter)
    assert.deepEqual([via, records, sessions], [['127.0.0.1'], 2, 0])
    const [relayed] = exporterState(rig.collector.parts, exporter).relayedList
    assert.deepEqual([relayed.via, relayed.port, relayed.odid, relayed.records], ['127.0.0.1', source.port, 1, 2])
    await source.close()
    await rig.until(() => rig.collector.parts.exporters.size === 0)
    assert.equal(rig.link.sources.size, 0)
  })

  test('one that also sends by itself as one exporter', async t => {
    const rig = await relaying(t)
    const relay = await rig.tcpSource()
    await relay.send(template(), data(0, record(1, '7f000001')))
    await rig.untilMessages(2)
    assert.deepEqual(idsOf(rig), ['127.0.0.1'])
    assert.equal(rig.collector.parts.exporters.get('127.0.0.1')!.records, 1)
  })
})

describe('bounds', () => {
  const owner = (index: number): string => `0a0000${index.toString(16).padStart(2, '0')}`

  test('L-17 over the bound records go on in the name of the sender, counted', async t => {
    const rig = await relaying(t, { limits: { relayedExportersPerDomain: 2 } })
    const source = await rig.tcpSource()
    await source.send(template(), data(0, ...[1, 2, 3, 1].map(index => record(index, owner(index)))))
    await rig.untilMessages(2)
    assert.deepEqual(
      runsOf(rig).map(([id]) => id),
      ['10.0.0.1', '10.0.0.2', '127.0.0.1', '10.0.0.1']
    )
    assert.deepEqual(rig.collector.parts.relays.counters, { relayed: 3, unnamed: 0, limited: 1 })
    assert.equal(rig.collector.parts.relays.size, 2)
  })

  test('L-17 one that was not heard for a minute makes room, the least recently heard first', async t => {
    const clock = new FakeClock()
    const rig = await relaying(t, { clock, limits: { relayedExportersPerDomain: 2 } })
    const source = await rig.tcpSource()
    await source.send(template(), data(0, record(1, owner(1)), record(2, owner(2))))
    await rig.untilMessages(2)
    clock.advance(40_000)
    await source.send(data(2, record(3, owner(1))))
    await rig.untilMessages(3)
    clock.advance(30_000)
    await source.send(data(3, record(4, owner(3)), record(5, owner(4)), record(6, owner(1))))
    await rig.untilMessages(4)
    assert.deepEqual(
      runsOf(rig)
        .slice(-3)
        .map(([id]) => id),
      ['10.0.0.3', '127.0.0.1', '10.0.0.1']
    )
    assert.deepEqual(idsOf(rig).toSorted(), ['10.0.0.1', '10.0.0.3', '127.0.0.1'])
  })

  test('L-17 all senders together', async t => {
    const rig = await relaying(t, { limits: { relayedExportersTotal: 1 } })
    const one = await rig.tcpSource()
    const other = await rig.tcpSource()
    await one.send(template(), data(0, record(1, A)))
    await rig.untilMessages(2)
    await other.send(template(), data(0, record(1, B)))
    await rig.untilMessages(4)
    assert.deepEqual(
      runsOf(rig).map(([id]) => id),
      ['10.0.0.1', '127.0.0.1']
    )
    await one.close()
    await rig.until(() => rig.collector.parts.sessions.tcpSessions === 1)
    await other.send(data(1, record(2, B)))
    await rig.untilMessages(5)
    assert.deepEqual(runsOf(rig).at(-1), ['10.0.0.2', 1])
  })

  test('L-02 a UDP session that may be forged relays for few', async t => {
    const rig = await relaying(t)
    const source = await rig.udpSource()
    const records = Array.from({ length: 30 }, (_, index) => record(index, owner(index + 1)))
    const [first, ...rest] = records
    await source.send(
      buildMessage()
        .template(256, '8:4 2:4 403:4')
        .data(256, first, ...rest)
        .octets()
    )
    await rig.untilMessages(1)
    assert.equal(rig.collector.parts.relays.size, 16)
    await source.send(data(30, ...records), data(60, ...records))
    await rig.untilMessages(3)
    await source.send(data(90, ...records))
    await rig.untilMessages(4)
    assert.equal(rig.collector.parts.relays.size, 30)
  })
})

test('a policy that changes takes effect at once, both ways', async t => {
  const rig = await relaying(t)
  const source = await rig.tcpSource()
  await source.send(template(), data(0, record(1, A)))
  await rig.untilMessages(2)
  const { policies, exporters } = rig.collector.parts
  policies.set('127.0.0.1', { scope: 'auto' })
  assert.equal(exporters.size, 1)
  await source.send(data(1, record(2, A)))
  await rig.untilMessages(3)
  policies.set('127.0.0.1', undefined)
  await source.send(data(2, record(3, A)))
  await rig.untilMessages(4)
  assert.deepEqual(
    runsOf(rig).map(([id]) => id),
    ['10.0.0.1', '127.0.0.1', '10.0.0.1']
  )
})

test('what is held because the link is full keeps its name, and the name its place until it is on the link', async t => {
  const rig = await relaying(t)
  const source = await rig.tcpSource()
  await source.send(template(), data(0, record(1, A)))
  await rig.untilMessages(2)
  rig.link.fill()
  await source.send(data(1, record(2, B), record(3, A)))
  await rig.until(() => rig.collector.parts.forwarder.heldEntries > 0)
  rig.collector.parts.policies.set('127.0.0.1', { scope: 'auto' })
  assert.equal(rig.link.sources.size, 3)
  rig.link.empty()
  assert.deepEqual(
    runsOf(rig).map(([id]) => id),
    ['10.0.0.1', '10.0.0.2', '10.0.0.1']
  )
  assert.equal(rig.link.sources.size, 1)
})
