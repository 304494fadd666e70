import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { buildMessage, buildV9, type MessageBuilder } from '@weir/ipfix/testing'
import { createLog, type Log } from '@weir/runtime'
import { vectors } from '../../../test/conformance/vectors.ts'
import { checkLedger, ledgerToJson } from '../src/index.ts'
import { TcpConnection } from '../src/tcp-connection.ts'
import {
  dataMessage,
  FIELDS,
  recordHex,
  templateMessage,
  v9DataMessage,
  v9TemplateMessage
} from './support/messages.ts'
import { dropsOf, startRig, type Rig } from './support/rig.ts'

/** Give a datagram to the UDP intake as a socket would. */
function give(rig: Rig, address: number, port: number, octets: Uint8Array): void {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
  const { intake } = rig.collector.parts.udp[0]
  intake.begin()
  intake.fromIPv4(address, port, octets, view, 0, octets.length)
}

const ipfixData = (values: readonly number[], odid: number, sequence: number): Uint8Array =>
  dataMessage(values, { odid, sequence })

const VICTIM = 0xc0000201
const ATTACKER = 0xc6336401

describe('one exporter cannot harm another', () => {
  test('TH-01 layouts for the same id from other ports of the same address change nothing', async t => {
    const rig = await startRig(t)
    give(rig, VICTIM, 1000, templateMessage())
    for (let index = 0; index < 500; index++) {
      give(
        rig,
        VICTIM,
        2000 + (index % 7),
        buildMessage()
          .template(256, `8:4 2:${1 + (index % 4)} 1:8`)
          .octets()
      )
      give(rig, VICTIM, 1000, dataMessage([index], { sequence: index }))
    }
    const own = rig.link.entries.filter(entry => entry.source.port === 1000).map(({ hex }) => hex)
    assert.deepEqual(
      own,
      Array.from({ length: 500 }, (_, index) => recordHex(index))
    )
  })

  for (const scope of ['auto', 'session', 'address+port', 'address']) {
    test(`v9 exporters behind one address ${scope === 'address' ? 'are one if they are said to be' : 'are told apart by port'} (${scope})`, async t => {
      const rig = await startRig(t, { collector: { exporters: [{ match: '192.0.2.1', scope }] } })
      give(rig, VICTIM, 1000, v9TemplateMessage())
      give(rig, VICTIM, 2000, buildV9({ odid: 1 }).template(256, '8:4').octets())
      give(rig, VICTIM, 1000, v9DataMessage([7], 1, 1))
      assert.deepEqual(
        rig.link.hex.map(hex => hex.length / 2),
        [8]
      )
      assert.equal(rig.link.entries[0].records, scope === 'address' ? 2 : 1)
      assert.equal(rig.collector.parts.sessions.udpSessions, scope === 'address' ? 1 : 2)
    })
  }

  for (const version of [9, 10]) {
    test(`L-09 forged malformed datagrams do not silence a proven exporter of version ${version}, its own do`, async t => {
      const rig = await startRig(t, { limits: { udpMalformedDatagrams: 10 } })
      const [template, data] = version === 9 ? [v9TemplateMessage, v9DataMessage] : [templateMessage, ipfixData]
      for (let index = 0; index < 3; index++) give(rig, VICTIM, 1000, template(1, version === 9 ? index : 256))
      const malformed = new Uint8Array([0, version, 0, 255, 1])
      for (let index = 0; index < 50; index++) give(rig, VICTIM, 2000 + index, malformed)
      give(rig, VICTIM, 1000, data([7], 1, 3))
      assert.deepEqual(rig.link.hex, [recordHex(7)])
      assert.deepEqual(dropsOf(rig.collector).messages.penalty, 40)
      for (let index = 0; index < 10; index++) give(rig, VICTIM, 1000, malformed)
      give(rig, VICTIM, 1000, data([8], 1, 4))
      assert.deepEqual(rig.link.hex, [recordHex(7)])
      assert.deepEqual(dropsOf(rig.collector).messages.penalty, 41)
    })
  }

  test('TH-09 T33 a flood of templates stays within its own limits', async t => {
    const rig = await startRig(t, { limits: { templatesPerDomain: 32, templatesPerExporter: 64 } })
    give(rig, VICTIM, 1000, templateMessage())
    for (let odid = 0; odid < 4; odid++) {
      for (let id = 256; id < 756; id++) give(rig, ATTACKER, 1000, templateMessage(odid, id))
    }
    const { budget, exporters } = rig.collector.parts
    assert.ok(exporters.get('198.51.100.1')!.budget.templates <= 64)
    assert.ok(budget.templates <= 65)
    give(rig, VICTIM, 1000, dataMessage([9]))
    assert.deepEqual(rig.link.hex, [recordHex(9)])
  })

  test('R7011-11.6-1 TH-03 one number far in the future does not hide a loss', async t => {
    const rig = await startRig(t)
    give(rig, VICTIM, 1000, templateMessage())
    for (const sequence of [0, 1, 2 ** 31, 2, 3, 10]) give(rig, VICTIM, 1000, dataMessage([1], { sequence }))
    assert.equal(ledgerToJson(rig.collector.parts).sequence.lost, 6)
  })

  test('L-04 domains whose first Message is malformed take none of the room of a session', async t => {
    const rig = await startRig(t, { limits: { domainsPerSession: 2, udpMalformedDatagrams: 1000 } })
    give(rig, VICTIM, 1000, templateMessage(1))
    for (let odid = 2; odid < 50; odid++) {
      give(rig, VICTIM, 1000, buildMessage({ odid }).data(256, '00').lie({ setLength: 400 }).octets())
    }
    give(rig, VICTIM, 1000, templateMessage(50))
    give(rig, VICTIM, 1000, dataMessage([9], { odid: 50 }))
    assert.deepEqual(rig.link.hex, [recordHex(9)])
    assert.equal([...rig.collector.parts.sessions.values()][0].domains.size, 2)
  })

  test('a template that is given another definition is an event and one line', async t => {
    const lines: string[] = []
    const log: Log = createLog({ name: 'test', destination: { write: line => void lines.push(line) } })
    const rig = await startRig(t, { log })
    give(rig, VICTIM, 1000, templateMessage())
    give(rig, VICTIM, 1000, buildMessage().template(256, '8:4').octets())
    const line = lines.map(text => JSON.parse(text)).find(({ code }) => code === 'template_redefined')
    assert.deepEqual(
      [line.exporter, line.templateId, line.layout, line.previous],
      ['192.0.2.1', 256, '0|8:4,', '0|8:4,2:4,']
    )
  })
})

describe('the ledger closes after every input', () => {
  const message = fc
    .tuple(
      fc.constantFrom(9 as const, 10 as const),
      fc.nat({ max: 2 }),
      fc.nat({ max: 50 }),
      fc.array(
        fc.oneof(
          fc.record({
            kind: fc.constant('template' as const),
            id: fc.integer({ min: 256, max: 259 }),
            fields: fc.constantFrom(FIELDS, '82:v 7:2', '8:3', '292:v')
          }),
          fc.record({
            kind: fc.constant('options' as const),
            id: fc.integer({ min: 256, max: 259 }),
            fields: fc.constantFrom('302:4 305:4', '145:2 173:8')
          }),
          fc.record({
            kind: fc.constant('data' as const),
            id: fc.integer({ min: 254, max: 260 }),
            octets: fc.uint8Array({ maxLength: 24 })
          }),
          fc.record({ kind: fc.constant('withdraw' as const), id: fc.constantFrom(2, 3, 256, 257) })
        ),
        { maxLength: 5 }
      ),
      fc.option(fc.record({ messageLength: fc.option(fc.nat({ max: 80 }), { nil: undefined }) }), { nil: undefined })
    )
    .map(([version, odid, sequence, sets, lie]) => {
      const builder = version === 10 ? buildMessage({ odid, sequence }) : buildV9({ odid, sequence })
      for (const set of sets) add(builder, set)
      if (lie?.messageLength !== undefined) builder.lie({ messageLength: lie.messageLength })
      return builder.octets()
    })
  const garbage = fc.uint8Array({ maxLength: 100 })
  const known = fc.constantFrom(...Object.values(vectors).map(({ hex }) => Uint8Array.from(Buffer.from(hex, 'hex'))))
  const input = fc.record({
    octets: fc.oneof({ weight: 6, arbitrary: message }, garbage, { weight: 2, arbitrary: known }),
    address: fc.constantFrom(VICTIM, ATTACKER),
    port: fc.constantFrom(1000, 1001),
    isFull: fc.boolean()
  })

  type AnySet = { kind: 'template' | 'options' | 'data' | 'withdraw'; id: number; fields?: string; octets?: Uint8Array }
  function add(builder: MessageBuilder, set: AnySet): void {
    if (set.kind === 'template') builder.template(set.id, set.fields!)
    else if (set.kind === 'options') builder.optionsTemplate(set.id, 1, set.fields!)
    else if (set.kind === 'data') builder.newSet().data(set.id, set.octets!)
    else builder.withdraw(set.id)
  }

  test('of datagrams: any octets, any order, from several sources, with room on the link or without', async t => {
    const rig = await startRig(t, {
      limits: {
        pendingSetsPerSession: 4,
        domainsPerSession: 2,
        udpUnverifiedSessions: 2,
        udpNewSessionsPerSec: 1_000_000,
        udpMalformedDatagrams: 50
      }
    })
    fc.assert(
      fc.property(fc.array(input, { maxLength: 12 }), inputs => {
        for (const { octets, address, port, isFull } of inputs) {
          rig.link.room = isFull ? 0 : Infinity
          give(rig, address, port, octets)
          assert.deepEqual(checkLedger(rig.collector.parts.ledger, rig.link.stats.records), [])
        }
      }),
      { numRuns: 400 }
    )
    assert.ok(rig.link.records > 0)
    assert.ok(Object.keys(dropsOf(rig.collector)).length === 3)
  })

  test('of TCP streams: any octets, cut anywhere; nothing that was decoded is lost when the link is full', async t => {
    const rig = await startRig(t)
    const { parts } = rig.collector
    let serial = 0
    fc.assert(
      fc.property(fc.array(input, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (inputs, step) => {
        const exporter = parts.exporters.candidate({ text: '192.0.2.7', isIPv6: false, octets: new Uint8Array(16) }, 0)
        const session = parts.sessions.openTcp('t', exporter, ++serial, String(serial), 0, 0)
        const deps = { intake: parts.intake, ledger: parts.ledger, nowMs: () => 0, nowAtMs: () => 0 }
        const connection = new TcpConnection(undefined as never, session, 3, deps)
        const stream = Buffer.concat(inputs.map(({ octets }) => octets))
        const decodedBefore = parts.ledger.records.decoded
        const arrivedBefore = rig.link.records
        for (let at = 0; at < stream.length; at += step) {
          rig.link.room = inputs[at % inputs.length].isFull ? 0 : Infinity
          if (connection.read(stream.subarray(at, at + step)) !== undefined) break
          assert.deepEqual(checkLedger(parts.ledger, rig.link.stats.records), [])
        }
        parts.sessions.close(session, true)
        rig.link.empty()
        assert.equal(rig.link.records - arrivedBefore, parts.ledger.records.decoded - decodedBefore)
        assert.deepEqual(checkLedger(parts.ledger, rig.link.stats.records), [])
        assert.equal(rig.link.sources.size, 0)
      }),
      { numRuns: 400 }
    )
    assert.equal(parts.budget.templates, 0)
    assert.equal(parts.pending.size, 0)
    assert.equal(parts.options.stats.records, 0)
    assert.equal(rig.link.contexts.size, 0)
  })
})
