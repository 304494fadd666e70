import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { createMemoryTemplateStore, lastTcpScope, type StoredTemplate } from '@weir/templates'
import { FIELDS, recordHex } from './support/messages.ts'
import { dropsOf, startRig, type Rig, type RigOptions } from './support/rig.ts'
import { SharedRing } from './support/shared-ring.ts'

const START_MS = 1_700_000_000_000
const SEC = START_MS / 1000

/** Template 256 and its data, as one exporter would send them. */
const template = (exportTimeSec = SEC, fields = FIELDS, sequence = 0): Uint8Array =>
  buildMessage({ exportTimeSec, sequence }).template(256, fields).octets()
const data = (value: number, sequence: number, exportTimeSec = SEC): Uint8Array =>
  buildMessage({ exportTimeSec, sequence }).data(256, recordHex(value)).octets()
/** Sampling of the exporter, one of `interval`. */
const sampling = (interval: string, sequence: number, exportTimeSec = SEC): Uint8Array =>
  buildMessage({ exportTimeSec, sequence })
    .optionsTemplate(300, 1, '144:4 34:4')
    .data(300, `00000007${interval}`)
    .octets()

interface Pod {
  readonly rig: Rig
  readonly clock: FakeClock
  /** Datagrams from a port of one exporter. */
  send(port: number, ...messages: Uint8Array[]): void
  /** Let the gathering of questions pass, and what is asked be answered. */
  settle(): Promise<void>
}

async function startPod(
  t: TestContext,
  ring: SharedRing,
  options: RigOptions = {},
  clock = new FakeClock(START_MS)
): Promise<Pod> {
  const rig = await startRig(t, { clock, shared: ring.ring(), ...options })
  await turns()
  const { intake } = rig.collector.parts.udp[0]
  return {
    rig,
    clock,
    send(port, ...messages) {
      for (const octets of messages) {
        intake.begin()
        intake.fromText('192.0.2.1', port, octets, new DataView(octets.buffer, octets.byteOffset), 0, octets.length)
      }
    },
    async settle() {
      clock.advance(5)
      await turns()
    }
  }
}

/** Everything that is only waiting for other turns of the event loop happens. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

const domainOf = ({ rig }: Pod) => [...rig.collector.parts.sessions.values()][0].domains.get(1)!

/** The one template of the ring, said again by another pod. */
function saidElsewhere(ring: SharedRing, more: Partial<StoredTemplate>): void {
  ring.put({ ...ring.templates[0], ...more })
}

const OTHER_FIELDS = [
  { pen: 0, id: 12, length: 4 },
  { pen: 0, id: 1, length: 4 }
]

describe('a pod that is sent data of an exporter that another pod knows', () => {
  test('decodes the first Data Set, and tells the mediator the options state before it', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    const b = await startPod(t, ring)
    a.send(4000, template(), sampling('00000064', 0), data(1, 1))
    b.send(4000, data(2, 2))
    assert.deepEqual(b.rig.link.entries, [], 'nothing is known yet')
    await b.settle()
    assert.deepEqual(
      b.rig.link.entries.map(({ isState, hex }) => [isState, hex]),
      [
        [true, '0000000700000064'],
        [false, recordHex(2)]
      ]
    )
    const entry = domainOf(b).table.entry(256)!
    assert.deepEqual([entry.source, entry.isHint], ['store', true])
    assert.equal(b.rig.collector.parts.restorer.templates.store, 2)
    assert.deepEqual(b.rig.events.filter(({ event }) => event === 'template_restored').length, 2)
  })

  test('asks for all exporters that came at once in one read', async t => {
    const ring = new SharedRing()
    const pod = await startPod(t, ring)
    for (let port = 4000; port < 4060; port++) pod.send(port, data(1, 1))
    await pod.settle()
    assert.deepEqual(ring.reads, [100, 20], 'each with its port, and the place of its address')
  })

  test('TH-04 asks for no more sources than a bound, until they have proven themselves, and remembers that there was nothing', async t => {
    const ring = new SharedRing()
    const pod = await startPod(t, ring, { limits: { unverifiedReadsPerSec: 10 } })
    for (let port = 4000; port < 4500; port++) pod.send(port, data(1, 1))
    await pod.settle()
    assert.deepEqual(ring.reads, [20])
    assert.ok(pod.rig.collector.parts.recollection.refusedReads >= 490)
    pod.send(4499, data(2, 2), data(3, 3))
    await pod.settle()
    assert.deepEqual(ring.reads, [20, 2], 'the third valid Message')
    for (let message = 0; message < 20; message++) pod.send(4499, data(4, 4 + message))
    await pod.settle()
    assert.deepEqual(ring.reads, [20, 2], 'it was asked a moment ago')
  })

  test('asks again after a while when data still has no template', async t => {
    const ring = new SharedRing()
    const pod = await startPod(t, ring)
    pod.send(4000, data(1, 1), data(2, 2), data(3, 3))
    await pod.settle()
    pod.clock.advance(29_000)
    pod.send(4000, data(4, 4))
    await pod.settle()
    assert.equal(ring.reads.length, 1)
    pod.clock.advance(2_000)
    pod.send(4000, data(5, 5))
    await pod.settle()
    assert.equal(ring.reads.length, 2)
  })

  test('TH-22 puts what it knows in the place of what is not to be believed, once in a while, and asks again', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    const b = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    b.send(4000, data(2, 2), data(2, 3), data(2, 4))
    await b.settle()
    const { fields } = ring.templates[0]
    await a.rig.collector.stop(0)
    b.clock.advance(1_000)
    await b.settle()
    ring.isForged = true
    saidElsewhere(ring, { fields: OTHER_FIELDS })
    await b.settle()
    assert.deepEqual(ring.templates[0].fields, fields)
    assert.deepEqual(domainOf(b).table.entry(256)!.layout.fields, fields)
    saidElsewhere(ring, { fields: OTHER_FIELDS })
    await b.settle()
    assert.deepEqual(ring.templates[0].fields, OTHER_FIELDS, 'two pods with different keys would go on for ever')
    b.clock.advance(6_000)
    await b.settle()
    assert.deepEqual(ring.templates[0].fields, fields)
    ring.isForged = false
    b.clock.advance(1_000)
    await b.settle()
    const { length } = ring.reads
    b.clock.advance(10_000)
    await b.settle()
    assert.equal(ring.reads.length, length, 'what is there is believed')
  })

  test('T23 lets what it was told itself win over an answer that was on its way', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const gate = Promise.withResolvers<void>()
    ring.gate = gate.promise
    const b = await startPod(t, ring, { templates: { warmupTimeoutMs: 0 } })
    b.send(4000, data(2, 2))
    await b.settle()
    b.send(4000, template(SEC, '8:4 1:4', 3), data(3, 3))
    assert.deepEqual(b.rig.link.hex, [recordHex(2), recordHex(3)], 'it did not wait for the store')
    gate.resolve()
    await turns()
    assert.equal(domainOf(b).table.entry(256)?.source, 'wire')
    assert.equal(domainOf(b).table.get(256)?.fields[1].id, 1)
  })

  test('goes on without the store when that is away, and asks when it is back', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    ring.health = 'down'
    const b = await startPod(t, ring)
    b.send(4000, data(2, 2), data(3, 3), data(4, 4))
    await b.settle()
    assert.deepEqual(ring.reads, [])
    assert.equal(b.rig.collector.parts.ledger.dataSets.pending, 3)
    ring.health = 'up'
    b.clock.advance(1_000)
    await b.settle()
    assert.deepEqual(b.rig.link.hex, [2, 3, 4].map(recordHex))
  })

  test('takes a time-out for no answer', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const b = await startPod(t, ring, { templates: { warmupTimeoutMs: 0 } })
    const gate = Promise.withResolvers<void>()
    ring.gate = gate.promise
    b.send(4000, data(2, 2), data(3, 3), data(4, 4))
    await b.settle()
    ring.health = 'breaker_open'
    gate.resolve()
    await turns()
    assert.equal(b.rig.collector.parts.ledger.dataSets.pending, 3)
    ring.health = 'up'
    b.clock.advance(1_000)
    await b.settle()
    assert.deepEqual(b.rig.link.hex, [2, 3, 4].map(recordHex))
  })

  test('TH-22 believes no entry of another place', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const [stored] = ring.templates
    const b = await startPod(t, ring, { templates: { warmupTimeoutMs: 0 } })
    ring.lie = () => [stored]
    b.send(4001, data(2, 2))
    await b.settle()
    assert.equal(domainOf(b).table.size, 0)
    assert.equal(b.rig.collector.parts.ledger.dataSets.pending, 1)
  })

  test('counts what is missing since the other pod saw it as a gap, apart from loss', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    const b = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    a.clock.advance(1_000)
    b.send(4000, data(2, 12), data(3, 13))
    await b.settle()
    const { gap, lost } = domainOf(b).sequence.counts
    assert.deepEqual([gap, lost], [10, 0])
  })
})

describe('an exporter whose sequence numbers mean nothing', () => {
  const cases: readonly [string, (index: number) => number][] = [
    ['never move', () => 0],
    ['count Messages', index => 1000 + index]
  ]
  for (const [what, sequenceOf] of cases) {
    test(`has not begun anew for the next pod, because they ${what}`, async t => {
      const ring = new SharedRing()
      const a = await startPod(t, ring)
      a.send(4000, template(SEC, FIELDS, sequenceOf(0)))
      const records = Array.from({ length: 10 }, (_, value) => recordHex(value))
      for (let index = 1; index <= 20; index++) {
        const message = { exportTimeSec: SEC + index, sequence: sequenceOf(index) }
        a.send(
          4000,
          buildMessage(message)
            .data(256, ...records)
            .octets()
        )
        a.clock.advance(1_000)
      }
      const b = await startPod(t, ring)
      b.send(4000, data(2, sequenceOf(21), SEC + 21))
      await b.settle()
      assert.equal(b.rig.link.records, 1)
      assert.equal(b.rig.collector.parts.ledger.dataSets.pending, 0)
    })
  }
})

describe('what one pod tells the others', () => {
  test('TH-04 TH-22 is what verified sessions said, also at the end', async t => {
    const ring = new SharedRing()
    const store = createMemoryTemplateStore()
    const pod = await startPod(t, ring, { store })
    pod.send(4000, template(), data(1, 0))
    assert.deepEqual(ring.entries, [])
    await pod.rig.stop()
    assert.deepEqual(ring.entries, [], 'not shared')
    assert.equal(store.stats.entries > 0, true, 'but known to the next run')
  })

  test('is there again after the store has lost everything', async t => {
    const ring = new SharedRing()
    const pod = await startPod(t, ring)
    for (const port of [4000, 4001, 4002]) {
      pod.send(port, template(), sampling('00000064', 0), data(1, 1))
    }
    pod.clock.advance(1_000)
    const before = ring.entries.length
    assert.equal(before, 3 * 4, 'two templates, an options record, a sequence number each')
    ring.flush()
    assert.deepEqual(ring.entries, [])
    for (let second = 0; second < 60; second++) pod.clock.advance(1_000)
    assert.equal(ring.entries.length, before)
    assert.equal(pod.rig.collector.parts.recollection.rewrites, 1)
  })

  test('D7 is never used by a TCP session', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    const source = await a.rig.tcpSource()
    await source.send(template(), data(1, 0))
    await a.rig.untilMessages(2)
    assert.equal(ring.templates[0].scope.startsWith('tcp/'), true)
    const b = await startPod(t, ring)
    const again = await b.rig.tcpSource()
    await again.send(data(2, 1))
    await b.rig.untilMessages(1)
    await b.settle()
    assert.deepEqual(ring.reads, [])
    assert.deepEqual(b.rig.link.hex, [])
  })
})

describe('what another pod was told meanwhile', () => {
  async function takenOver(t: TestContext): Promise<{ ring: SharedRing; b: Pod }> {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const b = await startPod(t, ring)
    b.send(4000, data(2, 2), data(3, 3), data(4, 4))
    await b.settle()
    assert.equal(domainOf(b).table.get(256)?.fields[1].id, 2)
    return { ring, b }
  }

  test('replaces what only a store said, if it is later', async t => {
    const { ring, b } = await takenOver(t)
    saidElsewhere(ring, { exportTimeSec: SEC + 1, fields: OTHER_FIELDS })
    await b.settle()
    assert.equal(domainOf(b).table.get(256)?.fields[1].id, 1)
    b.send(4000, data(5, 5))
    assert.equal(b.rig.link.entries.at(-1)?.layout.fields[0].id, 12)
  })

  test('brings further templates, and lets what waited for them go on', async t => {
    const { ring, b } = await takenOver(t)
    const other = buildMessage({ exportTimeSec: SEC, sequence: 5 }).data(257, recordHex(7)).octets()
    b.send(4000, other)
    assert.equal(b.rig.collector.parts.ledger.dataSets.pending, 1)
    saidElsewhere(ring, { templateId: 257, exportTimeSec: SEC + 1 })
    await b.settle()
    assert.equal(b.rig.link.hex.at(-1), recordHex(7))
    assert.equal(b.rig.collector.parts.ledger.dataSets.pending, 0)
  })

  test('TH-23 does not replace what was announced here: each goes by what it saw, and the conflict is counted', async t => {
    const { ring, b } = await takenOver(t)
    b.send(4000, template(SEC, FIELDS, 5))
    saidElsewhere(ring, { exportTimeSec: SEC + 1, fields: OTHER_FIELDS })
    await b.settle()
    assert.equal(domainOf(b).table.get(256)?.fields[1].id, 2)
    assert.equal(b.rig.collector.parts.restorer.conflicts, 1)
    saidElsewhere(ring, { exportTimeSec: SEC - 1, fields: OTHER_FIELDS })
    await b.settle()
    assert.equal(b.rig.collector.parts.restorer.conflicts, 1, 'an earlier word is none')
  })

  test('keeps a template alive that is announced there and used here', async t => {
    const { ring, b } = await takenOver(t)
    for (let half = 0; half < 6; half++) {
      b.clock.advance(1_800_000)
      saidElsewhere(ring, { exportTimeSec: SEC + 1 + half, lastSeenMs: b.clock.nowMs() })
      await b.settle()
      b.send(4000, data(9, 5 + half, SEC + 1 + half))
    }
    assert.equal(b.rig.link.hex.length, 3 + 6)
    assert.deepEqual(dropsOf(b.rig.collector), {})
  })
})

describe('a pod that starts', () => {
  test('takes up what others know before anybody asks, and is ready when it has', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const gate = Promise.withResolvers<void>()
    ring.gate = gate.promise
    const b = await startPod(t, ring)
    const reasons = b.rig.collector.readiness().reasons.join()
    assert.match(reasons, /what other pods know/)
    gate.resolve()
    await turns()
    assert.equal(b.rig.collector.readiness().isReady, true)
    assert.equal(b.rig.collector.parts.recollection.waiting, 1)
    b.send(4000, data(2, 2))
    assert.deepEqual(b.rig.link.hex, [recordHex(2)], 'at once')
    await b.settle()
    assert.deepEqual(ring.reads, [])
  })

  test('is ready in the end though the store does not answer', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    ring.gate = new Promise(() => {})
    const b = await startPod(t, ring)
    b.clock.advance(9_999)
    assert.equal(b.rig.collector.readiness().isReady, false)
    b.clock.advance(1)
    assert.equal(b.rig.collector.readiness().isReady, true)
  })

  test('takes up what others know when a store that was away at the start comes', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    ring.health = 'down'
    const b = await startPod(t, ring)
    assert.equal(b.rig.collector.readiness().isReady, true, 'nothing is waited for')
    assert.deepEqual([ring.lists, b.rig.collector.parts.recollection.waiting], [1, 0])
    ring.health = 'up'
    b.clock.advance(3_000)
    await turns()
    assert.deepEqual([ring.lists, b.rig.collector.parts.recollection.waiting], [2, 1], 'once')
    ring.health = 'down'
    b.send(4000, data(2, 2))
    assert.deepEqual(b.rig.link.hex, [recordHex(2)], 'of use when it is away again')
  })

  test('asks once more for what was changed after it was read', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const b = await startPod(t, ring)
    saidElsewhere(ring, { exportTimeSec: SEC + 1, fields: OTHER_FIELDS })
    b.send(4000, data(2, 2))
    assert.deepEqual(b.rig.link.hex, [], 'what it remembers may be wrong')
    await b.settle()
    assert.equal(b.rig.link.entries.at(-1)?.layout.fields[0].id, 12)
  })

  test('asks once more for what may have been changed while pushes were missed', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    const b = await startPod(t, ring)
    ring.putUnheard({ ...ring.templates[0], exportTimeSec: SEC + 1, fields: OTHER_FIELDS })
    b.send(4000, data(2, 2))
    assert.deepEqual(b.rig.link.hex, [], 'what it remembers may be wrong')
    await b.settle()
    assert.equal(b.rig.link.entries.at(-1)?.layout.fields[0].id, 12)
  })

  test('believes its own file less than the store that others wrote to meanwhile', async t => {
    const ring = new SharedRing()
    const store = createMemoryTemplateStore()
    const first = await startPod(t, ring, { store })
    first.send(4000, template(), data(1, 0), data(1, 1))
    await first.rig.stop()
    saidElsewhere(ring, { exportTimeSec: SEC + 1, fields: OTHER_FIELDS })
    const again = await startPod(t, ring, { store, templates: { warmupTimeoutMs: 0 } })
    again.send(4000, data(2, 2))
    await again.settle()
    assert.equal(again.rig.link.entries.at(-1)?.layout.fields[0].id, 12)
  })

  test('believes its own file when there is no store to ask', async t => {
    const ring = new SharedRing()
    const store = createMemoryTemplateStore()
    const first = await startPod(t, ring, { store })
    first.send(4000, template(), data(1, 0), data(1, 1))
    await first.rig.stop()
    ring.health = 'down'
    const again = await startPod(t, ring, { store })
    again.send(4000, data(2, 2))
    assert.deepEqual(again.rig.link.hex, [recordHex(2)])
    assert.equal(again.rig.collector.parts.restorer.templates.file, 1)
  })

  test('L-12 remembers no more than fits', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    a.send(4000, template(), data(1, 0), data(1, 1))
    for (let port = 1; port <= 500; port++) saidElsewhere(ring, { scope: `udp/10/u/192.0.2.1/${port}` })
    const b = await startPod(t, ring, { limits: { rememberedOctetsTotal: 65_536 } })
    const { recollection } = b.rig.collector.parts
    assert.ok(recollection.rememberedOctets <= 65_536 && recollection.rememberedPlaces > 50)
    assert.equal(recollection.rememberedPlaces + recollection.limited.places, 501)
  })
})

describe('a TCP exporter that sends no templates after it has connected again', () => {
  const policies = { exporters: [{ match: '127.0.0.1', resumeTemplates: true }] }

  test('R7011-8-2 gets none of its last session, unless its policy says so', async t => {
    const store = createMemoryTemplateStore()
    const rig = await startRig(t, { store })
    const first = await rig.tcpSource()
    await first.send(template(), data(1, 0))
    await rig.untilMessages(2)
    await first.close()
    const second = await rig.tcpSource()
    await second.send(data(2, 0))
    await rig.untilMessages(3)
    await turns()
    assert.deepEqual(rig.link.hex, [recordHex(1)])
    assert.equal(rig.collector.parts.ledger.dataSets.pending, 1)
  })

  test('is decoded by them where its policy says so, once data has come for an id that it did not announce', async t => {
    const rig = await startRig(t, { collector: policies })
    const first = await rig.tcpSource()
    await first.send(template(), sampling('00000064', 0), data(1, 1))
    await rig.untilMessages(3)
    await first.close()
    const second = await rig.tcpSource()
    await second.send(data(2, 0), data(3, 1))
    await rig.until(() => rig.link.hex.length === 4)
    assert.deepEqual(rig.link.hex.slice(2), [recordHex(2), recordHex(3)])
    assert.equal(rig.collector.parts.restorer.templates.session, 2)
    const [session] = rig.collector.parts.sessions.values()
    assert.equal(session.domains.get(1)?.table.entry(256)?.isHint, true)
  })

  test('is decoded by them also when the policy was set after it had announced them, and much later', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring)
    const first = await a.rig.tcpSource()
    await first.send(template(), data(1, 0))
    await a.rig.untilMessages(2)
    a.clock.advance(60_000)
    assert.equal(ring.templates.length, 1)
    a.rig.collector.parts.policies.set('127.0.0.1', { resumeTemplates: true })
    a.clock.advance(2 * 3_600_000)
    const last = ring.templates.find(({ scope }) => scope === lastTcpScope('t', '127.0.0.1'))
    assert.ok(last !== undefined && a.clock.nowMs() - last.lastSeenMs <= 3_600_000)
    ring.flush()
    a.clock.advance(1_000)
    assert.ok(ring.templates.some(({ scope }) => scope === last.scope))
    await first.close()
    const second = await a.rig.tcpSource()
    await second.send(data(2, 0))
    await a.rig.until(() => a.rig.collector.parts.ledger.messages.received === 3)
    await turns()
    await a.settle()
    assert.deepEqual(a.rig.link.hex, [recordHex(1), recordHex(2)])
  })

  test('is decoded by them on another pod too', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring, { collector: policies })
    const first = await a.rig.tcpSource()
    await first.send(template(), data(1, 0))
    await a.rig.untilMessages(2)
    assert.ok(ring.templates.some(({ scope }) => scope === lastTcpScope('t', '127.0.0.1')))
    const b = await startPod(t, ring, { collector: policies })
    const second = await b.rig.tcpSource()
    await second.send(data(2, 0))
    await b.rig.untilMessages(1)
    await turns()
    await b.settle()
    assert.deepEqual(b.rig.link.hex, [recordHex(2)])
  })

  test('is decoded by them also when the other pod tells of them only after the data has come', async t => {
    const ring = new SharedRing()
    const b = await startPod(t, ring, { collector: policies })
    const second = await b.rig.tcpSource()
    await second.send(data(2, 0))
    await b.rig.untilMessages(1)
    await turns()
    await b.settle()
    assert.deepEqual(b.rig.link.hex, [])
    const a = await startPod(t, ring, { collector: policies })
    const first = await a.rig.tcpSource()
    await first.send(template(), data(1, 0))
    await a.rig.untilMessages(2)
    await turns()
    await b.settle()
    assert.deepEqual(b.rig.link.hex, [recordHex(2)])
  })

  test('is decoded by them as soon as a store that was away answers', async t => {
    const ring = new SharedRing()
    const a = await startPod(t, ring, { collector: policies })
    const first = await a.rig.tcpSource()
    await first.send(template(), data(1, 0))
    await a.rig.untilMessages(2)
    const b = await startPod(t, ring, { collector: policies })
    ring.health = 'down'
    const second = await b.rig.tcpSource()
    await second.send(data(2, 0))
    await b.rig.untilMessages(1)
    await turns()
    ring.health = 'up'
    await second.send(data(3, 1))
    await b.rig.untilMessages(2)
    await turns()
    await b.settle()
    assert.deepEqual(b.rig.link.hex, [recordHex(2), recordHex(3)])
  })
})
