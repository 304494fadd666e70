import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { writeString } from '../../src/kernel/text-string.ts'

/** Text of a string's octets, written with just the room of `room` octets; undefined if that is not enough. */
function textOf(value: Uint8Array, room = 6 * value.length + 20): string | undefined {
  const out = new Uint8Array(room)
  const end = writeString(
    new DataView(value.buffer, value.byteOffset),
    0,
    value.length,
    new DataView(out.buffer),
    0,
    room
  )
  return end < 0 ? undefined : new TextDecoder('utf-8', { fatal: true }).decode(out.subarray(0, end))
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What a reader of the text is to get. */
function meaningOf(value: Uint8Array): unknown {
  let end = value.length
  while (end > 0 && value[end - 1] === 0) end--
  try {
    return strict.decode(value.subarray(0, end))
  } catch {
    return { invalid: Buffer.from(value).toString('hex') }
  }
}

const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map(text => new Uint8Array(Buffer.from(text))),
  fc.constantFrom(
    ...[
      '\r\n{"level":"fatal"}',
      '\u001b[2J',
      '\u202egnp.exe',
      '\u2028',
      '\ufeff',
      '\u009b',
      '</script>',
      '"\\',
      'a\0b\0\0',
      '=cmd()',
      '__proto__'
    ].map(text => new Uint8Array(Buffer.from(text))),
    new Uint8Array([0xc0, 0x80]),
    new Uint8Array([0xe0, 0x80, 0x80]),
    new Uint8Array([0xf0, 0x80, 0x80, 0x80]),
    new Uint8Array([0xc2, 0x41]),
    new Uint8Array([0xe2, 0x80, 0x41]),
    new Uint8Array([0xed, 0xa0, 0x80]),
    new Uint8Array([0xf4, 0x90, 0x80, 0x80]),
    new Uint8Array([0xe2, 0x80]),
    new Uint8Array([0x80])
  )
)

// oxlint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/

describe('strings as JSON text', () => {
  test('R7011-6.1.6-1 TH-41: any octets give valid JSON that means the string, or marks it as ill-formed', () => {
    fc.assert(
      fc.property(hostile, value => {
        assert.deepEqual(JSON.parse(textOf(value) ?? 'null'), meaningOf(value))
      }),
      { numRuns: 3000 }
    )
  })

  test('TH-39: no control, separator or mark of direction stands in the text', () => {
    fc.assert(
      fc.property(hostile, value => {
        assert.doesNotMatch(textOf(value) ?? '', unsafe)
      }),
      { numRuns: 2000 }
    )
  })

  test('R7011-6.1.6-2: NUL octets at the end are not shown, others are', () => {
    assert.equal(textOf(new Uint8Array(Buffer.from('eth0\0\0\0\0'))), '"eth0"')
    assert.equal(textOf(new Uint8Array(Buffer.from('\0\0'))), '""')
    assert.equal(textOf(new Uint8Array(Buffer.from('a\0b'))), '"a\\u0000b"')
  })

  test('with less room the text is the same or there is none', () => {
    fc.assert(
      fc.property(hostile, fc.nat(80), (value, room) => {
        const whole = textOf(value) ?? ''
        const limited = textOf(value, room)
        if (Buffer.byteLength(whole) <= room) assert.equal(limited, whole)
        else assert.equal(limited, undefined)
      }),
      { numRuns: 2000 }
    )
  })
})
