import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ElementRegistry, VARIABLE_LENGTH } from '@weir/ipfix'
import type { InformationElement } from '@weir/ipfix'
import { InvariantBreach, compile, createKernel, planRecord, sourceOf } from '../src/index.ts'
import type { Plan } from '../src/index.ts'
import { checkSource, integerText } from '../src/generated-source.ts'
import { canCompile, json, layoutOf, layouts, normalised, registry } from './support/programs.ts'

const kernelNames = new Set(Object.keys(createKernel(registry)))
const plans: readonly Plan[] = [
  normalised,
  { ...normalised, timestamps: 'nanoseconds' },
  { ...normalised, timestamps: 'preserve' },
  { ...json, lineage: true, sampling: true }
]

const field = fc.record({
  pen: fc.constantFrom(0, 0, 0, 29305, 9, 32473, 4294967295),
  id: fc.integer({ min: 1, max: 500 }),
  length: fc.oneof(fc.constantFrom(1, 2, 4, 8, VARIABLE_LENGTH), fc.integer({ min: 1, max: 65534 }))
})

const fieldsOf = (count: number, id: number) => Array.from({ length: count }, () => ({ pen: 0, id, length: 4 }))
const compiled = (layout: ReturnType<typeof layoutOf>, plan: Plan): unknown =>
  compile(planRecord(layout, plan, 0, registry).plan, createKernel(registry))
const sourceFor = (length: number): string =>
  sourceOf(planRecord(layoutOf(`94:${length}`), normalised, 0, registry).plan)

describe('TH-44: generated text', () => {
  test('has printable ASCII only, no quotes, no backslashes, no words but our own', () => {
    fc.assert(
      fc.property(
        fc.array(field, { minLength: 1, maxLength: 30 }),
        fc.nat(3),
        fc.nat(15),
        fc.constantFrom(...plans),
        (fields, scopeCount, variant, plan) => {
          const layout = layouts.intern(fields, Math.min(scopeCount, fields.length))
          const source = sourceOf(planRecord(layout, plan, variant, registry).plan)
          checkSource(source, kernelNames)
          assert.match(source, /^[\x20-\x7e\n]*$/)
          assert.doesNotMatch(source, /['"`\\]|=>|\beval\b|\bthis\b|\bimport\b|constructor|prototype|globalThis/)
        }
      ),
      { numRuns: 500 }
    )
  })

  test('is the same for the same Layout, whatever the elements are called', () => {
    const [plain, renamed] = [ElementRegistry.standard(), ElementRegistry.standard()]
    const own: InformationElement = { pen: 32473, id: 7, name: 'plain', type: 'unsigned32', status: 'current' }
    plain.add([own])
    renamed.add([{ ...own, name: 'x); process.exit(1); (' }])
    const layout = layoutOf('8:4 32473.7:2 82:65535 152:8')
    const ipfix = (names: ElementRegistry): string => sourceOf(planRecord(layout, normalised, 0, names).plan)
    assert.equal(ipfix(renamed), ipfix(plain))
    // A key of JSON is integers in the text; between names of one length nothing but integers differs.
    plain.add([{ ...own, name: 'abcdefghijklmnopqrs' }])
    renamed.add([{ ...own, name: ';process.exit(1); (' }])
    const text = (names: ElementRegistry): string =>
      sourceOf(planRecord(layout, json, 0, names).plan).replaceAll(/\(?-?\d{5,}\)?/g, '#')
    assert.equal(text(renamed), text(plain))
    assert.doesNotMatch(sourceOf(planRecord(layout, json, 0, renamed).plan), /process/)
  })

  test('is bounded: texts of over 64 KiB are left to the interpreter', { skip: !canCompile }, () => {
    assert.equal(typeof compiled(layouts.intern(fieldsOf(257, 10), 0), normalised), 'function')
    const long = Array.from({ length: 256 }, (_, n) => ({ pen: 0, id: 1000 + n, length: VARIABLE_LENGTH }))
    assert.equal(compiled(layouts.intern(long, 0), json), undefined)
  })

  test('moves a long field by a loop: the text does not grow with the length', () => {
    assert.equal(
      sourceFor(10_000).replaceAll('10000', '60000').length,
      sourceFor(60_000).replaceAll('10000', '60000').length
    )
  })
})

describe('rejects', () => {
  test('text with anything that the back end does not write', () => {
    for (const text of [
      'return "a"',
      'return `a`',
      "return 'a'",
      'let n = 0x10',
      'let n = 1e9',
      'let n = 1n',
      'let n = 12345678901234567',
      'return eval',
      'return kernel.constructor',
      'return globalThis',
      'n = \\u0061',
      'n = é',
      'n = 1 // n',
      'n = 1 /* n */',
      'n\u2028n',
      'n = #n',
      'n\t= 1',
      'return $n',
      'import(n)'
    ]) {
      assert.throws(() => checkSource(text, kernelNames), InvariantBreach, text)
    }
    checkSource('let n = (-1)\nreturn p12 + octets', kernelNames)
  })

  test('calls of what is not in the kernel', { skip: !canCompile }, () => {
    const { plan } = planRecord(layoutOf('82:65535'), normalised, 0, registry)
    assert.throws(() => compile(plan, {} as ReturnType<typeof createKernel>), InvariantBreach)
  })

  test('numbers that are no integers', () => {
    for (const value of [1.5, NaN, Infinity, 2 ** 53, '1;n' as unknown as number, undefined as unknown as number]) {
      assert.throws(() => integerText(value), InvariantBreach)
    }
    assert.equal(integerText(-7), '(-7)')
  })
})
