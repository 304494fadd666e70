import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FewMap } from '../src/few-map.ts'

test('a FewMap is a Map', () => {
  const step = fc.record({ what: fc.constantFrom('set', 'delete', 'clear'), key: fc.nat({ max: 3 }), value: fc.nat() })
  fc.assert(
    fc.property(fc.array(step), steps => {
      const few = new FewMap<number, number>()
      const map = new Map<number, number>()
      for (const { what, key, value } of steps) {
        if (what === 'set') {
          few.set(key, value)
          map.set(key, value)
        } else if (what === 'delete') {
          assert.equal(few.delete(key), map.delete(key))
        } else {
          few.clear()
          map.clear()
        }
        assert.equal(few.size, map.size)
        assert.deepEqual([...few], [...map])
        assert.deepEqual([...few.values()], [...map.values()])
        for (const asked of [0, 1, 2, 3]) assert.equal(few.get(asked), map.get(asked))
      }
    })
  )
})

test('entries of a FewMap may be deleted while they are walked', () => {
  const few = new FewMap<number, string>().set(1, 'a').set(2, 'b').set(3, 'c')
  for (const [key] of few) few.delete(key)
  assert.equal(few.size, 0)
})
