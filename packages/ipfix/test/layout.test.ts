import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LayoutTable } from '@weir/ipfix'
import { fieldsOf } from '@weir/ipfix/testing'

describe('LayoutTable', () => {
  test('makes one object for equal content, in whatever objects it is given', () => {
    const table = new LayoutTable()
    const layout = table.intern(fieldsOf('8:4 32473.15:4'), 0)
    assert.equal(
      table.intern(
        [
          { pen: 0, id: 8, length: 4 },
          { pen: 32473, id: 15, length: 4 }
        ],
        0
      ),
      layout
    )
    assert.notEqual(table.intern(fieldsOf('8:4 32473.15:4'), 1), layout)
    assert.notEqual(table.intern(fieldsOf('32473.15:4 8:4'), 0), layout)
    assert.equal(layout.key, '0|8:4,32473.15:4,')
  })

  test('computes the lengths that the record walk needs', () => {
    const table = new LayoutTable()
    const fixed = table.intern(fieldsOf('8:4 12:4 1:8'), 0)
    assert.deepEqual(
      [fixed.recordLength, fixed.minRecordLength, fixed.fixedRuns, fixed.templateOctets],
      [16, 16, [16], 16]
    )
    const mixed = table.intern(fieldsOf('10:4 82:v 83:v 14:2 1:6 291:v 32473.1:v'), 1)
    assert.deepEqual([mixed.recordLength, mixed.minRecordLength, mixed.fixedOctets], [-1, 16, 12])
    assert.deepEqual(mixed.fixedRuns, [4, 0, 8, 0, 0])
    assert.equal(mixed.templateOctets, 6 + 6 * 4 + 8)
    assert.equal(mixed.hasLists, true)
    assert.equal(fixed.hasLists, false)
    assert.equal(table.intern(fieldsOf('145:2 1:4'), 1).namesTemplates, true)
  })

  test('forgets a Layout with the last that retained it, and gives its id to no other', () => {
    const released: number[] = []
    const table = new LayoutTable(layout => released.push(layout.id))
    const layout = table.intern(fieldsOf('8:4'), 0)
    table.retain(layout)
    table.retain(layout)
    table.releaseUnused(layout)
    table.release(layout)
    assert.equal(table.find(layout.fields, 0), layout)
    table.release(layout)
    assert.equal(table.find(layout.fields, 0), undefined)
    assert.deepEqual(released, [layout.id])
    table.release(layout)
    assert.deepEqual(released, [layout.id])
    assert.equal(table.intern(fieldsOf('8:4'), 0).id, layout.id + 1)
  })
})
