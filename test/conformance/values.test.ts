import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ElementRegistry, MessageWriter, SessionElements } from '@weir/ipfix'
import { buildMessage, hexOf, TestSession } from '@weir/ipfix/testing'
import { recordsOf, tell } from './told-records.ts'
import { vector } from './vectors.ts'
import type { DataType } from '@weir/ipfix'

/** A value of variable length: its length in one or three octets, then the value. */
const variable = (text: string, isLong = text.length >= 255): string =>
  (isLong ? `ff${text.length.toString(16).padStart(4, '0')}` : text.length.toString(16).padStart(2, '0')) +
  Buffer.from(text).toString('hex')

/** Every type of fixed length, the least value, the largest, all octets 0, all octets 0xff: octets and what they say. */
const extremes: Partial<Record<DataType, readonly (readonly [octets: string, value: unknown])[]>> = {
  unsigned8: [
    ['00', 0],
    ['ff', 255]
  ],
  unsigned16: [
    ['0000', 0],
    ['ffff', 65_535]
  ],
  unsigned32: [
    ['00000000', 0],
    ['ffffffff', 4_294_967_295]
  ],
  unsigned64: [
    ['0000000000000000', 0],
    ['001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['ffffffffffffffff', '18446744073709551615']
  ],
  unsigned256: [
    ['00'.repeat(32), 0],
    ['ff'.repeat(32), '115792089237316195423570985008687907853269984665640564039457584007913129639935']
  ],
  signed8: [
    ['80', -128],
    ['ff', -1],
    ['00', 0],
    ['7f', 127]
  ],
  signed16: [
    ['8000', -32_768],
    ['ffff', -1],
    ['7fff', 32_767]
  ],
  signed32: [
    ['80000000', -2_147_483_648],
    ['ffffffff', -1],
    ['7fffffff', 2_147_483_647]
  ],
  signed64: [
    ['8000000000000000', '-9223372036854775808'],
    ['ffffffffffffffff', -1],
    ['7fffffffffffffff', '9223372036854775807']
  ],
  float32: [
    ['00000000', 0],
    ['bf800000', -1],
    ['7f7fffff', 3.4028234663852886e38],
    ['7f800000', '+inf'],
    ['7fc00000', 'NaN']
  ],
  float64: [
    ['0000000000000000', 0],
    ['bff0000000000000', -1],
    ['ffefffffffffffff', -Number.MAX_VALUE],
    ['fff0000000000000', '-inf'],
    ['7ff8000000000001', 'NaN']
  ],
  boolean: [
    ['01', true],
    ['02', false],
    ['00', { invalid: '00' }],
    ['ff', { invalid: 'ff' }]
  ],
  macAddress: [
    ['000000000000', '00:00:00:00:00:00'],
    ['ffffffffffff', 'ff:ff:ff:ff:ff:ff']
  ],
  ipv4Address: [
    ['00000000', '0.0.0.0'],
    ['ffffffff', '255.255.255.255']
  ],
  ipv6Address: [
    ['00'.repeat(16), '::'],
    ['ff'.repeat(16), 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']
  ],
  dateTimeSeconds: [
    ['00000000', '1970-01-01T00:00:00Z'],
    ['7fffffff', '2038-01-19T03:14:07Z']
  ],
  dateTimeMilliseconds: [
    ['0000000000000000', '1970-01-01T00:00:00.000Z'],
    ['0000e677d21fdbff', '9999-12-31T23:59:59.999Z'],
    ['ffffffffffffffff', { invalid: 'ffffffffffffffff' }]
  ],
  // Seconds since 1900 that have wrapped: the era nearest to now (R7011-5.2-1).
  dateTimeMicroseconds: [
    ['0000000000000000', '2036-02-07T06:28:16.000000Z'],
    ['83aa7e8000000000', '1970-01-01T00:00:00.000000Z']
  ],
  dateTimeNanoseconds: [
    ['0000000000000000', '2036-02-07T06:28:16.000000000Z'],
    ['83aa7e80ffffffff', '1970-01-01T00:00:01.000000000Z']
  ]
}

describe('RFC 5471: values', () => {
  for (const [type, values] of Object.entries(extremes) as [DataType, NonNullable<(typeof extremes)[DataType]>][]) {
    test(`T02 R7012-3.1-1 the extreme values of ${type}`, () => {
      const registry = ElementRegistry.standard()
      // IANA has no element of some types: an operator's stands for it.
      registry.add([{ pen: 32473, id: 1, name: 'acmeValue', type, status: 'current' }])
      const message = buildMessage().template(256, `32473.1:${values[0][0].length / 2}`)
      for (const [octets] of values) message.data(256, octets)
      assert.deepEqual(tell([message], { registry }), {
        records: values.map(([, acmeValue]) => ({ acmeValue })),
        faults: []
      })
    })
  }

  test('T03 values of 0, 1, 254, 255, 256 and 65000 octets', () => {
    for (const length of [0, 1, 254, 255, 256, 65_000]) {
      const text = 'x'.repeat(length)
      const message = buildMessage().template(256, '82:v').data(256, variable(text))
      assert.deepEqual(recordsOf(message), [{ interfaceName: text }])
    }
  })

  test('T04 V03 R7011-7-1 R7011-7-2 both forms of length and no octets at all, then a fixed value', () => {
    assert.deepEqual(recordsOf('V03'), [
      { interfaceName: 'eth-0', ingressInterface: 1 },
      { interfaceName: 'eth-1', ingressInterface: 2 },
      { interfaceName: '', ingressInterface: 3 }
    ])
  })

  test('T05 fixed, then variable', () => {
    const message = buildMessage()
      .template(256, '10:4 82:v')
      .data(256, `00000001${variable('abc')}`, '0000000200')
    assert.deepEqual(recordsOf(message), [
      { ingressInterface: 1, interfaceName: 'abc' },
      { ingressInterface: 2, interfaceName: '' }
    ])
  })

  test('T06 several variable ones, lengths of one and three octets', () => {
    const record = `${variable('abc')}${variable('de', true)}0001${variable('f'.repeat(300))}`
    assert.deepEqual(recordsOf(buildMessage().template(256, '82:v 83:v 7:2 96:v').data(256, record)), [
      {
        interfaceName: 'abc',
        interfaceDescription: 'de',
        sourceTransportPort: 1,
        applicationName: 'f'.repeat(300)
      }
    ])
  })

  test('T07 V26 both Data Sets beside the padding', () => {
    assert.deepEqual(recordsOf('V26'), [
      { protocolIdentifier: 6, ipClassOfService: 0, sourceTransportPort: 80 },
      { protocolIdentifier: 17, ipClassOfService: 0, sourceTransportPort: 53 },
      { protocolIdentifier: 1, ipClassOfService: 0, sourceTransportPort: 0 }
    ])
  })

  test('T08 T09 V28 paddingOctets move no value and are not shown', () => {
    for (let length = 1; length <= 15; length++) {
      const record = `0a000001${'ff'.repeat(length)}0a000002`
      const message = buildMessage().template(256, `8:4 210:${length} 12:4`).data(256, record)
      assert.deepEqual(recordsOf(message), [{ sourceIPv4Address: '10.0.0.1', destinationIPv4Address: '10.0.0.2' }])
    }
    assert.deepEqual(
      recordsOf('V28'),
      Array.from({ length: 15 }, () => ({ ipDiffServCodePoint: 1 }))
    )
  })

  test('T10 a string and variable paddingOctets before an aligned value', () => {
    const message = buildMessage().template(256, '82:v 210:v 8:4')
    for (const name of ['a', 'ab', 'abc']) {
      message.data(256, `${variable(name)}${variable('\0'.repeat(4 - name.length))}0a000001`)
    }
    assert.deepEqual(
      recordsOf(message),
      ['a', 'ab', 'abc'].map(interfaceName => ({ interfaceName, sourceIPv4Address: '10.0.0.1' }))
    )
  })

  test('T16 V02 R7011-9-1 an unknown element of an enterprise is kept as octets, and moves none', () => {
    assert.deepEqual(recordsOf('V02', buildMessage().data(257, '0a0000010a000002deadbeef0000000100000002')), [
      {
        sourceIPv4Address: '10.0.0.1',
        destinationIPv4Address: '10.0.0.2',
        ie_32473_15: 'deadbeef',
        packetDeltaCount: 1,
        octetDeltaCount: 2
      }
    ])
  })

  test('T17 V23 reduced sizes mean what full sizes mean', () => {
    assert.deepEqual(recordsOf('V23'), [
      { octetDeltaCount: 65_536, packetDeltaCount: 200, tcpControlBits: 18, samplingProbability: 0.5 }
    ])
  })

  test('T18 T19 V25 an element several times, in a row or not, in the order of the template', () => {
    const row = buildMessage().template(256, '8:4 8:4 8:4').data(256, '010101010202020203030303')
    assert.deepEqual(recordsOf(row), [{ sourceIPv4Address: ['1.1.1.1', '2.2.2.2', '3.3.3.3'] }])
    assert.deepEqual(recordsOf('V25'), [
      { sourceIPv4Address: ['192.0.2.1', '192.0.2.2', '192.0.2.4'], destinationIPv4Address: '192.0.2.3' }
    ])
  })

  test('T32 a record of 16370 values', () => {
    const octets = Uint8Array.from({ length: 16_370 }, (_, index) => index)
    const ports = buildMessage().template(256, '4:1 '.repeat(16_370)).octets()
    const [record] = recordsOf(ports, buildMessage().data(256, octets)) as { protocolIdentifier: number[] }[]
    assert.deepEqual(record.protocolIdentifier, [...octets])
  })
})

describe('vectors', () => {
  test('V04a V04b R3954-5.1-1 the NetFlow v9 packet and the IPFIX Message of RFC 5655 say the same', () => {
    const record = { sourceIPv4Address: '192.0.2.2', destinationIPv4Address: '192.0.2.3', octetDeltaCount: 60_303 }
    assert.deepEqual([recordsOf('V04a'), recordsOf('V04b')], [[record], [record]])
  })

  test('R5655-B.2-1 V04a V04b a v9 packet written anew as IPFIX is the Message of RFC 5655, octet for octet', () => {
    const seen = new TestSession().decode(vector('V04a'))
    const [{ exportTimeSec, odid }] = seen.headers
    // Figure 14: the sequence counts records, of which ten came before.
    const writer = new MessageWriter().begin({ exportTimeSec, sequence: 11, odid })
    assert.ok(writer.template(256, seen.templates[0].layout))
    assert.ok(writer.data(256, seen.dataSets[0].octets))
    assert.equal(hexOf(writer.end()), hexOf(vector('V04b')))
  })

  test('V18 V19 NetFlow v5 and v7', () => {
    const flow = {
      sourceIPv4Address: '10.0.0.1',
      destinationIPv4Address: '10.0.0.2',
      ipNextHopIPv4Address: '10.0.0.254',
      ingressInterface: 3,
      egressInterface: 4,
      packetDeltaCount: 10,
      octetDeltaCount: 1500,
      flowStartSysUpTime: 90_000,
      flowEndSysUpTime: 95_000,
      sourceTransportPort: 12_345,
      destinationTransportPort: 443,
      tcpControlBits: 27,
      protocolIdentifier: 6,
      ipClassOfService: 0,
      bgpSourceAsNumber: 65_001,
      bgpDestinationAsNumber: 65_002,
      sourceIPv4PrefixLength: 24,
      destinationIPv4PrefixLength: 16
    }
    assert.deepEqual(recordsOf('V18'), [flow])
    assert.deepEqual(recordsOf('V19'), [{ ...flow, exporterIPv4Address: '10.0.0.253' }])
  })

  test('V20 R3954-6.1-2 options of NetFlow v9 about a Line Card', () => {
    assert.deepEqual(recordsOf('V20'), [
      { lineCardId: 1, exportedMessageTotalCount: 345, exportedFlowRecordTotalCount: 10_201 },
      { lineCardId: 2, exportedMessageTotalCount: 690, exportedFlowRecordTotalCount: 20_402 }
    ])
  })

  test('V27 D11 a Template Set padded by four zeros is no withdrawal of template 0', () => {
    for (const transport of ['udp', 'tcp', 'file'] as const) {
      assert.deepEqual(tell(['V27'], { transport }), { records: [{ protocolIdentifier: 6 }], faults: [] })
    }
  })

  test('D11 a rest of a Template Set that is not all zero is malformed, but for withdrawals', () => {
    const rest = (octets: string) => buildMessage().set(2, `01000001 00040001 ${octets}`)
    for (const octets of ['00000001', '00000000 00000001', '00ff0000', '00ff0001 00080004', '00010000', '00040000']) {
      assert.deepEqual(tell([rest(octets)], { transport: 'tcp' }).faults, ['TEMPLATE_ID 2'], octets)
    }
    assert.deepEqual(tell([rest('00020000')], { transport: 'tcp' }).faults, [])
    assert.deepEqual(tell([rest('00000000 0000')], { transport: 'tcp' }).faults, [])
    assert.deepEqual(tell([rest('00ff')], { transport: 'tcp' }).faults, ['NONZERO_PADDING 2'])
  })

  test('V30 D10 a reserved Set is skipped, and the record behind it comes', () => {
    assert.deepEqual(tell(['V30']), {
      records: [{ protocolIdentifier: 6 }],
      faults: ['RESERVED_SET 5']
    })
  })

  test('V34 R8158-4-1 a NAT44 session', () => {
    assert.deepEqual(recordsOf('V34'), [
      {
        observationTimeMilliseconds: '2023-11-14T22:13:20.000Z',
        natEvent: 4,
        sourceIPv4Address: '10.0.0.9',
        postNATSourceIPv4Address: '198.51.100.7',
        protocolIdentifier: 6,
        sourceTransportPort: 5555,
        postNAPTSourceTransportPort: 40_001
      }
    ])
  })

  test('V37 Flow Keys of a template', () => {
    assert.deepEqual(recordsOf('V37'), [{ templateId: 256, flowKeyIndicator: 3 }])
  })
})

describe('threats', () => {
  test('TH-11 V16 a list in a list as deep as a Message can hold is refused, and the Message lives', () => {
    const depth = 10_917
    const body = new Uint8Array(6 * depth)
    for (let at = 0; at < depth; at++) {
      const length = body.length - 6 * at - 3
      body.set([255, length >> 8, length, 3, 1, 0], 6 * at)
    }
    const message = buildMessage().template(256, '292:v').data(256, body)
    const { records, faults } = tell([message], { transport: 'tcp' })
    assert.deepEqual([records, faults], [[{ subTemplateList: { invalid: hexOf(body, 3) } }], []])
  })

  test('TH-12 a list is read by the template as it stands where the list stands', () => {
    const one = { subTemplateList: { semantic: 'allOf', items: [{ sourceIPv4Address: '10.0.0.1' }] } }
    const two = {
      subTemplateList: { semantic: 'allOf', items: [{ sourceTransportPort: 2560 }, { sourceTransportPort: 1 }] }
    }
    const list = '07 03 0101 0a000001'
    const message = buildMessage()
      .template(256, '292:v')
      .template(257, '8:4')
      .data(256, list)
      .template(257, '7:2')
      .data(256, list)
    assert.deepEqual(recordsOf(message, buildMessage().data(256, list)), [one, two, two])
  })

  test('TH-46 V35 two sessions may say different things of one element of an enterprise', () => {
    const registry = ElementRegistry.standard()
    const names = ['acmeOcts', 'acmeText'].map((name, index) => {
      const session = new TestSession()
      const octets = vector('V35')
      // informationElementDataType: unsigned32, then string.
      octets[octets.length - 13] = index === 0 ? 3 : 13
      // No semantics but the default go with a string (RFC 5610 §3.10).
      if (index === 1) octets[octets.length - 12] = 0
      octets.set(new TextEncoder().encode(name), octets.length - 8)
      const [{ layout, octets: records }] = session.decode(octets).dataSets
      const elements = new SessionElements(registry)
      assert.equal(elements.learn(layout, records, new DataView(records.buffer), 0, records.length), 'learned')
      const element = elements.get(32473, 15)
      return `${element?.name} ${element?.type}`
    })
    assert.deepEqual(names, ['acmeOcts unsigned32', 'acmeText string'])
    assert.equal(registry.get(32473, 15), undefined)
  })
})
