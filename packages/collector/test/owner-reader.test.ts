import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LayoutTable, type FieldSpecifier } from '@weir/ipfix'
import { fieldsOf } from '@weir/ipfix/testing'
import fc from 'fast-check'
import { OwnerReader } from '../src/relay/owner-reader.ts'

const layouts = new LayoutTable()
const reader = new OwnerReader([
  [403, 4],
  [404, 16]
])

/** The runs of some records: owner as hex or `-`, and how many records. */
function runs(fields: readonly FieldSpecifier[], records: readonly Uint8Array[]): [string, number][] {
  const layout = layouts.intern(fields, 0)
  const body = Buffer.concat(records)
  // Not at the start of the octets, as in a Message.
  const octets = Buffer.concat([Buffer.alloc(20, 0xee), body, Buffer.alloc(3, 0xee)])
  const found: [string, number][] = []
  let at = 20
  reader.forEachRun(layout, octets, 20, body.length, (ownerAt, ownerOctets, offset, length, count) => {
    assert.equal(offset, at)
    at += length
    const owner = ownerAt === -1 ? '-' : octets.subarray(ownerAt, ownerAt + ownerOctets).toString('hex')
    found.push([owner, count])
  })
  assert.equal(at, 20 + body.length)
  return found
}

const hex = (...parts: string[]): Uint8Array => Buffer.from(parts.join(''), 'hex')

test('records of one owner that follow each other are one run', () => {
  const fields = fieldsOf('2:4 403:4')
  const record = (owner: string): Uint8Array => hex('00000001', owner)
  const records = ['0a000001', '0a000001', '0a000002', '0a000001'].map(record)
  assert.deepEqual(runs(fields, records), [
    ['0a000001', 2],
    ['0a000002', 1],
    ['0a000001', 1]
  ])
})

test('zero names nobody', () => {
  const records = ['00000000', '0a000002', '00000000'].map(owner => hex(owner, '01'))
  assert.deepEqual(runs(fieldsOf('403:4 4:1'), records), [
    ['-', 1],
    ['0a000002', 1],
    ['-', 1]
  ])
})

test('a Layout without the element names nobody, nor one that has it in another length', () => {
  assert.deepEqual(runs(fieldsOf('4:1'), [hex('06'), hex('11')]), [['-', 2]])
  assert.deepEqual(runs(fieldsOf('403:2'), [hex('0a00'), hex('0b00')]), [['-', 2]])
})

test('where the first is zero its twin of the other family counts, and equal octets of both are two owners', () => {
  const six = '20010db8'.padEnd(32, '0')
  const fields = fieldsOf('404:16 403:4')
  const records = [hex(six, '00000000'), hex(six, '0a000001'), hex('00'.repeat(16), '00000000')]
  assert.deepEqual(runs(fields, records), [
    [six, 1],
    ['0a000001', 1],
    ['-', 1]
  ])
})

test('behind and between values of variable length, however long they are', () => {
  const fields = fieldsOf('4:1 82:v 5:1 403:4 83:v')
  const record = (name: string, owner: string, description: string): Uint8Array =>
    hex('06', name, '00', owner, description)
  const long = `ff0100${'61'.repeat(256)}`
  const records = [
    record('00', '0a000001', long),
    record('0161', '0a000001', '00'),
    record(long, '0a000002', '03616263')
  ]
  assert.deepEqual(runs(fields, records), [
    ['0a000001', 2],
    ['0a000002', 1]
  ])
})

test('what is told of a run may ask for runs itself', () => {
  const layout = layouts.intern(fieldsOf('403:4'), 0)
  const octets = hex('0a000001', '0a000002', '0a000003')
  const counts: number[] = []
  reader.forEachRun(layout, octets, 0, 12, (_ownerAt, _ownerOctets, offset, _length, records) => {
    counts.push(offset, records)
    reader.forEachRun(layout, octets, 0, 4, () => {})
  })
  assert.deepEqual(counts, [0, 1, 4, 1, 8, 1])
})

test('every record is in exactly one run, and runs that follow each other differ', () => {
  const fields = fieldsOf('82:v 403:4')
  const owners = fc.array(fc.constantFrom('0a000001', '0a000002', '00000000'), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(owners, fc.integer({ min: 0, max: 254 }), (list, nameOctets) => {
      const name = nameOctets.toString(16).padStart(2, '0') + '62'.repeat(nameOctets)
      const found = runs(
        fields,
        list.map(owner => hex(name, owner))
      )
      const wanted = list.map(owner => (owner === '00000000' ? '-' : owner))
      assert.deepEqual(
        found.flatMap(([owner, count]) => Array.from({ length: count }, () => owner)),
        wanted
      )
      assert.ok(found.every(([owner], index) => index === 0 || found[index - 1][0] !== owner))
    })
  )
})
