import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LayoutTable, MessageWriter, templateRecordLength, VARIABLE_LENGTH, writeTemplateRecord } from '@weir/ipfix'
import { fieldsOf, hexOf, octetsOf, TestSession } from '@weir/ipfix/testing'
import type { FieldSpecifier } from '@weir/ipfix'

const layouts = new LayoutTable()
const header = { exportTimeSec: 1_700_000_000, sequence: 3, odid: 7 }

describe('MessageWriter writes', () => {
  test('what the decoder reads: templates, options, withdrawals and data', () => {
    const writer = new MessageWriter()
    writer.begin(header)
    assert.equal(writer.template(256, layouts.intern(fieldsOf('8:4 32473.15:v'), 0)), true)
    assert.equal(writer.template(257, layouts.intern(fieldsOf('149:4 41:8'), 1)), true)
    assert.equal(writer.data(256, octetsOf('0a00000101ff')), true)
    assert.equal(writer.data(256, octetsOf('ee0a0000020000ee'), 1, 5), true)
    assert.equal(writer.withdrawal(257, true), true)
    const octets = writer.end()
    const session = new TestSession({ transport: 'tcp' })
    const seen = session.decode(octets.slice())
    assert.deepEqual(seen.log, ['message 10', 'learned 256', 'learned 257', 'data 256 x2', 'withdrawn 257'])
    assert.deepEqual(session.templates(7), { 256: '8:4 32473.15:v' })
    assert.deepEqual(hexOf(seen.dataSets[0].octets), '0a00000101ff0a00000200')
    assert.deepEqual([seen.headers[0].sequence, seen.headers[0].odid], [3, 7])
  })

  test('records of one kind into one Set', () => {
    const writer = new MessageWriter().begin(header)
    for (let at = 0; at < 3; at++) writer.data(256, Uint8Array.of(at))
    assert.equal(hexOf(writer.end()), '000a00176553f100000000030000000701000007000102')
  })

  test('nothing of what does not fit', () => {
    const writer = new MessageWriter().begin(header, 28)
    assert.equal(writer.data(256, new Uint8Array(9)), false)
    assert.equal(writer.lengthOctets, 16)
    assert.equal(writer.data(256, new Uint8Array(8)), true)
    assert.equal(writer.roomOctets, 0)
    assert.equal(writer.template(300, layouts.intern(fieldsOf('8:4'), 0)), false)
    assert.equal(writer.withdrawal(300, false), false)
    assert.equal(writer.openData(256, 1), -1)
    assert.equal(writer.end().length, 28)
  })

  test('several Messages behind each other, and records written in place', () => {
    const writer = new MessageWriter(new Uint8Array(100))
    writer.begin(header, 50, 10)
    const at = writer.openData(256, 4)
    assert.deepEqual([at, writer.limit], [30, 60])
    writer.view.setUint32(at, 0xdeadbeef)
    writer.advance(at + 4)
    const end = writer.endAt()
    writer.begin({ ...header, sequence: 4 }, 50, end)
    assert.equal(writer.endAt(), end + 16)
    assert.equal(hexOf(writer.octets, 10, end), '000a00186553f100000000030000000701000008deadbeef')
    assert.equal(hexOf(writer.octets, end, end + 16), '000a00106553f1000000000400000007')
  })

  test('R7011-3.3.1-2 zeros to align a Set, when it is asked to', () => {
    const writer = new MessageWriter().begin(header)
    writer.data(256, octetsOf('0102030405'))
    writer.align()
    assert.equal(hexOf(writer.end(), 16), '0100000c0102030405000000')
  })
})

/** Elements of which any length is legal: unknown ones, so that the registry has no say. */
const fields: fc.Arbitrary<FieldSpecifier> = fc.record({
  pen: fc.constantFrom(0, 32473, 29305, 0xffffffff),
  id: fc.integer({ min: 20_000, max: 32_767 }),
  length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(VARIABLE_LENGTH))
})

describe('MessageWriter and MessageDecoder', () => {
  test('agree: decode(encode(x)) = x for any Layout, and its record is as long as was said', () => {
    fc.assert(
      fc.property(
        fc.array(fields, { minLength: 1, maxLength: 20 }),
        fc.nat(3),
        fc.integer({ min: 256, max: 65535 }),
        fc.array(fc.uint8Array({ minLength: 0, maxLength: 300 }), { maxLength: 6 }),
        (list, scopes, templateId, values) => {
          const layout = layouts.intern(list, Math.min(scopes, list.length))
          if (layout.minRecordLength === 0) return
          const record = new Uint8Array(65535)
          assert.equal(
            writeTemplateRecord(new DataView(record.buffer), 0, templateId, layout),
            templateRecordLength(layout)
          )
          const records = recordsOf(list, values)
          const writer = new MessageWriter().begin(header)
          assert.equal(writer.template(templateId, layout), true)
          for (const octets of records) assert.equal(writer.data(templateId, octets), true)
          const session = new TestSession({ layouts })
          const seen = session.decode(writer.end().slice())
          assert.deepEqual(seen.codes, [])
          assert.equal(seen.templates[0].layout, layout)
          assert.equal(seen.records, records.length)
          assert.equal(
            hexOf(seen.dataSets[0]?.octets ?? new Uint8Array()),
            records.map(octets => hexOf(octets)).join('')
          )
          layouts.release(layout)
        }
      ),
      { numRuns: 2000 }
    )
  })
})

/** One record for each value: its octets fill the fixed fields again and again, and are the variable ones. */
function recordsOf(list: readonly FieldSpecifier[], values: readonly Uint8Array[]): Uint8Array[] {
  return values.map(value => {
    const octets: number[] = []
    for (const { length } of list) {
      if (length !== VARIABLE_LENGTH)
        for (let at = 0; at < length; at++) octets.push(value[at % (value.length || 1)] ?? 0)
      else {
        if (value.length < 255 && value.length % 2 === 0) octets.push(value.length)
        else octets.push(255, value.length >> 8, value.length & 255)
        octets.push(...value)
      }
    }
    return Uint8Array.from(octets)
  })
}
