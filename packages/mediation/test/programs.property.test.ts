import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { VARIABLE_LENGTH } from '@weir/ipfix'
import type { Layout } from '@weir/ipfix'
import { context, input, ipfixPlan, jsonPlan, layout } from './support/arbitrary-records.ts'
import { bare, layoutOf, programsOf, run, runProgram } from './support/programs.ts'

/** Octets that records of a Layout take, or -1 if there are not exactly `count` of them. */
function sizeOfRecords(shape: Layout, octets: Uint8Array, count: number): number {
  let at = 0
  for (let record = 0; record < count; record++) {
    for (const { length } of shape.fields) {
      if (length !== VARIABLE_LENGTH) at += length
      else if (octets[at] === 255) at += 3 + octets[at + 1] * 256 + octets[at + 2]
      else at += 1 + octets[at]
    }
    if (!(at <= octets.length)) return -1
  }
  return at
}

describe('Programs of any Layout, on both back ends', () => {
  test('rule of the twins: every record comes out, compiled and interpreted octet for octet, and fits its output Layout', () => {
    fc.assert(
      fc.property(input, ipfixPlan, context, ({ shape, octets, count }, plan, entry) => {
        const result = run(shape, plan, octets, entry)
        assert.equal(result.records, count)
        assert.equal(result.read, octets.length)
        assert.ok(result.output)
        assert.equal(sizeOfRecords(result.output, result.octets, count), result.octets.length)
        assert.equal(result.output.scopeCount > 0, shape.scopeCount > 0)
      }),
      { numRuns: 600 }
    )
  })

  test('normalising what is normalised changes nothing', () => {
    fc.assert(
      fc.property(input, ipfixPlan, context, ({ shape, octets, count }, plan, first) => {
        // Flow Keys are written for what the id names, and here that is the same Layout before and after.
        fc.pre(!shape.fields.some(({ pen, id }) => pen === 0 && id === 173))
        const once = run(shape, plan, octets, first)
        assert.ok(once.output)
        const second = { ...first, bootTimeMs: NaN, version: 10 }
        const twice = run(once.output, plan, once.octets, second)
        assert.equal(twice.output, once.output)
        assert.equal(twice.records, count)
        assert.deepEqual(twice.octets, once.octets)
      }),
      { numRuns: 600 }
    )
  })

  test('TH-41: every line is JSON, and no key stands in it twice', () => {
    fc.assert(
      fc.property(input, jsonPlan, context, ({ shape, octets, count }, plan, entry) => {
        const result = run(shape, plan, octets, entry, 400_000)
        assert.equal(result.records, count)
        const lines = new TextDecoder('utf-8', { fatal: true }).decode(result.octets).split('\n')
        assert.equal(lines.pop(), '')
        assert.equal(lines.length, count)
        for (const line of lines) {
          const value = JSON.parse(line) as unknown
          assert.equal(countKeys(line), countMembers(value))
        }
      }),
      { numRuns: 600 }
    )
  })

  test('with room for less, whole records are written and the rest is read later', () => {
    fc.assert(
      fc.property(
        input,
        fc.oneof(ipfixPlan, jsonPlan),
        context,
        fc.integer({ min: 0, max: 3000 }),
        ({ shape, octets, count }, plan, entry, room) => {
          const whole = run(shape, plan, octets, entry, 400_000)
          const parts: number[] = []
          let read = 0
          let done = 0
          for (;;) {
            const part = run(shape, plan, octets.subarray(read), entry, room)
            parts.push(...part.octets)
            read += part.read
            done += part.records
            assert.ok(part.octets.length <= room)
            if (part.records === 0) {
              assert.equal(part.read, 0)
              break
            }
          }
          assert.deepEqual(new Uint8Array(parts), whole.octets.subarray(0, parts.length))
          if (done === count) assert.equal(parts.length, whole.octets.length)
        }
      ),
      { numRuns: 400 }
    )
  })

  test('octets that are no whole record are not read, and nothing is thrown', () => {
    fc.assert(
      fc.property(
        layout,
        fc.oneof(ipfixPlan, jsonPlan),
        context,
        fc.uint8Array({ maxLength: 600 }),
        (shape, plan, entry, octets) => {
          const result = run(shape, plan, octets, entry, 400_000)
          assert.ok(result.read <= octets.length)
          assert.equal(sizeOfRecords(shape, octets, result.records), result.read)
        }
      ),
      { numRuns: 600 }
    )
  })

  test('R7011-7-3 V31 V32: a prefix or a value that runs past the records is not read', () => {
    for (const octets of [[255, 0], [255], [255, 0, 1], [200, 97, 98, 99], [255, 234, 96, 120]]) {
      const result = run(layoutOf('82:65535'), { ...bare }, new Uint8Array(octets))
      assert.deepEqual([result.records, result.read], [0, 0])
    }
  })

  test('an empty entry gives nothing', () => {
    fc.assert(
      fc.property(layout, fc.oneof(ipfixPlan, jsonPlan), context, (shape, plan, entry) => {
        for (const program of programsOf(shape, plan, entry)) {
          assert.equal(runProgram(program, new Uint8Array(0), entry, 1000).records, 0)
        }
      }),
      { numRuns: 50 }
    )
  })
})

/** Keys in a text of JSON. */
function countKeys(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(:?)/g)].filter(([, colon]) => colon === ':').length
}

/** Members of all objects in a value. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const children: unknown[] = Object.values(value)
  const own = Array.isArray(value) ? 0 : children.length
  return children.reduce((sum: number, child) => sum + countMembers(child), own)
}
