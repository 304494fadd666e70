import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { writeIPv4, writeIPv6, writeMac } from '../../src/kernel/text-address.ts'

const octets = new Uint8Array(64)
const out = new DataView(octets.buffer)
const text = (end: number): string => Buffer.from(octets.subarray(0, end)).toString('latin1')
const viewOf = (value: Uint8Array): DataView => new DataView(value.buffer, value.byteOffset, value.byteLength)

describe('addresses as text', () => {
  test('IPv4', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), value => {
        assert.equal(text(writeIPv4(out, 0, viewOf(value).getInt32(0))), [...value].join('.'))
      }),
      { examples: [[new Uint8Array([0, 0, 0, 0])], [new Uint8Array([255, 255, 255, 255])]] }
    )
  })

  test('IPv6 is what a URL makes of it (RFC 5952)', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), groups => {
        const value = new DataView(new ArrayBuffer(16))
        for (const [n, part] of groups.entries()) value.setUint16(2 * n, part)
        const isMapped = groups.slice(0, 5).every(part => part === 0) && groups[5] === 0xffff
        const url = new URL(`http://[${groups.map(part => part.toString(16)).join(':')}]/`).hostname.slice(1, -1)
        if (!isMapped) assert.equal(text(writeIPv6(value, 0, out, 0)), url)
      }),
      {
        examples: [
          [[0, 0, 0, 0, 0, 0, 0, 0]],
          [[0, 0, 0, 0, 0, 0, 0, 1]],
          [[1, 0, 0, 2, 0, 0, 0, 3]],
          [[1, 0, 0, 2, 0, 0, 3, 4]],
          [[1, 0, 2, 3, 4, 5, 6, 0]]
        ]
      }
    )
  })

  test('an IPv4-mapped address has dots (RFC 5952 §5)', () => {
    const value = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1])
    assert.equal(text(writeIPv6(viewOf(value), 0, out, 0)), '::ffff:192.0.2.1')
  })

  test('MAC', () => {
    assert.equal(text(writeMac(viewOf(new Uint8Array([0, 17, 34, 171, 205, 239])), 0, out, 0)), '00:11:22:ab:cd:ef')
  })
})
