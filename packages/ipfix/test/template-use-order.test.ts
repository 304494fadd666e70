import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LayoutTable } from '@weir/ipfix'
import { fieldsOf } from '@weir/ipfix/testing'
import { TemplateSlot, TemplateUseOrder } from '../src/template-use-order.ts'

const layout = new LayoutTable().intern(fieldsOf('8:4'), 0)

describe('TemplateUseOrder', () => {
  test('keeps its slots in the order of their last use, as a list would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 40 }), steps => {
        const slots = Array.from({ length: 6 }, (_, id) => new TemplateSlot(id, layout, 0, 'wire'))
        const order = new TemplateUseOrder()
        let expected: TemplateSlot[] = []
        for (const [index, isTouched] of steps) {
          const slot = slots[index]
          expected = expected.filter(other => other !== slot)
          if (isTouched) {
            order.touch(slot)
            expected.push(slot)
          } else order.remove(slot)
          assert.equal(order.oldest, expected[0])
        }
        // Take them all out from the oldest end; six at most, so that a broken list cannot go on for ever.
        for (const slot of expected) {
          assert.equal(order.oldest, slot)
          order.remove(slot)
        }
        assert.equal(order.oldest, undefined)
      }),
      { numRuns: 1000 }
    )
  })
})
