import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { FakeClock } from '@weir/runtime'
import { createCollectorMetrics } from '../src/metric-readers.ts'
import { FIELDS, templateMessage } from './support/messages.ts'
import { startRig, type Rig } from './support/rig.ts'

const SWEEP_MS = 10_000
const lifeOf = (rig: Rig) => [...rig.collector.parts.exporters.values()][0]!.life
const told = (rig: Rig, event: string) => rig.events.filter(each => each.event === event).map(({ fields }) => fields)
/** A Message whose Export Time is the clock's. */
const message = (clock: FakeClock, sequence: number, upMs = 1_000_000, skewSec = 0) =>
  buildV9({ odid: 1, sequence, exportTimeSec: Math.trunc(clock.nowMs() / 1000) + skewSec, sysUpTimeMs: upMs })
    .template(256, FIELDS)
    .octets()

test('an exporter is discovered, then active, silent when nothing comes, and active again', async t => {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock, limits: { exporterSilentMs: 60_000 } })
  const source = await rig.udpSource()
  await source.send(message(clock, 0))
  await rig.untilMessages(1)
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'discovered')
  assert.deepEqual(told(rig, 'exporter_discovered'), [{ exporter: '127.0.0.1' }])
  await source.send(message(clock, 1, 1_010_000), message(clock, 2, 1_010_000))
  await rig.untilMessages(3)
  clock.advance(SWEEP_MS)
  assert.deepEqual([lifeOf(rig).state, lifeOf(rig).sinceAtMs], ['active', clock.nowMs()])
  clock.advance(60_000)
  assert.equal(lifeOf(rig).state, 'silent')
  assert.match(lifeOf(rig).reasons[0]!, /nothing came for \d+ s/)
  const [silent] = told(rig, 'exporter_silent')
  assert.equal(silent!.exporter, '127.0.0.1')
  clock.advance(SWEEP_MS)
  assert.equal(told(rig, 'exporter_silent').length, 1, 'told once')
  await source.send(message(clock, 3, 1_090_000))
  await rig.untilMessages(4)
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'active')
  assert.equal(told(rig, 'exporter_discovered').length, 1)
})

test('one that begins anew is rebooted until its templates have been announced again', async t => {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock })
  const source = await rig.udpSource()
  await source.send(message(clock, 100), message(clock, 101), message(clock, 102))
  await rig.untilMessages(3)
  clock.advance(SWEEP_MS)
  const exportTimeSec = Math.trunc(clock.nowMs() / 1000)
  for (const sequence of [0, 1, 2]) {
    const anew = buildV9({ odid: 1, sequence, exportTimeSec, sysUpTimeMs: 500 })
    await source.send(anew.data(256, 'c000020100000001').octets())
  }
  await rig.untilMessages(6)
  assert.equal(lifeOf(rig).state, 'rebooted')
  assert.equal(lifeOf(rig).rebootedAtMs, lifeOf(rig).sinceAtMs)
  assert.match(lifeOf(rig).reasons[0]!, /domain 1 began anew/)
  assert.deepEqual(
    told(rig, 'exporter_rebooted').map(({ exporter, odid }) => [exporter, odid]),
    [['127.0.0.1', 1]]
  )
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'rebooted', 'a hint is left')
  await source.send(message(clock, 3, 10_500))
  await rig.untilMessages(7)
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'active')
})

test('one whose clock is far from ours is skewed', async t => {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock, limits: { skewMs: 120_000 } })
  const source = await rig.udpSource()
  for (const sequence of [0, 1, 2]) await source.send(message(clock, sequence, 1_000_000, -121))
  await rig.untilMessages(3)
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'skewed')
  assert.match(lifeOf(rig).reasons[0]!, /121 s behind ours/)
  assert.equal(told(rig, 'exporter_skewed')[0]!.clockSkewMs, -121_000)
})

test('what happens to templates is told: learned, rejected, redefined', async t => {
  const rig = await startRig(t)
  const source = await rig.udpSource()
  await source.send(templateMessage())
  await rig.untilMessages(1)
  const [learned] = told(rig, 'template_learned')
  assert.deepEqual(
    [learned!.exporter, learned!.odid, learned!.templateId, learned!.kind, learned!.fields],
    ['127.0.0.1', 1, 256, 'template', 2]
  )
  await source.send(buildMessage({ odid: 1 }).template(257, '8:7').octets())
  await source.send(buildMessage({ odid: 1 }).template(256, '8:4').octets())
  await rig.untilMessages(3)
  const [rejected] = told(rig, 'template_rejected')
  assert.deepEqual([rejected!.templateId, rejected!.code], [257, 'ILLEGAL_LENGTH'])
  const [redefined] = told(rig, 'template_redefined')
  assert.notEqual(redefined!.layout, redefined!.previous)
  assert.equal(redefined!.key, learned!.key)
  const { changes } = rig.collector.parts.events
  assert.deepEqual([changes.learned, changes.rejected, changes.redefined], [1, 1, 1])
  const metrics = await createCollectorMetrics(rig.collector.parts, false).text()
  for (const line of [
    'weir_collector_template_changes_total{change="rejected"} 1',
    'weir_collector_template_sources{source="wire"} 1',
    'weir_collector_template_sources{source="store"} 0',
    'weir_collector_exporter_states{state="discovered"} 1',
    'weir_collector_events_total{outcome="told"} 6'
  ]) {
    assert.ok(metrics.split('\n').includes(line), line)
  }
})

const FLOW = '8:4 12:4 2:4 1:4'

/** Sends Messages of 60 flows each, with a look between, until so many records were looked at. */
async function sendFlows(
  rig: Rig,
  clock: FakeClock,
  source: Awaited<ReturnType<Rig['udpSource']>>,
  flowOf: (index: number) => { packets: number; octets: number },
  looks: number,
  start: { sequence: number; messages: number }
): Promise<void> {
  const hex = (value: number): string => value.toString(16).padStart(8, '0')
  for (let look = 0; look < looks; look++) {
    clock.advance(SWEEP_MS)
    const records = Array.from({ length: 60 }, (_, index) => {
      const { packets, octets } = flowOf(index)
      return `c0000201c0000202${hex(packets)}${hex(octets)}`
    })
    const header = { odid: 1, sequence: start.sequence++, exportTimeSec: Math.trunc(clock.nowMs() / 1000) }
    await source.send(
      buildV9({ ...header, sysUpTimeMs: clock.monotonicMs() + 1_000_000 })
        .template(300, FLOW)
        .data(300, ...records)
        .octets()
    )
    await rig.untilMessages(++start.messages)
  }
  clock.advance(SWEEP_MS)
}

test('one whose records look sampled and that tells no rate is suspect, until it tells one', async t => {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock })
  const source = await rig.udpSource()
  const start = { sequence: 0, messages: 0 }
  const sampled = (index: number) => (index % 20 === 0 ? { packets: 2, octets: 1_400 } : { packets: 1, octets: 700 })
  await sendFlows(rig, clock, source, sampled, 5, start)
  assert.equal(lifeOf(rig).state, 'active', 'too few to tell')
  await sendFlows(rig, clock, source, sampled, 5, start)
  assert.equal(lifeOf(rig).state, 'unsampled-suspect')
  assert.match(lifeOf(rig).reasons[0]!, /^95 % of the records looked at count one packet, of 700 octets/)
  assert.deepEqual(told(rig, 'exporter_state').at(-1)!.state, 'unsampled-suspect')
  const header = { odid: 1, sequence: start.sequence++, exportTimeSec: Math.trunc(clock.nowMs() / 1000) }
  await source.send(
    buildV9({ ...header, sysUpTimeMs: clock.monotonicMs() + 1_000_000 })
      .optionsTemplate(310, 1, '1:4 34:4 35:1')
      .data(310, '000000000000006402')
      .octets()
  )
  await rig.untilMessages(++start.messages)
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'active')
  assert.deepEqual(
    told(rig, 'exporter_state').map(({ before, state }) => `${before} ${state}`),
    ['discovered active', 'active unsampled-suspect', 'unsampled-suspect active']
  )
})

for (const [what, flowOf] of [
  ['many of one small packet, as scans and DNS are', () => ({ packets: 1, octets: 60 })],
  ['of several packets', (index: number) => ({ packets: 1 + (index % 4), octets: 900 })]
] as const) {
  test(`flows ${what}, are in no doubt`, async t => {
    const clock = new FakeClock()
    const rig = await startRig(t, { clock })
    await sendFlows(rig, clock, await rig.udpSource(), flowOf, 12, { sequence: 0, messages: 0 })
    assert.equal(lifeOf(rig).state, 'active')
    assert.ok([...rig.collector.parts.exporters.values()][0]!.look!.records >= 600)
  })
}

test('two behind one address that contradict each other are a conflict of scope, until a policy says that this is right', async t => {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock })
  const [one, other] = [await rig.udpSource(), await rig.udpSource()]
  let messages = 0
  for (let round = 0; round < 4; round++) {
    for (const [index, source] of [one, other].entries()) {
      const header = { odid: 1, sequence: round * 3, exportTimeSec: Math.trunc(clock.nowMs() / 1000) }
      await source.send(
        buildMessage(header)
          .template(256, index === 0 ? '8:4 2:4' : '2:4 8:4')
          .data(256, 'c000020100000001')
          .octets()
      )
      await rig.untilMessages(++messages)
    }
    clock.advance(SWEEP_MS)
  }
  assert.equal(lifeOf(rig).state, 'scope-conflict')
  assert.match(lifeOf(rig).reasons[0]!, /several exporters behind one address/)
  rig.collector.parts.policies.set('127.0.0.1', { scope: 'session' })
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'active')
})

test('the thresholds of a policy hold for whom it is for, at once', async t => {
  const clock = new FakeClock()
  const rig = await startRig(t, { clock, limits: { exporterSilentMs: 60_000, skewMs: 120_000 } })
  const { policies } = rig.collector.parts
  policies.replace([
    { match: '127.0.0.0/8', scope: 'auto', resumeTemplates: false, silentMs: 600_000, skewMs: 1_000_000 }
  ])
  const source = await rig.udpSource()
  for (const sequence of [0, 1, 2]) await source.send(message(clock, sequence, 1_000_000, -500))
  await rig.untilMessages(3)
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'active')
  clock.advance(300_000)
  assert.equal(lifeOf(rig).state, 'active')
  policies.set('127.0.0.1', { silentMs: 100_000 })
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'silent')
  policies.set('127.0.0.1', { silentMs: 2_000_000, skewMs: 400_000 })
  clock.advance(SWEEP_MS)
  assert.equal(lifeOf(rig).state, 'skewed')
})
