import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { dataTypes, isInteger, isLegalLength, isListType, naturalLength } from '../src/data-type.ts'
import { describeValue } from '../src/element-forms.ts'
import { JsonReader } from '../src/json-record.ts'
import { valueToJson } from '../src/json.ts'
import type { Layout } from '../src/layout.ts'
import { LayoutTable, VARIABLE_LENGTH } from '../src/layout.ts'
import { TemplateIdFinder } from './support/template-id-finder.ts'
import { ListWalker } from '../src/list-walker.ts'
import type { ListVisitor } from '../src/list-walker.ts'
import { RecordReader } from '../src/record-reader.ts'
import { readElementFile } from '../src/registry-file.ts'
import { ElementRegistry } from '../src/registry.ts'
import { textToOctets } from '../src/text-reader.ts'
import { INVALID_PREFIX, valueToText } from '../src/text.ts'
import { SessionElements } from '../src/type-records.ts'
import { wrap } from './support/octets.ts'

const registry = ElementRegistry.standard()
const NOW_MS = Date.UTC(2026, 6, 22)
const options = { nowMs: NOW_MS }

const anyType = fc.constantFrom(...dataTypes)
const anyOctets = fc.uint8Array({ maxLength: 80 })
const listType = fc.constantFrom('basicList' as const, 'subTemplateList' as const, 'subTemplateMultiList' as const)

/** Octets that look like lists often enough: small template ids, small lengths, elements that are lists. */
const listOctets = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        [1, 0],
        [1, 1],
        [1, 2],
        [1, 0x23],
        [1, 0x24],
        [1, 0x25],
        [255, 255],
        [0, 0],
        [0, 4],
        [3],
        [6],
        [0]
      ),
      fc.array(fc.nat({ max: 255 }), { maxLength: 4 })
    ),
    { maxLength: 60 }
  )
  .map(parts => Uint8Array.from(parts.flat()))

const anyField = fc.record({
  pen: fc.constantFrom(0, 0, 0, 29305, 32473),
  id: fc.constantFrom(1, 8, 82, 145, 210, 291, 292, 293, 496, 516, 276),
  length: fc.constantFrom(0, 1, 2, 4, 8, VARIABLE_LENGTH, VARIABLE_LENGTH)
})

const anyLayout = fc
  .array(anyField, { minLength: 1, maxLength: 5 })
  .filter(fields => fields.some(({ length }) => length > 0))
  .map(fields => new LayoutTable().intern(fields, 0))

const anyTemplates = fc
  .array(fc.tuple(fc.constantFrom(256, 257, 258), anyLayout), { maxLength: 3 })
  .map(entries => new Map<number, Layout>(entries))

describe('any octets', () => {
  test('G1 have a text and a JSON value of every type, of bounded size', () => {
    fc.assert(
      fc.property(anyType, anyOctets, fc.double(), (type, octets, nowMs) => {
        const { view, length } = wrap(octets)
        const text = valueToText(type, octets, view, 0, length, nowMs)
        assert.ok(text.length <= 4 * length + 40)
        const json = JSON.stringify(valueToJson(type, octets, view, 0, length, { nowMs }))
        assert.ok(json.length <= 8 * length + 60)
      })
    )
  })

  test('G1 have a form of every element that has one', () => {
    fc.assert(
      fc.property(fc.constantFrom(6, 89, 95, 230, 497, 515, 520), anyOctets, (id, octets) => {
        const { view, length } = wrap(octets)
        assert.ok((describeValue(id, view, 0, length) ?? '').length <= 1200)
      })
    )
  })

  test('G1 TH-11 are walked as lists to an end, within the limits, with starts and ends in pairs', () => {
    fc.assert(
      fc.property(listType, listOctets, anyTemplates, (type, octets, templates) => {
        const { view, length } = wrap(octets)
        let depth = 0
        let deepest = 0
        let steps = 0
        const visitor: ListVisitor = {
          wantsValues: true,
          onListStart: list => {
            assert.equal(list.depth, ++depth)
            deepest = Math.max(deepest, depth)
          },
          onListEnd: () => depth--,
          onTemplateId: (offset, id, layout, contentOffset, contentLength) => {
            assert.equal(view.getUint16(offset), id)
            assert.equal(layout, templates.get(id))
            assert.ok(contentOffset + contentLength <= length)
          },
          onRecordStart: () => steps++,
          onRecordEnd: () => {},
          onValue: (_pen, _id, offset, valueLength) => {
            steps++
            assert.ok(offset + valueLength <= length)
          },
          onListField: () => {}
        }
        const fault = new ListWalker(registry, { depth: 4, elements: 50 }).walk(
          type,
          view,
          0,
          length,
          templates,
          visitor
        )
        assert.ok(deepest <= 4)
        // At most one more than the limit is begun; a record has five fields or fewer.
        assert.ok(steps <= 51 * 6)
        if (fault === undefined) assert.equal(depth, 0)
      }),
      { numRuns: 1000 }
    )
  })

  test('G1 have a JSON value as lists, and the finder of template ids finds what the walk tells', () => {
    fc.assert(
      fc.property(listType, listOctets, anyTemplates, (type, octets, templates) => {
        const { view, length } = wrap(octets)
        const told: number[] = []
        const walker = new ListWalker(registry)
        const fault = walker.walk(type, view, 0, length, templates, {
          wantsValues: true,
          onListStart: () => {},
          onListEnd: () => {},
          onTemplateId: offset => told.push(offset),
          onRecordStart: () => {},
          onRecordEnd: () => {},
          onValue: (pen, id, offset, valueLength) => {
            if (pen === 0 && id === 145 && valueLength === 2) told.push(offset)
          },
          onListField: () => {}
        })
        const finder = new TemplateIdFinder(registry)
        const count = finder.find(type, view, 0, length, templates)
        // The finder does not look into records without lists, so it may pass what the walk rejects.
        if (fault === undefined) assert.deepEqual([...finder.offsets.subarray(0, count)], told)
        const id = { basicList: 291, subTemplateList: 292, subTemplateMultiList: 293 }[type]
        const reader = new JsonReader(registry, options)
        const json = JSON.stringify(reader.field(registry.get(0, id), octets, view, 0, length, templates))
        assert.equal(reader.lastListFault, fault)
        assert.ok(json.length <= 200 * (length + 1))
      }),
      { numRuns: 1000 }
    )
  })

  test('G1 are read as records to an end', () => {
    fc.assert(
      fc.property(anyLayout, anyOctets, (layout, octets) => {
        const { view, length } = wrap(octets)
        const reader = new RecordReader(registry)
        reader.open(layout, view, 0, length)
        let records = 0
        while (reader.nextRecord()) {
          records++
          while (reader.nextField()) assert.ok(reader.offset + reader.length <= length)
        }
        assert.ok(records <= length)
      })
    )
  })

  test('G1 are read as type records without harm', () => {
    const layout = new LayoutTable().intern(
      [346, 303, 339, 344, 345, 341].map(id => ({ pen: 0, id, length: id === 341 ? VARIABLE_LENGTH : 2 })),
      2
    )
    fc.assert(
      fc.property(anyOctets, octets => {
        const session = new SessionElements(registry)
        session.learn(layout, octets, wrap(octets).view, 0, octets.length)
        assert.ok(session.size <= 1)
      })
    )
  })
})

describe('any text', () => {
  test('is read as octets of every type, or not, without failing', () => {
    fc.assert(
      fc.property(anyType, fc.string({ maxLength: 60, unit: 'binary' }), (type, text) => {
        const octets = textToOctets(type, text)
        if (octets !== undefined) assert.ok(octets.length <= 4 * text.length + 32)
      })
    )
  })

  test('is read as a file of elements, or not, without failing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.array(fc.object()).map(value => JSON.stringify(value))
        ),
        text => {
          const { elements, errors } = readElementFile(text)
          for (const { pen } of elements) assert.ok(pen !== 0 && pen !== 29305)
          assert.ok(elements.length + errors.length <= text.length + 1)
        }
      )
    )
  })
})

describe('text', () => {
  test('R7373-4-1 of octets reads back as the same octets, where the value has one form', () => {
    fc.assert(
      fc.property(
        anyType
          .filter(type => !isListType(type))
          .chain(type => {
            const natural = naturalLength(type)
            const length = natural === VARIABLE_LENGTH ? fc.nat({ max: 40 }) : fc.constant(natural)
            return fc.tuple(
              fc.constant(type),
              length.chain(n => fc.uint8Array({ minLength: n, maxLength: n }))
            )
          }),
        ([type, octets]) => {
          const { view, length } = wrap(octets)
          const text = valueToText(type, octets, view, 0, length, NOW_MS)
          if (text.startsWith(INVALID_PREFIX) || text === 'NaN') return
          // Before 1970 there are times that a reader knows and no text of a writer has.
          if (type.startsWith('dateTime') && text < '1970') return
          const back = textToOctets(type, text)
          assert.notEqual(back, undefined, text)
          const again = wrap(back ?? octets)
          assert.equal(valueToText(type, again.octets, again.view, 0, again.length, NOW_MS), text)
          const isExact = isInteger(type) || type.endsWith('Address') || type === 'octetArray' || type === 'float64'
          if (isExact) assert.deepEqual(again.octets, octets)
        }
      ),
      { numRuns: 2000 }
    )
  })

  test('R7011-6.2-1 of an integer is the same in every size that it fits', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('unsigned64' as const, 'signed64' as const, 'unsigned256' as const),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        fc.integer({ min: 1, max: 8 }),
        (type, value, length) => {
          assert.ok(isLegalLength(type, length))
          const isSigned = type === 'signed64'
          const bounded = isSigned ? BigInt.asIntN(8 * length, value) : BigInt.asUintN(8 * length, value)
          const octets = textToOctets(type, String(bounded), length)
          assert.equal(octets?.length, length)
          const { view } = wrap(octets ?? new Uint8Array(length))
          assert.equal(valueToText(type, octets ?? new Uint8Array(0), view, 0, length, NOW_MS), String(bounded))
        }
      )
    )
  })
})
