import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { fieldShares, templateList } from '../src/template-list.ts'
import { startRig } from './support/rig.ts'

const VENDOR_TYPE = 8192
const page = { offset: 0, limit: 10 }

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
    templateList(parts, page).templates.map(({ version, fields }) => [version, fields[0]!.name]),
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
  const [template] = templateList(rig.collector.parts, page).templates
  for (const timeMs of [template!.firstSeenAtMs, template!.lastSeenAtMs, template!.expiresAtMs]) {
    assert.ok(Number.isSafeInteger(timeMs), String(timeMs))
  }
})
