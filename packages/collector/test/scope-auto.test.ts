import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '@weir/runtime'
import type { ScopeGroup } from '../src/scope/scope-group.ts'
import {
  ADDRESS_TEXT,
  assertRight,
  assertWhole,
  give,
  GroundTruth,
  layouts,
  seenOf,
  TestExporter,
  type Datagram
} from './support/exporter-streams.ts'
import { startRig, type Rig } from './support/rig.ts'

const versions = [9, 10] as const
const [ONE, TWO, THREE, FOUR] = layouts

function groupOf({ collector: { parts } }: Rig): ScopeGroup {
  const exporter = parts.exporters.get(ADDRESS_TEXT)
  assert.ok(exporter)
  const [group] = parts.scopes.groupsOf(exporter)
  assert.ok(group)
  return group
}

const decisionOf = (rig: Rig): string[] => {
  const { decision, evidence } = groupOf(rig)
  return [decision, evidence]
}

const ratesOf = (rig: Rig): number[] => seenOf(rig.link.entries).map(({ rate }) => rate)

for (const version of versions) {
  const name = version === 9 ? 'v9' : 'IPFIX'
  describe(`scope auto, ${name}`, () => {
    const sequence = 4_000_000
    const exporter = (port: number, rate = 0, more: object = {}): TestExporter =>
      new TestExporter(new GroundTruth(), { version, port, rate, sequence, ...more })

    describe('options from another source port', () => {
      for (const isOptionsFirst of [true, false]) {
        test(`hold for the data of the other one, ${isOptionsFirst ? 'options' : 'data'} first`, async t => {
          const rig = await startRig(t)
          const data = exporter(1000, 100)
          const options = new TestExporter(data.truth, { version, port: 2000, rate: 100, sequence: 9 })
          const before = [data.templates({ 256: ONE }), data.data(256, ONE), data.data(256, ONE)]
          const said = [options.templates({}, true), options.rate()]
          give(rig, ...(isOptionsFirst ? [...said, ...before] : [...before, ...said]))
          give(rig, data.data(256, ONE), data.data(256, ONE))
          assertRight(rig, data.truth)
          assertWhole(rig, data.truth)
          assert.deepEqual(ratesOf(rig), isOptionsFirst ? [100, 100, 100, 100] : [0, 0, 100, 100])
          assert.deepEqual(decisionOf(rig), ['merged', 'options_port'])
          give(rig, options.rate(2000, 200), data.data(256, ONE))
          assert.equal(ratesOf(rig).at(-1), 200)
        })
      }

      test('hold from the first record on, template and data in one Message', async t => {
        const rig = await startRig(t)
        const data = exporter(1000, 100)
        const options = new TestExporter(data.truth, { version, port: 2000, rate: 100 })
        give(rig, options.rate(), options.templates({}, true))
        give(rig, data.data(256, ONE), data.templates({ 256: ONE }), data.data(256, ONE))
        assert.deepEqual(ratesOf(rig), [100, 100])
      })

      test('are told a restarted mediator again', async t => {
        const rig = await startRig(t)
        const data = exporter(1000, 100)
        const options = new TestExporter(data.truth, { version, port: 2000, rate: 100 })
        give(rig, data.templates({ 256: ONE }), data.data(256, ONE), options.templates({}, true), options.rate())
        rig.link.entries.length = 0
        rig.link.restartPeer()
        give(rig, data.data(256, ONE))
        assert.deepEqual(ratesOf(rig), [100])
      })

      test('are taken back before one more record when another exporter shows behind the address', async t => {
        const rig = await startRig(t)
        const data = exporter(1000, 100)
        const truth = data.truth
        const options = new TestExporter(truth, { version, port: 2000, rate: 100 })
        give(rig, data.templates({ 256: ONE }), options.templates({}, true), options.rate(), data.data(256, ONE))
        const bootTimeSec = 1_699_000_000
        const other = new TestExporter(truth, { version, port: 3000, sequence: 77, bootTimeSec })
        give(rig, other.templates({ 256: TWO }), other.data(256, TWO), data.data(256, ONE))
        assertRight(rig, truth)
        // A boot time tells whose options they are; without one nobody knows any more.
        assert.deepEqual(ratesOf(rig), version === 9 ? [100, 0, 100] : [100, 0, 0])
      })

      test('do not count when their port sends data in another Observation Domain: they are about that', async t => {
        const rig = await startRig(t)
        const data = exporter(1000)
        const other = new TestExporter(data.truth, { version, port: 2000, rate: 100 })
        const further = new TestExporter(data.truth, { version, port: 2000, odid: 2 })
        give(rig, further.templates({ 256: TWO }), other.templates({}, true), other.rate())
        give(rig, data.templates({ 256: ONE }), data.data(256, ONE))
        assert.deepEqual(ratesOf(rig), [0])
        assertRight(rig, data.truth)
      })

      test('end when the data port states its own', async t => {
        const rig = await startRig(t)
        const data = exporter(1000, 100)
        const options = new TestExporter(data.truth, { version, port: 2000, rate: 100 })
        give(rig, data.templates({ 256: ONE }, true), options.templates({}, true), options.rate(), data.data(256, ONE))
        give(rig, data.rate(1000, 50))
        data.options.rate = 50
        give(rig, data.data(256, ONE), options.rate(2000, 70), data.data(256, ONE))
        assert.deepEqual(ratesOf(rig), [100, 50, 50])
      })
    })

    describe('two exporters behind one address', () => {
      test('with conflicting ids are kept apart, and that is told', async t => {
        const rig = await startRig(t)
        const truth = new GroundTruth()
        const [one, other] = [
          new TestExporter(truth, { version, port: 1000, rate: 100, sequence: 5 }),
          new TestExporter(truth, { version, port: 2000, sequence: 5 })
        ]
        give(rig, one.templates({ 256: ONE }, true), one.rate(), one.data(256, ONE))
        give(rig, other.templates({ 256: TWO }), other.data(256, TWO))
        assert.notEqual(groupOf(rig).decision, 'merged')
        one.exportTimeSec++
        give(rig, one.data(256, ONE), other.data(256, TWO))
        assert.deepEqual(decisionOf(rig), ['apart', 'template_conflict'])
        assertRight(rig, truth)
        assertWhole(rig, truth)
        assert.deepEqual(ratesOf(rig), [100, 0, 100, 0])
        const { fields } = rig.events.findLast(({ event }) => event === 'scope_decided')!
        assert.deepEqual(fields, {
          exporter: ADDRESS_TEXT,
          listener: 'u',
          version,
          odid: 1,
          decision: 'apart',
          evidence: 'template_conflict',
          ports: '1000 2000'
        })
      })

      test('with equal definitions first share nothing, and are kept apart when they conflict later', async t => {
        const rig = await startRig(t)
        const truth = new GroundTruth()
        const [one, other] = [
          new TestExporter(truth, { version, port: 1000, rate: 100 }),
          new TestExporter(truth, { version, port: 2000 })
        ]
        give(rig, one.templates({ 256: ONE, 257: TWO }, true), one.rate(), other.templates({ 256: ONE }))
        one.exportTimeSec++
        other.exportTimeSec++
        give(rig, one.data(256, ONE), other.data(256, ONE), other.data(257, THREE))
        assert.deepEqual(decisionOf(rig), ['merged', 'equal_definitions'])
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 1)
        give(rig, other.templates({ 257: THREE }), one.data(257, TWO))
        one.exportTimeSec++
        give(rig, one.data(256, ONE))
        assert.deepEqual(decisionOf(rig), ['apart', 'template_conflict'])
        assertRight(rig, truth)
        assertWhole(rig, truth)
      })

      test('of one model with different sampling rates are kept apart when both say theirs again', async t => {
        const clock = new FakeClock()
        const rig = await startRig(t, { clock })
        const truth = new GroundTruth()
        const [one, other] = [
          new TestExporter(truth, { version, port: 1000, rate: 100 }),
          new TestExporter(truth, { version, port: 2000, rate: 500 })
        ]
        for (let round = 0; round < 4; round++) {
          for (const each of [one, other]) {
            give(rig, each.templates({ 256: ONE }, true), each.rate(), each.data(256, ONE))
            each.exportTimeSec += 12
          }
          clock.advance(12_000)
        }
        assert.deepEqual(decisionOf(rig), ['apart', 'options_conflict'])
        assert.deepEqual(ratesOf(rig), [100, 500, 100, 500, 100, 500, 100, 500])
      })
    })

    describe('one exporter that sends from several ports in one number space', () => {
      const ports = [1000, 2000, 3000]
      const data = (each: TestExporter, count: number): Datagram[] =>
        Array.from({ length: count }, (_, index) => each.data(256, ONE, ports[index % ports.length]))

      test('is decoded by the templates and options of one of them', async t => {
        const rig = await startRig(t)
        const each = exporter(1000, 100)
        give(rig, each.templates({ 256: ONE }, true), each.rate())
        give(rig, ...data(each, 30))
        assert.deepEqual(decisionOf(rig), ['merged', 'number_space'])
        assertRight(rig, each.truth)
        assertWhole(rig, each.truth)
        assert.deepEqual(new Set(ratesOf(rig).slice(-10)), new Set([100]))
        const sources = [...rig.collector.parts.sessions.values()].map(
          ({ domains }) => domains.get(1)!.table.entry(256)!.source
        )
        assert.deepEqual(sources, ['wire', 'sibling', 'sibling'])
      })

      test('follows a redefinition, on whatever port it comes', async t => {
        const rig = await startRig(t)
        const each = exporter(1000)
        give(rig, each.templates({ 256: ONE }), ...data(each, 20), each.templates({ 256: TWO }))
        for (let index = 0; index < 12; index++) give(rig, each.data(256, TWO, ports[index % ports.length]))
        give(rig, each.templates({ 256: THREE }, false, 2000))
        for (let index = 0; index < 12; index++) give(rig, each.data(256, THREE, 2000))
        assertRight(rig, each.truth)
      })

      test('is no longer one when its ports give an id different definitions: hints and options go at once', async t => {
        const rig = await startRig(t)
        const each = exporter(1000, 100)
        give(rig, each.templates({ 256: ONE, 257: TWO }, true), each.rate(), each.templates({ 256: ONE }, false, 2000))
        give(rig, ...data(each, 20))
        assert.deepEqual(decisionOf(rig), ['merged', 'number_space'])
        give(rig, each.data(257, TWO, 2000))
        assert.equal(ratesOf(rig).at(-1), 100)
        // Nobody knows now whose the ports are: what port 2000 calls 257 may be another thing than that of port 1000.
        const stranger = new TestExporter(each.truth, { version, port: 2000, sequence: each.sequence })
        give(rig, stranger.templates({ 256: FOUR }), stranger.data(257, THREE), stranger.data(256, FOUR))
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 1)
        assertRight(rig, each.truth)
        give(rig, stranger.templates({ 257: THREE }))
        assertRight(rig, each.truth)
        assertWhole(rig, each.truth)
      })

      /** Ports 1000 and 2000 send at these steps from a number on; port 1000 has announced a template. */
      const steps = (rig: Rig, sent: readonly (readonly [number, number])[], isSameBoot = true): void => {
        const truth = new GroundTruth()
        const sides = [1000, 2000].map(
          port =>
            new TestExporter(truth, { version, port, bootTimeSec: 1_699_000_000 + (isSameBoot ? 0 : port), sequence })
        )
        give(rig, sides[0].templates({ 256: ONE }))
        const from = sequence + 100
        for (const [side, step] of sent) {
          sides[side].sequence = from + step
          give(rig, sides[side].data(256, ONE))
        }
      }
      const goingOn = Array.from({ length: 8 }, (_, at) => [at % 2, at] as const)

      test('is seen by exact steps from one port to the other', async t => {
        const rig = await startRig(t)
        steps(rig, goingOn)
        assert.deepEqual(decisionOf(rig), ['merged', 'number_space'])
      })

      if (version === 9) {
        test('is not seen in steps of two that booted at different times', async t => {
          const rig = await startRig(t)
          steps(rig, goingOn, false)
          assert.notEqual(decisionOf(rig)[0], 'merged')
        })
      }

      test('is not seen in steps that fit now and then, while each port counts by itself', async t => {
        const rig = await startRig(t)
        steps(rig, [
          [0, 0],
          [1, 1],
          [0, 2],
          [1, 2],
          [0, 14],
          [1, 15],
          [0, 16],
          [1, 16],
          [0, 30]
        ])
        assert.notEqual(decisionOf(rig)[0], 'merged')
      })

      test('is no longer seen when each port counts by itself', async t => {
        const rig = await startRig(t)
        steps(rig, [...goingOn, [0, 20], [1, 40], [0, 21], [1, 41], [0, 22], [1, 42]])
        assert.notEqual(decisionOf(rig)[0], 'merged')
        assert.ok(rig.collector.parts.scopes.hints.retracted > 0)
      })

      test('is not decoded by the templates of a stranger that conflicts with it', async t => {
        const rig = await startRig(t)
        const each = exporter(1000)
        give(rig, each.templates({ 256: ONE }), ...data(each, 20))
        const stranger = new TestExporter(each.truth, { version, port: 4000, sequence: 3, bootTimeSec: 1_699_000_000 })
        give(rig, stranger.templates({ 256: TWO, 257: FOUR }), stranger.data(256, TWO), ...data(each, 9))
        give(rig, each.data(257, THREE, 2000), each.data(257, THREE, 3000))
        assertRight(rig, each.truth)
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 2)
      })
    })

    describe('a reboot', () => {
      test('with a new source port: data before the templates waits, and the old port is superseded', async t => {
        const clock = new FakeClock()
        const rig = await startRig(t, { clock })
        const old = exporter(1000, 100)
        give(rig, old.templates({ 256: ONE }, true), old.rate(), old.data(256, ONE), old.data(256, ONE))
        const next = old.reboot(2000)
        next.options.rate = 0
        give(rig, next.data(256, TWO), next.data(256, TWO))
        assert.equal(rig.collector.parts.ledger.dataSets.pending, 2)
        give(rig, next.templates({ 256: TWO }), next.data(256, TWO), next.data(256, TWO))
        assertRight(rig, old.truth)
        assertWhole(rig, old.truth)
        assert.notEqual(groupOf(rig).decision, 'apart')
        for (let second = 0; second < 200; second++) {
          clock.advance(1_000)
          next.exportTimeSec++
          give(rig, next.data(256, TWO))
        }
        assert.deepEqual(decisionOf(rig), ['single', 'superseded'])
      })

      test('late datagrams of before do not make it two exporters', async t => {
        const rig = await startRig(t)
        const old = exporter(1000)
        give(rig, old.templates({ 256: ONE }))
        const late = old.data(256, ONE)
        const next = old.reboot(2000)
        give(rig, next.templates({ 256: TWO }), late, next.data(256, TWO))
        assert.notEqual(groupOf(rig).decision, 'apart')
        assertRight(rig, old.truth)
        assertWhole(rig, old.truth)
      })
    })

    test('two Observation Domains with equal ids and other layouts do not mix', async t => {
      const rig = await startRig(t)
      const truth = new GroundTruth()
      const domains = [1, 2].map(odid => new TestExporter(truth, { version, port: 1000, odid, rate: odid * 100 }))
      give(rig, domains[1].data(256, TWO))
      give(rig, domains[0].templates({ 256: ONE }, true), domains[0].rate(), domains[1].templates({ 256: TWO }, true))
      for (let round = 0; round < 3; round++) give(rig, domains[0].data(256, ONE), domains[1].data(256, TWO))
      assertRight(rig, truth)
      assertWhole(rig, truth)
      const { exporters, scopes } = rig.collector.parts
      assert.deepEqual(scopes.groupsOf(exporters.get(ADDRESS_TEXT)!), [])
    })

    test('of very many ports so many are looked at, and the others decode by what they announce', async t => {
      const rig = await startRig(t)
      const truth = new GroundTruth()
      for (let port = 1000; port < 1100; port++) {
        const each = new TestExporter(truth, { version, port, sequence: port * 1000 })
        give(
          rig,
          each.templates({ 256: layouts[port % layouts.length] }),
          each.data(256, layouts[port % layouts.length])
        )
      }
      assert.equal(groupOf(rig).members.length, 32)
      assertRight(rig, truth)
      assertWhole(rig, truth)
    })

    test('a session that ends leaves the others as they were', async t => {
      const clock = new FakeClock()
      const rig = await startRig(t, { clock })
      const data = exporter(1000, 100)
      const options = new TestExporter(data.truth, { version, port: 2000, rate: 100 })
      give(rig, data.templates({ 256: ONE }), data.data(256, ONE), options.templates({}, true), options.rate())
      const idleMs = rig.collector.parts.settings.collector.limits.udpSessionIdleMs
      for (let at = 0; at <= idleMs + 60_000; at += 60_000) {
        clock.advance(60_000)
        give(rig, data.templates({ 256: ONE }))
      }
      give(rig, data.data(256, ONE))
      assert.equal(rig.collector.parts.sessions.udpSessions, 1)
      assert.deepEqual(ratesOf(rig), [0, 0])
    })
  })
}

describe('scope auto, in any order of arrival', () => {
  /** Two exporters behind one address: some ids are equal, some differ, one of them samples. */
  const scene = fc.record({
    version: fc.constantFrom(...versions),
    isSameBoot: fc.boolean(),
    starts: fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)),
    ids: fc.array(fc.tuple(fc.nat(layouts.length - 1), fc.nat(layouts.length - 1)), { minLength: 1, maxLength: 4 }),
    rounds: fc.integer({ min: 1, max: 4 })
  })

  function streamsOf(truth: GroundTruth, made: typeof scene extends fc.Arbitrary<infer Scene> ? Scene : never) {
    const { version, starts, ids, rounds, isSameBoot } = made
    return [0, 1].map(side => {
      const port = 1000 + side
      const bootTimeSec = 1_699_900_000 + (isSameBoot ? 0 : side * 3600)
      const each = new TestExporter(truth, { version, port, sequence: starts[side], rate: side * 100, bootTimeSec })
      const definitions = Object.fromEntries(ids.map((pair, at) => [256 + at, layouts[pair[side]]]))
      const sent: Datagram[] = []
      for (let round = 0; round < rounds; round++) {
        each.exportTimeSec++
        sent.push(each.templates(definitions, side === 1))
        if (side === 1) sent.push(each.rate())
        for (const [id, fields] of Object.entries(definitions)) sent.push(each.data(Number(id), fields))
      }
      return { sent, last: each.templates(definitions, side === 1) }
    })
  }

  test('two exporters behind one address are never decoded or scaled by each other, and nothing is lost', async t => {
    await fc.assert(
      fc.asyncProperty(scene, fc.infiniteStream(fc.nat()), async (made, random) => {
        const truth = new GroundTruth()
        const streams = streamsOf(truth, made)
        const rig = await startRig(t)
        const left = streams.flatMap(({ sent }) => sent)
        while (left.length > 0) give(rig, ...left.splice(random.next().value! % left.length, 1))
        assertRight(rig, truth)
        give(rig, ...streams.map(({ last }) => last))
        assertRight(rig, truth)
        assertWhole(rig, truth)
        await rig.stop()
      }),
      { numRuns: 150 }
    )
  })

  test('the same, with equal numbers and boot times: two of a model that were switched on together', async t => {
    await fc.assert(
      fc.asyncProperty(scene, fc.infiniteStream(fc.boolean()), async (made, random) => {
        const truth = new GroundTruth()
        const streams = streamsOf(truth, {
          ...made,
          isSameBoot: true,
          starts: [made.starts[0] % 1000, made.starts[0] % 1000]
        })
        const rig = await startRig(t)
        const [one, other] = streams.map(({ sent }) => sent)
        while (one.length + other.length > 0) {
          const from = other.length === 0 || (one.length > 0 && random.next().value!) ? one : other
          // Neighbours may change places.
          give(rig, ...from.splice(from.length > 1 && random.next().value! ? 1 : 0, 1))
        }
        assertRight(rig, truth)
        give(rig, ...streams.map(({ last }) => last))
        assertRight(rig, truth)
        assertWhole(rig, truth)
        await rig.stop()
      }),
      { numRuns: 150 }
    )
  })

  test('a reboot on the same port that gives the ids anew: never decoded by what they were, and nothing is lost', async t => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...versions),
        fc.array(fc.tuple(fc.nat(layouts.length - 1), fc.nat(layouts.length - 1)), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 3, max: 12 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(8),
        async (version, ids, before, after, announcedAt) => {
          const truth = new GroundTruth()
          const old = new TestExporter(truth, { version, port: 1000, sequence: 9_000_000 })
          const [former, later] = [0, 1].map(side =>
            Object.fromEntries(ids.map((pair, at) => [256 + at, layouts[pair[side]]]))
          )
          const clock = new FakeClock(1_700_000_000_000)
          const rig = await startRig(t, { clock })
          give(rig, old.templates(former))
          for (let at = 0; at < before; at++)
            give(rig, old.data(256 + (at % ids.length), former[256 + (at % ids.length)]))
          const next = old.reboot()
          clock.advance(120_000)
          const sent: Datagram[] = []
          for (let at = 0; at < after; at++) {
            if (at === announcedAt) sent.push(next.templates(later))
            sent.push(next.data(256 + (at % ids.length), later[256 + (at % ids.length)]))
          }
          give(rig, ...sent, next.templates(later), next.data(256, later[256]), next.data(256, later[256]))
          give(rig, next.data(256, later[256]), next.templates(later))
          assertRight(rig, truth)
          assertWhole(rig, truth)
          await rig.stop()
        }
      ),
      { numRuns: 150 }
    )
  })

  test('one exporter on several ports with its templates on one of them is decoded right, and whole once they are one', async t => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...versions),
        fc.nat(0xffff_ffff),
        fc.array(fc.integer({ min: 1001, max: 1004 }), { minLength: 5, maxLength: 60 }),
        fc.array(fc.nat(60), { maxLength: 5 }),
        async (version, sequence, ports, swaps) => {
          const truth = new GroundTruth()
          const each = new TestExporter(truth, { version, port: 1001, sequence, rate: 7 })
          const definitions = { 256: ONE, 257: TWO }
          const first = [each.templates(definitions, true), each.rate()]
          const sent = ports.map((port, at) => each.data(256 + (at % 2), at % 2 === 0 ? ONE : TWO, port))
          for (const at of swaps) if (at + 1 < sent.length) sent.splice(at, 2, sent[at + 1], sent[at])
          const rig = await startRig(t)
          give(rig, ...first, ...sent)
          assertRight(rig, truth)
          // Every port in turn: what has not been seen to be one count by now is seen here.
          const turns = Array.from({ length: 80 }, (_, at) => each.data(256, ONE, 1001 + (at % 4)))
          give(rig, ...turns)
          assertRight(rig, truth)
          assertWhole(rig, truth)
          assert.deepEqual(decisionOf(rig), ['merged', 'number_space'])
          await rig.stop()
        }
      ),
      { numRuns: 100 }
    )
  })
})
