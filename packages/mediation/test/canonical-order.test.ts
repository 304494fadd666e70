import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareElements } from '../src/canonical-order.ts'
import { registry } from './support/programs.ts'

test('the order is total over all known elements: 0 for the same element only', () => {
  const elements = [...registry.values()].toSorted(compareElements)
  for (let n = 1; n < elements.length; n++) {
    const [a, b] = [elements[n - 1], elements[n]]
    const isSame = a.pen === b.pen && a.id === b.id
    assert.ok(compareElements(a, b) < 0 || isSame, `${a.name} and ${b.name}`)
    assert.ok(compareElements(b, a) > 0 || isSame)
  }
})
