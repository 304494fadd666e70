import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pendingList, quarantineList } from '../src/pending-list.ts'
import { parseTemplateKey } from '../src/template-key.ts'
import { dataMessage, templateMessage } from './support/messages.ts'
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
