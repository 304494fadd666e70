import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parsePeerAddress, peerAddressOfIPv4, peerAddressOfIPv6 } from '../src/peer-address.ts'

describe('reads', () => {
  for (const [text, canonical, hex] of [
    ['192.0.2.1', '192.0.2.1', 'c0000201'.padEnd(32, '0')],
    ['::ffff:192.0.2.1', '192.0.2.1', 'c0000201'.padEnd(32, '0')],
    ['::1', '::1', '1'.padStart(32, '0')],
    ['::', '::', '0'.repeat(32)],
    ['2001:db8::1:0:0:2', '2001:db8::1:0:0:2', '20010db8000000000001000000000002'],
    ['fe80::1%eth0', 'fe80::1', 'fe800000000000000000000000000001'],
    ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201']
  ]) {
    test(text, () => {
      const address = parsePeerAddress(text)
      assert.equal(address.text, canonical)
      assert.equal(Buffer.from(address.octets).toString('hex'), hex)
      assert.equal(address.isIPv6, text !== '192.0.2.1' && !text.startsWith('::ffff:'))
    })
  }

  test('an IPv4 address from its number as from its text', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_ffff }), number => {
        const address = peerAddressOfIPv4(number)
        assert.deepEqual(parsePeerAddress(address.text), address)
      })
    )
  })

  test('an IPv6 address from its octets as from its text (RFC 5952)', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 65535 })), { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(groups, parts => {
        const address = peerAddressOfIPv6(Uint8Array.from(parts.flatMap(part => [part >> 8, part & 255])))
        assert.deepEqual(parsePeerAddress(address.text).octets, address.octets)
      })
    )
    assert.equal(
      peerAddressOfIPv6(Uint8Array.from(Buffer.from('20010db8000000000001000000000001', 'hex'))).text,
      '2001:db8::1:0:0:1'
    )
    assert.equal(
      peerAddressOfIPv6(Uint8Array.from(Buffer.from('20010db8000000010001000100010001', 'hex'))).text,
      '2001:db8:0:1:1:1:1:1'
    )
  })
})
