import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PageSelection } from '../src/page-selection.ts'

const ascending = (one: number, other: number): number => one - other

function pageOf(things: readonly number[], size: number, after?: number): number[] {
  const selection = new PageSelection<number>(ascending, size, after)
  for (const thing of things) if (selection.takes(thing)) selection.keep(thing)
  return selection.inOrder()
}

test('a page is the same as that of the whole list in order, whatever the order of the offers', () => {
  const lists = fc.uniqueArray(fc.integer(), { maxLength: 400 })
  fc.assert(
    fc.property(
      lists,
      fc.integer({ min: 1, max: 50 }),
      fc.option(fc.integer(), { nil: undefined }),
      (list, size, after) => {
        const expected = list.toSorted(ascending).filter(each => after === undefined || each > after)
        assert.deepEqual(pageOf(list, size, after), expected.slice(0, size))
      }
    )
  )
})

test('of many more than it keeps too: ascending, descending and mixed', () => {
  const count = 50_000
  const up = Array.from({ length: count }, (_, index) => index)
  const mixed = up.map(index => (index * 7_919) % count)
  for (const [name, list] of Object.entries({ up, down: up.toReversed(), mixed })) {
    assert.deepEqual(pageOf(list, 100), up.slice(0, 100), name)
    assert.deepEqual(pageOf(list, 100, 999), up.slice(1_000, 1_100), name)
    assert.deepEqual(pageOf(list, 6_000), up.slice(0, 6_000), name)
  }
})
