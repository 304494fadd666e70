import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LayoutTable, type Layout } from '@weir/ipfix'
import { fieldsOf, octetsOf } from '@weir/ipfix/testing'
import { measureRecords } from '../src/record-extent.ts'

const layoutOf = (fields: string): Layout => new LayoutTable().intern(fieldsOf(fields), 0)

function measure(fields: string, hex: string): [boolean, number, number] {
  const octets = octetsOf(`ff${hex}ff`)
  const extent = { records: 0, lengthOctets: 0 }
  const isWhole = measureRecords(layoutOf(fields), octets, 1, octets.length - 2, extent)
  return [isWhole, extent.records, extent.lengthOctets]
}

describe('reads', () => {
  test('records of fixed length, and padding', () => {
    assert.deepEqual(measure('8:4', '0a0000010a000002'), [true, 2, 8])
    assert.deepEqual(measure('8:4', '0a000001000000'), [true, 1, 4])
    assert.deepEqual(measure('8:4', ''), [true, 0, 0])
  })

  test('records of variable length in both forms, and padding', () => {
    assert.deepEqual(measure('82:v 7:2', '0261620050ff0001610035'), [true, 2, 11])
    assert.deepEqual(measure('82:v 7:2', '02616200500000'), [true, 1, 5])
    assert.deepEqual(measure('7:2 82:v 82:v', '0050016100'), [true, 1, 5])
  })
})

describe('rejects', () => {
  test('a value that runs past the Set', () => {
    for (const hex of ['c8616200', '026162', 'ff0001', 'ff000561620050'])
      assert.equal(measure('82:v 7:2', hex)[0], false, hex)
  })
})
