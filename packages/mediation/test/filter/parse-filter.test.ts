import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FilterError, filterLimits, parseFilter, planKey } from '../../src/index.ts'
import { normalised, registry } from '../support/programs.ts'

const rootOf = (text: string): unknown => parseFilter(text, registry).root

/** Place and sentences of what is wrong with a text. */
function wrong(text: string): { offset: number; message: string; allowed: string } {
  try {
    parseFilter(text, registry)
  } catch (error) {
    assert.ok(error instanceof FilterError, String(error))
    assert.equal(error.code, 'FILTER_INVALID')
    return { offset: error.offset, message: error.message, allowed: error.allowed }
  }
  throw new Error(`${text} was taken`)
}

const number = (id: number, ...ranges: number[][]) => ({
  kind: 'comparison',
  fields: [{ pen: 0, id }],
  domain: 'number',
  isDifferent: false,
  test: { of: 'ranges', ranges }
})

describe('the filter language reads', () => {
  test('and before or, not before both, and parentheses', () => {
    const [a, b, c] = [number(4, [1, 1]), number(4, [2, 2]), number(4, [3, 3])]
    assert.deepEqual(rootOf('proto = 1 or proto = 2 and not proto = 3'), {
      kind: 'or',
      nodes: [a, { kind: 'and', nodes: [b, { kind: 'not', node: c }] }]
    })
    assert.deepEqual(rootOf('(proto=1 or proto=2) and proto=3'), {
      kind: 'and',
      nodes: [{ kind: 'or', nodes: [a, b] }, c]
    })
  })

  test('numbers with k, M and G, hex, fractions and signs', () => {
    for (const [text, value] of [
      ['443', 443],
      ['10k', 10_000],
      ['1.1k', 1100],
      ['1.5M', 1_500_000],
      ['2G', 2_000_000_000],
      ['0x1F', 31],
      ['-5', -5],
      ['9007199254740991', Number.MAX_SAFE_INTEGER],
      ['0x1fffffffffffff', Number.MAX_SAFE_INTEGER]
    ] as const) {
      assert.deepEqual(rootOf(`octetDeltaCount = ${text}`), number(1, [value, value]), text)
    }
  })

  test('lists and ranges, sorted and joined; one value needs no parentheses', () => {
    assert.deepEqual(
      rootOf('sourceTransportPort in (8080, 1..1024, 443, 1000..2000)'),
      number(7, [1, 2000], [8080, 8080])
    )
    assert.deepEqual(rootOf('sourceTransportPort in 1..1024'), number(7, [1, 1024]))
  })

  test('addresses, prefixes and ranges of both families', () => {
    const [low, high] = [0x0a000000, 0x0affffff]
    assert.deepEqual(rootOf('src in (10.1.2.3/8, 2001:DB8::/31, ::ffff:192.0.2.1, 10.0.0.1..10.0.0.9)'), {
      kind: 'comparison',
      fields: [
        { pen: 0, id: 8 },
        { pen: 0, id: 27 }
      ],
      domain: 'address',
      isDifferent: false,
      test: {
        of: 'addresses',
        four: [[low, high]],
        sixteen: [
          [
            [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0x20, 0x01, 0x0d, 0xb9, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]
          ],
          [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1]
          ]
        ]
      }
    })
    assert.deepEqual(rootOf('exporter in 0.0.0.0/0'), {
      kind: 'comparison',
      fields: [
        { pen: 0, id: 403 },
        { pen: 0, id: 404 }
      ],
      domain: 'address',
      isDifferent: false,
      test: { of: 'addresses', four: [[0, 0xffffffff]], sixteen: [] }
    })
  })

  test('MACs, booleans, protocols by name, text and times', () => {
    const testOf = (text: string) => (rootOf(text) as { test: unknown }).test
    assert.deepEqual(testOf('sourceMacAddress = 00-11-22-aa-bb-cc'), {
      of: 'ranges',
      ranges: [[0x001122aabbcc, 0x001122aabbcc]]
    })
    assert.deepEqual(testOf('dataRecordsReliability != false'), { of: 'ranges', ranges: [[2, 2]] })
    assert.deepEqual(testOf('proto in (tcp, udp, 132)'), {
      of: 'ranges',
      ranges: [
        [6, 6],
        [17, 17],
        [132, 132]
      ]
    })
    assert.deepEqual(testOf('interfaceName contains "a\\"\\\\ü"'), {
      of: 'texts',
      match: 'contains',
      texts: ['a"\\ü']
    })
    for (const text of ['2023-11-14T22:13:20.5Z', '2023-11-15T00:13:20.500+02:00', '2023-11-14T22:13:20.50']) {
      assert.deepEqual(testOf(`flowStartSeconds >= ${text}`), {
        of: 'order',
        order: '>=',
        value: 1_700_000_000_500
      })
    }
    assert.deepEqual(testOf('flowEndMilliseconds < 2024-02-29'), { of: 'order', order: '<', value: 1_709_164_800_000 })
  })

  test('start and end of a flow are one field under each name; field:PEN/ID is an element or octets', () => {
    const fieldsOf = (text: string) => (rootOf(text) as { fields: unknown }).fields
    for (const name of ['flowStartSeconds', 'flowStartMilliseconds', 'flowStartMicroseconds', 'flowStartNanoseconds']) {
      assert.deepEqual(fieldsOf(`has ${name}`), [{ pen: 0, id: 152 }])
    }
    assert.deepEqual(rootOf('field:0/4 = 6'), rootOf('proto = tcp'))
    assert.deepEqual(rootOf('field:32473/7 = "x"'), {
      kind: 'comparison',
      fields: [{ pen: 32473, id: 7 }],
      domain: 'octets',
      isDifferent: false,
      test: { of: 'texts', match: 'equals', texts: ['x'] }
    })
  })

  test('equal filters have one key, others another, and the key is part of the key of a Plan', () => {
    const one = parseFilter('port=53', registry)
    const same = parseFilter(' port  = 53 ', registry)
    const other = parseFilter('port = 54', registry)
    assert.equal(planKey({ ...normalised, filter: one }), planKey({ ...normalised, filter: same }))
    assert.notEqual(planKey({ ...normalised, filter: one }), planKey({ ...normalised, filter: other }))
    assert.notEqual(planKey({ ...normalised, filter: one }), planKey(normalised))
  })
})

describe('the filter language rejects', () => {
  for (const [text, offset, message, allowed] of [
    ['', 0, /the filter is empty/, /a field and a comparison/],
    ['   ', 3, /the filter is empty/, /./],
    ['proto', 5, /ends here/, /=, !=/],
    ['proto =', 7, /ends here/, /a value/],
    ['srcprt = 1', 0, /"srcprt" is no field/, /name of an element.*src, dst/],
    ['proto = 6 proto = 7', 10, /"proto" cannot stand here/, /and, or, or the end/],
    ['(proto = 6', 10, /ends here/, /\)/],
    ['proto = 6)', 9, /"\)" cannot stand here/, /and, or/],
    ['proto in (6, )', 13, /"\)" cannot stand here/, /a value/],
    ['proto = abc', 8, /"abc" is no value of the field/, /tcp, udp/],
    ['octetDeltaCount = 9007199254740992', 18, /is no value/, /2\^53/],
    ['octetDeltaCount > 1..2', 18, /is no value/, /a number/],
    ['octetDeltaCount in 9..1', 19, /ends before it begins/, /LOW\.\.HIGH/],
    ['octetDeltaCount = 1e5', 18, /is no value/, /10k/],
    ['octetDeltaCount = "1"', 18, /is no value/, /a number/],
    ['sourceIPv4Address = 2001:db8::1', 20, /is no value/, /an IPv4 address/],
    ['sourceIPv6Address = 10.0.0.1', 20, /is no value/, /an IPv6 address/],
    ['src = 10.0.0.256', 6, /is no value/, /a prefix/],
    ['src = 10.0.0.01', 6, /is no value/, /./],
    ['src in 10.0.0.0/33', 7, /is no value/, /./],
    ['src = 2001:::1', 6, /is no value/, /./],
    ['src < 10.0.0.1', 4, /"<" does not fit/, /it has no order/],
    ['port contains "5"', 5, /does not fit/, /text/],
    ['interfaceName = eth0', 16, /is no value/, /"text"/],
    ['interfaceName contains eth0', 23, /stands in quotes/, /"text"/],
    ['interfaceName = "eth', 16, /quotes are not closed/, /"text"/],
    ['interfaceName = "\\n"', 17, /backslash/, /./],
    ['interfaceName = "\ud800"', 16, /well-formed/, /./],
    ['basicList = 1', 12, /is no value/, /has/],
    ['proto ! 6', 6, /"!" alone/, /not, or !=/],
    ['prötö = 6', 2, /only stand in quotes/, /ASCII/],
    ['field:1 = 6', 0, /is no field/, /field:PEN\/ID/],
    ['field:0/0 = 6', 0, /is no field/, /./],
    ['flowStartSeconds > 2023-02-30', 19, /is no value/, /a time/],
    ['flowStartSeconds > 2023-01-01T10:00:00.1234Z', 19, /is no value/, /milliseconds/],
    ['field:32473/7 in ("a", 1)', 23, /one list/, /one or the other/],
    ['constructor = 1', 0, /is no field/, /./],
    ['not', 3, /ends here/, /./],
    ['and', 0, /cannot stand here/, /./]
  ] as const) {
    test(`${JSON.stringify(text)} at character ${offset + 1}`, () => {
      const found = wrong(text)
      assert.equal(found.offset, offset)
      assert.match(found.message, message)
      assert.match(found.allowed, allowed)
    })
  }

  test('TH-38: text of more than 1 KiB, in octets', () => {
    const { octets } = filterLimits
    const padded = (length: number) => `proto = 6${' '.repeat(length - 9)}`
    assert.ok(rootOf(padded(octets)))
    assert.match(wrong(padded(octets + 1)).message, /longer than 1024/)
    assert.match(wrong(`interfaceName = "${'ü'.repeat(510)}"`).message, /longer than 1024/)
  })

  test('TH-38: more than 32 levels, by parentheses and by not', () => {
    const nested = (levels: number) => `${'('.repeat(levels)}proto=6${')'.repeat(levels)}`
    assert.ok(rootOf(nested(32)))
    assert.match(wrong(nested(33)).allowed, /at most 32/)
    assert.ok(rootOf(`${'not '.repeat(32)}proto=6`))
    assert.equal(wrong(`${'not '.repeat(33)}proto=6`).offset, 32 * 4)
  })

  test('TH-38: more than 256 nodes', () => {
    const list = (values: number) => `proto in (${Array.from({ length: values }, (_, n) => n).join(',')})`
    assert.ok(rootOf(list(255)))
    assert.match(wrong(list(256)).allowed, /at most 256/)
  })
})
