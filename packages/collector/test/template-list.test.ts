import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { createMemoryTemplateStore } from '@weir/templates'
import { fieldShares } from '../src/field-shares.ts'
import { templateList } from '../src/template-list.ts'
import { FakeClock } from '@weir/runtime'
import { templateHistory } from '../src/template-history.ts'
import { templateKeyOf } from '../src/template-key.ts'
import { forgetTemplate, templateState } from '../src/template-lookup.ts'
import { dataMessage, templateMessage } from './support/messages.ts'
import { startRig, type Rig, type RigOptions } from './support/rig.ts'

const VENDOR_TYPE = 8192
const page = { sort: 'version', offset: 0, limit: 10 }

test('vendor types have their names where they came in NetFlow v9, and none where they came in IPFIX', async t => {
  const rig = await startRig(t)
  const source = await rig.udpSource()
  const { parts } = rig.collector
  await source.send(buildV9({ odid: 1 }).template(256, `${VENDOR_TYPE}:4`).octets())
  await rig.untilMessages(1)
  const name = parts.registry.get(0, VENDOR_TYPE, 9)?.name
  assert.equal(typeof name, 'string')
  const [exporter] = parts.exporters.values()
  assert.equal(fieldShares(parts, exporter!).fields[0]!.name, name)
  await source.send(buildMessage({ odid: 2 }).template(256, `${VENDOR_TYPE}:4`).octets())
  await rig.untilMessages(2)
  assert.deepEqual(
    (await templateList(parts, page)).templates.map(({ version, fields }) => [version, fields[0]!.name]),
    [
      [9, name],
      [10, null]
    ]
  )
})

test('times are whole milliseconds', async t => {
  const rig = await startRig(t)
  const source = await rig.udpSource()
  await source.send(buildMessage().template(256, '8:4').octets())
  await rig.untilMessages(1)
  const [template] = (await templateList(rig.collector.parts, page)).templates
  for (const timeMs of [template!.firstSeenAtMs, template!.lastSeenAtMs, template!.expiresAtMs]) {
    assert.ok(Number.isSafeInteger(timeMs), String(timeMs))
  }
})

describe('templates in pages', () => {
  const namesOf = ({ templates }: { readonly templates: readonly { odid: number; templateId: number }[] }) =>
    templates.map(({ odid, templateId }) => `${odid}/${templateId}`)

  /** Three domains with Templates 256 to 259 and an Options Template 300. */
  async function filled(t: TestContext, options: RigOptions = {}): Promise<Rig> {
    const rig = await startRig(t, options)
    const source = await rig.udpSource()
    for (const odid of [3, 1, 2]) {
      const message = buildMessage({ odid }).optionsTemplate(300, 1, '149:4 34:4')
      for (const id of [256, 257, 258, 259]) message.template(id, `8:4 1:${id - 255}${id === 258 ? ' 82:65535' : ''}`)
      await source.send(message.octets())
    }
    await rig.untilMessages(3)
    return rig
  }

  test('every template is on one page, whatever the order and the length of the pages', async t => {
    const { parts } = (await filled(t)).collector
    for (const sort of [undefined, 'templateId', '-lastSeenAtMs', 'kind', '-exporter', 'expiresAtMs']) {
      const whole = namesOf(await templateList(parts, { sort, offset: 0, limit: 100 }))
      assert.equal(new Set(whole).size, 15)
      for (const limit of [1, 4, 15]) {
        const seen: string[] = []
        for (let cursor: string | undefined; ;) {
          const page = await templateList(parts, { sort, cursor, offset: 0, limit })
          assert.equal(page.total, 15)
          seen.push(...namesOf(page))
          if (page.next === null) break
          cursor = page.next
        }
        assert.deepEqual(seen, whole, `${sort} by ${limit}`)
      }
      assert.deepEqual(namesOf(await templateList(parts, { sort, offset: 13, limit: 5 })), whole.slice(13))
    }
    assert.deepEqual(namesOf(await templateList(parts, { sort: undefined, offset: 0, limit: 3 })), [
      '1/256',
      '1/257',
      '1/258'
    ])
  })

  test('only those that are asked for', async t => {
    const { parts } = (await filled(t)).collector
    const all = { offset: 0, limit: 100 }
    const totalOf = async (query: object): Promise<number> => (await templateList(parts, { ...all, ...query })).total
    assert.equal(await totalOf({ odid: 2 }), 5)
    assert.equal(await totalOf({ templateId: 257 }), 3)
    assert.equal(await totalOf({ kind: 'options' }), 3)
    for (const field of ['interfaceName', '82', '0:82']) assert.equal(await totalOf({ field }), 3, field)
    for (const field of ['nothing', '29305:82', '9999']) assert.equal(await totalOf({ field }), 0, field)
    assert.equal(await totalOf({ exporter: '127.0.0.1' }), 15)
    assert.equal(await totalOf({ exporter: '192.0.2.1' }), 0)
    assert.equal(await totalOf({ source: 'wire' }), 15)
    assert.equal(await totalOf({ state: 'hint' }), 0)
    assert.equal(await totalOf({ scope: 'udp/10/u/127.0.0.1' }), 15)
    assert.equal(await totalOf({ scope: 'tcp' }), 0)
  })

  test('a cursor of another order, a wrong one, an unknown order and too far an offset are refused', async t => {
    const { parts } = (await filled(t)).collector
    const page = { offset: 0, limit: 2 }
    const { next } = await templateList(parts, page)
    for (const cursor of ['', 'x', next!.slice(2), Buffer.from('["templates exporter",1]').toString('base64url')]) {
      await assert.rejects(templateList(parts, { ...page, cursor }), { code: 'BAD_CURSOR' }, cursor)
    }
    await assert.rejects(templateList(parts, { ...page, sort: 'records', cursor: next! }), { code: 'BAD_CURSOR' })
    await assert.rejects(templateList(parts, { ...page, sort: 'weight' }), { code: 'SORT_UNKNOWN' })
    await assert.rejects(templateList(parts, { offset: 10_001, limit: 1 }), { code: 'OFFSET_TOO_LARGE' })
  })

  test('those that a store remembers are listed with the living ones, and become theirs', async t => {
    const store = createMemoryTemplateStore()
    const first = await filled(t, { store })
    await first.stop()
    const rig = await startRig(t, { store })
    const { parts } = rig.collector
    const all = { offset: 0, limit: 100 }
    const remembered = await templateList(parts, { ...all, state: 'remembered' })
    assert.equal(remembered.total, 15)
    assert.deepEqual(
      [
        ...new Set(
          remembered.templates.map(({ exporter, source: from, listener, version }) =>
            [exporter, from, listener, version].join()
          )
        )
      ],
      ['127.0.0.1,store,u,10']
    )
    assert.equal((await templateList(parts, { ...all, field: 'interfaceName' })).total, 3)
  })
})

describe('one template', () => {
  test('is shown with its elements, and forgotten once: then its data waits', async t => {
    const rig = await startRig(t)
    const source = await rig.udpSource()
    await source.send(templateMessage(), dataMessage([1]))
    await rig.untilMessages(2)
    const { parts } = rig.collector
    const [listed] = (await templateList(parts, page)).templates
    const shown = await templateState(parts, listed!.key)
    assert.deepEqual([shown.recordLength, shown.records, shown.state], [8, 1, 'live'])
    assert.deepEqual(shown.fields[1], {
      pen: 0,
      id: 2,
      length: 4,
      name: 'packetDeltaCount',
      type: 'unsigned64',
      isScope: false,
      semantics: 'deltaCounter',
      units: 'packets'
    })
    await forgetTemplate(parts, listed!.key)
    await assert.rejects(forgetTemplate(parts, listed!.key), { code: 'NOT_FOUND' })
    await assert.rejects(templateState(parts, listed!.key), { code: 'NOT_FOUND' })
    await assert.rejects(templateState(parts, 'nonsense'), { code: 'NOT_FOUND' })
    assert.deepEqual(
      rig.events
        .filter(({ event }) => event === 'template_withdrawn')
        .map(({ fields }) => [fields.by, fields.templateId]),
      [['api', 256]]
    )
    await source.send(dataMessage([2], { sequence: 1 }))
    await rig.untilMessages(3)
    assert.equal(parts.ledger.dataSets.pending, 1, 'it waits, and is not dropped')
    await source.send(templateMessage())
    await rig.untilMessages(4)
    assert.equal(parts.ledger.dataSets.pending, 0)
    assert.equal(rig.link.records, 2)
  })
})

describe('a template that only a store knows', () => {
  test('is shown, and forgotten once', async t => {
    const store = createMemoryTemplateStore()
    const rig = await startRig(t, { store })
    const place = { scope: 'tcp/10/t/192.0.2.1/4739/f00d', odid: 7 }
    store.put([
      {
        kind: 'template',
        ...place,
        templateId: 300,
        scopeCount: 0,
        fields: [{ pen: 0, id: 8, length: 4 }],
        exportTimeSec: 1,
        session: 'tcp 192.0.2.1:4739 t',
        firstSeenMs: 1,
        lastSeenMs: 1,
        announcements: 1,
        lifetimeMs: 1
      }
    ])
    const { parts } = rig.collector
    const key = templateKeyOf(place.scope, 7, 300)
    const { exporter, state, source, transport } = await templateState(parts, key)
    assert.deepEqual([exporter, state, source, transport], ['192.0.2.1', 'remembered', 'store', 'tcp'])
    await forgetTemplate(parts, key)
    await assert.rejects(forgetTemplate(parts, key), { code: 'NOT_FOUND' })
    assert.deepEqual(
      rig.events.filter(({ event }) => event !== 'listener_changed').map(({ event, fields }) => [event, fields.key]),
      [['template_withdrawn', key]]
    )
  })
})

describe('the history of a template', () => {
  test('has every definition of its id, and says what it meant at a time', async t => {
    const clock = new FakeClock()
    const rig = await startRig(t, { clock })
    const source = await rig.udpSource()
    const startedAtMs = clock.nowMs()
    let received = 0
    const announce = async (fields: string): Promise<void> => {
      // Only what a verified session says is stored.
      for (let times = 0; times < 3; times++)
        await source.send(buildMessage({ odid: 1 }).template(257, fields).octets())
      await rig.untilMessages((received += 3))
    }
    await announce('8:4')
    clock.advance(600_000)
    await announce('8:4')
    clock.advance(600_000)
    await announce('8:4 12:4')
    const { parts } = rig.collector
    const { key } = (await templateList(parts, page)).templates[0]!
    const { versions } = await templateHistory(parts, key, undefined)
    assert.deepEqual(
      versions.map(({ ended, fields }) => [ended, fields.map(({ name }) => name).join()]),
      [
        ['redefined', 'sourceIPv4Address'],
        [null, 'sourceIPv4Address,destinationIPv4Address']
      ]
    )
    const at = async (afterMs: number) => templateHistory(parts, key, startedAtMs + afterMs)
    assert.equal((await at(-60_000)).meaning, null)
    const then = await at(300_000)
    assert.deepEqual([then.meaning?.fields.length, then.isCertain], [1, true])
    assert.equal((await at(900_000)).meaning?.fields.length, 1)
    const now = await at(1_800_000)
    assert.deepEqual([now.meaning?.fields.length, now.isCertain], [2, false], 'nobody knows how long it holds')
    await assert.rejects(templateHistory(parts, templateKeyOf('udp/10/u/192.0.2.1/1', 1, 256), undefined), {
      code: 'NOT_FOUND'
    })
  })
})
