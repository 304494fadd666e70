import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DataType } from '../src/data-type.ts'
import { valueToJson } from '../src/json.ts'
import type { JsonValue } from '../src/json.ts'
import { hex } from './support/octets.ts'

function jsonOf(type: DataType, pairs: string, numbers64?: 'string' | 'number'): JsonValue {
  const { octets, view, length } = hex(pairs)
  return valueToJson(type, octets, view, 0, length, { nowMs: Date.UTC(2026, 6, 22), numbers64 })
}

describe('JSON of a value', () => {
  test('R7373-4-1 integers are numbers while they are exact, else text', () => {
    assert.equal(jsonOf('unsigned64', '001fffffffffffff'), 9007199254740991)
    assert.equal(jsonOf('unsigned64', '0020000000000000'), '9007199254740992')
    assert.equal(jsonOf('unsigned64', 'ffffffffffffffff'), '18446744073709551615')
    assert.equal(jsonOf('signed64', '8000000000000000'), '-9223372036854775808')
    assert.equal(jsonOf('signed64', 'ffffffffffffffff'), -1)
    assert.equal(jsonOf('unsigned256', '0d'), 13)
  })

  test('R7373-4-1 or the nearest number, where that is wanted', () => {
    assert.equal(jsonOf('unsigned64', 'ffffffffffffffff', 'number'), 18446744073709552000)
    assert.equal(jsonOf('unsigned64', '05', 'number'), 5)
  })

  test('R7011-6.1.3-1 floats are numbers, and text where JSON has none', () => {
    assert.equal(jsonOf('float64', '3fe0000000000000'), 0.5)
    assert.equal(jsonOf('float64', '7ff8000000000001'), 'NaN')
    assert.equal(jsonOf('float32', '7f800000'), '+inf')
    assert.equal(jsonOf('float32', 'ff800000'), '-inf')
    assert.ok(Object.is(jsonOf('float64', '8000000000000000'), -0))
  })

  test('R7011-6.1.5-1 V22 booleans are booleans, or invalid', () => {
    assert.deepEqual(
      ['01', '02', '00', '03'].map(octet => jsonOf('boolean', octet)),
      [true, false, { invalid: '00' }, { invalid: '03' }]
    )
  })

  test('R7011-6.1.6-1 V21 ill-formed UTF-8 is invalid and keeps its octets', () => {
    assert.deepEqual(jsonOf('string', 'fffe8041'), { invalid: 'fffe8041' })
  })

  test('R7373-4.7-1 strings are escaped by JSON', () => {
    const value = jsonOf('string', '61220a1b5b33316d')
    assert.equal(JSON.stringify(value), String.raw`"a\"\n\u001b[31m"`)
  })

  test('R7373-4.8-1 times are ISO 8601 with Z', () => {
    assert.equal(jsonOf('dateTimeSeconds', '6553f100'), '2023-11-14T22:13:20Z')
    assert.equal(jsonOf('dateTimeMilliseconds', '0000018bcfe5687b'), '2023-11-14T22:13:20.123Z')
    assert.deepEqual(jsonOf('dateTimeMilliseconds', 'ffffffffffffffff'), { invalid: 'ffffffffffffffff' })
  })

  test('addresses are text and octets are hex', () => {
    assert.equal(jsonOf('ipv4Address', 'c0000201'), '192.0.2.1')
    assert.equal(jsonOf('ipv6Address', '20010db8000000000000000000000001'), '2001:db8::1')
    assert.equal(jsonOf('macAddress', '0A0B0C0D0EFF'), '0a:0b:0c:0d:0e:ff')
    assert.equal(jsonOf('octetArray', '00FF'), '00ff')
  })

  test('a value whose length its type does not allow is hex, one of no octets null', () => {
    assert.equal(jsonOf('ipv4Address', 'c00002'), 'c00002')
    assert.equal(jsonOf('unsigned32', ''), null)
    assert.equal(jsonOf('string', ''), '')
    assert.equal(jsonOf('basicList', ''), null)
  })
})
