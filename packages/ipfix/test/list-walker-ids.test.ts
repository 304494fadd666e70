import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Layout } from '../src/layout.ts'
import { TemplateIdFinder } from './support/template-id-finder.ts'
import type { ListType } from '../src/list-walker.ts'
import { ElementRegistry } from '../src/registry.ts'
import { hex, layoutOf } from './support/octets.ts'

const registry = ElementRegistry.standard()

/** Places found, as `offset:id`; or the fault. */
function placesIn(type: ListType, pairs: string, templates: ReadonlyMap<number, Layout>): string[] | string {
  const { view, length } = hex(pairs)
  const finder = new TemplateIdFinder(registry)
  const count = finder.find(type, view, 0, length, templates)
  if (count < 0) return String(finder.fault)
  return [...finder.offsets.subarray(0, count)].map(offset => `${offset}:${view.getUint16(offset)}`)
}

const templates = new Map([
  [256, layoutOf('292:v 4:1')],
  [257, layoutOf('8:4')],
  [258, layoutOf('145:2 82:v')],
  [259, layoutOf('443:v')]
])

describe('finds template ids', () => {
  test('R6313-6-1 of a subTemplateList and of those inside it', () => {
    assert.deepEqual(placesIn('subTemplateList', '03 0100 07 03 0101 c0000201 06 03 03 0101 11', templates), [
      '1:256',
      '5:257',
      '14:257'
    ])
  })

  test('R6313-6-1 of the entries of a subTemplateMultiList', () => {
    assert.deepEqual(placesIn('subTemplateMultiList', '03 0101 0008 c0000201 0101 0004 0102 0000', templates), [
      '1:257',
      '9:257',
      '13:258'
    ])
  })

  test('of templateId (145) values in records and in basicLists', () => {
    assert.deepEqual(placesIn('subTemplateList', '03 0102 0101 00 0100 0161', templates), ['1:258', '3:257', '6:256'])
    assert.deepEqual(placesIn('basicList', '03 0091 0002 0101 0102', templates), ['5:257', '7:258'])
    assert.deepEqual(placesIn('basicList', '03 0008 0004 01010102', templates), [])
  })

  test('of lists that have names of their own', () => {
    assert.deepEqual(placesIn('subTemplateList', '03 0103 03 03 0101', templates), ['1:259', '5:257'])
  })

  test('R6313-6-1 that are not known, and looks no further there', () => {
    const { view, length } = hex('03 0190 0101 0101')
    const finder = new TemplateIdFinder(registry)
    assert.equal(finder.find('subTemplateList', view, 0, length, templates), 1)
    assert.equal(finder.unknownTemplates, 1)
  })

  test('in as many places as there are', () => {
    const pairs = `03${'01010004'.repeat(1000)}`
    const places = placesIn('subTemplateMultiList', pairs, templates)
    assert.equal(places.length, 1000)
    assert.equal(places.at(-1), `${1 + 4 * 999}:257`)
  })

  test('at offsets of the octets that it was given', () => {
    const { view } = hex('ffff 03 0101 c0000201')
    const finder = new TemplateIdFinder(registry)
    assert.equal(finder.find('subTemplateList', view, 2, 7, templates), 1)
    assert.equal(finder.offsets[0], 3)
  })
})

describe('finds nothing', () => {
  test('in a value that is malformed', () => {
    assert.equal(placesIn('subTemplateList', '03 0100 07 03 0101 c0', templates), 'LIST_OVERRUN')
    assert.equal(placesIn('subTemplateMultiList', '03 0101 0003', templates), 'LIST_ENTRY_LENGTH')
  })

  test('in a value of no octets', () => {
    assert.deepEqual(placesIn('subTemplateList', '', templates), [])
  })

  test('L-23 beyond the elements of a Message', () => {
    const { view, length } = hex('03 0101 0004 0101 0004')
    const finder = new TemplateIdFinder(registry, { depth: 8, elements: 3 })
    assert.equal(finder.find('subTemplateMultiList', view, 0, length, templates), 2)
    assert.equal(finder.find('subTemplateMultiList', view, 0, length, templates), -1)
    assert.equal(finder.fault, 'LIST_ELEMENTS')
    finder.beginMessage()
    assert.equal(finder.find('subTemplateMultiList', view, 0, length, templates), 2)
  })
})
