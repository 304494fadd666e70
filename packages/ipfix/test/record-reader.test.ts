import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dataTypes, naturalLength } from '../src/data-type.ts'
import type { InformationElement } from '../src/element.ts'
import type { Layout } from '../src/layout.ts'
import { VARIABLE_LENGTH } from '../src/layout.ts'
import type { ElementLookup } from '../src/list-walker.ts'
import { RecordReader } from '../src/record-reader.ts'
import { ElementRegistry } from '../src/registry.ts'
import { valueToText } from '../src/text.ts'
import { hex, layoutOf } from './support/octets.ts'

const registry = ElementRegistry.standard()

/** Texts of the fields of each record; scope fields are marked with `*`. */
function recordsOf(layout: Layout, pairs: string, wireVersion = 10, elements: ElementLookup = registry): string[][] {
  const { octets, view, length } = hex(pairs)
  const reader = new RecordReader(elements)
  const records: string[][] = []
  reader.open(layout, view, 0, length, wireVersion)
  while (reader.nextRecord()) {
    const fields: string[] = []
    while (reader.nextField()) {
      const text = valueToText(reader.type, octets, view, reader.offset, reader.length, 0)
      fields.push(`${reader.isScope ? '*' : ''}${reader.element?.name ?? `${reader.pen}/${reader.id}`}=${text}`)
    }
    records.push(fields)
  }
  return records
}

describe('reads records', () => {
  test('V03 values of variable length with prefixes of one and of three octets, and of no octets', () => {
    const records = recordsOf(layoutOf('82:v 10:4'), '056574682d3000000001ff00056574682d31000000020000000003')
    assert.deepEqual(records, [
      ['interfaceName=eth-0', 'ingressInterface=1'],
      ['interfaceName=eth-1', 'ingressInterface=2'],
      ['interfaceName=', 'ingressInterface=3']
    ])
  })

  test('V23 reduced sizes', () => {
    const records = recordsOf(layoutOf('1:3 2:1 6:1 311:4'), '010000c8123f000000')
    assert.deepEqual(records, [
      ['octetDeltaCount=65536', 'packetDeltaCount=200', 'tcpControlBits=18', 'samplingProbability=0.5']
    ])
  })

  test('V25 one element three times, in the order of the template', () => {
    const records = recordsOf(layoutOf('8:4 8:4 12:4 8:4'), 'c0000201c0000202c0000203c0000204')
    assert.deepEqual(records, [
      [
        'sourceIPv4Address=192.0.2.1',
        'sourceIPv4Address=192.0.2.2',
        'destinationIPv4Address=192.0.2.3',
        'sourceIPv4Address=192.0.2.4'
      ]
    ])
  })

  test('an enterprise element that nobody knows, as octets', () => {
    assert.deepEqual(recordsOf(layoutOf('32473.15:4 4:1'), '0000000106'), [
      ['32473/15=00000001', 'protocolIdentifier=6']
    ])
  })

  test('octets behind the last whole record are left', () => {
    const { view, length } = hex('00000001000000020000')
    const reader = new RecordReader(registry)
    reader.open(layoutOf('10:4'), view, 0, length)
    assert.ok(reader.nextRecord() && reader.nextRecord())
    assert.equal(reader.recordOffset, 4)
    assert.ok(!reader.nextRecord())
    assert.equal(reader.remaining, 2)
  })

  test('a record whose fields nobody read is passed over', () => {
    const { view, length } = hex('0161000000010162000000020000')
    const reader = new RecordReader(registry)
    reader.open(layoutOf('82:v 10:4'), view, 0, length)
    const offsets: number[] = []
    while (reader.nextRecord()) offsets.push(reader.recordOffset)
    assert.deepEqual(offsets, [0, 6])
  })

  test('a field whose length is illegal, as octets', () => {
    assert.deepEqual(recordsOf(layoutOf('8:3 4:1'), 'c0000206', 9), [
      ['sourceIPv4Address=c00002', 'protocolIdentifier=6']
    ])
  })

  test('NetFlow v9 types of vendors by their names, in NetFlow v9 alone', () => {
    const layout = layoutOf('9.7236:2')
    const [[v9], [ipfix]] = [recordsOf(layout, '01bb', 9)[0], recordsOf(layout, '01bb')[0]]
    assert.match(v9, /^[a-z]\w+=443$/i)
    assert.equal(ipfix, '9/7236=01bb')
  })

  for (const type of dataTypes) {
    test(`T20 scope fields of ${type}, of IANA and of an enterprise`, () => {
      const id = [...registry.values()].find(element => element.pen === 0 && element.type === type)?.id
      // IANA has no element of some types: there an enterprise's stands for it.
      const elements: ElementLookup = {
        get: (pen, elementId, wireVersion) =>
          pen === 0 && id !== undefined
            ? registry.get(pen, elementId, wireVersion)
            : ({ pen, id: elementId, name: 'acme', type, status: 'current' } satisfies InformationElement)
      }
      const length = naturalLength(type)
      const isVariable = length === VARIABLE_LENGTH
      const layout = layoutOf(`${id ?? 7}:${isVariable ? 'v' : length} 32473.7:${isVariable ? 'v' : length} 4:1`, 2)
      const value = isVariable ? '020102' : '01'.repeat(length)
      const { view, length: octetCount } = hex(`${value}${value}06`)
      const reader = new RecordReader(elements)
      reader.open(layout, view, 0, octetCount)
      assert.ok(reader.nextRecord())
      const seen: string[] = []
      while (reader.nextField()) seen.push(`${reader.pen} ${reader.isScope} ${reader.length} ${reader.type}`)
      const octetsOfValue = isVariable ? 2 : length
      assert.deepEqual(seen.slice(0, 2), [`0 true ${octetsOfValue} ${type}`, `32473 true ${octetsOfValue} ${type}`])
      assert.match(seen[2], /^0 false 1 /)
    })
  }
})

describe('ends at records', () => {
  test('V31 whose variable length runs past their Set', () => {
    assert.deepEqual(recordsOf(layoutOf('82:v'), 'c8616263'), [[]])
    assert.deepEqual(recordsOf(layoutOf('82:v'), 'ff00'), [[]])
    assert.deepEqual(recordsOf(layoutOf('82:v'), '026f6bffea6078'), [['interfaceName=ok'], []])
  })

  test('that are not there', () => {
    const reader = new RecordReader(registry)
    assert.ok(!reader.nextRecord())
    assert.ok(!reader.nextField())
    assert.deepEqual(recordsOf(layoutOf('10:4'), ''), [])
  })
})
