import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { ControlClient, ControlHandler, JsonValue } from '@weir/link'
import { createCollectorMetrics, serveControl, type exporterState } from '../src/index.ts'
import {
  ADDRESS_TEXT,
  assertRight,
  assertWhole,
  give,
  GroundTruth,
  layouts,
  seenOf,
  TestExporter
} from './support/exporter-streams.ts'
import { startRig, type Rig } from './support/rig.ts'

type State = ReturnType<typeof exporterState>
/** @returns the exporter as it is then; undefined if it has no session. */
type SetPolicy = (policy: JsonValue) => Promise<State | undefined>

const [ONE, TWO] = layouts

async function served(t: TestContext, exporters: readonly object[] = []): Promise<{ rig: Rig; set: SetPolicy }> {
  const rig = await startRig(t, { collector: { exporters } })
  const handlers = new Map<string, ControlHandler>()
  const control = { handle: (method: string, handler: ControlHandler) => void handlers.set(method, handler) }
  serveControl(control as ControlClient, rig.collector, createCollectorMetrics(rig.collector.parts, false))
  return {
    rig,
    async set(policy) {
      await handlers.get('exporters.setPolicies')!({ policies: policy === null ? {} : { [id]: policy } })
      if (rig.collector.parts.exporters.get(id) === undefined) return undefined
      return JSON.parse(JSON.stringify(await handlers.get('collector.exporter')!({ id }))) as State
    }
  }
}

const id = ADDRESS_TEXT

for (const version of [9, 10] as const) {
  describe(`a policy that is set while the collector runs, ${version === 9 ? 'v9' : 'IPFIX'}`, () => {
    const exporter = (port: number, rate = 0): TestExporter =>
      new TestExporter(new GroundTruth(), { version, port, rate, sequence: 70_000 })

    test('address: the ports become one session, templates, options and what waits go with them', async t => {
      const { rig, set } = await served(t)
      const each = exporter(1000, 100)
      give(rig, each.templates({ 256: ONE }, true), each.rate(), each.data(256, ONE), each.data(256, ONE, 2000))
      assert.equal(rig.collector.parts.ledger.dataSets.pending, 1)
      const state = await set({ scope: 'address' })
      assert.equal(state?.sessions, 1)
      assert.equal(state?.policy.scope, 'address')
      assert.equal(rig.collector.parts.ledger.dataSets.pending, 0)
      give(rig, each.data(256, ONE, 3000), each.data(256, ONE))
      assert.equal(rig.collector.parts.sessions.udpSessions, 1)
      assert.deepEqual(
        seenOf(rig.link.entries).map(({ hex, fields, rate }) => [hex, fields, rate]),
        [...each.truth.sets].map(([hex, { fields }]) => [hex, fields, 100])
      )
    })

    test('address: of two definitions of one id the one that was announced last holds', async t => {
      const { rig, set } = await served(t)
      const [old, late] = [exporter(1000), exporter(2000)]
      give(rig, old.templates({ 256: ONE }), late.templates({ 256: TWO }))
      await set({ scope: 'address' })
      const [session] = rig.collector.parts.sessions.values()
      const entry = session.domains.get(1)!.table.entry(256)!
      assert.equal(entry.layout.fields[0].id, Number(TWO.split(':')[0]))
      assert.ok(entry.isHint)
    })

    test("session again: what came from one port stays that port's", async t => {
      const { rig, set } = await served(t, [{ match: id, scope: 'address' }])
      const each = exporter(1000, 100)
      give(rig, each.templates({ 256: ONE }, true), each.rate(), each.data(256, ONE), each.data(257, TWO))
      const state = await set({ scope: 'session' })
      assert.deepEqual(
        state?.sessionList.map(({ port }) => port),
        [1000]
      )
      assert.equal(state?.sessionList[0].scope, `udp/${version}/u/${id}/1000`)
      give(rig, each.data(256, ONE), each.templates({ 257: TWO }))
      assertRight(rig, each.truth)
      assertWhole(rig, each.truth)
      assert.equal(seenOf(rig.link.entries).at(-1)?.rate, 100)
    })

    test('session again: of what came from several ports nothing is kept, because nobody knows whose it was', async t => {
      const { rig, set } = await served(t, [{ match: '192.0.2.0/24', scope: 'address' }])
      const truth = new GroundTruth()
      const [one, other] = [1000, 2000].map(port => new TestExporter(truth, { version, port }))
      give(rig, one.templates({ 256: ONE }), other.templates({ 256: TWO }))
      assert.equal(await set({ scope: 'session' }), undefined)
      give(rig, one.data(256, ONE), other.data(256, TWO))
      give(rig, one.templates({ 256: ONE }), other.templates({ 256: TWO }))
      assertRight(rig, truth)
      assertWhole(rig, truth)
    })

    test('address and back: what was announced once decodes all along', async t => {
      const { rig, set } = await served(t)
      const truth = new GroundTruth()
      const one = new TestExporter(truth, { version, port: 1000 })
      give(rig, one.templates({ 256: ONE }), one.data(256, ONE))
      await set({ scope: 'address' })
      give(rig, one.data(256, ONE))
      await set(null)
      give(rig, one.data(256, ONE))
      assertRight(rig, truth)
      assertWhole(rig, truth)
    })

    test('session: what auto shared is taken back, and auto finds it again', async t => {
      const { rig, set } = await served(t)
      const data = exporter(1000, 100)
      const options = new TestExporter(data.truth, { version, port: 2000, rate: 100 })
      give(rig, data.templates({ 256: ONE }), options.templates({}, true), options.rate(), data.data(256, ONE))
      const apart = await set({ scope: 'session' })
      assert.deepEqual(apart?.scopes, [])
      give(rig, data.data(256, ONE))
      const state = await set(null)
      give(rig, data.data(256, ONE))
      assert.deepEqual(
        seenOf(rig.link.entries).map(({ rate }) => rate),
        [100, 0, 100]
      )
      assert.deepEqual(
        state?.scopes.map(({ decision, evidence }) => [decision, evidence]),
        [['merged', 'options_port']]
      )
      const ports = state?.scopes[0].ports.map(({ port, optionsFrom }) => [port, optionsFrom])
      assert.deepEqual(ports, [
        [1000, [2000]],
        [2000, []]
      ])
      assert.equal(state?.scopeDecision, 'merged')
    })

    test('auto: exporters that went on side by side under another policy are found to be two', async t => {
      const { rig, set } = await served(t, [{ match: id, scope: 'session' }])
      const truth = new GroundTruth()
      const [one, other] = [1000, 2000].map(port => new TestExporter(truth, { version, port }))
      give(rig, one.templates({ 256: ONE }), other.templates({ 256: TWO }))
      await set({ scope: 'auto' })
      one.exportTimeSec++
      other.exportTimeSec++
      give(rig, one.data(256, ONE), other.data(256, TWO))
      const state = await set({ scope: 'auto', resumeTemplates: true })
      assert.deepEqual([state?.scopeDecision, state?.policy.resumeTemplates], ['apart', true])
      assertRight(rig, truth)
      assertWhole(rig, truth)
    })
  })
}

test('an exporter may be given a policy before it comes', async t => {
  const { rig, set } = await served(t)
  assert.equal(await set({ scope: 'address' }), undefined)
  const each = new TestExporter(new GroundTruth(), { version: 10, port: 1000 })
  give(rig, each.templates({ 256: ONE }), each.data(256, ONE, 2000))
  assert.equal(seenOf(rig.link.entries).length, 1)
})
