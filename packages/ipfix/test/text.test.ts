import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DataType } from '../src/data-type.ts'
import { escapeText } from '../src/value-string.ts'
import { textToOctets } from '../src/text-reader.ts'
import { valueToText } from '../src/text.ts'
import { hex, toHex } from './support/octets.ts'

const NOW_MS = Date.UTC(2026, 6, 22)

function textOf(type: DataType, pairs: string): string {
  const { octets, view, length } = hex(pairs)
  return valueToText(type, octets, view, 0, length, NOW_MS)
}

function octetsOf(type: DataType, text: string, length?: number): string | undefined {
  const octets = textToOctets(type, text, length)
  return octets === undefined ? undefined : toHex(octets)
}

/** Type, octets, text; the text reads back as the octets. */
const table: readonly (readonly [DataType, string, string])[] = [
  ['octetArray', '00ff0a', '00ff0a'],
  ['unsigned8', '00', '0'],
  ['unsigned8', 'ff', '255'],
  ['unsigned16', 'ffff', '65535'],
  ['unsigned32', 'ffffffff', '4294967295'],
  ['unsigned64', 'ffffffffffffffff', '18446744073709551615'],
  ['unsigned64', '0020000000000001', '9007199254740993'],
  ['unsigned256', `${'00'.repeat(31)}0d`, '13'],
  ['unsigned256', 'ff'.repeat(32), String(2n ** 256n - 1n)],
  ['signed8', '80', '-128'],
  ['signed8', '7f', '127'],
  ['signed16', '8000', '-32768'],
  ['signed32', 'ffffffff', '-1'],
  ['signed64', '8000000000000000', '-9223372036854775808'],
  ['signed64', '7fffffffffffffff', '9223372036854775807'],
  ['signed64', 'ffdfffffffffffff', '-9007199254740993'],
  ['float32', '3f000000', '0.5'],
  ['float32', 'ff800000', '-inf'],
  ['float64', '7ff0000000000000', '+inf'],
  ['float64', '7ff8000000000000', 'NaN'],
  ['float64', '8000000000000000', '-0'],
  ['float64', '0000000000000001', '5e-324'],
  ['boolean', '01', 'true'],
  ['boolean', '02', 'false'],
  ['macAddress', '0a0b0c0d0eff', '0a:0b:0c:0d:0e:ff'],
  ['string', '65746830', 'eth0'],
  ['ipv4Address', 'c0000201', '192.0.2.1'],
  ['ipv6Address', '20010db8000000000000000000000001', '2001:db8::1'],
  ['dateTimeSeconds', '6553f100', '2023-11-14T22:13:20'],
  ['dateTimeMilliseconds', '0000018bcfe5687b', '2023-11-14T22:13:20.123'],
  ['dateTimeMicroseconds', 'e8fe6f801f9ad000', '2023-11-14T22:13:20.123456'],
  ['dateTimeNanoseconds', 'e8fe6f801f9add38', '2023-11-14T22:13:20.123456789']
]

describe('text of a value', () => {
  for (const [type, octets, text] of table) {
    test(`R7373-4-1 T02 ${type} ${octets.slice(0, 16)} is ${text.slice(0, 40)}`, () => {
      assert.equal(textOf(type, octets), text)
    })
  }

  test('R7011-6.2-1 V23 reduced sizes mean what full sizes mean', () => {
    assert.equal(textOf('unsigned64', '010000'), '65536')
    assert.equal(textOf('unsigned64', 'c8'), '200')
    assert.equal(textOf('unsigned16', '12'), '18')
    assert.equal(textOf('float64', '3f000000'), '0.5')
    assert.equal(textOf('signed32', 'fffffe'), '-2')
    assert.equal(textOf('signed64', 'ff'), '-1')
    assert.equal(textOf('signed64', 'fffffffffffffe'), '-2')
    assert.equal(textOf('unsigned256', '0d'), '13')
  })

  test('R7011-6.1.5-1 V22 a boolean that is neither 1 nor 2 is invalid', () => {
    assert.deepEqual(
      ['01', '02', '00', '03'].map(octet => textOf('boolean', octet)),
      ['true', 'false', 'invalid 0x00', 'invalid 0x03']
    )
  })

  test('R7011-6.1.6-1 V21 ill-formed UTF-8 is invalid and keeps its octets', () => {
    assert.equal(textOf('string', 'fffe8041'), 'invalid 0xfffe8041')
    assert.equal(textOf('string', 'eda080'), 'invalid 0xeda080')
    assert.equal(textOf('string', 'c080'), 'invalid 0xc080')
  })

  test('R7011-6.1.6-2 NUL octets at the end of a string are not shown', () => {
    assert.equal(textOf('string', '6574683000000000'), 'eth0')
    assert.equal(textOf('string', '650074'), 'e\0t')
    assert.equal(textOf('string', '0000'), '')
  })

  test('a value of no octets is empty text', () => {
    for (const type of ['unsigned32', 'string', 'ipv4Address', 'boolean', 'basicList'] as const) {
      assert.equal(textOf(type, ''), '')
    }
  })

  test('R7011-6.2-2 a value whose length its type does not allow is octets', () => {
    assert.equal(textOf('ipv4Address', 'c00002'), 'c00002')
    assert.equal(textOf('unsigned32', '0102030405'), '0102030405')
    assert.equal(textOf('dateTimeMilliseconds', '01020304'), '01020304')
  })

  test('R7373-4.11-1 lists have no text form', () => {
    assert.equal(textOf('basicList', '0300010001'), '0300010001')
    assert.equal(textToOctets('basicList', '0300010001'), undefined)
  })

  test('R7373-4-1 IPv6 addresses are written as RFC 5952 wants', () => {
    for (const [pairs, text] of [
      ['00'.repeat(16), '::'],
      [`${'00'.repeat(15)}01`, '::1'],
      ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
      ['20010000000000010000000000000001', '2001:0:0:1::1'],
      ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
      ['fe80000000000000000000000000ABCD', 'fe80::abcd'],
      ['00000000000000000000ffffc0000201', '::ffff:192.0.2.1'],
      ['20010db8aaaabbbbccccddddeeee0000', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:0'],
      ['20010db8000000000000000000000000', '2001:db8::']
    ] as const) {
      assert.equal(textOf('ipv6Address', pairs), text)
    }
  })

  test('R7373-4.7-1 escaped text stays one line without controls', () => {
    assert.equal(escapeText('a"\n\u001b[31m\u202e\u0085\\'), String.raw`a\"\u000a\u001b[31m\u202e\u0085\\`)
    assert.equal(escapeText('Zürich 東京'), 'Zürich 東京')
  })
})

describe('octets of a text', () => {
  for (const [type, octets, text] of table) {
    test(`R7373-4-1 T02 ${type} ${text.slice(0, 40)} is ${octets.slice(0, 16)}`, () => {
      assert.equal(octetsOf(type, text), octets)
    })
  }

  test('R7373-4-1 unsigned numbers may be hexadecimal or binary, with leading zeros', () => {
    assert.equal(octetsOf('unsigned8', '0x1F'), '1f')
    assert.equal(octetsOf('unsigned8', '0b101'), '05')
    assert.equal(octetsOf('unsigned8', '007'), '07')
    assert.equal(octetsOf('unsigned64', '0xffffffffffffffff'), 'ffffffffffffffff')
  })

  test('R7373-4-1 numbers out of range are clipped to the range of the type, its length or the element', () => {
    assert.equal(octetsOf('unsigned8', '300'), 'ff')
    assert.equal(octetsOf('signed8', '-300'), '80')
    assert.equal(octetsOf('signed8', '+300'), '7f')
    assert.equal(octetsOf('unsigned64', '65536', 2), 'ffff')
    assert.equal(octetsOf('signed64', '-40000', 2), '8000')
    assert.equal(toHex(textToOctets('unsigned8', '200', undefined, [0, 32]) ?? hex('').octets), '20')
    assert.equal(octetsOf('float32', '1e39'), '7f7fffff')
    assert.equal(octetsOf('float64', '-1e999'), 'ffefffffffffffff')
  })

  test('R7373-4-1 -0 is zero and a sign is allowed', () => {
    assert.equal(octetsOf('signed16', '-0'), '0000')
    assert.equal(octetsOf('signed16', '+5'), '0005')
    assert.equal(octetsOf('float64', '+0.5'), '3fe0000000000000')
  })

  test('R7373-4-1 white space may stand between the pairs of an octetArray', () => {
    assert.equal(octetsOf('octetArray', '00 ff\t0A'), '00ff0a')
    assert.equal(octetsOf('octetArray', ''), '')
  })

  test('R7373-4.8-1 a time has the digits of its type, and may end in Z', () => {
    assert.equal(octetsOf('dateTimeSeconds', '2023-11-14T22:13:20Z'), '6553f100')
    assert.equal(octetsOf('dateTimeMilliseconds', '2023-11-14T22:13:20'), undefined)
    assert.equal(octetsOf('dateTimeSeconds', '2023-11-14T22:13:20.123'), undefined)
    assert.equal(octetsOf('dateTimeSeconds', '2023-02-30T22:13:61'), undefined)
  })

  test('IPv6 addresses may be in any form of RFC 4291', () => {
    assert.equal(octetsOf('ipv6Address', '2001:DB8:0:0:0::1'), '20010db8000000000000000000000001')
    assert.equal(octetsOf('ipv6Address', '64:ff9b::192.0.2.33'), '0064ff9b0000000000000000c0000221')
    assert.equal(octetsOf('ipv6Address', '::'), '00'.repeat(16))
  })

  test('a string of fixed length is filled with NUL octets, or does not fit', () => {
    assert.equal(octetsOf('string', 'eth0', 6), '657468300000')
    assert.equal(octetsOf('string', 'eth0', 3), undefined)
  })

  test('what is not of the form of its type is nothing', () => {
    for (const [type, text] of [
      ['unsigned8', '-1'],
      ['unsigned8', '0x'],
      ['unsigned8', '1e2'],
      ['unsigned8', ''],
      ['signed8', '0x10'],
      ['float64', 'inf'],
      ['float64', '.5'],
      ['float64', '1e1000'],
      ['boolean', 'TRUE'],
      ['boolean', '1'],
      ['macAddress', '0a:0b:0c:0d:0e'],
      ['ipv4Address', '1.2.3'],
      ['ipv4Address', '1.2.3.256'],
      ['ipv4Address', '01.2.3.4'],
      ['ipv6Address', '1:2:3:4:5:6:7'],
      ['ipv6Address', '1::2::3'],
      ['ipv6Address', '1:2:3:4:5:6:7:8::'],
      ['ipv6Address', 'fe80::1%eth0'],
      ['ipv6Address', '12345::'],
      ['octetArray', 'abc'],
      ['octetArray', 'ab  cd'],
      ['dateTimeSeconds', 'yesterday'],
      ['dateTimeSeconds', '2023-13-14T22:13:20']
    ] as const) {
      assert.equal(octetsOf(type, text), undefined, `${type} ${text}`)
    }
  })

  test('a length that the type does not allow is refused', () => {
    assert.equal(octetsOf('ipv4Address', '192.0.2.1', 3), undefined)
    assert.equal(octetsOf('octetArray', 'abcd', 3), undefined)
  })
})
