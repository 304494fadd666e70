import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dataTypes, isDataType, isLegalLength, naturalLength } from '../src/data-type.ts'
import type { DataType } from '../src/data-type.ts'
import { VARIABLE_LENGTH } from '../src/layout.ts'

const legalLengths = (type: DataType): number[] =>
  Array.from({ length: 65_536 }, (_, length) => length).filter(length => length > 0 && isLegalLength(type, length))

const upTo = (greatest: number): number[] => Array.from({ length: greatest }, (_, index) => index + 1)

describe('data types', () => {
  test('R7012-3.1-1 has the 24 abstract types under their numbers', () => {
    assert.equal(dataTypes.length, 24)
    assert.deepEqual(
      [0, 3, 10, 13, 17, 19, 22, 23].map(code => dataTypes[code]),
      [
        'octetArray',
        'unsigned32',
        'float64',
        'string',
        'dateTimeNanoseconds',
        'ipv6Address',
        'subTemplateMultiList',
        'unsigned256'
      ]
    )
    assert.ok(isDataType('boolean'))
    assert.ok(!isDataType('toString') && !isDataType('unsigned128'))
  })

  test('R7011-6.1.2-1 addresses have one length', () => {
    assert.deepEqual(legalLengths('macAddress'), [6])
    assert.deepEqual(legalLengths('ipv4Address'), [4])
    assert.deepEqual(legalLengths('ipv6Address'), [16])
  })

  test('R7011-6.2-1 integers may have any smaller size and float64 may have four octets', () => {
    for (const [type, natural] of [
      ['unsigned8', 1],
      ['unsigned16', 2],
      ['unsigned32', 4],
      ['unsigned64', 8],
      ['signed8', 1],
      ['signed16', 2],
      ['signed32', 4],
      ['signed64', 8],
      ['unsigned256', 32]
    ] as const) {
      assert.equal(naturalLength(type), natural)
      assert.deepEqual(legalLengths(type), upTo(natural), type)
    }
    assert.deepEqual(legalLengths('float64'), [4, 8])
  })

  test('R7011-6.2-2 no other type may have another length, and none more than its own', () => {
    for (const [type, length] of [
      ['float32', 4],
      ['boolean', 1],
      ['dateTimeSeconds', 4],
      ['dateTimeMilliseconds', 8],
      ['dateTimeMicroseconds', 8],
      ['dateTimeNanoseconds', 8]
    ] as const) {
      assert.deepEqual(legalLengths(type), [length], type)
    }
    assert.ok(!isLegalLength('unsigned32', 5))
    assert.ok(!isLegalLength('unsigned32', VARIABLE_LENGTH))
  })

  test('octetArray, string and lists may have any length, fixed or variable', () => {
    for (const type of ['octetArray', 'string', 'basicList', 'subTemplateList', 'subTemplateMultiList'] as const) {
      assert.equal(naturalLength(type), VARIABLE_LENGTH)
      for (const length of [1, 3, 65_534, VARIABLE_LENGTH]) assert.ok(isLegalLength(type, length), type)
    }
  })

  test('a field of no octets is legal for every type', () => {
    for (const type of dataTypes) assert.ok(isLegalLength(type, 0), type)
  })
})
