import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildFixed, buildMessage, buildV9 } from '@weir/ipfix/testing'
import { createMemoryTemplateStore } from '@weir/templates'
import { optionsList, type OptionsTopic } from '../src/options-list.ts'
import { OptionsValues, samplingOf } from '../src/options-values.ts'
import { startRig, type Rig } from './support/rig.ts'

const hex = (text: string, octets: number): string =>
  Buffer.from(text)
    .toString('hex')
    .padEnd(2 * octets, '0')
const number = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, '0')

async function listOf(rig: Rig, topic: OptionsTopic, offset = 0, limit = 100) {
  const { parts } = rig.collector
  return optionsList(parts, parts.exporters.get('127.0.0.1')!, topic, offset, limit)
}

describe('what an exporter said of itself', () => {
  test('sampling by IPFIX selectors, with the template that said it', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    const message = buildMessage({ odid: 7, exportTimeSec: 1_700_000_123 })
      .optionsTemplate(300, 1, '302:8 304:2 305:4 306:4')
      .data(300, number(2, 8) + number(3, 2) + number(1, 4) + number(99, 4))
      .data(300, number(1, 8) + number(1, 2) + number(2, 4) + number(6, 4))
    await source.send(message.octets())
    await rig.untilMessages(1)
    const { total, items } = await listOf(rig, 'sampling')
    assert.equal(total, 2)
    assert.deepEqual(
      items.map(item => ('selectorId' in item ? [item.selectorId, item.rate, item.algorithm] : [])),
      [
        ['1', 4, 'systematic count-based'],
        ['2', 100, 'random n-out-of-N']
      ]
    )
    const [{ odid, templateId, source: from, exportTimeSec, fields, learnedBy }] = items
    assert.deepEqual([odid, templateId, from, exportTimeSec, learnedBy], [7, 300, 'wire', 1_700_000_123, 'options'])
    assert.deepEqual(fields[0], { pen: 0, id: 302, name: 'selectorId', isScope: true, value: '1' })
    assert.equal((await listOf(rig, 'interfaces')).total, 0)
  })

  test("a router's tables under the scope System: interfaces, samplers, VRFs, applications", async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    const system = '00000001'
    const message = buildV9({ odid: 1, sequence: 0 })
      .optionsTemplate(256, 1, '1:4 10:4 82:8 83:16')
      .data(
        256,
        ...[12, 2, 3].map(index => system + number(index, 4) + hex(`Gi0/${index}`, 8) + hex(`to ${index}`, 16))
      )
      .optionsTemplate(257, 1, '1:4 48:1 49:1 50:4')
      .data(257, ...[1, 2].map(id => system + number(id, 1) + '02' + number(id * 100, 4)))
      .optionsTemplate(258, 1, '1:4 234:4 236:8')
      .data(258, system + number(5, 4) + hex('blue', 8))
      .optionsTemplate(259, 1, '1:4 95:4 96:8 94:16')
      .data(259, system + '0d000001' + hex('http', 8) + hex('web', 16))
    await source.send(message.octets())
    await rig.untilMessages(1)
    const interfaces = await listOf(rig, 'interfaces')
    assert.deepEqual(
      interfaces.items.map(item =>
        'ifIndex' in item && 'description' in item ? [item.ifIndex, item.name, item.description] : []
      ),
      [
        [2, 'Gi0/2', 'to 2'],
        [3, 'Gi0/3', 'to 3'],
        [12, 'Gi0/12', 'to 12']
      ]
    )
    const second = await listOf(rig, 'interfaces', 1, 1)
    assert.deepEqual([second.total, second.items], [3, interfaces.items.slice(1, 2)])
    const sampling = await listOf(rig, 'sampling')
    assert.deepEqual(
      sampling.items.map(item => ('selectorId' in item ? [item.selectorId, item.rate, item.algorithm] : [])),
      [
        ['1', 100, 'random'],
        ['2', 200, 'random']
      ]
    )
    const [vrf] = (await listOf(rig, 'vrfs')).items
    assert.deepEqual('vrfId' in vrf! ? [vrf.vrfId, vrf.name] : [], [5, 'blue'])
    const [application] = (await listOf(rig, 'applications')).items
    assert.deepEqual(
      'applicationId' in application! ? [application.applicationId, application.name, application.description] : [],
      ['0d000001', 'http', 'web']
    )
  })

  test('the header of NetFlow v5', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(buildFixed([{}], { version: 5, sampling: 0x4000 | 512 }))
    await rig.untilMessages(1)
    const { items } = await listOf(rig, 'sampling')
    assert.deepEqual(
      items.map(item => ('rate' in item ? [item.learnedBy, item.rate, item.algorithm, item.templateId] : [])),
      [['header', 512, 'deterministic', null]]
    )
  })

  test('what a store remembered is said to be from there', async t => {
    const store = createMemoryTemplateStore()
    const first = await startRig(t, { store })
    const source = await first.udpSource()
    const options = buildMessage({ odid: 1 })
      .optionsTemplate(300, 1, '302:8 34:4')
      .data(300, number(1, 8) + number(10, 4))
    await source.send(options.octets())
    await first.untilMessages(1)
    await first.stop()
    const rig = await startRig(t, { store })
    const { intake } = rig.collector.parts.udp[0]!
    const empty = buildMessage({ odid: 1, sequence: 1 }).octets()
    intake.begin()
    intake.fromText('127.0.0.1', source.port, empty, new DataView(empty.buffer), 0, empty.length)
    await rig.until(() => rig.collector.parts.options.stats.records === 1)
    const { items } = await listOf(rig, 'sampling')
    assert.deepEqual(
      items.map(item => ('rate' in item ? [item.source, item.rate, item.templateId] : [])),
      [['store', 10, 300]]
    )
  })

  test('pages end where a list would cost too much', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(buildMessage().octets())
    await rig.untilMessages(1)
    await assert.rejects(listOf(rig, 'sampling', 10_001), { code: 'OFFSET_TOO_LARGE' })
  })
})

test('rates in every form, and none where there is none', () => {
  const rateOf = (texts: Record<number, string>): number | null => {
    const values = new OptionsValues()
    for (const [id, text] of Object.entries(texts)) values.set(Number(id), null, text)
    return samplingOf(values).rate
  }
  assert.equal(rateOf({ 34: '1000' }), 1000)
  assert.equal(rateOf({ 50: '64' }), 64)
  assert.equal(rateOf({ 305: '1', 306: '99', 34: '7' }), 100)
  assert.equal(rateOf({ 309: '10', 310: '1000' }), 100)
  assert.equal(rateOf({ 311: '0.25' }), 4)
  for (const nothing of [
    {},
    { 34: '0' },
    { 305: '0', 306: '5' },
    { 309: '0', 310: '5' },
    { 311: '0' },
    { 311: 'NaN' }
  ]) {
    assert.equal(rateOf(nothing as Record<number, string>), null, JSON.stringify(nothing))
  }
})
