import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { countSflowSamples } from '../../src/capture/sflow-samples.ts'
import { number, octetsOf } from './packet-builder.ts'

const header = '00000005000000010a0000fe000000000000002a000186a0'
const sample = (format: number, body: number): Uint8Array =>
  octetsOf(number(format, 4), number(body, 4), new Uint8Array(body))

describe('countSflowSamples reads', () => {
  test('RSF-2 samples of known and unknown formats, by their lengths', () => {
    assert.equal(countSflowSamples(octetsOf(header, number(3, 4), sample(1, 40), sample(4095, 12), sample(2, 0))), 3)
    assert.equal(countSflowSamples(octetsOf(header, number(0, 4))), 0)
  })

  test('RSF-1 an IPv6 agent', () => {
    const ipv6 = octetsOf('0000000500000002', new Uint8Array(16), new Uint8Array(12), number(1, 4), sample(1, 8))
    assert.equal(countSflowSamples(ipv6), 1)
  })
})

describe('countSflowSamples rejects', () => {
  test('RSF-7 V39 a count that the datagram cannot hold', () => {
    assert.equal(countSflowSamples(octetsOf(header, 'ffffffff')), -1)
    assert.equal(countSflowSamples(octetsOf(header, number(1001, 4), new Uint8Array(9000))), -1)
    assert.equal(countSflowSamples(octetsOf(header, number(3, 4), sample(1, 8))), -1)
  })

  test('a sample past the end, an unknown address type, every cut', () => {
    assert.equal(countSflowSamples(octetsOf(header, number(1, 4), number(1, 4), number(9, 4), new Uint8Array(8))), -1)
    assert.equal(countSflowSamples(octetsOf('0000000500000003', new Uint8Array(40))), -1)
    const whole = octetsOf(header, number(1, 4), sample(1, 8))
    for (let length = 0; length < whole.length; length++) assert.equal(countSflowSamples(whole.subarray(0, length)), -1)
  })
})
