import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeEntry, encodeEntry } from '../src/index.ts'
import { storedOptions, storedTemplate } from './support/entries.ts'

const field = fc.record(
  {
    pen: fc.nat({ max: 0xffff_ffff }),
    id: fc.nat({ max: 32767 }),
    length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(65535))
  },
  { noNullPrototype: true }
)
const time = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const template = fc.record(
  {
    kind: fc.constant('template' as const),
    scope: fc.string({ minLength: 1, maxLength: 60 }),
    odid: fc.nat({ max: 0xffff_ffff }),
    templateId: fc.integer({ min: 256, max: 65535 }),
    scopeCount: fc.constant(0),
    fields: fc.array(field, { minLength: 1, maxLength: 40 }),
    firstSeenMs: time,
    lastSeenMs: time,
    announcements: fc.nat({ max: 0xffff_ffff })
  },
  { noNullPrototype: true }
)

describe('reads', () => {
  test('what was encoded', () => {
    fc.assert(fc.property(template, entry => assert.deepEqual(decodeEntry(encodeEntry(entry)), entry)))
    assert.deepEqual(decodeEntry(encodeEntry(storedOptions())), storedOptions())
  })

  test('an options record with a scope of variable length', () => {
    const entry = storedOptions({
      fields: [
        { pen: 0, id: 82, length: 65535 },
        { pen: 0, id: 10, length: 2 }
      ],
      octets: Uint8Array.of(2, 0x65, 0x30, 0, 7),
      scopeOctets: 3,
      bootTimeMs: 1_699_999_000_000
    })
    assert.deepEqual(decodeEntry(encodeEntry(entry)), entry)
  })
})

describe('rejects', () => {
  const rejected: readonly [what: string, octets: Uint8Array][] = [
    ['nothing at all', new Uint8Array(0)],
    ['another version', encodeEntry(storedTemplate()).fill(2, 0, 1)],
    ['an unknown kind', encodeEntry(storedTemplate()).fill(9, 1, 2)],
    ['octets behind the end', Uint8Array.of(...encodeEntry(storedTemplate()), 0)],
    ['a template id below 256', encodeEntry(storedTemplate({ templateId: 255 }))],
    ['a template without fields', encodeEntry(storedTemplate({ fields: [] }))],
    ['a template of empty records', encodeEntry(storedTemplate({ fields: [{ pen: 0, id: 8, length: 0 }] }))],
    [
      'records longer than a Message',
      encodeEntry(
        storedTemplate({
          fields: [
            { pen: 0, id: 1, length: 65534 },
            { pen: 0, id: 2, length: 65534 }
          ]
        })
      )
    ],
    [
      'an element id with the enterprise bit',
      encodeEntry(storedTemplate({ fields: [{ pen: 0, id: 32768, length: 4 }] }))
    ],
    ['more scope fields than fields', encodeEntry(storedTemplate({ scopeCount: 3 }))],
    ['a time that is none', encodeEntry(storedTemplate({ lastSeenMs: NaN }))],
    ['an options record without scope', encodeEntry(storedOptions({ scopeCount: 0, scopeOctets: 0 }))],
    ['an options record shorter than its Layout', encodeEntry(storedOptions({ octets: new Uint8Array(5) }))],
    ['an options record longer than its Layout', encodeEntry(storedOptions({ octets: new Uint8Array(7) }))],
    ['an options record that lies about its scope', encodeEntry(storedOptions({ scopeOctets: 2 }))],
    ['a scope that is not UTF-8', encodeEntry(storedTemplate()).fill(0xff, 4, 6)]
  ]
  for (const [what, octets] of rejected) {
    test(what, () => assert.equal(decodeEntry(octets), undefined))
  }

  test('any cut of a valid entry', () => {
    for (const entry of [storedTemplate(), storedOptions()]) {
      const octets = encodeEntry(entry)
      for (let length = 0; length < octets.length; length++) {
        assert.equal(decodeEntry(octets.subarray(0, length)), undefined)
      }
    }
  })

  test('any octets without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), octets => void decodeEntry(octets)),
      { numRuns: 2000 }
    )
    const valid = encodeEntry(storedOptions())
    fc.assert(
      fc.property(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 }), (at, value) => {
        const octets = valid.slice()
        octets[at] = value
        decodeEntry(octets)
      }),
      { numRuns: 2000 }
    )
  })
})
