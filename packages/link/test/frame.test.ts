import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FRAME_HEADER_OCTETS, frameKinds, makeFrame, newFrameHeader, readFrame, viewOf } from '../src/frame.ts'

const read = (frame: Uint8Array): [string, ReturnType<typeof newFrameHeader>] => {
  const header = newFrameHeader()
  return [readFrame(frame, viewOf(frame), header), header]
}
const sample = (): Uint8Array =>
  makeFrame(
    {
      kind: frameKinds.batch,
      flags: 1,
      senderEpoch: 0x1122334455667788n,
      receiverEpoch: 9n,
      number: 2 ** 40,
      first: 7,
      second: 8
    },
    Uint8Array.of(1, 2, 3)
  )

describe('reads', () => {
  test('what was written', () => {
    const [result, header] = read(sample())
    assert.equal(result, 'whole')
    assert.deepEqual(header, {
      version: 1,
      kind: 5,
      flags: 1,
      lengthOctets: FRAME_HEADER_OCTETS + 3,
      senderEpoch: 0x1122334455667788n,
      receiverEpoch: 9n,
      number: 2 ** 40,
      first: 7,
      second: 8
    })
  })

  test('octet by octet what the README says', () => {
    const hex = Buffer.from(sample()).toString('hex')
    assert.equal(hex.slice(0, 24), ['57454952', '01', '05', '0100', '33000000'].join(''))
    assert.equal(
      hex.slice(32, 96),
      ['8877665544332211', '0900000000000000', '0000000000010000', '07000000', '08000000'].join('')
    )
    assert.equal(hex.slice(96), '010203')
  })
})

describe('rejects', () => {
  test('octets that are no frame as foreign', () => {
    assert.equal(read(new Uint8Array(0))[0], 'foreign')
    assert.equal(read(new Uint8Array(47))[0], 'foreign')
    assert.equal(read(new Uint8Array(100).fill(255))[0], 'foreign')
  })

  test('a frame that was cut or extended as corrupt', () => {
    assert.equal(read(sample().subarray(0, FRAME_HEADER_OCTETS + 2))[0], 'corrupt')
    assert.equal(read(Buffer.concat([sample(), Buffer.from([0])]))[0], 'corrupt')
  })

  test('every single bit that is flipped behind the magic', () => {
    for (let bit = 32; bit < 8 * (FRAME_HEADER_OCTETS + 3); bit++) {
      const frame = sample()
      frame[bit >> 3] ^= 1 << (bit & 7)
      assert.equal(read(frame)[0], 'corrupt', `bit ${bit}`)
    }
  })

  test('a number that a JavaScript number cannot hold', () => {
    assert.equal(read(makeFrame({ kind: frameKinds.ping, number: 2 ** 53 }))[0], 'corrupt')
  })
})
