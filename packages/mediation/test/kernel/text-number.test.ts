import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  writeDouble,
  writeSigned64Text,
  writeUnsigned,
  writeUnsigned256,
  writeUnsigned64Text,
  writeWords
} from '../../src/kernel/text-number.ts'

const octets = new Uint8Array(128)
const view = new DataView(octets.buffer)
const text = (end: number): string => Buffer.from(octets.subarray(0, end)).toString('latin1')
const input = new DataView(new ArrayBuffer(40))

describe('decimal text', () => {
  test('of every number of digits, at both ends', () => {
    for (let digits = 0; digits < 16; digits++) {
      for (const value of [10 ** digits - 1, 10 ** digits, 10 ** digits + 1]) {
        assert.equal(text(writeUnsigned(view, 0, value)), String(value))
      }
    }
  })

  test('R7011-6.1.1-1: of unsigned64 with all its digits: 2^53 + 1, 2^63, 2^64 - 1, and any', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), value => {
        assert.equal(text(writeWords(view, 0, Number(value >> 32n), Number(value & 0xffffffffn))), String(value))
      }),
      {
        examples: [
          [2n ** 53n - 1n],
          [2n ** 53n],
          [2n ** 53n + 1n],
          [2n ** 63n],
          [2n ** 64n - 1n],
          [10n ** 19n],
          [10n ** 16n]
        ]
      }
    )
  })

  test('of integers of every length, signed and not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 8 }), value => {
        for (const [n, octet] of value.entries()) input.setUint8(3 + n, octet)
        const unsigned = BigInt(`0x${Buffer.from(value).toString('hex')}`)
        assert.equal(text(writeUnsigned64Text(input, 3, value.length, view, 0)), String(unsigned))
        const signed = BigInt.asIntN(8 * value.length, unsigned)
        assert.equal(text(writeSigned64Text(input, 3, value.length, view, 0)), String(signed))
      }),
      {
        examples: [
          [new Uint8Array([128, 0, 0, 0, 0, 0, 0, 0])],
          [new Uint8Array([255])],
          [new Uint8Array([255, 0, 0, 0, 0])]
        ]
      }
    )
  })

  test('of 256 bits', () => {
    for (let n = 0; n < 32; n++) input.setUint8(n, 255)
    assert.equal(text(writeUnsigned256(input, 0, 32, view, 0)), String(2n ** 256n - 1n))
  })

  test('R7011-6.1.3-1: of floats; what JSON has no number for is a string, the sign of zero is kept', () => {
    for (const [value, expected] of [
      [0.5, '0.5'],
      [-0, '-0'],
      [NaN, '"NaN"'],
      [Infinity, '"+inf"'],
      [-Infinity, '"-inf"'],
      [-5e-324, '-5e-324'],
      [1.7976931348623157e308, '1.7976931348623157e+308']
    ] as const) {
      assert.equal(text(writeDouble(view, 0, value)), expected)
    }
  })
})
