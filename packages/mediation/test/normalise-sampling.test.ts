import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bare, contextOf, normalisedText } from './support/programs.ts'

const sampling = { ...bare, sampling: true }
const sampled = contextOf({ samplingRate: 1000, samplingRateOf: id => (id === 5 ? 50 : 0) })
const byInterface = {
  ...sampled,
  hasInterfaceRates: true,
  samplingRateOfInterface: (ifIndex: number) => (ifIndex === 3 ? 100 : 0)
}

describe('data records', () => {
  test('R5476-6.5-1: the rate of the record, 34, is one packet in 1 + space', () => {
    assert.equal(
      normalisedText('8:4 34:4', '0a000001 00000064', sampling, sampled),
      '8:4 305:4 306:4 = 0a0000010000000100000063'
    )
  })

  test('a rate of 1 is no sampling', () => {
    assert.equal(normalisedText('34:4', '00000001', sampling, sampled), '305:4 306:4 = 0000000100000000')
  })

  test('R7013-5.3-1: 34, 35, 49 and 50 are not exported, 48 becomes 302', () => {
    assert.equal(
      normalisedText('48:1 35:1 49:1 50:4', '05 01 02 0000000a', sampling),
      '302:8 305:4 306:4 = 00000000000000050000000100000009'
    )
  })

  test('the rate of a sampler is looked up by 48 or 302', () => {
    assert.equal(
      normalisedText('48:1', '05', sampling, sampled),
      '302:8 305:4 306:4 = 00000000000000050000000100000031'
    )
    assert.equal(
      normalisedText('302:2', '0005', sampling, sampled),
      '302:8 305:4 306:4 = 00000000000000050000000100000031'
    )
  })

  test('302 is not doubled by 48', () => {
    assert.equal(
      normalisedText('48:1 302:1', '07 05', sampling, sampled),
      '302:8 305:4 306:4 = 00000000000000050000000100000031'
    )
  })

  test('a rate of 0, or an unknown sampler, leaves it to the rate of the source', () => {
    assert.equal(normalisedText('34:4', '00000000', sampling, sampled), '305:4 306:4 = 00000001000003e7')
    assert.equal(
      normalisedText('48:1', '06', sampling, sampled),
      '302:8 305:4 306:4 = 000000000000000600000001000003e7'
    )
    assert.equal(normalisedText('8:4', '0a000001', sampling, sampled), '8:4 305:4 306:4 = 0a00000100000001000003e7')
  })

  test('an unknown rate is 0 and 0', () => {
    assert.equal(normalisedText('8:4', '0a000001', sampling), '8:4 305:4 306:4 = 0a0000010000000000000000')
    assert.equal(normalisedText('48:1', '05', sampling), '302:8 305:4 306:4 = 00000000000000050000000000000000')
  })

  test('of a record that tells no more, the rate of its interface: 10, else 14', () => {
    assert.equal(
      normalisedText('8:4 10:4', '0a000001 00000003', sampling, byInterface),
      '8:4 10:4 305:4 306:4 = 0a000001000000030000000100000063'
    )
    assert.equal(
      normalisedText('14:2 10:1', '0004 03', sampling, byInterface),
      '10:4 14:4 305:4 306:4 = 00000003000000040000000100000063'
    )
    assert.equal(
      normalisedText('14:2 82:65535 4:1', '0003 0161 06', sampling, byInterface),
      '4:1 14:4 82:65535 305:4 306:4 = 060000000301610000000100000063'
    )
  })

  test('of a record of an interface without a rate, the rate of the source: 14 is not asked beside 10', () => {
    assert.equal(
      normalisedText('10:4 14:4', '00000004 00000003', sampling, byInterface),
      '10:4 14:4 305:4 306:4 = 000000040000000300000001000003e7'
    )
    assert.equal(
      normalisedText('10:4', '00000004', sampling, { ...byInterface, samplingRate: 0 }),
      '10:4 305:4 306:4 = 000000040000000000000000'
    )
  })

  test('what the record tells, or its sampler, goes before the interface', () => {
    assert.equal(
      normalisedText('10:4 34:4', '00000003 00000014', sampling, byInterface),
      '10:4 305:4 306:4 = 000000030000000100000013'
    )
    assert.equal(
      normalisedText('10:4 305:4 306:4', '00000003 00000002 00000005', sampling, byInterface),
      '10:4 305:4 306:4 = 000000030000000200000005'
    )
    assert.equal(
      normalisedText('10:4 48:1', '00000003 05', sampling, byInterface),
      '10:4 302:8 305:4 306:4 = 0000000300000000000000050000000100000031'
    )
  })

  test('an interface of a length that it cannot have tells no rate', () => {
    assert.equal(
      normalisedText('8:4 10:8', '0a000001 0000000000000003', sampling, byInterface),
      '8:4 305:4 306:4 = 0a00000100000001000003e7'
    )
  })

  test('TH-47: rates of interfaces that are no sane integers do not overflow', () => {
    for (const [rate, octets] of [
      [2 ** 32, '00000001fffffffe'],
      [NaN, '0000000000000000'],
      [0.5, '0000000000000000']
    ] as const) {
      const context = contextOf({ hasInterfaceRates: true, samplingRateOfInterface: () => rate })
      assert.equal(normalisedText('10:4', '00000003', sampling, context), `10:4 305:4 306:4 = 00000003${octets}`)
    }
  })

  test('TH-47: rates that that are no sane integers do not overflow', () => {
    for (const [rate, octets] of [
      [2 ** 32, '00000001fffffffe'],
      [Infinity, '00000001fffffffe'],
      [NaN, '0000000000000000'],
      [-5, '0000000000000000'],
      [2.5, '0000000100000001'],
      [0.5, '0000000000000000']
    ] as const) {
      assert.equal(
        normalisedText('8:4', '0a000001', sampling, contextOf({ samplingRate: rate })),
        `8:4 305:4 306:4 = 0a000001${octets}`
      )
    }
    assert.equal(normalisedText('34:4', 'ffffffff', sampling), '305:4 306:4 = 00000001fffffffe')
  })

  test('exact 305 and 306 of the record pass as they are', () => {
    assert.equal(
      normalisedText('306:2 305:1 34:4', '0063 02 00000001', sampling, sampled),
      '305:4 306:4 = 0000000200000063'
    )
  })

  test('without the option the elements pass as others do', () => {
    assert.equal(normalisedText('34:4 48:1', '00000064 05', bare, sampled), '34:4 48:4 = 0000006400000005')
  })
})

describe('options records', () => {
  test('34 and 35 become 305, 306 and 304, the sampler id of the scope 302', () => {
    assert.equal(
      normalisedText('48:1 | 35:1 34:4', '05 02 00000064', sampling, sampled),
      '302:8 | 304:2 305:4 306:4 = 000000000000000500030000000100000063'
    )
  })

  test('48, 49 and 50 become 302, 304, 305 and 306', () => {
    assert.equal(
      normalisedText('143:4 | 48:1 49:1 50:4', '00000001 05 01 00000064', sampling),
      '143:4 | 302:8 304:2 305:4 306:4 = 00000001000000000000000500010000000100000063'
    )
  })

  test('a mode that is neither systematic nor random is 0, reserved', () => {
    assert.equal(normalisedText('143:4 | 49:1', '00000001 09', sampling), '143:4 | 304:2 = 000000010000')
  })

  test('what the record tells in the new elements is not doubled', () => {
    assert.equal(
      normalisedText('143:4 | 34:4 35:1 305:4 306:4 304:2', '00000001 00000064 02 00000001 00000002 0001', sampling),
      '143:4 | 304:2 305:4 306:4 = 0000000100010000000100000002'
    )
  })

  test('no rate is added to options records that tell none', () => {
    assert.equal(
      normalisedText('10:4 | 82:4', '00000003 65746830', sampling, byInterface),
      '10:4 | 82:4 = 0000000365746830'
    )
    assert.equal(
      normalisedText('143:4 | 41:8', '00000001 0000000000000002', sampling, sampled),
      '143:4 | 41:8 = 000000010000000000000002'
    )
  })
})
