import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LayoutTable, type FieldSpecifier } from '@weir/ipfix'
import { decodeEntry, encodeEntry, OptionsState, type StoredOptions } from '../src/index.ts'
import { keyFieldCount } from '../src/options-key.ts'

const fieldsOf = (text: string): FieldSpecifier[] =>
  text.split(' ').map(field => {
    const [pen, id, length] = field.split('.').map(Number)
    return { pen: pen!, id: id!, length: length! }
  })

test('behind a scope that is the exporter, identifiers name the record too', () => {
  assert.equal(keyFieldCount(fieldsOf('0.144.4 0.10.4 0.82.32'), 1), 2)
  assert.equal(keyFieldCount(fieldsOf('0.149.4 0.346.4 0.303.2 0.341.64'), 1), 3)
  assert.equal(keyFieldCount(fieldsOf('0.130.4 0.34.4 0.48.1'), 1), 1, 'only those that follow at once')
  assert.equal(keyFieldCount(fieldsOf('0.82.32 0.10.4'), 1), 1, 'the scope names one thing already')
  assert.equal(keyFieldCount(fieldsOf('9.144.4 0.10.4'), 1), 1, 'an element of an enterprise')
  assert.equal(keyFieldCount(fieldsOf('0.144.4 0.10.4'), 1), 2)
})

test("a router's table of interfaces under the scope System is kept whole, and stored so", () => {
  const state = new OptionsState<string>()
  const fields = fieldsOf('0.144.4 0.10.2 0.82.2')
  const layout = new LayoutTable().intern(fields, 1)
  const octets = Uint8Array.from(Buffer.from('0000000a000165310000000a000265320000000a00016538', 'hex'))
  state.update('router', layout, octets, 0, octets.length, 1, 1, Number.NaN)
  const records = [...state.recordsOf('router')]
  assert.deepEqual(
    records.map(record => Buffer.from(record.octets).toString('hex')),
    ['0000000a00026532', '0000000a00016538']
  )
  const { scopeOctets, octets: kept } = records[0]!
  const stored: StoredOptions = {
    kind: 'options',
    scope: 'udp/9/u/192.0.2.1',
    odid: 1,
    scopeCount: 1,
    fields,
    exportTimeSec: 1,
    receivedAtMs: 1,
    bootTimeMs: Number.NaN,
    scopeOctets,
    octets: kept
  }
  assert.deepEqual(decodeEntry(encodeEntry(stored)), stored)
})
