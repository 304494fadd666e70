import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readAll } from './read-all.ts'
import { ipv4, message, octetsOf, pcap, tcp } from './packet-builder.ts'
import type { TcpFields } from './packet-builder.ts'

const SYN = 0x02
const FIN = 0x11
const RST = 0x04
const START = 0xfffffff0
const stream = octetsOf(message(1, 100), message(2, 4), message(3, 300))
const expected = [message(1, 100), message(2, 4), message(3, 300)]

const read = (segments: readonly TcpFields[]) =>
  readAll([
    pcap(
      segments.map(segment => ipv4(tcp(segment), { protocol: 6 })),
      { linkType: 101 }
    )
  ])
const octetsRead = (segments: readonly TcpFields[]) => read(segments).messages.map(({ octets }) => octets)
/** Octets `from..to` of the stream at their sequence numbers, which wrap. */
const part = (from: number, to: number, flags?: number): TcpFields => ({
  sequence: START + 1 + from,
  payload: stream.subarray(from, to),
  flags
})
const syn: TcpFields = { sequence: START, flags: SYN }

describe('TcpStream reads', () => {
  test('segments in order across the wrap of sequence numbers', () => {
    const { messages, reader } = read([
      syn,
      part(0, 50),
      part(50, 51),
      part(51, 300),
      part(300, stream.length),
      { sequence: START + 1 + stream.length, flags: FIN }
    ])
    assert.deepEqual(
      messages.map(({ octets }) => octets),
      expected
    )
    assert.deepEqual(
      messages.map(({ transport }) => transport),
      ['tcp', 'tcp', 'tcp']
    )
    assert.equal(reader.counters.tcpGaps, 0)
  })

  test('a Message as soon as its last octet is there', () => {
    const { messages } = read([syn, part(0, 120)])
    assert.equal(messages.length, 1)
  })

  test('out of order, repeated and overlapping segments', () => {
    assert.deepEqual(
      octetsRead([syn, part(200, 300), part(100, 200), part(0, 100), part(0, 300), part(290, stream.length)]),
      expected
    )
    assert.deepEqual(
      octetsRead([part(60, 200), syn, part(0, 80), part(140, stream.length)]).slice(-1),
      expected.slice(-1)
    )
  })

  test('the FIN that comes before the data it follows', () => {
    assert.deepEqual(octetsRead([syn, part(100, stream.length, FIN), part(0, 100)]), expected)
  })

  test('a capture that began in the middle of a Message', () => {
    const { messages, reader } = read([part(60, 200), part(200, stream.length, FIN)])
    assert.deepEqual(
      messages.map(({ octets }) => octets),
      expected.slice(1)
    )
    assert.equal(reader.counters.skippedOctets, 60)
  })

  test('a connection on the same ports as another session', () => {
    const { messages } = read([
      syn,
      part(0, 120),
      { sequence: 999, flags: SYN },
      { sequence: 1000, payload: message(7) }
    ])
    assert.deepEqual(
      messages.map(({ octets }) => octets),
      [expected[0], message(7)]
    )
    assert.notEqual(messages[0].session, messages[1].session)
  })

  test('a SYN that is repeated as the same connection', () => {
    const { messages } = read([syn, part(0, 120), syn, part(120, stream.length)])
    assert.deepEqual(
      messages.map(({ octets }) => octets),
      expected
    )
    assert.equal(messages[0].session, messages[2].session)
  })

  test('any cutting, order and repetition alike', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 })
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.nat()), (places, random) => {
        const edges = [0, ...places.toSorted((a, b) => a - b), stream.length]
        const segments = edges.slice(1).map((to, index) => part(edges[index], to))
        const shuffled = [...segments, ...segments.slice(0, 3)]
          .map(segment => ({ segment, key: random.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ segment }) => segment)
        assert.deepEqual(octetsRead([syn, ...shuffled]), expected)
      })
    )
  })
})

describe('TcpStream rejects', () => {
  test('a lost segment: the Messages it touched are lost, the next is found', () => {
    const { messages, reader } = read([syn, part(0, 130), part(140, stream.length, FIN)])
    assert.deepEqual(
      messages.map(({ octets }) => octets),
      [expected[0], expected[2]]
    )
    assert.equal(reader.counters.tcpGaps, 1)
    assert.ok(reader.counters.skippedOctets > 0)
  })

  test('a gap that stays open, once a mebibyte waits for it', () => {
    const filler = octetsOf(message(5, 50000))
    const later = Array.from({ length: 25 }, (_, index) => ({
      sequence: START + 500 + index * filler.length,
      payload: filler
    }))
    const { messages, reader } = read([syn, ...later])
    assert.equal(reader.counters.tcpGaps, 1)
    assert.ok(messages.length >= 24)
  })

  test('what follows RST, and the Message it cut', () => {
    assert.deepEqual(
      octetsRead([syn, part(0, 200), { sequence: START + 201, flags: RST }, part(200, stream.length)]),
      expected.slice(0, 2)
    )
  })

  test('a stream that is no IPFIX', () => {
    const payload = Buffer.from('GET / HTTP/1.1\r\n\r\n')
    const { messages, reader } = read([
      { sequence: 1, flags: SYN },
      { sequence: 2, payload }
    ])
    assert.equal(messages.length, 0)
    assert.equal(reader.counters.otherPayloads, 1)
  })
})
