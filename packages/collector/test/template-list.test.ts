import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMessage, buildV9 } from '@weir/ipfix/testing'
import { fieldShares, templateList } from '../src/template-list.ts'
import { startRig } from './support/rig.ts'

const VENDOR_TYPE = 8192
const page = { offset: 0, limit: 10 }

test('vendor types have their names in templates and fields of NetFlow v9, and none in those of IPFIX', async t => {
  const { collector, ...rig } = await served(t)
  const v9 = buildV9({ odid: 9, sequence: 1 }).template(256, `${VENDOR_TYPE}:4`).data(256, '00000001').octets()
  await rig.send(v9)
  const { registry, exporters } = collector.parts
  const name = registry.get(0, VENDOR_TYPE, 9)?.name
  assert.equal(typeof name, 'string')
  const [exporter] = exporters.values()
  assert.equal(fieldShares(collector.parts, exporter!).fields[0]!.name, name)
  await rig.send(buildMessage({ odid: 10 }).template(256, `${VENDOR_TYPE}:4`).octets())
  const { templates } = templateList(collector.parts, page)
  assert.deepEqual(
    templates.map(({ version, fields }) => [version, fields[0]!.name]),
    [
      [9, name],
      [10, null]
    ]
  )
})

test('times are whole milliseconds', async t => {
  const { collector, send } = await served(t)
  await send(buildMessage().template(256, '8:4').octets())
  const [template] = templateList(collector.parts, page).templates
  for (const timeMs of [template!.firstSeenAtMs, template!.lastSeenAtMs, template!.expiresAtMs]) {
    assert.ok(Number.isSafeInteger(timeMs), String(timeMs))
  }
})
