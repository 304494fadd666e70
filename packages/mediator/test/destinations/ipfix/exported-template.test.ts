import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ExportedTemplates,
  FIRST_TEMPLATE_ID,
  LAST_TEMPLATE_ID
} from '../../../src/destinations/ipfix/exported-template.ts'
import { layoutOf } from '../../support/batches.ts'
import type { Layout } from '@weir/ipfix'

/** A Layout that is only a name. */
const named = (key: string): Layout => ({ ...layoutOf('8:4'), key })

test('R7011-8.4-5 when all ids were used, one is used again only when its time has come', () => {
  const templates = new ExportedTemplates()
  for (let id = FIRST_TEMPLATE_ID; id <= LAST_TEMPLATE_ID; id++) {
    const template = templates.templateFor(named(`${id}`), 0)!
    assert.equal(template.id, id)
    templates.remove(template, 1_800_000 + id)
  }
  assert.equal(templates.templateFor(named('next'), 1_800_255), undefined)
  assert.equal(templates.templateFor(named('next'), 1_800_256)!.id, FIRST_TEMPLATE_ID)
})

test('R7119-4.2-1 there are 65,280 ids and no more', () => {
  const templates = new ExportedTemplates()
  for (let index = 0; index < 65_280; index++) assert.ok(templates.templateFor(named(`${index}`), 0))
  assert.equal(templates.templateFor(named('one more'), 0), undefined)
  assert.equal(templates.size, 65_280)
})

test('equal content is one template, whichever object it comes in', () => {
  const templates = new ExportedTemplates()
  assert.equal(templates.templateFor(named('same'), 0), templates.templateFor(named('same'), 1))
})

test('a new session knows no id', () => {
  const templates = new ExportedTemplates()
  const template = templates.templateFor(named('a'), 0)!
  template.isAnnounced = true
  templates.endSession()
  assert.equal(template.isAnnounced, false)
  assert.equal(templates.size, 1)
})
