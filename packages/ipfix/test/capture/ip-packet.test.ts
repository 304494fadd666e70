import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readAll } from './read-all.ts'
import { ipv4, ipv6, ipv6Fragment, message, octetsOf, pcap, udp } from './packet-builder.ts'

const datagram = udp(message(9, 1000))
const read = (packets: readonly Uint8Array[]) => readAll([pcap(packets, { linkType: 101 })])
const cuts = [0, 400, 800, datagram.length]
const pieces = [0, 1, 2].map(index => ({
  start: cuts[index],
  octets: datagram.subarray(cuts[index], cuts[index + 1]),
  hasMore: index < 2
}))
const fragments4 = pieces.map(({ start, octets, hasMore }) => ipv4(octets, { fragmentOffset: start, hasMore }))
const fragments6 = pieces.map(({ start, octets, hasMore }) => ipv6Fragment(octets, start, hasMore))

describe('IP reads', () => {
  test('IPv4 options and Ethernet padding', () => {
    const packet = ipv4(octetsOf('01010101', udp(message(1))))
    packet[0] = 0x46
    assert.deepEqual(read([octetsOf(packet, '000000')]).messages[0].octets, message(1))
  })

  test('IPv6 hop-by-hop, routing, destination options and authentication headers', () => {
    const extensions = octetsOf(
      '2b00010400000000',
      '3c00000000000000',
      '3300010400000000',
      '1104000000000000',
      new Uint8Array(16)
    )
    const { messages } = read([ipv6(udp(message(1)), 0, extensions)])
    assert.deepEqual(messages[0].octets, message(1))
    assert.equal(messages[0].source.address, '2001:db8::1')
    assert.equal(messages[0].destination.address, '::1')
  })

  test('an IPv6 atomic fragment', () => {
    assert.equal(read([ipv6Fragment(udp(message(1)), 0, false)]).messages.length, 1)
  })

  for (const [name, fragments] of [
    ['IPv4', fragments4],
    ['IPv6', fragments6]
  ] as const) {
    test(`${name} fragments in any order, repeated ones too`, () => {
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
        [0, 0, 2, 2, 1]
      ]) {
        const { messages, reader } = read(order.map(index => fragments[index]))
        assert.deepEqual(
          messages.map(({ octets }) => octets),
          [message(9, 1000)]
        )
        assert.equal(reader.counters.lostDatagrams, 0)
      }
    })
  }

  test('extension headers that fragmentation hides', () => {
    const part = octetsOf('1100000000000000', datagram)
    const packets = [ipv6Fragment(part.subarray(0, 400), 0, true, 60), ipv6Fragment(part.subarray(400), 400, false, 60)]
    assert.deepEqual(read(packets).messages[0].octets, message(9, 1000))
  })
})

describe('IP rejects', () => {
  test('overlapping fragments: the whole datagram is lost', () => {
    const overlap = ipv4(datagram.subarray(392, 800), { fragmentOffset: 392, hasMore: true })
    const { messages, reader } = read([fragments4[0], overlap, fragments4[1], fragments4[2]])
    assert.equal(messages.length, 0)
    assert.equal(reader.counters.lostDatagrams, 1)
  })

  test('a fragment in the place of another, with other octets', () => {
    const forged = ipv4(new Uint8Array(400), { fragmentOffset: 400, hasMore: true })
    const { messages, reader } = read([fragments4[0], fragments4[1], forged, fragments4[2]])
    assert.equal(messages.length, 0)
    assert.equal(reader.counters.lostDatagrams, 1)
  })

  test('a datagram whose last fragment never comes, and one that would be too long', () => {
    const { messages, reader } = read([fragments4[0], ipv4(datagram, { id: 2, fragmentOffset: 65528 })])
    assert.equal(messages.length, 0)
    assert.equal(reader.counters.lostDatagrams, 2)
  })

  test('more open datagrams than the bound: the oldest are lost', () => {
    const packets = Array.from({ length: 1500 }, (_, id) => ipv4(datagram.subarray(0, 16), { id, hasMore: true }))
    assert.equal(read(packets).reader.counters.lostDatagrams, 1500)
  })

  test('an endless chain of extension headers', () => {
    const extensions = octetsOf(...Array.from({ length: 60 }, () => '0000000000000000'))
    assert.equal(read([ipv6(udp(message(1)), 0, extensions)]).messages.length, 0)
  })

  test('any octets behind a version nibble, without a throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(0x45, 0x4f, 0x60), fc.uint8Array({ maxLength: 100 }), (first, rest) => {
        assert.ok(read([octetsOf(first, rest)]).messages.length <= 1)
      }),
      { numRuns: 2000 }
    )
  })
})
