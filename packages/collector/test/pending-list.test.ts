import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { pendingList, quarantineList } from '../src/pending-list.ts'
import { parseTemplateKey } from '../src/template-key.ts'
import { templateList } from '../src/template-list.ts'
import { forgetTemplate } from '../src/template-lookup.ts'
import { feed } from './support/feed.ts'
import { dataMessage, FIELDS, recordHex, templateMessage } from './support/messages.ts'
import { startRig } from './support/rig.ts'

test('lists what waits by exporter, domain and id, and nothing once the template has come', async t => {
  const rig = await startRig(t)
  const source = await rig.udpSource()
  await source.send(dataMessage([1]), dataMessage([2, 3], { sequence: 1 }), dataMessage([4], { sequence: 3 }, 300))
  await source.send(dataMessage([5], { odid: 9 }))
  await rig.untilMessages(4)
  const { parts } = rig.collector
  const page = { offset: 0, limit: 10 }
  const list = await pendingList(parts, page)
  assert.deepEqual([list.total, list.sets, list.octets], [3, 4, parts.pending.octets])
  assert.deepEqual(
    list.items.map(({ odid, templateId, sets, setsOnDisk, reason }) => [odid, templateId, sets, setsOnDisk, reason]),
    [
      [1, 256, 2, 0, 'unknown_template'],
      [1, 300, 1, 0, 'unknown_template'],
      [9, 256, 1, 0, 'unknown_template']
    ]
  )
  const [first] = list.items
  assert.deepEqual([first!.exporter, first!.port, first!.version], ['127.0.0.1', source.port, 10])
  assert.deepEqual(parseTemplateKey(first!.key)?.templateId, 256)
  const most = await pendingList(parts, { ...page, sort: '-sets', limit: 1 })
  assert.deepEqual([most.total, most.items[0]!.sets], [3, 2])
  assert.equal((await pendingList(parts, { ...page, odid: 9 })).total, 1)
  assert.equal((await pendingList(parts, { ...page, templateId: 300, exporter: '192.0.2.1' })).total, 0)
  assert.deepEqual((await pendingList(parts, { ...page, offset: 2 })).items, list.items.slice(2))
  await assert.rejects(pendingList(parts, { ...page, sort: 'weight' }), { code: 'SORT_UNKNOWN' })
  assert.equal((await quarantineList(parts, page)).total, 0)
  await source.send(templateMessage())
  await rig.untilMessages(5)
  assert.deepEqual(
    (await pendingList(parts, page)).items.map(({ odid, templateId }) => [odid, templateId]),
    [
      [1, 300],
      [9, 256]
    ]
  )
})

test('what is on disk is listed too, with what is in memory for the same reason', async t => {
  const rig = await startRig(t)
  const source = await rig.udpSource()
  await source.send(dataMessage([1]))
  await rig.untilMessages(1)
  const { parts } = rig.collector
  const page = { offset: 0, limit: 10 }
  const { scope, listener } = [...parts.sessions.values()][0]!.identity
  const waiter = {
    scope,
    odid: 1,
    templateId: 256,
    version: 10,
    transport: 'udp' as const,
    address: '127.0.0.1',
    port: source.port
  }
  parts.spool.index.add({ ...waiter, listener, held: '' }, 2, 600, 1_000)
  parts.spool.index.add({ ...waiter, listener, held: 'misfit' }, 5, 700, 2_000)
  const [pending] = (await pendingList(parts, page)).items
  assert.deepEqual([pending!.sets, pending!.setsOnDisk, pending!.sinceAtMs], [3, 2, 1_000])
  const quarantine = await quarantineList(parts, page)
  assert.deepEqual(
    quarantine.items.map(({ reason, sets, octets, setsOnDisk }) => [reason, sets, octets, setsOnDisk]),
    [['misfit', 5, 700, 5]]
  )
  parts.spool.index.clear()
})

test('a template in doubt is in quarantine, in both lists, until it is announced again', async t => {
  const rig = await startRig(t)
  const { parts } = rig.collector
  const message = (sequence: number, exportTimeSec: number) => buildMessage({ sequence, exportTimeSec })
  feed(rig, message(0, 1_000).template(256, FIELDS).octets())
  for (let index = 0; index < 20; index++) {
    const records = Array.from({ length: 100 }, (_, at) => recordHex(at))
    feed(
      rig,
      message(index * 100, 1_000 + index)
        .data(256, ...records)
        .octets()
    )
  }
  // The exporter begins anew.
  for (const sequence of [0, 1, 2])
    feed(
      rig,
      message(sequence, 1_100 + sequence)
        .data(256, recordHex(sequence))
        .octets()
    )
  const page = { offset: 0, limit: 10 }
  const { items, sets } = await quarantineList(parts, page)
  assert.deepEqual([sets, items.map(({ templateId, reason }) => [templateId, reason])], [3, [[256, 'restart']]])
  assert.equal((await pendingList(parts, page)).total, 0)
  const [template] = (await templateList(parts, { ...page, state: 'quarantined' })).templates
  assert.deepEqual([template?.key, template?.state, template?.isHint], [items[0]!.key, 'quarantined', true])
  parts.pending.dropAll('pending_expired')
  assert.deepEqual(
    (await quarantineList(parts, page)).items.map(each => [each.templateId, each.sets]),
    [[256, 0]]
  )
  feed(rig, message(3, 1_103).template(256, FIELDS).octets())
  assert.equal((await quarantineList(parts, page)).total, 0)
  assert.equal((await templateList(parts, { ...page, state: 'live' })).total, 1)
})

test('a template in doubt that is forgotten through the API is in quarantine no longer, and its data waits on', async t => {
  const rig = await startRig(t)
  const { parts } = rig.collector
  const message = (sequence: number, exportTimeSec: number) => buildMessage({ sequence, exportTimeSec })
  feed(rig, message(0, 1_000).template(256, FIELDS).octets())
  for (let index = 0; index < 20; index++) {
    const records = Array.from({ length: 100 }, (_, at) => recordHex(at))
    feed(
      rig,
      message(index * 100, 1_000 + index)
        .data(256, ...records)
        .octets()
    )
  }
  for (const sequence of [0, 1, 2])
    feed(
      rig,
      message(sequence, 1_100 + sequence)
        .data(256, recordHex(sequence))
        .octets()
    )
  const page = { offset: 0, limit: 10 }
  const { key } = (await quarantineList(parts, page)).items[0]!
  await forgetTemplate(parts, key)
  assert.deepEqual(parts.quarantine.ended, { announced: 0, no_restart: 0, template_ended: 1 })
  assert.equal(parts.ledger.dataSets.pending, 3)
  const before = rig.link.records
  feed(rig, message(3, 1_103).template(256, FIELDS).octets())
  assert.deepEqual([parts.ledger.dataSets.pending, rig.link.records - before], [0, 3])
})
