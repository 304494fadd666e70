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
    'weir_collector_events_total{outcome="told"} 4'
  ]) {
    assert.ok(metrics.split('\n').includes(line), line)
  }
})
