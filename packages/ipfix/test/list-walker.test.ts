import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { JsonReader } from '../src/json-record.ts'
import type { JsonValue } from '../src/json.ts'
import type { Layout } from '../src/layout.ts'
import { listSemanticName } from '../src/list-faults.ts'
import type { ListFaultCode } from '../src/list-faults.ts'
import { TemplateIdFinder } from './support/template-id-finder.ts'
import { defaultListLimits } from '../src/list-walker.ts'
import type { ListLimits, ListType } from '../src/list-walker.ts'
import { RecordReader } from '../src/record-reader.ts'
import { ElementRegistry } from '../src/registry.ts'
import { hex, layoutOf, toHex } from './support/octets.ts'

const registry = ElementRegistry.standard()
const options = { nowMs: Date.UTC(2026, 6, 22) }
const none = new Map<number, Layout>()

/** The value as JSON, by way of text so that null prototypes do not matter; and what was told besides. */
function read(
  type: ListType,
  pairs: string,
  templates: ReadonlyMap<number, Layout> = none,
  limits: ListLimits = defaultListLimits
): { value: JsonValue; fault: ListFaultCode | undefined; unknown: number } {
  const { octets, view, length } = hex(pairs)
  const reader = new JsonReader(registry, options, limits)
  const id = { basicList: 291, subTemplateList: 292, subTemplateMultiList: 293 }[type]
  const value = reader.field(registry.get(0, id), octets, view, 0, length, templates)
  return {
    value: JSON.parse(JSON.stringify(value)) as JsonValue,
    fault: reader.lastListFault,
    unknown: reader.unknownListTemplates
  }
}

const valueOf = (type: ListType, pairs: string, templates?: ReadonlyMap<number, Layout>): JsonValue => {
  const { value, fault } = read(type, pairs, templates)
  assert.equal(fault, undefined)
  return value
}

/** A subTemplateList of template 256, whose records are one subTemplateList, nested `depth` deep. */
function nested(depth: number): Uint8Array {
  const octets = new Uint8Array(3 + 6 * (depth - 1))
  for (let index = 0; index < depth; index++) {
    const at = 6 * index
    octets.set([3, 1, 0], at)
    const rest = octets.length - at - 6
    if (index < depth - 1) octets.set([255, rest >> 8, rest & 0xff], at + 3)
  }
  return octets
}

const selfReferring = new Map([[256, layoutOf('292:v')]])

/** The fault of a value, whose JSON then is its octets. */
const rejected = (type: ListType, pairs: string, templates?: ReadonlyMap<number, Layout>): string | undefined => {
  const { value, fault } = read(type, pairs, templates)
  if (fault !== undefined) assert.deepEqual(value, { invalid: pairs.replaceAll(' ', '') })
  return fault
}

describe('reads lists', () => {
  test('R6313-4.5.1-1 R7373-4.11-1 V13 a basicList of numbers', () => {
    assert.deepEqual(valueOf('basicList', '03000e0004000000010000000400000008'), {
      semantic: 'allOf',
      items: [1, 4, 8]
    })
  })

  test('R6313-4.5.1-1 V14 a basicList of variable length', () => {
    assert.deepEqual(valueOf('basicList', '030052ffff054645302f3007464531302f3130054645322f32'), {
      semantic: 'allOf',
      items: ['FE0/0', 'FE10/10', 'FE2/2']
    })
  })

  test('R6313-4.5.1-1 an empty basicList, and one of an enterprise', () => {
    assert.deepEqual(valueOf('basicList', 'ff000e0004'), { semantic: 'undefined', items: [] })
    assert.deepEqual(valueOf('basicList', '00800f000200007ed9'), { semantic: 'noneOf', items: [] })
    assert.deepEqual(valueOf('basicList', '00800f000200007ed900010002'), {
      semantic: 'noneOf',
      items: ['0001', '0002']
    })
  })

  test('R6313-4.5.2-1 V15 a subTemplateList of five records', () => {
    const templates = new Map([[257, layoutOf('8:4 12:4 7:2 11:2 4:1')]])
    const pairs = `030101${[1, 2, 3, 4, 5].map(last => `c0000201c633640${last}005000${last}906`).join('')}`
    const value = valueOf('subTemplateList', pairs, templates) as { items: JsonValue[] }
    assert.equal(value.items.length, 5)
    assert.deepEqual(value.items[4], {
      sourceIPv4Address: '192.0.2.1',
      destinationIPv4Address: '198.51.100.5',
      sourceTransportPort: 80,
      destinationTransportPort: 89,
      protocolIdentifier: 6
    })
    assert.deepEqual(valueOf('subTemplateList', '030101', templates), { semantic: 'allOf', items: [] })
  })

  test('R6313-4.5.3-1 a subTemplateMultiList of two templates', () => {
    const templates = new Map([
      [257, layoutOf('4:1')],
      [258, layoutOf('82:v 10:4')]
    ])
    assert.deepEqual(valueOf('subTemplateMultiList', '04 0101 0006 0611 0102 000b 0261620000 0007', templates), {
      semantic: 'ordered',
      items: [{ protocolIdentifier: 6 }, { protocolIdentifier: 17 }, { interfaceName: 'ab', ingressInterface: 7 }]
    })
    assert.deepEqual(valueOf('subTemplateMultiList', '04'), { semantic: 'ordered', items: [] })
  })

  test('R6313-4.5.3-1 V07 an entry of length 0 has no records, and the walk goes on behind it', () => {
    const templates = new Map([[257, layoutOf('4:1')]])
    assert.deepEqual(valueOf('subTemplateMultiList', '030101000000000000', templates), { semantic: 'allOf', items: [] })
    assert.deepEqual(valueOf('subTemplateMultiList', '0301010000 0101000511', templates), {
      semantic: 'allOf',
      items: [{ protocolIdentifier: 17 }]
    })
  })

  test('R6313-4.4-1 semantics by their names, others by their numbers', () => {
    assert.deepEqual([255, 0, 1, 2, 3, 4, 5, 254].map(listSemanticName), [
      'undefined',
      'noneOf',
      'exactlyOneOf',
      'oneOrMoreOf',
      'allOf',
      'ordered',
      '5',
      '254'
    ])
  })

  test('R6313-4.5.2-1 lists in records in lists, and paddingOctets left out', () => {
    const templates = new Map([
      [257, layoutOf('4:1 291:v 210:3')],
      [258, layoutOf('292:v')]
    ])
    assert.deepEqual(valueOf('subTemplateList', '04 0102 0f 030101 06 07 03000400010102 000000', templates), {
      semantic: 'ordered',
      items: [
        {
          subTemplateList: {
            semantic: 'allOf',
            items: [{ protocolIdentifier: 6, basicList: { semantic: 'allOf', items: [1, 2] } }]
          }
        }
      ]
    })
  })

  test('R6313-4.5.1-1 a basicList of basicLists', () => {
    assert.deepEqual(valueOf('basicList', '03 0123 ffff 06 030004000111 00'), {
      semantic: 'allOf',
      items: [{ semantic: 'allOf', items: [17] }, null]
    })
  })

  test('lists that are elements of their own names', () => {
    const { octets, view, length } = hex('04020406')
    const templates = new Map([[516, layoutOf('4:1')]])
    const value = new JsonReader(registry, options).field(registry.get(0, 516), octets, view, 0, length, templates)
    assert.equal(JSON.stringify(value), '{"semantic":"ordered","items":[{"protocolIdentifier":6}]}')
  })

  test('R6313-6-1 content whose template is not known stays octets', () => {
    assert.deepEqual(read('subTemplateList', '030101c0000201'), {
      value: { semantic: 'allOf', items: [{ template: 257, octets: 'c0000201' }] },
      fault: undefined,
      unknown: 1
    })
    const templates = new Map([[258, layoutOf('4:1')]])
    assert.deepEqual(read('subTemplateMultiList', '03 0101 0005 ff 0102 0005 06', templates), {
      value: { semantic: 'allOf', items: [{ template: 257, octets: 'ff' }, { protocolIdentifier: 6 }] },
      fault: undefined,
      unknown: 1
    })
  })

  test('R6313-5.2-1 V16 eight lists deep', () => {
    const value = valueOf('subTemplateList', toHex(nested(8)), selfReferring)
    assert.equal(JSON.stringify(value).split('"semantic"').length - 1, 8)
  })

  test('V13 as a field of its record', () => {
    const { octets, view, length } = hex('c00002c9e9fc0001ff001103000e0004000000010000000400000008')
    const reader = new RecordReader(registry)
    reader.open(layoutOf('8:4 12:4 291:v'), view, 0, length)
    assert.ok(reader.nextRecord())
    const record = new JsonReader(registry, options).record(reader, octets, view, none)
    assert.equal(
      JSON.stringify(record),
      '{"sourceIPv4Address":"192.0.2.201","destinationIPv4Address":"233.252.0.1",' +
        '"basicList":{"semantic":"allOf","items":[1,4,8]}}'
    )
  })
})

describe('rejects lists', () => {
  test('R6313-4.5.1-1 LIST_SHORT', () => {
    for (const pairs of ['03', '03000e00', '03800e000400007e']) assert.equal(rejected('basicList', pairs), 'LIST_SHORT')
    assert.equal(rejected('subTemplateList', '0301'), 'LIST_SHORT')
    assert.equal(rejected('subTemplateMultiList', '03010100'), 'LIST_SHORT')
  })

  test('TH-11 R6313-4.5.1-1 LIST_ELEMENT_LENGTH', () => {
    assert.equal(rejected('basicList', '03000e000000000001'), 'LIST_ELEMENT_LENGTH')
    assert.equal(rejected('basicList', '030008000300000a'), 'LIST_ELEMENT_LENGTH')
    assert.equal(rejected('basicList', '030008ffff00000a'), 'LIST_ELEMENT_LENGTH')
  })

  test('R6313-4.5.2-1 LIST_OVERRUN', () => {
    const templates = new Map([
      [257, layoutOf('8:4')],
      [258, layoutOf('82:v 4:1')]
    ])
    assert.equal(rejected('basicList', '03000e00040000000100'), 'LIST_OVERRUN')
    assert.equal(rejected('basicList', '030052ffff0561'), 'LIST_OVERRUN')
    assert.equal(rejected('basicList', '030052ffffff00'), 'LIST_OVERRUN')
    assert.equal(rejected('subTemplateList', '030101c00002', templates), 'LIST_OVERRUN')
    assert.equal(rejected('subTemplateList', '030102026162', templates), 'LIST_OVERRUN')
  })

  test('R6313-4.5.3-1 LIST_ENTRY_LENGTH', () => {
    const templates = new Map([[257, layoutOf('4:1')]])
    for (const length of ['0001', '0002', '0003', '0006', 'ffff']) {
      assert.equal(rejected('subTemplateMultiList', `030101${length}06`, templates), 'LIST_ENTRY_LENGTH')
    }
  })

  test('R6313-5.2-1 V16 LIST_DEPTH at nine lists deep, and at 10917', () => {
    assert.equal(rejected('subTemplateList', toHex(nested(9)), selfReferring), 'LIST_DEPTH')
    assert.equal(read('subTemplateList', toHex(nested(10_917)), selfReferring).fault, 'LIST_DEPTH')
    const deep = { depth: 10_917, elements: 65_536 }
    const { view, length } = hex(toHex(nested(10_917)))
    const finder = new TemplateIdFinder(registry, deep)
    assert.equal(finder.find('subTemplateList', view, 0, length, selfReferring), 10_917)
  })

  test('R6313-5.2-1 LIST_ELEMENTS for all lists of a Message together', () => {
    const limits = { depth: 8, elements: 3 }
    assert.equal(read('basicList', '0300040001010203', none, limits).fault, undefined)
    assert.equal(read('basicList', '030004000101020304', none, limits).fault, 'LIST_ELEMENTS')
    const { octets, view, length } = hex('03000400010102')
    const reader = new JsonReader(registry, options, limits)
    const element = registry.get(0, 291)
    assert.deepEqual(reader.field(element, octets, view, 0, length), { semantic: 'allOf', items: [1, 2] })
    assert.deepEqual(reader.field(element, octets, view, 0, length), { invalid: '03000400010102' })
    assert.equal(reader.listFaults, 1)
    reader.beginMessage()
    assert.deepEqual(reader.field(element, octets, view, 0, length), { semantic: 'allOf', items: [1, 2] })
    assert.equal(reader.listFaults, 0)
  })

  test('R6313-5.2-1 a fault leaves the other fields of the record', () => {
    const { octets, view, length } = hex('0403000e0006')
    const reader = new RecordReader(registry)
    reader.open(layoutOf('291:v 4:1'), view, 0, length)
    assert.ok(reader.nextRecord())
    const record = new JsonReader(registry, options).record(reader, octets, view)
    assert.equal(JSON.stringify(record), '{"basicList":{"invalid":"03000e00"},"protocolIdentifier":6}')
  })
})
