import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  writeMicrosecondsText,
  writeMillisecondsText,
  writeNanosecondsText,
  writeSecondsText
} from '../../src/kernel/text-time.ts'
import { contextOf } from '../support/programs.ts'

const octets = new Uint8Array(64)
const view = new DataView(octets.buffer)
const text = (end: number): string => Buffer.from(octets.subarray(0, end)).toString('latin1')
const input = new DataView(new ArrayBuffer(8))
const LAST_MS = 253402300799999

function check(ms: number): void {
  input.setBigUint64(0, BigInt(ms))
  assert.equal(text(writeMillisecondsText(input, 0, view, 0)), `"${new Date(ms).toISOString()}"`)
}

describe('times as text', () => {
  test('milliseconds are what Date writes, from 1970 to 9999', () => {
    for (const date of [
      '1970-01-01',
      '1999-12-31',
      '2000-02-29',
      '2023-03-01',
      '2024-02-29',
      '2024-12-31',
      '2100-02-28',
      '2100-03-01',
      '2400-02-29'
    ]) {
      for (const near of [-1, 0, 1, 59_999, 60_000, 86_399_999]) check(Math.max(0, Date.parse(date) + near))
    }
    check(LAST_MS)
    fc.assert(fc.property(fc.integer({ min: 0, max: LAST_MS }), check), { numRuns: 2000 })
  })

  test('beyond the year 9999 there is no text, and the octets are kept', () => {
    input.setBigUint64(0, BigInt(LAST_MS) + 1n)
    assert.equal(text(writeMillisecondsText(input, 0, view, 0)), '{"invalid":"0000e677d21fdc00"}')
    input.setBigUint64(0, 2n ** 64n - 1n)
    assert.equal(text(writeMillisecondsText(input, 0, view, 0)), '{"invalid":"ffffffffffffffff"}')
  })

  test('seconds have no fraction', () => {
    input.setUint32(0, 1_700_000_000)
    assert.equal(text(writeSecondsText(input, 0, view, 0, contextOf())), '"2023-11-14T22:13:20Z"')
  })

  test('R7011-6.1.8-1 R7011-6.1.10-1 V33: six digits of microseconds, nine of nanoseconds', () => {
    input.setBigUint64(0, 0xe8fe6f801f9add37n)
    assert.equal(text(writeMicrosecondsText(input, 0, view, 0, contextOf())), '"2023-11-14T22:13:20.123456Z"')
    assert.equal(text(writeNanosecondsText(input, 0, view, 0, contextOf())), '"2023-11-14T22:13:20.123456789Z"')
  })

  test('leading zeros of a fraction stay', () => {
    input.setBigUint64(0, 0xe8fe6f8000000005n)
    assert.equal(text(writeNanosecondsText(input, 0, view, 0, contextOf())), '"2023-11-14T22:13:20.000000001Z"')
    assert.equal(text(writeMicrosecondsText(input, 0, view, 0, contextOf())), '"2023-11-14T22:13:20.000000Z"')
  })

  test('a fraction that rounds to a whole second is the next second', () => {
    input.setBigUint64(0, 0xe8fe6f80ffffffffn)
    assert.equal(text(writeNanosecondsText(input, 0, view, 0, contextOf())), '"2023-11-14T22:13:21.000000000Z"')
  })
})
