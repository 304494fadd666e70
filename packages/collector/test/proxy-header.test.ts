import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { looksLikeProxyHeader, PROXY_MOST_OCTETS, ProxyHeaderReader } from '../src/proxy-header.ts'
import { ipv6Addresses, proxyV1, proxyV2, tlv } from './support/proxy.ts'

const MESSAGE = Uint8Array.of(0, 10, 0, 20)

/** What one header says, read in one piece with a Message behind it. */
function read(header: Uint8Array) {
  const reader = new ProxyHeaderReader()
  const taken = reader.push(Buffer.concat([header, MESSAGE]))
  const { source, fault, isWhole } = reader
  return { from: source === undefined ? undefined : `${source.address.text} ${source.port}`, fault, isWhole, taken }
}

const known = (from: string | undefined, header: Uint8Array) => ({
  from,
  fault: undefined,
  isWhole: true,
  taken: header.length
})

describe('reads', () => {
  for (const [name, from, header] of [
    ['version 1 of an IPv4 exporter', '192.0.2.1 4321', proxyV1('TCP4 192.0.2.1 192.0.2.254 4321 4739')],
    ['version 1 of an IPv6 exporter', '2001:db8::1 4321', proxyV1('TCP6 2001:DB8:0::1 2001:db8::2 4321 4739')],
    ['the longest of version 1', `${'ffff:'.repeat(7)}ffff 65535`, proxyV1(longest())],
    ['version 1 UNKNOWN', undefined, proxyV1('UNKNOWN')],
    ['version 1 UNKNOWN and what it says, which is nothing', undefined, proxyV1('UNKNOWN ffff:: x 1 70000')],
    ['version 2 of an IPv4 exporter', '192.0.2.1 4321', proxyV2()],
    [
      'version 2 of an IPv6 exporter',
      '2001:db8::1 65535',
      proxyV2({ family: 0x21, addresses: ipv6Addresses('20010db8000000000000000000000001', 65_535) })
    ],
    [
      'an IPv4 exporter that an IPv6 listener of a balancer tells as a mapped address, version 2',
      '192.0.2.7 1',
      proxyV2({ family: 0x21, addresses: ipv6Addresses('00000000000000000000ffffc0000207', 1) })
    ],
    ['the same, version 1', '192.0.2.7 1', proxyV1('TCP6 ::FFFF:192.0.2.7 ::ffff:192.0.2.254 1 4739')],
    ['TLVs, which are skipped', '192.0.2.1 4321', proxyV2({ tlvs: Buffer.concat([tlv(0xea, 22), tlv(3, 4)]) })],
    ['the longest that is taken', '192.0.2.1 4321', proxyV2({ tlvs: tlv(4, PROXY_MOST_OCTETS - 16 - 12 - 3) })],
    ['LOCAL without addresses', undefined, proxyV2({ command: 0, family: 0, addresses: new Uint8Array(0) })],
    ['LOCAL with addresses, which are not believed', undefined, proxyV2({ command: 0 })],
    ['UNSPEC with a TLV', undefined, proxyV2({ family: 0, addresses: new Uint8Array(0), tlvs: tlv(4, 9) })],
    ['UNIX', undefined, proxyV2({ family: 0x31, addresses: new Uint8Array(216) })],
    ['a datagram family, which is none of a stream', undefined, proxyV2({ family: 0x12 })]
  ] as const) {
    test(name, () => assert.deepEqual(read(header), known(from, header)))
  }

  test('any header however it is cut, and not an octet beyond it', () => {
    const headers = [
      proxyV1('TCP4 192.0.2.1 192.0.2.254 4321 4739'),
      proxyV1('UNKNOWN'),
      proxyV2({ tlvs: tlv(4, 300) }),
      proxyV2({ family: 0x21, addresses: ipv6Addresses('20010db8000000000000000000000001', 7) }),
      proxyV2({ command: 0, family: 0, addresses: new Uint8Array(0) })
    ]
    fc.assert(
      fc.property(fc.constantFrom(...headers), fc.array(fc.integer({ min: 1, max: 400 })), (header, steps) => {
        const stream = Buffer.concat([header, MESSAGE])
        const reader = new ProxyHeaderReader()
        let at = 0
        for (const step of [...steps, stream.length]) {
          const chunk = stream.subarray(at, at + step)
          const taken = reader.push(chunk)
          at += taken
          if (reader.isWhole) break
          assert.equal(taken, chunk.length)
        }
        assert.equal(at, header.length)
        assert.deepEqual(reader.source, wholeSource(header))
      })
    )
  })
})

describe('rejects', () => {
  for (const [fault, name, header] of [
    ['PROXY_SIGNATURE', 'an IPFIX Message', MESSAGE],
    ['PROXY_SIGNATURE', 'a verb of another protocol', Buffer.from('PUT / HTTP/1.1\r\n')],
    ['PROXY_SIGNATURE', 'lower case', Buffer.from('proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
    ['PROXY_SIGNATURE', 'a signature that goes wrong in its last octet', Buffer.from('\r\n\r\n\0\r\nQUIT\r')],
    ['PROXY_VERSION', 'version 1 in the form of version 2', proxyV2({ version: 1 })],
    ['PROXY_VERSION', 'version 3', proxyV2({ version: 3 })],
    ['PROXY_COMMAND', 'a command that is none', proxyV2({ command: 2 })],
    ['PROXY_ADDRESS', 'fewer octets than IPv4 addresses take', proxyV2({ length: 11 })],
    ['PROXY_ADDRESS', 'fewer octets than IPv6 addresses take', proxyV2({ family: 0x21, length: 35 })],
    ['PROXY_TOO_LONG', 'TLVs without end', proxyV2({ length: PROXY_MOST_OCTETS - 16 + 1 })],
    ['PROXY_TOO_LONG', 'a line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)],
    ['PROXY_ADDRESS', 'a line that ends in LF alone', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n')],
    ['PROXY_ADDRESS', 'CR within a line', Buffer.from('PROXY TCP4 192.0.2.1\r 192.0.2.2 1 2\r\n')],
    ['PROXY_ADDRESS', 'a family that is none', proxyV1('UDP4 192.0.2.1 192.0.2.2 1 2')],
    ['PROXY_ADDRESS', 'no family', proxyV1('')],
    ['PROXY_ADDRESS', 'an IPv6 address as IPv4', proxyV1('TCP4 2001:db8::1 192.0.2.2 1 2')],
    ['PROXY_ADDRESS', 'an IPv4 address as IPv6', proxyV1('TCP6 192.0.2.1 2001:db8::2 1 2')],
    ['PROXY_ADDRESS', 'an address with a zone', proxyV1('TCP6 fe80::1%eth0 fe80::2 1 2')],
    ['PROXY_ADDRESS', 'a name', proxyV1('TCP4 router.example 192.0.2.2 1 2')],
    ['PROXY_ADDRESS', 'a port over 65535', proxyV1('TCP4 192.0.2.1 192.0.2.2 65536 2')],
    ['PROXY_ADDRESS', 'a port with a leading zero', proxyV1('TCP4 192.0.2.1 192.0.2.2 01 2')],
    ['PROXY_ADDRESS', 'a missing port', proxyV1('TCP4 192.0.2.1 192.0.2.2 1')],
    ['PROXY_ADDRESS', 'a word too many', proxyV1('TCP4 192.0.2.1 192.0.2.2 1 2 3')],
    ['PROXY_ADDRESS', 'two spaces', proxyV1('TCP4 192.0.2.1  192.0.2.2 1 2')]
  ] as const) {
    test(`${fault}: ${name}`, () => {
      const { fault: found, isWhole, from } = read(header)
      assert.deepEqual([found, isWhole, from], [fault, false, undefined])
    })
  }

  test('any octets: a source, a fault or neither, and never more than the header', () => {
    const start = fc.constantFrom(new Uint8Array(0), proxyV2().subarray(0, 12), Buffer.from('PROXY '), proxyV2())
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (known, noise) => {
        const reader = new ProxyHeaderReader()
        const octets = Buffer.concat([known, noise])
        const taken = reader.push(octets)
        assert.ok(taken <= octets.length)
        assert.ok(!(reader.isWhole && reader.fault !== undefined))
        if (!reader.isWhole && reader.fault === undefined) assert.equal(taken, octets.length)
      })
    )
  })
})

test('tells a PROXY header from a Message', () => {
  assert.deepEqual([proxyV2(), proxyV1('UNKNOWN'), MESSAGE].map(looksLikeProxyHeader), [true, true, false])
})

const wholeSource = (header: Uint8Array) => {
  const reader = new ProxyHeaderReader()
  reader.push(header)
  return reader.source
}

/** 107 octets with `PROXY ` and CR LF. */
function longest(): string {
  const address = `${'ffff:'.repeat(7)}ffff`
  const line = `TCP6 ${address} ${address} 65535 65535`
  assert.ok(proxyV1(line).length <= 107)
  return line
}
