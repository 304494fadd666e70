import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readCapture } from '../../src/capture/capture-reader.ts'
import { readAll } from './read-all.ts'
import {
  block,
  describedInterface,
  enhancedPacket,
  ethernet,
  ipv4,
  ipv6,
  message,
  number,
  octetsOf,
  pcap,
  section,
  udp
} from './packet-builder.ts'

const frame = ethernet(ipv4(udp(message(1))))

describe('CaptureReader reads', () => {
  for (const isLittle of [false, true]) {
    for (const isNanoseconds of [false, true]) {
      test(`pcap, ${isLittle ? 'little' : 'big'}-endian, ${isNanoseconds ? 'nano' : 'micro'}seconds`, () => {
        const file = pcap([frame, frame], { isLittle, isNanoseconds, fraction: isNanoseconds ? 250000000 : 250000 })
        const { messages, reader } = readAll([file])
        assert.equal(reader.format, 'pcap')
        assert.equal(messages.length, 2)
        assert.equal(messages[0].timestampMs, 1700000000250)
        assert.deepEqual(messages[0].octets, message(1))
        assert.deepEqual(messages[0].source, { address: '192.0.2.10', port: 50000 })
        assert.deepEqual(messages[0].destination, { address: '127.0.0.1', port: 4739 })
        assert.equal(messages[0].transport, 'udp')
        assert.equal(messages[0].session, messages[1].session)
      })
    }
    test(`pcapng, ${isLittle ? 'little' : 'big'}-endian`, () => {
      const blocks = [
        section(isLittle),
        describedInterface({ isLittle }),
        enhancedPacket(frame, 0, undefined, isLittle)
      ]
      const { messages } = readAll([octetsOf(...blocks)])
      assert.equal(messages.length, 1)
      assert.equal(messages[0].timestampMs, 1700000000250)
    })
  }

  test('pcapng with several sections of different byte order, interfaces and resolutions', () => {
    const nanoseconds = octetsOf('00090001', 9, '000000')
    const binary = octetsOf('00090001', 0x8a, '000000')
    const offset = octetsOf('000e0008', number(1700000000, 8))
    const file = octetsOf(
      section(false),
      describedInterface({ options: nanoseconds }),
      describedInterface({ linkType: 101, options: octetsOf(binary, offset) }),
      enhancedPacket(ipv4(udp(message(2))), 1, 512),
      block(5, new Uint8Array(12)),
      enhancedPacket(frame, 0, 1700000000250000000),
      section(true),
      describedInterface({ isLittle: true }),
      enhancedPacket(frame, 0, 1700000000750000, true)
    )
    const times = readAll([file]).messages.map(({ timestampMs }) => Math.round(timestampMs))
    assert.deepEqual(times, [1700000000500, 1700000000250, 1700000000750])
  })

  test('pcapng Simple Packet Blocks and obsolete Packet Blocks', () => {
    const simple = block(3, octetsOf(number(frame.length, 4), frame))
    const lengths = octetsOf(number(frame.length, 4), number(frame.length, 4))
    const old = block(2, octetsOf('00000000', number(0x60a24, 4), number(0x181c5890, 4), lengths, frame))
    const { messages } = readAll([octetsOf(section(), describedInterface(), simple, old)])
    assert.equal(messages.length, 2)
    assert.equal(messages[0].timestampMs, 0)
    assert.equal(messages[1].timestampMs, (0x60a24 * 2 ** 32 + 0x181c5890) / 1000)
  })

  test('any chunking alike', () => {
    const file = octetsOf(
      section(),
      describedInterface(),
      ...[1, 2, 3].map(n => enhancedPacket(ethernet(ipv6(udp(message(n))))))
    )
    const whole = readAll([file]).messages
    assert.equal(whole.length, 3)
    for (const chunkOctets of [1, 3, 7, 64]) assert.deepEqual(readAll([file], {}, chunkOctets).messages, whole)
  })

  test('only the wanted ports', () => {
    const other = ethernet(ipv4(udp(message(2), 50000, 2055)))
    const { messages, reader } = readAll([pcap([frame, other])], { ports: [2055] })
    assert.deepEqual(
      messages.map(({ destination }) => destination.port),
      [2055]
    )
    assert.equal(reader.counters.otherPackets, 1)
  })

  test('every version, and leaves other payloads out', () => {
    const payloads = [
      '0001aaaa',
      '0005aaaa',
      '0007aaaa',
      '0009aaaa',
      '000aaaaa',
      '00000005',
      '00000004',
      '0002aaaa',
      '00'
    ]
    const { messages, reader } = readAll([pcap(payloads.map(hex => ethernet(ipv4(udp(octetsOf(hex))))))])
    assert.deepEqual(
      messages.map(({ octets }) => Buffer.from(octets).toString('hex')),
      payloads.slice(0, 6)
    )
    assert.equal(reader.counters.otherPayloads, 3)
  })

  test('R5655-7.1-1 an IPFIX File as one session, and the next file as another', () => {
    const file = octetsOf(message(1), message(2, 100))
    const { messages, reader } = readAll([file, file])
    assert.equal(reader.format, 'ipfix-file')
    assert.deepEqual(
      messages.map(({ transport, session }) => [transport, session]),
      [
        ['file', 2],
        ['file', 2],
        ['file', 3],
        ['file', 3]
      ]
    )
    assert.deepEqual(messages[1].octets, message(2, 100))
  })

  test('raw NetFlow and sFlow payloads as one datagram, IPFIX ones when told', () => {
    const { messages } = readAll([octetsOf('0009', new Uint8Array(70000))])
    assert.equal(messages.length, 1)
    assert.equal(messages[0].octets.length, 65535)
    const told = readAll([octetsOf(message(1), message(2)), message(3)], { format: 'datagram' }).messages
    assert.deepEqual(
      told.map(({ transport, session }) => [transport, session]),
      [
        ['udp', 1],
        ['udp', 1]
      ]
    )
    assert.deepEqual(told[0].octets, octetsOf(message(1), message(2)))
  })

  test('a stream of chunks through readCapture', async () => {
    const seen: number[] = []
    for await (const { octets } of readCapture([pcap([frame, frame])])) seen.push(octets.length)
    assert.deepEqual(seen, [24, 24])
  })
})

describe('CaptureReader rejects', () => {
  test('CAPTURE_UNKNOWN what is no capture, and goes on with the next file', () => {
    const { messages, reader } = readAll([octetsOf('47494638', new Uint8Array(100)), octetsOf('ff')])
    assert.equal(reader.fault, 'CAPTURE_UNKNOWN')
    assert.equal(messages.length, 0)
    assert.equal(readAll([octetsOf('47494638'), pcap([frame])]).messages.length, 1)
    assert.equal(readAll([octetsOf('')]).reader.fault, 'CAPTURE_UNKNOWN')
  })

  test('CAPTURE_CUT a file that ends inside a packet, keeping what was before', () => {
    const file = pcap([frame, frame])
    const { messages, reader } = readAll([file.subarray(0, file.length - 1)])
    assert.equal(messages.length, 1)
    assert.equal(reader.fault, 'CAPTURE_CUT')
  })

  test('CAPTURE_PACKET_LENGTH a packet longer than any snapshot', () => {
    const file = octetsOf(pcap([frame]), '0000000000000000', number(262145, 4), number(262145, 4), new Uint8Array(100))
    const { messages, reader } = readAll([file], {}, 50)
    assert.equal(messages.length, 1)
    assert.equal(reader.fault, 'CAPTURE_PACKET_LENGTH')
  })

  test('CAPTURE_BLOCK_LENGTH a block of less than 12 octets, of an odd length, or a huge packet block', () => {
    for (const length of [8, 30, 0x7ffffffc]) {
      const bad = octetsOf(number(6, 4), number(length, 4), new Uint8Array(40))
      const { messages, reader } = readAll([octetsOf(section(), describedInterface(), enhancedPacket(frame), bad)])
      assert.equal(messages.length, 1)
      assert.equal(reader.fault, 'CAPTURE_BLOCK_LENGTH')
    }
  })

  test('CAPTURE_BYTE_ORDER a section without the byte-order magic', () => {
    assert.equal(readAll([block(0x0a0d0d0a, new Uint8Array(16))]).reader.fault, 'CAPTURE_BYTE_ORDER')
  })

  test('nothing of a huge block that is no packet: it is passed over', () => {
    const huge = block(0x0bad, new Uint8Array(400000))
    const file = octetsOf(section(), describedInterface(), huge, enhancedPacket(frame))
    assert.equal(readAll([file], {}, 1000).messages.length, 1)
  })

  test('packets of interfaces that were not described', () => {
    assert.equal(readAll([octetsOf(section(), enhancedPacket(frame, 3))]).messages.length, 0)
  })

  test('any octets without a throw, in time', () => {
    const starts = fc.constantFrom('', 'a1b2c3d4', 'd4c3b2a1', '0a0d0d0a0000001c1a2b3c4d', '000a0014', '00090000')
    fc.assert(
      fc.property(
        starts,
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 1, max: 100 }),
        (start, rest, chunkOctets) => {
          const file = octetsOf(start, rest)
          const { messages } = readAll([file], {}, chunkOctets)
          assert.ok(messages.length <= file.length)
        }
      ),
      { numRuns: 2000 }
    )
  })

  test('damaged captures without a throw', () => {
    const good = octetsOf(section(), describedInterface(), enhancedPacket(frame), enhancedPacket(frame))
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(damage, places => {
        const file = good.slice()
        for (const [at, value] of places) file[at] = value
        assert.ok(readAll([file]).messages.length <= 2)
      }),
      { numRuns: 2000 }
    )
  })
})
