import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { LayoutTable, VARIABLE_LENGTH } from '@weir/ipfix'
import { ColumnBatch, compileColumns, interpretedColumns } from '../../src/index.ts'
import { columnSource } from '../../src/columns/compile-columns.ts'
import { planColumns } from '../../src/columns/column-steps.ts'
import type { Column, ColumnWanted } from '../../src/index.ts'

const kinds = ['uint32', 'float64', 'uint64', 'address', 'octets', 'samplingRate'] as const
const formats = ['unsigned', 'signed', 'float'] as const
const layouts = new LayoutTable()

const field = fc.record({
  pen: fc.constantFrom(0, 9),
  id: fc.constantFrom(1, 2, 4, 8, 27, 305, 306),
  length: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(4, 8, 16, VARIABLE_LENGTH))
})
const wantedColumn = fc.record({
  kind: fc.constantFrom(...kinds),
  format: fc.constantFrom(...formats),
  elements: fc.array(fc.record({ pen: fc.constantFrom(0, 9), id: fc.constantFrom(1, 2, 4, 8, 27) }), {
    minLength: 1,
    maxLength: 2
  })
})

/** What a column holds, as plain values. */
function valuesOf({ kind, present, uint32, float64, uint64, octets, ends }: Column, rows: number): unknown[] {
  return Array.from({ length: rows }, (_, row) => {
    const is = present[row]
    if (kind === 'uint32') return [is, uint32[row]]
    if (kind === 'uint64') return [is, uint64[row]]
    if (kind === 'address') return [is, ...octets.subarray(16 * row, 16 * row + 16)]
    if (kind === 'octets') return [is, ...octets.subarray(row === 0 ? 0 : ends[row - 1], ends[row])]
    return [is, float64[row]]
  })
}

describe('columns', () => {
  test('hold the values of records of several Layouts, with what is absent', () => {
    const wanted: ColumnWanted[] = [
      {
        kind: 'address',
        elements: [
          { pen: 0, id: 8 },
          { pen: 0, id: 27 }
        ]
      },
      { kind: 'float64', elements: [{ pen: 0, id: 1 }] },
      { kind: 'uint64', elements: [{ pen: 0, id: 1 }] },
      { kind: 'octets', elements: [{ pen: 0, id: 82 }] },
      { kind: 'samplingRate', elements: [] }
    ]
    const four = layouts.intern(
      [
        { pen: 0, id: 82, length: VARIABLE_LENGTH },
        { pen: 0, id: 8, length: 4 },
        { pen: 0, id: 1, length: 8 },
        { pen: 0, id: 305, length: 4 },
        { pen: 0, id: 306, length: 4 }
      ],
      0
    )
    const six = layouts.intern([{ pen: 0, id: 27, length: 16 }], 0)
    const batch = new ColumnBatch(wanted)
    const read = (layout: typeof four, hex: string): number => {
      const octets = Uint8Array.from(Buffer.from(hex, 'hex'))
      return compileColumns(layout, wanted).read(new DataView(octets.buffer), 0, octets.length, batch)
    }
    const end = read(four, '026869c00002010000000100000002000000010000000900c6336401ffffffffffffffff0000000000000000')
    assert.equal(end, 44)
    read(six, '20010db8000000000000000000000001')
    assert.equal(batch.rows, 3)
    const [address, number, word, text, rate] = batch.columns.map(column => valuesOf(column, batch.rows))
    const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]
    assert.deepEqual(address, [
      [1, ...mapped, 192, 0, 2, 1],
      [1, ...mapped, 198, 51, 100, 1],
      [1, 32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    ])
    assert.deepEqual(number, [
      [1, 4294967298],
      [1, 2 ** 64],
      [0, 0]
    ])
    assert.deepEqual(word, [
      [1, 4294967298n],
      [1, 2n ** 64n - 1n],
      [0, 0n]
    ])
    assert.deepEqual(text, [[1, 104, 105], [1], [0]])
    assert.deepEqual(rate, [
      [1, 10],
      [1, 0],
      [0, 0]
    ])
  })

  test('are the same compiled and interpreted, whatever the octets, the room and the Layout', () => {
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 8 }),
        fc.array(wantedColumn, { minLength: 1, maxLength: 6 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 9 }),
        (fields, wanted, octets, capacity) => {
          const layout = layouts.intern(fields, 0)
          const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
          const results = [compileColumns, interpretedColumns].map(make => {
            const batch = new ColumnBatch(wanted, capacity)
            const at = make(layout, wanted).read(view, 0, octets.length, batch)
            return [at, batch.rows, batch.columns.map(column => valuesOf(column, batch.rows))]
          })
          assert.deepEqual(results[0], results[1])
          assert.ok((results[0][1] as number) <= capacity)
        }
      ),
      { numRuns: 1000 }
    )
  })

  test('are compiled unless the process disallows it', () => {
    const isDisallowed = process.execArgv.includes('--disallow-code-generation-from-strings')
    const layout = layouts.intern([{ pen: 0, id: 1, length: 8 }], 0)
    const wanted: ColumnWanted[] = [{ kind: 'float64', elements: [{ pen: 0, id: 1 }] }]
    assert.equal(compileColumns(layout, wanted).isCompiled, !isDisallowed)
  })

  test('are read by text that has integers and words of a closed list only', () => {
    const layout = layouts.intern([{ pen: 4_294_967_295, id: 32767, length: VARIABLE_LENGTH }], 0)
    const source = columnSource(
      planColumns(layout, [{ kind: 'octets', elements: [{ pen: 4_294_967_295, id: 32767 }] }])
    )
    assert.doesNotMatch(source, /4294967295|32767|['"`\\]/)
  })
})
