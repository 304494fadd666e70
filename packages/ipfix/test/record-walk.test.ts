import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ElementRegistry, LayoutTable, RecordReader, VARIABLE_LENGTH } from '@weir/ipfix'
import { walkVariableRecords } from '../src/record-walk.ts'
import { fieldsOf, octetsOf } from '@weir/ipfix/testing'
import type { FieldSpecifier, Layout } from '@weir/ipfix'

const layouts = new LayoutTable()
const out = new Int32Array(1)

function walk(fields: string, hex: string): readonly [end: number, records: number] {
  const octets = octetsOf(hex)
  const end = walkVariableRecords(octets, 0, octets.length, layouts.intern(fieldsOf(fields), 0), out)
  return [end, out[0]]
}

/** Field by field, as the RFC says it. @returns end and records, or -1. */
function walkFields(octets: Uint8Array, layout: Layout): readonly [end: number, records: number] {
  let at = 0
  let records = 0
  while (octets.length - at >= layout.minRecordLength) {
    for (const field of layout.fields) {
      let { length } = field
      if (length === VARIABLE_LENGTH) {
        if (at >= octets.length) return [-1, 0]
        length = octets[at++]
        if (length === 255) {
          if (at + 2 > octets.length) return [-1, 0]
          length = octets[at] * 256 + octets[at + 1]
          at += 2
        }
      }
      at += length
      if (at > octets.length) return [-1, 0]
    }
    records++
  }
  return [at, records]
}

describe('walkVariableRecords reads', () => {
  test('lengths of one and of three octets, between and around fixed fields', () => {
    assert.deepEqual(walk('10:2 82:v 7:1 83:v', '0000 0161 00 ff000162 | 0000 00 00 00'.replaceAll('|', '')), [14, 2])
  })

  test('a rest that is shorter than any record as padding', () => {
    assert.deepEqual(walk('82:v 8:4', '0000000001 00000000'), [5, 1])
    assert.deepEqual(walk('82:v 8:4', '00000000'), [0, 0])
  })

  test('the same records as a walk field by field, whatever the octets and the Layout', () => {
    const fields: fc.Arbitrary<FieldSpecifier> = fc.record({
      pen: fc.constant(0),
      id: fc.constant(82),
      length: fc.constantFrom(0, 1, 2, 5, VARIABLE_LENGTH, VARIABLE_LENGTH)
    })
    const octet = fc.oneof({ weight: 30, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.constantFrom(255, 9) })
    let whole = 0
    fc.assert(
      fc.property(
        fc.array(fields, { minLength: 1, maxLength: 4 }),
        fc.array(octet, { maxLength: 60 }),
        (list, values) => {
          const layout = layouts.intern([...list, { pen: 0, id: 82, length: VARIABLE_LENGTH }], 0)
          const octets = Uint8Array.from(values)
          const [end, records] = walkFields(octets, layout)
          assert.equal(walkVariableRecords(octets, 0, octets.length, layout, out), end)
          if (end < 0) return
          assert.equal(out[0], records)
          whole += records
          const reader = new RecordReader(new ElementRegistry())
          reader.open(layout, new DataView(octets.buffer), 0, end)
          for (let at = 0; at < records; at++) assert.ok(reader.nextRecord(), 'the reader of fields reads as many')
          layouts.releaseUnused(layout)
        }
      ),
      { numRuns: 5000 }
    )
    assert.ok(whole > 1000)
  })
})

describe('walkVariableRecords rejects', () => {
  test('a value, a length of three octets, or a fixed field that runs past the Set', () => {
    assert.deepEqual(walk('82:v', '0261')[0], -1)
    assert.deepEqual(walk('82:v', 'ff00')[0], -1)
    assert.deepEqual(walk('82:v 8:4', '0261620000')[0], -1)
    assert.deepEqual(walk('82:v 83:v', '0161')[0], -1)
  })
})
