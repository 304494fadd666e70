import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodePart, encodePart, partOctets, type Part } from '../src/nats-part.ts'

const part: Part = new Map([
  ['t256', { endsMs: 1_700_000_000_000, sealed: Buffer.from('sealed') }],
  ['d', { endsMs: Infinity, sealed: Buffer.alloc(0) }]
])

describe('reads', () => {
  test('what was encoded', () => {
    assert.deepEqual(decodePart(encodePart(part)), part)
    assert.deepEqual(decodePart(encodePart(new Map())), new Map())
    assert.equal(partOctets(part), encodePart(part).length)
  })
})

describe('rejects', () => {
  const rejected: readonly [what: string, octets: Uint8Array][] = [
    ['nothing at all', new Uint8Array(0)],
    ['another version', encodePart(part).fill(9, 0, 1)],
    ['octets behind the end', Buffer.concat([encodePart(part), Buffer.of(0)])],
    ['more entries than there are', encodePart(part).fill(3, 4, 5)],
    ['a count that nothing could hold', encodePart(part).fill(0xff, 1, 5)],
    ['a time that is none', encodePart(new Map([['d', { endsMs: NaN, sealed: Buffer.alloc(1) }]]))]
  ]
  for (const [what, octets] of rejected) test(what, () => assert.equal(decodePart(octets), undefined))

  test('any cut of a valid part', () => {
    const octets = encodePart(part)
    for (let length = 0; length < octets.length; length++)
      assert.equal(decodePart(octets.subarray(0, length)), undefined)
  })

  test('any octets without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), octets => void decodePart(Buffer.of(1, ...octets))),
      { numRuns: 2000 }
    )
  })
})
