import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  applicationIdText,
  describeValue,
  enterpriseName,
  forwardingStatus,
  natEventName,
  setBits,
  srhSegments,
  tcpControlBits
} from '../src/element-forms.ts'
import { JsonReader } from '../src/json-record.ts'
import type { JsonValue } from '../src/json.ts'
import { RecordReader } from '../src/record-reader.ts'
import { ElementRegistry } from '../src/registry.ts'
import { hex, layoutOf } from './support/octets.ts'

const registry = ElementRegistry.standard()
const options = { nowMs: Date.UTC(2026, 6, 22) }

const describeHex = (id: number, pairs: string): string | undefined => {
  const { view, length } = hex(pairs)
  return describeValue(id, view, 0, length)
}

const jsonOf = (id: number, pairs: string): JsonValue => {
  const { octets, view, length } = hex(pairs)
  return new JsonReader(registry, options).field(registry.get(0, id), octets, view, 0, length)
}

const recordOf = (specifiers: string, pairs: string): string => {
  const { octets, view, length } = hex(pairs)
  const reader = new RecordReader(registry)
  reader.open(layoutOf(specifiers), view, 0, length)
  assert.ok(reader.nextRecord())
  return JSON.stringify(new JsonReader(registry, options).record(reader, octets, view))
}

describe('forms of single elements', () => {
  test('R6759-4-1 applicationId is engine and selector, whatever the length of the selector', () => {
    for (const [pairs, text] of [
      ['0d002710', '13..10000'],
      ['030050', '3..80'],
      ['0101', '1..1'],
      ['025a', '2..90'],
      ['1400007ed9002710', '20..32473..10000'],
      ['03000050', '3..80'],
      ['0d2710', '13..10000'],
      ['0c0000000001', '12..1'],
      ['14', undefined],
      ['1400007ed9', '20..32473..0'],
      ['03', '3..0']
    ] as const) {
      const { view, length } = hex(pairs)
      assert.equal(applicationIdText(view, 0, length), text, pairs)
      assert.equal(describeHex(95, pairs), text)
    }
    assert.equal(jsonOf(95, '0d002710'), '0d002710')
  })

  test('R8158-4-1 natEvents 1 to 18 have names, others are numbers', () => {
    for (let event = 0; event <= 18; event++) assert.notEqual(natEventName(event), undefined, String(event))
    assert.equal(describeHex(230, '04'), 'NAT44 session create')
    assert.equal(natEventName(1), 'NAT translation create (Historic)')
    assert.equal(describeHex(230, '63'), undefined)
    assert.equal(jsonOf(230, '63'), 99)
  })

  test('R8158-4-1 V34 elements of NAT events have their types, port blocks too', () => {
    const { octets, view, length } = hex('0000018bcfe56800040a000009c63364070615b39c41')
    const reader = new RecordReader(registry)
    reader.open(layoutOf('323:8 230:1 8:4 225:4 4:1 7:2 227:2'), view, 0, length)
    assert.ok(reader.nextRecord())
    assert.deepEqual(
      { ...new JsonReader(registry, options).record(reader, octets, view) },
      {
        observationTimeMilliseconds: '2023-11-14T22:13:20.000Z',
        natEvent: 4,
        sourceIPv4Address: '10.0.0.9',
        postNATSourceIPv4Address: '198.51.100.7',
        protocolIdentifier: 6,
        sourceTransportPort: 5555,
        postNAPTSourceTransportPort: 40001
      }
    )
    for (const id of [225, 226, 227, 228, 281, 361, 362, 463, 464, 465, 466, 467, 471, 476, 481]) {
      assert.notEqual(registry.get(0, id), undefined, String(id))
    }
    assert.equal(registry.get(0, 361)?.type, 'unsigned16')
    assert.equal(registry.get(0, 281)?.type, 'ipv6Address')
  })

  test('R9487-1 srhSegmentIPv6ListSection is the same list as srhSegmentIPv6BasicList', () => {
    const segments = '20010db8000000000000000000000001 20010db8000000000000000000000002'
    const section = jsonOf(497, segments)
    const { octets, view, length } = hex(`0401ee0010${segments}`)
    const reader = new JsonReader(registry, options)
    assert.deepEqual(section, { semantic: 'ordered', items: ['2001:db8::1', '2001:db8::2'] })
    assert.deepEqual(reader.field(registry.get(0, 496), octets, view, 0, length), {
      semantic: 'ordered',
      items: ['2001:db8::1', '2001:db8::2']
    })
    assert.equal(describeHex(497, segments), '2001:db8::1 2001:db8::2')
    const odd = hex('20010db80000000000000000000000')
    assert.equal(srhSegments(odd.view, 0, odd.length), undefined)
    assert.deepEqual(jsonOf(497, '20010db8'), { invalid: '20010db8' })
  })

  test('R9565-1 tcpControlBits has no top four bits, and one octet says nothing of the upper flags', () => {
    assert.deepEqual(tcpControlBits(hex('f012').view, 0, 2), { bits: 0x12, known: 0xfff })
    assert.deepEqual(tcpControlBits(hex('12').view, 0, 1), { bits: 0x12, known: 0xff })
    assert.equal(jsonOf(6, 'f012'), 0x12)
    assert.equal(jsonOf(6, '12'), 0x12)
    assert.equal(describeHex(6, 'f112'), 'SYN ACK AE')
    assert.equal(describeHex(6, '12'), 'SYN ACK (high bits unknown)')
    assert.equal(describeHex(6, '00'), '(high bits unknown)')
    const { octets, view } = hex('f012')
    const reverse = registry.get(29305, 6)
    assert.equal(new JsonReader(registry, options).field(reverse, octets, view, 0, 2), 0x12)
  })

  test('R9710-1 forwardingStatus is its low octet, in one octet or in four', () => {
    for (const pairs of ['89', '00000089', 'ffffff89']) {
      const { view, length } = hex(pairs)
      assert.deepEqual(forwardingStatus(view, 0, length), { status: 2, reason: 9 })
      assert.equal(describeHex(89, pairs), 'Dropped: bad TTL')
      assert.equal(jsonOf(89, pairs), 0x89)
    }
    assert.equal(describeHex(89, '40'), 'Forwarded: Unknown')
    assert.equal(describeHex(89, '05'), 'Unknown: 5')
    assert.equal(registry.get(0, 89)?.type, 'unsigned32')
  })

  test('R9740-1 bit n of the extension header and option flags is value n, in any size', () => {
    assert.deepEqual(setBits(hex('0d').view, 0, 1), [0, 2, 3])
    const full = `${'00'.repeat(31)}0d`
    assert.deepEqual(setBits(hex(full).view, 0, 32), [0, 2, 3])
    assert.equal(describeHex(520, '0d'), '0,2,3')
    assert.equal(describeHex(520, full), '0,2,3')
    assert.equal(describeHex(515, `80${'00'.repeat(31)}`), '255')
    assert.equal(jsonOf(520, '0d'), jsonOf(520, full))
  })

  test('R9740-1 elements of RFC 9740 have their types', () => {
    const types = [515, 516, 517, 519, 520, 521, 522, 523, 524].map(id => registry.get(0, id)?.type)
    assert.deepEqual(types, [
      'unsigned256',
      'subTemplateList',
      'boolean',
      'subTemplateList',
      'unsigned256',
      'unsigned16',
      'unsigned32',
      'basicList',
      'basicList'
    ])
  })

  test('R8549-1 BGP communities of another length are invalid', () => {
    assert.equal(jsonOf(486, '0002fde800000064'), '0002fde800000064')
    assert.deepEqual(jsonOf(486, '0002fde8000000'), { invalid: '0002fde8000000' })
    assert.equal(jsonOf(489, '000000010000000200000003'), '000000010000000200000003')
    assert.deepEqual(jsonOf(489, '0000000100000002'), { invalid: '0000000100000002' })
  })

  test('R8549-1 a list of communities keeps its good elements', () => {
    const { octets, view, length } = hex('0301e6ffff08000000000000000103000000')
    assert.deepEqual(new JsonReader(registry, options).field(registry.get(0, 487), octets, view, 0, length), {
      semantic: 'allOf',
      items: ['0000000000000001', { invalid: '000000' }]
    })
  })

  test('other elements, and values of no octets, have none', () => {
    assert.equal(describeHex(8, 'c0000201'), undefined)
    for (const id of [6, 89, 95, 230, 497, 515, 520]) assert.equal(describeHex(id, ''), undefined)
    assert.equal(jsonOf(6, ''), null)
  })

  test('enterprises of the registry have names', () => {
    assert.equal(enterpriseName(9), 'ciscoSystems')
    assert.equal(enterpriseName(32473), undefined)
  })
})

describe('records as JSON', () => {
  test('V25 an element that comes more than once has an array of its values', () => {
    assert.equal(
      recordOf('8:4 8:4 12:4 8:4', 'c0000201c0000202c0000203c0000204'),
      '{"sourceIPv4Address":["192.0.2.1","192.0.2.2","192.0.2.4"],"destinationIPv4Address":"192.0.2.3"}'
    )
  })

  test('V28 paddingOctets is not shown, an unknown element by its number', () => {
    assert.equal(recordOf('195:1 210:3 32473.15:2', '01000000beef'), '{"ipDiffServCodePoint":1,"ie_32473_15":"beef"}')
  })
})
