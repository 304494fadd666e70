import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MessageScanner } from '../../src/capture/message-scanner.ts'
import { message, octetsOf } from './packet-builder.ts'

function scan(
  file: Uint8Array,
  chunkOctets = 65536,
  isSynced = true
): { messages: Uint8Array[]; skippedOctets: number } {
  const scanner = new MessageScanner(isSynced)
  const messages: Uint8Array[] = []
  for (let at = 0; at < file.length; at += chunkOctets) {
    for (const octets of scanner.push(file.subarray(at, at + chunkOctets))) messages.push(octets.slice())
  }
  for (const octets of scanner.end()) messages.push(octets.slice())
  return { messages, skippedOctets: scanner.skippedOctets }
}

const three = [message(1, 100), message(2, 5), message(3, 300)]

describe('MessageScanner reads', () => {
  test('Messages of any length, chunked anyhow', () => {
    for (const chunkOctets of [1, 2, 5, 17, 1000]) {
      assert.deepEqual(scan(octetsOf(...three), chunkOctets), { messages: three, skippedOctets: 0 })
    }
  })

  test('R5655-10.3-1 1000 octets of garbage in the middle lose no Message that is whole', () => {
    const garbage = new Uint8Array(1000).fill(0x5a)
    const { messages, skippedOctets } = scan(octetsOf(three[0], garbage, three[1], three[2]), 64)
    assert.deepEqual(messages, three)
    assert.equal(skippedOctets, 1000)
  })

  test('R5655-10.3-1 garbage that looks like a header', () => {
    const { messages } = scan(octetsOf(three[0], 'ffff000a0020000a', '000affff', three[1], three[2]), 3)
    assert.deepEqual(messages, three)
  })

  test('R5655-10.3-1 a Message whose Length is damaged, and those behind it', () => {
    const damaged = message(1, 100)
    damaged[3] += 9
    const { messages } = scan(octetsOf(damaged, three[1], three[2]))
    assert.deepEqual(messages.slice(-2), three.slice(1))
  })

  test('R5655-10.3-1 from the middle of a Message on', () => {
    const { messages, skippedOctets } = scan(octetsOf(...three).subarray(30), 1, false)
    assert.deepEqual(messages, three.slice(1))
    assert.equal(skippedOctets, 90)
  })

  test('the rest of a file that was cut, as it is: the decoder says that it is short', () => {
    const { messages } = scan(octetsOf(three[0], three[2].subarray(0, 200)))
    assert.deepEqual(messages, [three[0], three[2].subarray(0, 200)])
  })
})

describe('MessageScanner rejects', () => {
  test('octets without any Message', () => {
    assert.deepEqual(scan(new Uint8Array(500).fill(0), 7), { messages: [], skippedOctets: 500 })
    assert.deepEqual(scan(octetsOf('000a')), { messages: [], skippedOctets: 2 })
  })

  test('any octets between two Messages, without losing these or looping', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (garbage, chunkOctets) => {
        // Two octets that begin no Message, so that garbage cannot be mistaken for the rest of one.
        const file = octetsOf(three[0], 'ffff', garbage, 'ffff', three[1], three[2])
        const { messages } = scan(file, chunkOctets)
        assert.deepEqual(messages[0], three[0])
        assert.deepEqual(messages.at(-1), three[2])
      }),
      { numRuns: 2000 }
    )
  })
})
