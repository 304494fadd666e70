import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { buildFixed, buildMessage, buildV9 } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { allEntries, createMemoryTemplateStore } from '@weir/templates'
import { vector } from '../../../test/conformance/vectors.ts'
import { loadQuietly } from '../src/recvmmsg.ts'
import {
  dataMessage,
  FIELDS,
  recordHex,
  templateMessage,
  v9DataMessage,
  v9TemplateMessage
} from './support/messages.ts'
import { dropsOf, startRig, type RigOptions, type SocketKind } from './support/rig.ts'

const library = await loadQuietly()
const kinds: readonly SocketKind[] = ['dgram', 'recvmmsg']

const startWith =
  (socket: SocketKind) =>
  (t: TestContext, options: RigOptions = {}) =>
    startRig(t, { socket, ...options })

for (const socket of kinds) {
  const skip = socket === 'recvmmsg' && typeof library === 'string' ? `recvmmsg is not to be had: ${library}` : false
  describe(`UDP by ${socket}`, { skip }, () => {
    const start = startWith(socket)

    describe('decodes', () => {
      test('T01 a template and its data over UDP, with addresses and ports', async t => {
        const rig = await start(t)
        assert.equal(rig.collector.parts.udp[0].listener.socketKind, socket)
        const source = await rig.udpSource()
        await source.send(vector('V01'))
        await rig.untilMessages(1)
        assert.equal(rig.link.records, 5)
        const [entry] = rig.link.entries
        assert.equal(entry.source.exporterId, '127.0.0.1')
        assert.equal(entry.source.port, source.port)
        assert.equal(entry.source.transport, 'udp')
      })

      for (const [address, from, id] of [
        ['::1', '::1', '::1'],
        ['::', '127.0.0.1', '127.0.0.1'],
        ['::', '::1', '::1']
      ]) {
        test(`T01 from ${from} at a listener on ${address}`, async t => {
          const rig = await start(t, { address })
          const source = await rig.udpSource(from)
          await source.send(vector('V01'), vector('V01'))
          await rig.untilMessages(2)
          assert.equal(rig.link.records, 10)
          assert.equal(rig.collector.parts.sessions.udpSessions, 1)
          assert.equal(rig.link.entries[0].source.exporterId, id)
          assert.equal(rig.link.entries[0].source.isIPv6, id.includes(':'))
        })
      }

      test('many datagrams of several sources in order, none lost', async t => {
        const rig = await start(t)
        const sources = [await rig.udpSource(), await rig.udpSource(), await rig.udpSource()]
        for (const source of sources) await source.send(templateMessage())
        const count = 300
        const sends: Promise<void>[] = []
        for (let index = 0; index < count; index++) {
          for (const source of sources) sends.push(source.send(dataMessage([index], { sequence: index })))
        }
        await Promise.all(sends)
        await rig.until(() => rig.link.records === count * sources.length)
        for (const { port } of sources) {
          const own = rig.link.entries.filter(entry => entry.source.port === port).map(({ hex }) => hex)
          assert.deepEqual(
            own,
            Array.from({ length: count }, (_, index) => recordHex(index))
          )
        }
        const ledger = rig.collector.parts.sessions.values()
        for (const session of ledger)
          for (const { sequence } of session.domains.values()) assert.equal(sequence.counts.lost, 0)
      })

      test('what comes after a burst and a silence', async t => {
        const rig = await start(t, { receiveBufferOctets: 4_194_304 })
        const source = await rig.udpSource()
        await source.send(templateMessage())
        let sequence = 0
        for (const burst of [200, 1, 200, 1]) {
          const sends = Array.from({ length: burst }, () =>
            source.send(dataMessage([sequence], { sequence: sequence++ }))
          )
          await Promise.all(sends)
          await rig.link.untilRecords(sequence)
          await rig.until(() => !rig.collector.parts.udp[0].listener.isPolling)
        }
        assert.deepEqual(
          rig.link.hex,
          Array.from({ length: sequence }, (_, index) => recordHex(index))
        )
      })

      test('R7011-10-1 a datagram of 65507 octets', async t => {
        const octets = buildMessage()
          .template(256, '210:1')
          .set(256, new Uint8Array(65507 - 16 - 12 - 4))
          .octets()
        assert.equal(octets.length, 65507)
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(octets)
        await rig.untilMessages(1)
        assert.equal(rig.link.records, 65475)
      })

      test('NetFlow v5 with its sampling field, and v9 beside it, at the same port', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(vector('V18'), vector('V04a'), buildFixed([{}, {}], { engineType: 1, engineId: 2 }))
        await rig.untilMessages(3)
        assert.deepEqual(
          rig.link.entries.map(entry => [
            entry.source.version,
            entry.source.odid,
            entry.source.v5Sampling,
            entry.records
          ]),
          [
            [5, vectorEngine(), vectorSampling(), 1],
            [9, 33, -1, 1],
            [5, 258, 0, 2]
          ]
        )
        assert.ok(Number.isFinite(rig.link.entries[0].bootTimeMs))
      })

      test('R3954-7-1 a v9 exporter that changes its source port keeps its templates, if its policy is its address', async t => {
        const rig = await start(t, { collector: { exporters: [{ match: '127.0.0.1', scope: 'address' }] } })
        const first = await rig.udpSource()
        const second = await rig.udpSource()
        await first.send(v9TemplateMessage())
        await rig.untilMessages(1)
        await second.send(v9DataMessage([1], 1, 1))
        await rig.untilMessages(2)
        assert.deepEqual(rig.link.hex, [recordHex(1)])
        assert.equal(rig.collector.parts.sessions.udpSessions, 1)
      })

      test('T34 TH-02 sessions with equal ids and other layouts do not mix', async t => {
        const rig = await start(t)
        const first = await rig.udpSource()
        const second = await rig.udpSource()
        await first.send(buildMessage().template(256, '8:4 2:4').octets())
        await second.send(buildMessage().template(256, '2:4 8:4').octets())
        await rig.untilMessages(2)
        await first.send(dataMessage([1]))
        await second.send(dataMessage([2]))
        await rig.untilMessages(4)
        for (const entry of rig.link.entries) {
          assert.equal(entry.layout.fields[0].id, entry.source.port === first.port ? 8 : 2)
        }
      })
    })

    describe('discards', () => {
      for (const [id, name, reason] of [
        ['T40', 'V05a', 'message_length'],
        ['T41', 'V05b', 'template_malformed'],
        ['T42', 'V05c', 'set_length'],
        ['T43', 'V05d', 'message_length'],
        ['T45', 'V05f', 'template_malformed'],
        ['T45', 'V05g', 'template_malformed'],
        ['R7011-3.3.2-3', 'V08', 'set_length'],
        ['R7011-3.3.2-3', 'V09', 'set_length'],
        ['R7011-7-3', 'V31', 'data_malformed'],
        ['R7011-7-3', 'V32', 'data_malformed'],
        ['R7011-3.4.1-4', 'V40', 'template_malformed']
      ]) {
        test(`${id} ${name}: ${reason}, and leaves no session`, async t => {
          const rig = await start(t)
          const source = await rig.udpSource()
          await source.send(vector(name))
          await rig.untilMessages(1)
          assert.deepEqual(dropsOf(rig.collector), { messages: { [reason]: 1 } })
          assert.equal(rig.link.entries.length, 0)
          assert.equal(rig.collector.parts.sessions.udpSessions, 0)
          assert.equal(rig.collector.parts.budget.templates, 0)
        })
      }

      test('R7011-3.1-1 a version that is none, and datagrams of 0 and 1 octet', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(Uint8Array.of(0, 11, 0, 0), new Uint8Array(0), Uint8Array.of(9))
        await rig.untilMessages(3)
        assert.deepEqual(dropsOf(rig.collector), { messages: { bad_version: 1, short_datagram: 2 } })
      })

      test('R7011-3.1-3 octets behind the Message are not read', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(Buffer.concat([vector('V01'), Buffer.from('ffffffff', 'hex')]))
        await rig.untilMessages(1)
        assert.equal(rig.link.records, 5)
        assert.equal(rig.collector.parts.intake.faultCounts.TRAILING_OCTETS, 1)
      })

      test('T44 V05e is accepted', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(vector('V05e'))
        await rig.untilMessages(1)
        assert.deepEqual(dropsOf(rig.collector), {})
        assert.equal(rig.collector.parts.budget.templates, 1)
      })

      test('T47 a rest shorter than a record is padding', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(templateMessage(), buildMessage().data(256, recordHex(1), '000000').octets())
        await rig.untilMessages(2)
        assert.deepEqual(rig.link.hex, [recordHex(1)])
      })

      test('T48 V30: a reserved Set is skipped, the rest decodes, the Message counts as partial', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(vector('V30'))
        await rig.untilMessages(1)
        assert.equal(rig.link.records, 1)
        assert.equal(rig.collector.parts.ledger.messages.decodedPartial, 1)
        assert.equal(rig.collector.parts.intake.faultCounts.RESERVED_SET, 1)
      })

      test('R7011-6.1.2-1 V24: a rejected template, and its data dropped, template_rejected', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(vector('V24'), buildMessage().data(264, '0a0000010000').octets())
        await rig.untilMessages(2)
        assert.equal(rig.link.records, 0)
        assert.deepEqual(dropsOf(rig.collector), { dataSets: { template_rejected: 1 } })
      })
    })

    describe('templates', () => {
      test('T52 within the lifetime: the same again, then another, then data by the new one', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        const changed = buildMessage().template(256, '8:4').octets()
        await source.send(templateMessage(), templateMessage(), changed, buildMessage().data(256, 'c0000201').octets())
        await rig.untilMessages(4)
        assert.deepEqual(
          rig.link.entries.map(({ layout, records }) => [layout.fields.length, records]),
          [[1, 1]]
        )
      })

      test('T53 R7011-8.4-3 behind the lifetime: data is dropped, then the template, then data decodes', async t => {
        const clock = new FakeClock()
        const rig = await start(t, { clock })
        const source = await rig.udpSource()
        await source.send(templateMessage())
        await rig.untilMessages(1)
        clock.advance(3_601_000)
        await source.send(dataMessage([1]))
        await rig.untilMessages(2)
        assert.deepEqual(dropsOf(rig.collector), { dataSets: { unknown_template: 1 } })
        assert.equal(rig.collector.parts.events.changes.expired, 1)
        await source.send(templateMessage(), dataMessage([2], { sequence: 1 }))
        await rig.untilMessages(4)
        assert.deepEqual(rig.link.hex, [recordHex(2)])
      })

      test('R7011-8.4-4 withdrawals over UDP are ignored', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(templateMessage(), vector('V10'), dataMessage([1]))
        await rig.untilMessages(3)
        assert.deepEqual(rig.link.hex, [recordHex(1)])
        assert.equal(rig.collector.parts.intake.faultCounts.WITHDRAW_UDP, 2)
      })

      for (const [name, invalid] of [
        ['V24, an illegal length', () => buildMessage().template(256, '8:3 2:4').octets()],
        ['V40, more fields than octets', () => vector('V40')],
        ['V41, records longer than a Message', () => vector('V41')]
      ] as const) {
        test(`TH-10 an invalid redefinition (${name}) leaves the old template`, async t => {
          const rig = await start(t)
          const source = await rig.udpSource()
          await source.send(templateMessage(), invalid(), dataMessage([5]))
          await rig.untilMessages(3)
          assert.deepEqual(rig.link.hex, [recordHex(5)])
        })
      }
    })

    describe('data without a template', () => {
      test('R7011-8-6 waits, and goes on in order when the template comes, before what follows', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(
          dataMessage([1, 2]),
          dataMessage([3], { sequence: 2 }),
          buildMessage({ sequence: 3 }).data(300, 'ff').octets()
        )
        await rig.untilMessages(3)
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 3)
        const both = buildMessage({ sequence: 3 }).template(256, FIELDS).data(256, recordHex(4)).octets()
        await source.send(both)
        await rig.untilMessages(4)
        assert.deepEqual(rig.link.hex, [recordHex(1) + recordHex(2), recordHex(3), recordHex(4)])
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 1)
      })

      test('R7011-8-6 of variable length is measured when the template comes, or dropped if it does not fit', async t => {
        const rig = await start(t)
        const source = await rig.udpSource()
        await source.send(
          buildMessage().data(256, '0361626300000001').pad(3).octets(),
          buildMessage().data(256, 'c861626300000001').octets(),
          buildMessage().template(256, '82:v 10:4').octets()
        )
        await rig.untilMessages(3)
        assert.deepEqual(rig.link.hex, ['0361626300000001'])
        assert.deepEqual(dropsOf(rig.collector), { dataSets: { data_malformed: 1 } })
      })

      test('R7011-8-6 L-30 is dropped when it has waited too long, pending_expired', async t => {
        const clock = new FakeClock()
        const rig = await start(t, { clock })
        const source = await rig.udpSource()
        await source.send(dataMessage([1]))
        await rig.untilMessages(1)
        clock.advance(29_000)
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 1)
        clock.advance(2_000)
        assert.deepEqual(dropsOf(rig.collector), { dataSets: { pending_expired: 1 } })
      })

      test('L-31 L-33 the oldest goes when a session has too many, pending_evicted', async t => {
        const rig = await start(t, { limits: { pendingSetsPerSession: 3, pendingTemplateIdsPerSession: 2 } })
        const source = await rig.udpSource()
        for (const id of [256, 257, 256, 256, 258]) await source.send(buildMessage().data(id, recordHex(id)).octets())
        await rig.untilMessages(5)
        await source.send(buildMessage().template(256, FIELDS).template(257, FIELDS).template(258, FIELDS).octets())
        await rig.untilMessages(6)
        assert.deepEqual(dropsOf(rig.collector), { dataSets: { pending_evicted: 2 } })
        assert.deepEqual(rig.link.hex, [recordHex(256), recordHex(256), recordHex(258)])
      })

      test('L-32 TH-13 the octets of all of it are bounded', async t => {
        const rig = await start(t, { limits: { pendingOctetsTotal: 10_000, pendingSetsPerSession: 100_000 } })
        const source = await rig.udpSource()
        for (let index = 0; index < 300; index++) await source.send(dataMessage([index]))
        await rig.untilMessages(300)
        assert.ok(rig.collector.parts.pending.octets <= 10_000)
        const { pending, dropped } = rig.collector.parts.ledger.dataSets
        assert.equal(pending + dropped.pending_evicted, 300)
      })
    })

    describe('who may send', () => {
      test('R7011-11.5-1 an address that is not on the allow list: not_allowed, no state', async t => {
        const rig = await start(t, { collector: { allow: ['127.0.0.2/32', '::1'] } })
        const refused = await rig.udpSource()
        const allowed = await rig.udpSource('127.0.0.2').catch(() => undefined)
        await refused.send(vector('V01'), vector('V01'))
        await rig.untilMessages(2)
        assert.deepEqual(dropsOf(rig.collector), { messages: { not_allowed: 2 } })
        assert.equal(rig.collector.parts.exporters.size, 0)
        assert.equal(allowed === undefined, false)
      })

      test('R7011-9.1-2 L-09 nothing is read for 60 s from a source of 100 malformed datagrams', async t => {
        const clock = new FakeClock()
        const rig = await start(t, { clock })
        const source = await rig.udpSource()
        for (let index = 0; index < 101; index++) await source.send(vector('V31'))
        await rig.untilMessages(101)
        await source.send(vector('V01'))
        await rig.untilMessages(102)
        assert.deepEqual(dropsOf(rig.collector), { messages: { data_malformed: 100, penalty: 2 } })
        assert.equal(rig.link.records, 0)
        clock.advance(60_000)
        await source.send(vector('V01'))
        await rig.untilMessages(103)
        assert.equal(rig.link.records, 5)
      })

      test('L-09 malformed datagrams that come slowly are borne', async t => {
        const clock = new FakeClock()
        const rig = await start(t, { clock })
        const source = await rig.udpSource()
        for (let index = 0; index < 120; index++) {
          await source.send(vector('V31'))
          await rig.untilMessages(index + 1)
          clock.advance(200)
        }
        await source.send(vector('V01'))
        await rig.untilMessages(121)
        assert.equal(rig.link.records, 5)
      })

      test('TH-04 L-02 a flood of sources is bounded and does not touch verified sessions', async t => {
        const rig = await start(t, { limits: { udpUnverifiedSessions: 8, udpNewSessionsPerSec: 1_000_000 } })
        const victim = await rig.udpSource()
        await victim.send(templateMessage(), dataMessage([1]), dataMessage([2], { sequence: 1 }))
        await rig.untilMessages(3)
        for (let index = 0; index < 100; index++) {
          const flood = await rig.udpSource()
          await flood.send(templateMessage())
        }
        await rig.untilMessages(103)
        const { sessions } = rig.collector.parts
        assert.equal(sessions.unverifiedSessions, 8)
        assert.equal(sessions.udpSessions, 9)
        assert.equal(sessions.counters.evicted, 92)
        await victim.send(dataMessage([3], { sequence: 2 }))
        await rig.untilMessages(104)
        assert.deepEqual(rig.link.hex, [1, 2, 3].map(recordHex))
      })

      test('L-02 new sessions above the rate are dropped, session_limit', async t => {
        const clock = new FakeClock()
        const rig = await start(t, { clock, limits: { udpNewSessionsPerSec: 2 } })
        for (let index = 0; index < 3; index++) await (await rig.udpSource()).send(templateMessage())
        await rig.untilMessages(3)
        assert.deepEqual(dropsOf(rig.collector), { messages: { session_limit: 1 } })
        clock.advance(1_000)
        await (await rig.udpSource()).send(templateMessage())
        await rig.untilMessages(4)
        assert.equal(rig.collector.parts.sessions.udpSessions, 3)
      })

      test('L-03 R7011-9.3-1 an idle session is forgotten with its templates', async t => {
        const clock = new FakeClock()
        const store = createMemoryTemplateStore()
        const rig = await start(t, { clock, store })
        const source = await rig.udpSource()
        await source.send(vector('V01'))
        await rig.untilMessages(1)
        clock.advance(7_211_000)
        const { sessions, budget, exporters, options } = rig.collector.parts
        assert.deepEqual([sessions.udpSessions, budget.templates, exporters.size, options.stats.records], [0, 0, 0, 0])
        assert.deepEqual(await allEntries(store), [])
        assert.equal(rig.link.sources.size, 0)
      })
    })

    test('drops and counts what the link has no room for, overload_hard', async t => {
      const rig = await start(t)
      const source = await rig.udpSource()
      await source.send(templateMessage())
      await rig.untilMessages(1)
      rig.link.fill()
      await source.send(dataMessage([1, 2]))
      await rig.untilMessages(2)
      assert.deepEqual(dropsOf(rig.collector), { records: { overload_hard: 2 } })
      rig.link.empty()
      await source.send(dataMessage([3], { sequence: 2 }))
      await rig.untilMessages(3)
      assert.deepEqual(rig.link.hex, [recordHex(3)])
    })

    test('R7011-9-3 gaps, late and double Messages are counted', async t => {
      const rig = await start(t)
      const source = await rig.udpSource()
      await source.send(templateMessage())
      const five = [1, 2, 3, 4, 5]
      for (const sequence of [0, 5, 20, 15, 20]) await source.send(dataMessage(five, { sequence }))
      await rig.untilMessages(6)
      const [session] = rig.collector.parts.sessions.values()
      const { lost, reordered, duplicated } = session.domains.get(1)!.sequence.counts
      assert.deepEqual([lost, reordered, duplicated], [5, 1, 1])
    })

    test('D15 F-54 data of a v9 exporter that restarts waits until it announces its template', async t => {
      const rig = await start(t)
      const source = await rig.udpSource()
      await source.send(at(9_000_000, 100, 1_700_000_000).template(256, FIELDS).data(256, recordHex(1)).octets())
      for (let index = 0; index < 4; index++) {
        await source.send(
          at(1000 + index, index, 1_700_000_100)
            .data(256, recordHex(2 + index))
            .octets()
        )
      }
      await rig.untilMessages(5)
      const [session] = rig.collector.parts.sessions.values()
      const domain = session.domains.get(1)!
      assert.equal(domain.sequence.counts.restarts, 1)
      assert.equal(domain.table.entry(256)?.isHint, true)
      assert.deepEqual(rig.link.hex, [recordHex(1)])
      await source.send(at(2000, 4, 1_700_000_101).template(256, FIELDS).octets())
      await rig.untilMessages(6)
      assert.deepEqual(rig.link.hex, [1, 2, 3, 4, 5].map(recordHex))
    })
  })
}

const at = (sysUpTimeMs: number, sequence: number, exportTimeSec: number) =>
  buildV9({ sysUpTimeMs, sequence, exportTimeSec })

/** Of V18: engine and sampling fields of its header. */
function vectorEngine(): number {
  const octets = vector('V18')
  return octets[20] * 256 + octets[21]
}

function vectorSampling(): number {
  const octets = vector('V18')
  return octets[22] * 256 + octets[23]
}
