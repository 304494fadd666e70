import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readAll } from './read-all.ts'
import { ethernet, ipv4, ipv6, message, octetsOf, pcap, udp } from './packet-builder.ts'

const packet4 = ipv4(udp(message(4)))
const packet6 = ipv6(udp(message(6)))
const count = (linkType: number, frame: Uint8Array): number => readAll([pcap([frame], { linkType })]).messages.length

const frames: readonly (readonly [name: string, linkType: number, frame: Uint8Array])[] = [
  ['Ethernet with IPv4', 1, ethernet(packet4)],
  ['Ethernet with IPv6', 1, ethernet(packet6)],
  ['Ethernet padding behind the packet', 1, octetsOf(ethernet(packet4), new Uint8Array(20))],
  ['an 802.1Q tag', 1, ethernet(packet4, '8100000a0800')],
  ['802.1ad tags', 1, ethernet(packet6, '88a800018100000a86dd')],
  ['an MPLS stack', 1, ethernet(packet4, '8847000100ff000201ff')],
  ['PPPoE', 1, ethernet(packet4, '886411000001004a0021')],
  ['BSD null, little-endian family', 0, octetsOf('02000000', packet4)],
  ['BSD loop, big-endian family', 108, octetsOf('0000001e', packet6)],
  ['raw IP 12', 12, packet4],
  ['raw IP 14', 14, packet6],
  ['raw IP 101', 101, packet6],
  ['raw IPv4 228', 228, packet4],
  ['raw IPv6 229', 229, packet6],
  ['Linux cooked v1', 113, octetsOf('0000000100060200000000010000', '0800', packet4)],
  ['Linux cooked v1 with a VLAN tag', 113, octetsOf('0000000100060200000000010000', '8100000a86dd', packet6)],
  ['Linux cooked v2', 276, octetsOf('86dd0000000000020001000602000000000000', '00', packet6)]
]

describe('link layer reads', () => {
  for (const [name, linkType, frame] of frames) test(name, () => assert.equal(count(linkType, frame), 1))
})

describe('link layer rejects', () => {
  test('every frame cut at every octet, without a throw', () => {
    for (const [, linkType, frame] of frames) {
      for (let length = 0; length < frame.length - 48; length++)
        assert.ok(count(linkType, frame.subarray(0, length)) <= 1)
    }
  })

  test('ARP, endless tags, an unknown link type', () => {
    assert.equal(count(1, ethernet(packet4, '0806')), 0)
    assert.equal(count(1, ethernet(packet4, '8100000a'.repeat(20))), 0)
    assert.equal(count(147, packet4), 0)
  })

  test('a packet that the capture cut is read and counted', () => {
    const { messages, reader } = readAll([pcap([ethernet(packet4)], { cutAt: 60 })])
    assert.equal(messages[0].octets.length, 60 - 14 - 28)
    assert.equal(reader.counters.truncatedPackets, 1)
  })
})
