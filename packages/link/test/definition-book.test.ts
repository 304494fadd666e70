import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LayoutTable } from '@weir/ipfix'
import { DefinitionBook } from '../src/definition-book.ts'
import { serialLayout, sourceFields } from './support/rig.ts'

describe('what was released', () => {
  test('is forgotten when every batch that may name it is settled, in any order of kinds', () => {
    const book = new DefinitionBook()
    const layout = serialLayout()
    book.addSource({ ...sourceFields(1), id: 1 })
    book.addSource({ ...sourceFields(2), id: 2 })
    book.addContext(1, new Map([[256, layout]]))
    book.release(2, 1, 3)
    book.release(3, 1, 4)
    book.release(1, layout.id, 4)
    book.settle(2)
    assert.deepEqual([book.sources, book.contexts, book.layouts], [2, 1, 1])
    book.settle(3)
    assert.deepEqual([book.sources, book.contexts, book.layouts], [1, 1, 1])
    book.settle(4)
    assert.deepEqual([book.sources, book.contexts, book.layouts], [1, 0, 0])
  })

  test('and used again stays until its second release is due', () => {
    const book = new DefinitionBook()
    const layout = serialLayout(new LayoutTable())
    book.useLayout(layout)
    book.release(1, layout.id, 3)
    book.useLayout(layout)
    book.release(1, layout.id, 7)
    book.settle(3)
    assert.equal(book.layouts, 1)
    book.settle(7)
    assert.equal(book.layouts, 0)
  })

  test('is not looked at again and again while nothing is settled', () => {
    const book = new DefinitionBook()
    const sources = 20_000
    let compared = 0
    const later = {
      valueOf: () => {
        compared++
        return 5
      }
    } as unknown as number
    for (let id = 1; id <= sources; id++) {
      book.addSource({ ...sourceFields(1), id })
      book.release(2, id, later)
      book.settle(0)
    }
    assert.ok(compared <= 2 * sources, `${compared} comparisons`)
    book.settle(5)
    assert.equal(book.sources, 0)
  })
})
