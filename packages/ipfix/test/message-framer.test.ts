import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MessageFramer } from '@weir/ipfix'
import { buildMessage, hexOf, octetsOf } from '@weir/ipfix/testing'
import type { FaultCode } from '@weir/ipfix'

const message = (octets: number): Uint8Array =>
  buildMessage({ sequence: octets }).set(256, new Uint8Array(octets).fill(octets)).octets()

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

function frame(
  framer: MessageFramer,
  chunks: readonly Uint8Array[]
): { messages: string[]; fault: FaultCode | undefined } {
  const messages: string[] = []
  let fault: FaultCode | undefined
  for (const chunk of chunks) {
    fault = framer.push(chunk, (octets, view, offset, length) => {
      assert.equal(view.getUint16(offset + 2), length, 'view and octets have the same offsets')
      messages.push(hexOf(octets, offset, offset + length))
    })
  }
  return { messages, fault }
}

describe('MessageFramer reads', () => {
  const parts = [message(1), message(0), message(300), message(17)]
  const stream = joined(parts)
  const expected = parts.map(part => hexOf(part))

  test('Messages however the stream is cut (G8)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), cuts => {
        const at = [0, ...cuts.toSorted((one, two) => one - two), stream.length]
        const chunks = at.slice(1).map((end, index) => stream.slice(at[index], end))
        const framer = new MessageFramer()
        assert.deepEqual(frame(framer, chunks), { messages: expected, fault: undefined })
        assert.equal(framer.pendingOctets, 0)
      }),
      { numRuns: 500 }
    )
  })

  test('a stream octet by octet', () => {
    const chunks = Array.from(stream, octet => Uint8Array.of(octet))
    assert.deepEqual(frame(new MessageFramer(), chunks), { messages: expected, fault: undefined })
  })

  test('a whole Message without copying it', () => {
    const seen: Uint8Array[] = []
    new MessageFramer().push(stream, octets => seen.push(octets))
    assert.deepEqual(
      seen.map(octets => octets === stream),
      [true, true, true, true]
    )
  })

  test('chunks that are parts of a larger buffer', () => {
    const buffer = new Uint8Array(stream.length + 10)
    buffer.set(stream, 5)
    const chunk = buffer.subarray(5, 5 + stream.length)
    assert.deepEqual(frame(new MessageFramer(), [chunk.subarray(0, 40), chunk.subarray(40)]).messages, expected)
  })

  test('the longest Message, and holds no more of it than has come', () => {
    const long = message(65535 - 20)
    const framer = new MessageFramer()
    const { messages } = frame(framer, [long.subarray(0, 3), long.subarray(3, 5000)])
    assert.deepEqual([messages, framer.pendingOctets], [[], 5000])
    assert.deepEqual(frame(framer, [long.subarray(5000)]).messages, [hexOf(long)])
  })

  test('anew after a reset', () => {
    const framer = new MessageFramer()
    frame(framer, [octetsOf('ff')])
    assert.equal(framer.fault, 'BAD_VERSION')
    framer.reset()
    assert.deepEqual(frame(framer, [stream]), { messages: expected, fault: undefined })
  })
})

describe('MessageFramer rejects', () => {
  test('another version, giving out the Messages before it (BAD_VERSION)', () => {
    const framer = new MessageFramer()
    const bad = octetsOf('000900146553f100')
    assert.deepEqual(frame(framer, [joined([message(4), bad])]), {
      messages: [hexOf(message(4))],
      fault: 'BAD_VERSION'
    })
    assert.deepEqual(frame(framer, [message(4)]), { messages: [], fault: 'BAD_VERSION' }, 'nothing can follow')
  })

  test('another version at its first wrong octet (BAD_VERSION)', () => {
    assert.equal(frame(new MessageFramer(), [octetsOf('16')]).fault, 'BAD_VERSION')
    assert.equal(frame(new MessageFramer(), [octetsOf('00'), octetsOf('05')]).fault, 'BAD_VERSION')
    assert.equal(frame(new MessageFramer(), [octetsOf('000a00')]).fault, undefined)
  })

  test('a Length below the header, cut or not (MESSAGE_LENGTH)', () => {
    assert.equal(frame(new MessageFramer(), [octetsOf('000a000f')]).fault, 'MESSAGE_LENGTH')
    assert.equal(frame(new MessageFramer(), [octetsOf('000a00'), octetsOf('0f')]).fault, 'MESSAGE_LENGTH')
  })
})
