import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeShelvedSet, encodeShelvedSet } from '../src/shelved-set-codec.ts'
import { shelvedSet } from './support/entries.ts'

test('reads what was encoded', () => {
  const sets = [
    shelvedSet(),
    shelvedSet({ transport: 'tcp', version: 9, bootTimeMs: 1_699_999_000_000, address: '2001:db8::1', listener: '' }),
    shelvedSet({ octets: new Uint8Array(65_531), sequence: 0xffff_ffff, odid: 0xffff_ffff, templateId: 65_535 })
  ]
  for (const set of sets) assert.deepEqual(decodeShelvedSet(encodeShelvedSet(set)), set)
})

describe('rejects', () => {
  const rejected: readonly [what: string, octets: Uint8Array][] = [
    ['another version', encodeShelvedSet(shelvedSet()).fill(9, 0, 1)],
    ['an unknown transport', encodeShelvedSet(shelvedSet()).fill(2, 1, 2)],
    ['a wire version that has no templates', encodeShelvedSet(shelvedSet({ version: 5 }))],
    ['a template id below 256', encodeShelvedSet(shelvedSet({ templateId: 255 }))],
    ['a Set without scope', encodeShelvedSet(shelvedSet({ scope: '' }))],
    ['a time that is none', encodeShelvedSet(shelvedSet({ receivedAtMs: NaN }))],
    ['octets behind the end', Uint8Array.of(...encodeShelvedSet(shelvedSet()), 0)]
  ]
  for (const [what, octets] of rejected) test(what, () => assert.equal(decodeShelvedSet(octets), undefined))

  test('any cut, and any octets without a throw', () => {
    const octets = encodeShelvedSet(shelvedSet())
    for (let length = 0; length < octets.length; length++)
      assert.equal(decodeShelvedSet(octets.subarray(0, length)), undefined)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), some => void decodeShelvedSet(Buffer.of(1, 0, ...some))))
  })
})
