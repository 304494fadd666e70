import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeEntry, encodeEntry, MAX_ENTRY_OCTETS, type StoredEntry } from '../src/index.ts'
import { entriesOfVersion1 } from './support/entries-v1.ts'
import { storedDecision, storedOptions, storedSequence, storedTemplate } from './support/entries.ts'

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
    exportTimeSec: fc.nat({ max: 0xffff_ffff }),
    session: fc.string({ maxLength: 60 }),
    firstSeenMs: time,
    lastSeenMs: time,
    announcements: fc.nat({ max: 0xffff_ffff }),
    lifetimeMs: time
  },
  { noNullPrototype: true }
)

const everyKind: readonly StoredEntry[] = [
  storedTemplate(),
  storedOptions(),
  storedSequence(),
  storedSequence({ bootTimeMs: 1_699_999_000_000 }),
  storedDecision(),
  storedDecision({ decision: 'apart', evidence: '' })
]

/** The second field of the template has its enterprise number in the last four octets. */
function enterpriseZero(): Uint8Array {
  const octets = encodeEntry(storedTemplate())
  return octets.fill(0, octets.length - 4)
}

describe('reads', () => {
  test('what was encoded', () => {
    fc.assert(fc.property(template, entry => assert.deepEqual(decodeEntry(encodeEntry(entry)), entry)))
    for (const entry of everyKind) assert.deepEqual(decodeEntry(encodeEntry(entry)), entry)
  })

  test('what version 1 wrote', () => {
    for (const { octets, entry } of entriesOfVersion1) assert.deepEqual(decodeEntry(octets), entry)
  })

  test('the longest definition and record of a Message within the limit of an entry', () => {
    const fields = Array.from({ length: 16_370 }, () => ({ pen: 0, id: 1, length: 4 }))
    const entry = storedTemplate({ fields: fields.slice(0, 16_000) })
    assert.deepEqual(decodeEntry(encodeEntry(entry)), entry)
    assert.ok(encodeEntry(storedTemplate({ fields: fields.slice(0, 16_370) })).length <= MAX_ENTRY_OCTETS)
    const record = storedOptions({
      fields: [{ pen: 0, id: 82, length: 65_511 }],
      octets: new Uint8Array(65_511),
      scopeOctets: 65_511
    })
    assert.deepEqual(decodeEntry(encodeEntry(record)), record)
    assert.ok(encodeEntry(record).length <= MAX_ENTRY_OCTETS)
  })

  test('at fixed offsets what a server compares: Export Time, time seen, definition', () => {
    const octets = encodeEntry(storedTemplate())
    const view = new DataView(octets.buffer)
    assert.deepEqual([view.getUint32(2), view.getFloat64(6)], [1_700_000_060, 1_700_000_060_000])
    const other = encodeEntry(storedTemplate({ announcements: 9, session: 'a', firstSeenMs: 1 }))
    const definitionOf = (entry: Uint8Array): Uint8Array => entry.subarray(new DataView(entry.buffer).getUint32(14))
    assert.deepEqual(definitionOf(octets), definitionOf(other))
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
    ['another version', encodeEntry(storedTemplate()).fill(3, 0, 1)],
    ['octets of this version that say they are of version 1', encodeEntry(storedTemplate()).fill(1, 0, 1)],
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
    ['a scope that is not UTF-8', encodeEntry(storedTemplate()).fill(0xff, 20, 22)],
    ['a definition that begins elsewhere', encodeEntry(storedTemplate()).fill(1, 17, 18)],
    ['an enterprise element of no enterprise', enterpriseZero()],
    ['a decision that is none', encodeEntry(storedDecision()).fill(2, 50, 51)],
    ['a sequence with a definition', encodeEntry(storedSequence()).fill(1, 17, 18)],
    ['a boot time that is infinite', encodeEntry(storedSequence({ bootTimeMs: Infinity }))],
    ...entriesOfVersion1.map(({ octets }): [string, Uint8Array] => [
      'octets behind the end of version 1',
      Uint8Array.of(...octets, 0)
    ])
  ]
  for (const [what, octets] of rejected) {
    test(what, () => assert.equal(decodeEntry(octets), undefined))
  }

  test('any cut of a valid entry', () => {
    for (const octets of [...everyKind.map(encodeEntry), ...entriesOfVersion1.map(({ octets }) => octets)]) {
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
