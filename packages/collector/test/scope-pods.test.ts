import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { createMemoryTemplateStore } from '@weir/templates'
import {
  ADDRESS_TEXT,
  assertRight,
  give,
  GroundTruth,
  layouts,
  seenOf,
  TestExporter
} from './support/exporter-streams.ts'
import { startRig, type Rig, type RigOptions } from './support/rig.ts'
import { SharedRing } from './support/shared-ring.ts'

const [ONE, TWO, THREE] = layouts
const START_MS = 1_700_000_000_000

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function startPod(t: TestContext, options: RigOptions): Promise<{ rig: Rig; settle(): Promise<void> }> {
  const clock = new FakeClock(START_MS)
  const rig = await startRig(t, { clock, ...options })
  await turns()
  return {
    rig,
    async settle() {
      clock.advance(5)
      await turns()
    }
  }
}

const decisionOf = ({ collector: { parts } }: Rig): string[] => {
  const [group] = parts.scopes.groupsOf(parts.exporters.get(ADDRESS_TEXT)!)
  return group === undefined ? [] : [group.decision, group.evidence]
}
const ratesOf = (rig: Rig): number[] => seenOf(rig.link.entries).map(({ rate }) => rate)

for (const version of [9, 10] as const) {
  describe(`what one pod found of source ports, ${version === 9 ? 'v9' : 'IPFIX'}`, () => {
    const exporter = (port: number, rate = 0): TestExporter =>
      new TestExporter(new GroundTruth(), { version, port, rate, sequence: 4_000_000 })

    /** Data from port 1000, its sampling rate from port 2000. */
    const optionsPort = (): { data: TestExporter; options: TestExporter } => {
      const data = exporter(1000, 100)
      return { data, options: new TestExporter(data.truth, { version, port: 2000, rate: 100 }) }
    }

    const found = (rig: Rig, { data, options }: ReturnType<typeof optionsPort>): void => {
      give(rig, data.templates({ 256: ONE }), data.data(256, ONE), options.templates({}, true), options.rate())
      for (let message = 0; message < 3; message++) give(rig, data.data(256, ONE))
      // Both ports have proven themselves: it is given to the stores.
      give(rig, options.templates({}, true), options.rate(2000, 300), options.rate())
      assert.deepEqual(decisionOf(rig), ['merged', 'options_port'])
    }

    test('lets another pod scale the data of a port whose options never came there', async t => {
      const ring = new SharedRing()
      const ports = optionsPort()
      const first = await startPod(t, { shared: ring.ring() })
      found(first.rig, ports)
      await first.settle()
      const second = await startPod(t, { shared: ring.ring() })
      give(second.rig, ports.data.data(256, ONE))
      await second.settle()
      give(second.rig, ports.data.data(256, ONE))
      assert.deepEqual(ratesOf(second.rig), [100, 100])
      assert.deepEqual(decisionOf(second.rig), ['merged', 'options_port'])
      assertRight(second.rig, ports.data.truth)
    })

    test('holds for the ports that it names, not for another one that turns up elsewhere', async t => {
      const ring = new SharedRing()
      const ports = optionsPort()
      const first = await startPod(t, { shared: ring.ring() })
      found(first.rig, ports)
      await first.settle()
      const second = await startPod(t, { shared: ring.ring() })
      const stranger = new TestExporter(ports.data.truth, { version, port: 3000 })
      give(second.rig, stranger.templates({ 256: THREE }), stranger.data(256, THREE))
      await second.settle()
      give(second.rig, stranger.data(256, THREE))
      assert.deepEqual(ratesOf(second.rig), [0, 0])
      assertRight(second.rig, ports.data.truth)
    })

    test('is there again after a restart, from the local ring', async t => {
      const store = createMemoryTemplateStore()
      const ports = optionsPort()
      const first = await startPod(t, { store })
      found(first.rig, ports)
      await first.rig.stop()
      const second = await startPod(t, { store })
      give(second.rig, ports.data.data(256, ONE), ports.data.data(256, ONE))
      assert.deepEqual(ratesOf(second.rig), [100, 100])
      ports.data.options.rate = 50
      give(second.rig, ports.data.templates({}, true), ports.data.rate(), ports.data.data(256, ONE))
      assert.equal(ratesOf(second.rig).at(-1), 50, 'what the port says itself wins')
      assert.equal(second.rig.collector.parts.exporters.get(ADDRESS_TEXT)?.sessions.size, 1)
    })

    test('gives the ports of one number space the templates that came to another pod', async t => {
      const ring = new SharedRing()
      const each = exporter(1000, 100)
      const first = await startPod(t, { shared: ring.ring() })
      give(first.rig, each.templates({ 256: ONE }, true), each.rate())
      for (let index = 0; index < 12; index++) give(first.rig, each.data(256, ONE, index % 2 === 0 ? 2000 : 1000))
      give(first.rig, each.templates({ 257: TWO }))
      assert.deepEqual(decisionOf(first.rig), ['merged', 'number_space'])
      await first.settle()
      const second = await startPod(t, { shared: ring.ring() })
      const before = each.truth.sets.size
      give(second.rig, each.data(256, ONE, 2000), each.data(257, TWO, 2000))
      await second.settle()
      assertRight(second.rig, each.truth)
      assert.equal(seenOf(second.rig.link.entries).length, each.truth.sets.size - before)
      assert.deepEqual(new Set(ratesOf(second.rig)), new Set([100]))
    })

    test('that they are two keeps another pod from taking options of one for those of the other', async t => {
      const ring = new SharedRing()
      const truth = new GroundTruth()
      const [one, other] = [1000, 2000].map(port => new TestExporter(truth, { version, port, rate: port }))
      const first = await startPod(t, { shared: ring.ring() })
      for (let round = 0; round < 4; round++) {
        give(first.rig, one.templates({ 256: ONE }), other.templates({ 256: TWO }))
        one.exportTimeSec++
        other.exportTimeSec++
      }
      assert.deepEqual(decisionOf(first.rig), ['apart', 'template_conflict'])
      await first.settle()
      const second = await startPod(t, { shared: ring.ring() })
      give(second.rig, one.data(256, ONE))
      await second.settle()
      give(second.rig, other.templates({}, true), other.rate(), one.data(256, ONE))
      assert.deepEqual(ratesOf(second.rig), [0, 0])
      assertRight(second.rig, truth)
    })

    if (version === 9) {
      test('does not outlive a reboot: the rate may be another one since', async t => {
        const store = createMemoryTemplateStore()
        const ports = optionsPort()
        const first = await startPod(t, { store })
        found(first.rig, ports)
        await first.rig.stop()
        const second = await startPod(t, { store })
        const rebooted = ports.data.reboot()
        give(second.rig, rebooted.templates({ 256: ONE }), rebooted.data(256, ONE))
        assert.deepEqual(ratesOf(second.rig), [0])
      })
    }
  })
}
