import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ElementRegistry, LayoutTable } from '@weir/ipfix'
import { ProgramCache } from '../src/index.ts'
import type { Cursor, Plan, Program, ProgramCacheOptions } from '../src/index.ts'
import { canCompile, contextOf, hex, json, layoutOf, layouts, normalised, runProgram } from './support/programs.ts'

const registry = ElementRegistry.standard()
const makeCache = (options: Partial<ProgramCacheOptions> = {}): ProgramCache =>
  new ProgramCache({ registry, ...options })
const layout = layoutOf('8:4 12:4')
const context = contextOf()
const skip = !canCompile

function feed(program: Program, records: number): void {
  const octets = new Uint8Array(program.input.recordLength * records)
  const out = new Uint8Array(200 * records)
  const cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  program.run(
    octets,
    new DataView(octets.buffer),
    0,
    octets.length,
    out,
    new DataView(out.buffer),
    0,
    out.length,
    context,
    cursor
  )
  assert.equal(cursor.records, records)
}

const shapeOf = (n: number) => layoutOf(`8:4 ${1000 + n}:4`)

describe('a cache of Programs', () => {
  test('gives one Program for one Layout, Plan and variant, equal Plans included', () => {
    const cache = makeCache()
    const program = cache.get(layout, normalised, context, 0)
    assert.equal(cache.get(layout, normalised, contextOf({ odid: 9 }), 0), program)
    assert.equal(cache.get(layout, { ...normalised }, context, 0), program)
    assert.notEqual(cache.get(layout, { ...normalised, lineage: false }, context, 0), program)
    assert.notEqual(cache.get(layout, json, context, 0), program)
    assert.notEqual(cache.get(layoutOf('8:4'), normalised, context, 0), program)
    assert.notEqual(cache.get(layout, normalised, contextOf({ exporterIsIPv6: true }), 0), program)
    assert.equal(cache.stats.size, 5)
  })

  test('tells contexts apart only where that changes the Program', () => {
    const cache = makeCache()
    const plan = { ...normalised, lineage: false }
    const program = cache.get(layout, plan, context, 0)
    for (const other of [{ exporterIsIPv6: true }, { bootTimeMs: 0 }, { version: 9 }]) {
      assert.equal(cache.get(layout, plan, contextOf(other), 0), program)
    }
    const uptime = layoutOf('22:4 21:4')
    assert.notEqual(cache.get(uptime, plan, contextOf({ bootTimeMs: 0 }), 0), cache.get(uptime, plan, context, 0))
    const withOrigin = layoutOf('403:4 8:4')
    assert.equal(
      cache.get(withOrigin, normalised, contextOf({ exporterIsIPv6: true }), 0),
      cache.get(withOrigin, normalised, context, 0)
    )
  })

  test('rates of interfaces change the Programs of records that name an interface, and neither rate nor sampler', () => {
    const cache = makeCache()
    const known = contextOf({ hasInterfaceRates: true })
    const isSame = (layout: string, plan: Plan): boolean =>
      cache.get(layoutOf(layout), plan, known, 0) === cache.get(layoutOf(layout), plan, context, 0)
    for (const layout of ['8:4 10:4', '14:2', '10:4 14:4', '10:8 14:4', '10:4 34:8']) {
      assert.equal(isSame(layout, normalised), false, layout)
      assert.equal(isSame(layout, { ...json, sampling: true }), false, layout)
      assert.equal(isSame(layout, { ...normalised, sampling: false }), true, layout)
      const [one, other] = [known, context].map(entry => cache.get(layoutOf(layout), normalised, entry, 0))
      assert.equal(one?.output, other?.output)
    }
    for (const own of ['34:4', '50:4', '48:1', '302:8', '305:4', '306:4']) {
      assert.equal(isSame(`10:4 ${own}`, normalised), true, own)
    }
    for (const layout of ['8:4', '10:8', '10:0 8:4', '10:4 | 82:4'])
      assert.equal(isSame(layout, normalised), true, layout)
  })

  test('interns output Layouts in the table that it was given', () => {
    const layouts = new LayoutTable()
    const one = makeCache({ layouts }).get(layout, normalised, context, 0)
    const other = makeCache({ layouts }).get(layoutOf('12:4 8:4'), normalised, context, 0)
    assert.ok(one.output)
    assert.equal(one.output, other.output)
    assert.equal(makeCache().get(layout, json, context, 0).output, undefined)
  })

  test('TH-45: compiles after 1,000 records of a Layout under a Plan, not before', { skip }, () => {
    const cache = makeCache()
    const program = cache.get(layout, normalised, context, 0)
    feed(program, 999)
    assert.equal(cache.get(layout, normalised, context, 0).isCompiled, false)
    feed(program, 1)
    assert.equal(cache.get(layout, normalised, context, 0), program)
    assert.equal(program.isCompiled, true)
    feed(program, 10)
    assert.equal(cache.stats.compiled, 1)
    assert.equal(cache.stats.codegen, 'allowed')
  })

  test('compiles at once if it is told to', { skip }, () => {
    assert.equal(makeCache({ compileAfterRecords: 0 }).get(layout, normalised, context, 0).isCompiled, true)
  })

  test('TH-45: compiles no more than its budget in a second; the others are interpreted meanwhile', { skip }, () => {
    const cache = makeCache({ compileAfterRecords: 0, compilesPerSecond: 3 })
    const programs = Array.from({ length: 5 }, (_, n) => cache.get(shapeOf(n), normalised, context, 500))
    assert.deepEqual(
      programs.map(program => program.isCompiled),
      [true, true, true, false, false]
    )
    assert.equal(cache.stats.postponed, 2)
    feed(programs[4], 5)
    assert.equal(cache.get(shapeOf(4), normalised, context, 1499).isCompiled, false)
    assert.equal(cache.get(shapeOf(4), normalised, context, 1500).isCompiled, true)
    assert.equal(cache.stats.compiled, 4)
  })

  test('leaves a Layout of over 256 fields to the interpreter, for good', { skip }, () => {
    const cache = makeCache({ compileAfterRecords: 0 })
    const wide = layoutOf('8:4 '.repeat(257))
    assert.equal(cache.get(wide, normalised, context, 0).isCompiled, false)
    assert.equal(cache.get(wide, normalised, context, 0).isCompiled, false)
    assert.equal(cache.stats.refused, 1)
    assert.equal(cache.get(layoutOf('8:4 '.repeat(256)), normalised, context, 0).isCompiled, true)
  })

  test('L-14: compiles Layouts of as many fields as it is told', { skip }, () => {
    const cache = makeCache({ compileAfterRecords: 0, compiledFields: 2 })
    assert.equal(cache.get(layoutOf('8:4 12:4'), normalised, context, 0).isCompiled, true)
    assert.equal(cache.get(layoutOf('8:4 12:4 7:2'), normalised, context, 0).isCompiled, false)
    assert.equal(cache.stats.refused, 1)
  })

  test('L-23: holds each list to the depth and the elements that it is told', () => {
    const cache = makeCache({ lists: { depth: 2, elements: 4 } })
    const lists = layoutOf('291:65535')
    const nested = (depth: number): string => {
      const content = depth === 1 ? '' : nested(depth - 1)
      return `${(5 + content.length / 2).toString(16).padStart(2, '0')}ff0123ffff${content}`
    }
    const numbers = (count: number): string =>
      `${(5 + count).toString(16).padStart(2, '0')}ff00040001${'06'.repeat(count)}`
    const run = (text: string, plan: Plan): string => {
      const { octets } = runProgram(cache.get(lists, plan, context, 0), hex(text), context, 1000)
      return plan === json ? Buffer.from(octets).toString() : Buffer.from(octets).toString('hex')
    }
    const bare = { ...normalised, lineage: false, sampling: false }
    const empty = '05ff00d20001'
    for (const [text, output] of [
      [nested(2), nested(2)],
      [nested(3), empty],
      [numbers(4), numbers(4)],
      [numbers(5), empty]
    ]) {
      assert.equal(run(text!, bare), output)
    }
    assert.equal(cache.stats.listsMalformed, 2)
    assert.match(run(nested(2), json), /"items"/)
    assert.match(run(nested(3), json), /"invalid"/)
    assert.equal(cache.stats.listsMalformed, 3)
  })

  test('is bounded: Programs used longest ago go first', () => {
    const cache = makeCache({ limit: 16 })
    const kept = cache.get(shapeOf(0), normalised, context, 0)
    const gone = cache.get(shapeOf(1), normalised, context, 0)
    for (let n = 2; n < 16; n++) cache.get(shapeOf(n), normalised, context, 0)
    assert.equal(cache.get(shapeOf(0), normalised, context, 0), kept)
    cache.get(shapeOf(16), normalised, context, 0)
    assert.deepEqual([cache.stats.size, cache.stats.evicted], [15, 2])
    assert.equal(cache.get(shapeOf(0), normalised, context, 0), kept)
    assert.notEqual(cache.get(shapeOf(1), normalised, context, 0), gone)
    for (let n = 0; n < 1000; n++) cache.get(shapeOf(n), normalised, context, 0)
    assert.ok(cache.stats.size <= 16)
  })

  test('TH-45: wide Layouts count by their fields and steps', () => {
    const cache = makeCache({ limit: 64 })
    const wide = (n: number) =>
      layouts.intern(
        Array.from({ length: 4000 }, (_, index) => ({
          pen: 32473,
          id: 1 + ((index + n) % 30_000),
          length: index % 2 ? 4 : 65535
        })),
        0
      )
    for (let n = 0; n < 20; n++) cache.get(wide(n), json, context, 0)
    // Room for 64 times 256: each field, and for it a literal and a text.
    assert.ok(cache.stats.size === 1, `${cache.stats.size} Programs of 12,000 fields and steps`)
    assert.equal(cache.stats.size + cache.stats.evicted, 20)
    for (let n = 0; n < 40; n++) cache.get(shapeOf(n), json, context, 0)
    assert.ok(cache.stats.size >= 40)
  })

  test('TH-09: output Layouts go with the last Program that has them', () => {
    const outputs = new LayoutTable()
    const cache = makeCache({ limit: 16, layouts: outputs })
    for (let n = 0; n < 200; n++) cache.get(shapeOf(n), normalised, context, 0)
    assert.equal(outputs.size, cache.stats.size)
    const [one, other] = [layoutOf('8:4 12:4'), layoutOf('12:4 8:4')]
    const { output } = cache.get(one, normalised, context, 0)
    assert.equal(cache.get(other, normalised, context, 0).output, output)
    cache.release(one)
    assert.ok(output && outputs.find(output.fields, 0) === output)
    cache.release(other)
    assert.equal(outputs.find(output.fields, 0), undefined)
    for (let n = 0; n < 200; n++) cache.release(shapeOf(n))
    assert.deepEqual([outputs.size, cache.stats.size], [0, 0])
  })

  test('an evicted Program that is still held works on', () => {
    const cache = makeCache({ limit: 1 })
    const first = cache.get(shapeOf(0), normalised, context, 0)
    cache.get(shapeOf(1), normalised, context, 0)
    feed(first, 3)
    assert.equal(cache.stats.size, 1)
  })

  test('forgets the Programs of a Layout that has ended', () => {
    const cache = makeCache()
    const program = cache.get(layout, normalised, context, 0)
    cache.get(layout, json, context, 0)
    cache.release(layout)
    assert.equal(cache.stats.size, 0)
    assert.notEqual(cache.get(layout, normalised, context, 0), program)
  })

  test('TH-44: where code generation is disallowed all runs on the interpreter, with the same octets', () => {
    const script = fileURLToPath(new URL('support/without-codegen.ts', import.meta.url))
    const output = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', script], {
      encoding: 'utf8'
    })
    const seen = JSON.parse(output) as Record<string, unknown>
    const program = makeCache().get(layoutOf('8:4 2:3 82:65535'), normalised, context, 0)
    const { octets } = runProgram(program, hex('c0000201 010000 03 616263'), context, 1000)
    assert.equal(seen.octets, Buffer.from(octets).toString('hex'))
    assert.equal(seen.codegen, 'disallowed')
    assert.equal(seen.isCompiled, false)
    assert.equal(seen.compiled, 0)
  })
})
