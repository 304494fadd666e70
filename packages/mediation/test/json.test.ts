import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ElementRegistry } from '@weir/ipfix'
import { createKernel, interpret, planRecord } from '../src/index.ts'
import type { JsonPlan } from '../src/index.ts'
import { contextOf, hex, json, jsonText, layoutOf, registry, run } from './support/programs.ts'
import { runProgram } from './support/programs.ts'

const full: JsonPlan = { ...json, lineage: true, sampling: true }

describe('golden lines', () => {
  test('a flow record', () => {
    assert.equal(
      jsonText(
        '8:4 12:4 15:4 10:4 14:4 2:8 1:8 152:8 153:8 7:2 11:2 4:1 6:1 5:1 9:1 13:1 136:1 16:4 17:4 34:4',
        `0a000001 ac100102 c0a80001 00000001 00000200 0000000000000011 0000000000004001 0000018bcfe56800 0000018bcfe5687b
         0401 01bb 06 1b 00 18 20 03 0000fde9 0000fdea 000003e8`,
        full
      ),
      '{"flowStartMilliseconds":"2023-11-14T22:13:20.000Z","flowEndMilliseconds":"2023-11-14T22:13:20.123Z",' +
        '"sourceIPv4Address":"10.0.0.1","destinationIPv4Address":"172.16.1.2","sourceTransportPort":1025,' +
        '"destinationTransportPort":443,"protocolIdentifier":6,"tcpControlBits":27,"ipClassOfService":0,' +
        '"packetDeltaCount":17,"octetDeltaCount":16385,"flowEndReason":3,"ipNextHopIPv4Address":"192.168.0.1",' +
        '"ingressInterface":1,"egressInterface":512,"bgpSourceAsNumber":65001,"bgpDestinationAsNumber":65002,' +
        '"sourceIPv4PrefixLength":24,"destinationIPv4PrefixLength":32,"samplingRate":1000,"samplingOrigin":"record",' +
        '"exporter":"192.0.2.1","odid":7,"receivedAt":"2023-11-14T22:13:21.500Z"}'
    )
  })

  test('an options record is marked and names its scope', () => {
    assert.equal(
      jsonText('143:4 302:1 | 84:8 34:4', '00000001 05 6962000000000000 00000064', full),
      '{"recordType":"options","scope":["meteringProcessId","selectorId"],"meteringProcessId":1,"selectorId":5,' +
        '"samplerName":"ib","samplingRate":100,"samplingOrigin":"record",' +
        '"exporter":"192.0.2.1","odid":7,"receivedAt":"2023-11-14T22:13:21.500Z"}'
    )
  })

  test('addresses, booleans, hex, floats, signed numbers', () => {
    assert.equal(
      jsonText(
        '27:16 56:6 276:1 94:65535 311:4 434:3 434:1',
        `20010db8${'00'.repeat(11)}01 001122aabbcc 02 03 0102ff 3f000000 fffffe 7f`
      ),
      '{"sourceIPv6Address":"2001:db8::1","sourceMacAddress":"00:11:22:aa:bb:cc","applicationDescription":{"invalid":"0102ff"},' +
        '"dataRecordsReliability":false,"samplingProbability":0.5,"mibObjectValueInteger":[-2,127]}'
    )
  })

  test('D13: unknown elements are hex under their numbers', () => {
    assert.equal(jsonText('32473.15:3 32766:65535', '010203 02 abcd'), '{"en0:id32766":"abcd","en32473:id15":"010203"}')
  })

  test('a value of an illegal length is hex under its name; one of no octets is null', () => {
    assert.equal(
      jsonText('8:3 10:5 12:0 82:0', '010203 0102030405'),
      '{"sourceIPv4Address":"010203","ingressInterface":"0102030405","interfaceName":""}'
    )
    assert.equal(
      jsonText('144:0 | 82:65535', '00'),
      '{"recordType":"options","scope":["exporterIPv4Address"],"exporterIPv4Address":"192.0.2.1","interfaceName":""}'
    )
  })

  test('R9565-1: the four bits above the TCP flags are not read', () => {
    assert.equal(jsonText('6:2', 'f012'), '{"tcpControlBits":18}')
    assert.equal(jsonText('6:1', '12'), '{"tcpControlBits":18}')
  })

  test('repeated elements are one array at the place of the first', () => {
    assert.equal(
      jsonText('70:3 4:1 70:3 71:3', '000011 06 000021 000031'),
      '{"protocolIdentifier":6,"mplsTopLabelStackSection":["000011","000021"],"mplsLabelStackSection2":"000031"}'
    )
  })

  test('R7011-6.1.1-1: 64-bit integers have all their digits, as numbers or as strings', () => {
    assert.equal(
      jsonText('1:8 2:3 10:4', 'ffffffffffffffff 000001 00000001'),
      '{"packetDeltaCount":1,"octetDeltaCount":18446744073709551615,"ingressInterface":1}'
    )
    assert.equal(
      jsonText('1:8 2:3 10:4', 'ffffffffffffffff 000001 00000001', { ...json, numbers64: 'string' }),
      '{"packetDeltaCount":"1","octetDeltaCount":"18446744073709551615","ingressInterface":1}'
    )
  })

  test('times of every form', () => {
    assert.equal(
      jsonText('158:4 153:8', '004c4b40 0000018bcfe5687b'),
      '{"flowStartMilliseconds":"2023-11-14T22:13:15.000Z","flowEndMilliseconds":"2023-11-14T22:13:20.123Z"}'
    )
    assert.equal(
      jsonText('150:4 155:8 157:8 22:4', '6553f100 e8fe6f801f9add37 e8fe6f801f9add37 00000005', {
        ...json,
        timestamps: 'preserve'
      }),
      '{"flowEndMicroseconds":"2023-11-14T22:13:20.123456Z","flowEndNanoseconds":"2023-11-14T22:13:20.123456789Z",' +
        '"flowStartSeconds":"2023-11-14T22:13:20Z","flowStartSysUpTime":5}'
    )
  })

  test('an IPv6 exporter', () => {
    const context = contextOf({
      exporterIsIPv6: true,
      exporterAddress: new Uint8Array([254, 128, ...Array<number>(13).fill(0), 1])
    })
    assert.equal(
      jsonText('4:1', '06', { ...json, lineage: true }, context),
      '{"protocolIdentifier":6,"exporter":"fe80::1","odid":7,"receivedAt":"2023-11-14T22:13:21.500Z"}'
    )
  })

  test('a record of nothing', () => {
    assert.equal(jsonText('210:2', '0000'), '{}')
  })
})

describe('sampling', () => {
  const sampled = { ...json, sampling: true }
  const line = (layout: string, octets: string, overrides = {}): string =>
    jsonText(layout, octets, sampled, contextOf(overrides))

  test('where the rate was learned is told', () => {
    assert.equal(line('4:1', '06'), '{"protocolIdentifier":6,"samplingRate":null,"samplingOrigin":"unknown"}')
    assert.equal(
      line('4:1', '06', { samplingRate: 10, samplingOrigin: 1 }),
      '{"protocolIdentifier":6,"samplingRate":10,"samplingOrigin":"header"}'
    )
    assert.equal(
      line('4:1', '06', { samplingRate: 10, samplingOrigin: 4 }),
      '{"protocolIdentifier":6,"samplingRate":10,"samplingOrigin":"configuration"}'
    )
    assert.equal(
      line('48:1', '05', { samplingRateOf: (id: number) => id * 10 }),
      '{"selectorId":5,"samplingRate":50,"samplingOrigin":"options"}'
    )
  })

  test('the rate of an interface was learned from options, whatever tells that of the source', () => {
    const overrides = {
      samplingRate: 10,
      samplingOrigin: 1,
      hasInterfaceRates: true,
      samplingRateOfInterface: (ifIndex: number) => (ifIndex === 3 ? 100 : 0)
    }
    assert.equal(
      line('10:4', '00000003', overrides),
      '{"ingressInterface":3,"samplingRate":100,"samplingOrigin":"options"}'
    )
    assert.equal(
      line('14:4', '00000003', overrides),
      '{"egressInterface":3,"samplingRate":100,"samplingOrigin":"options"}'
    )
    assert.equal(
      line('10:4', '00000004', overrides),
      '{"ingressInterface":4,"samplingRate":10,"samplingOrigin":"header"}'
    )
    assert.equal(
      line('10:4', '00000004', { ...overrides, samplingRate: 0 }),
      '{"ingressInterface":4,"samplingRate":null,"samplingOrigin":"unknown"}'
    )
  })

  test('interval and space of the record give the rate', () => {
    assert.equal(
      line('305:4 306:4', '00000002 00000006'),
      '{"samplingPacketInterval":2,"samplingPacketSpace":6,"samplingRate":4,"samplingOrigin":"record"}'
    )
    assert.equal(
      line('305:4 306:4', '00000002 00000003'),
      '{"samplingPacketInterval":2,"samplingPacketSpace":3,"samplingRate":2.5,"samplingOrigin":"record"}'
    )
    assert.equal(
      line('305:4 306:4', '00000000 00000003'),
      '{"samplingPacketInterval":0,"samplingPacketSpace":3,"samplingRate":null,"samplingOrigin":"unknown"}'
    )
  })
})

describe('lists', () => {
  const context = contextOf({
    templateIds: {
      exportedId: () => 0,
      layoutOf: id => ({ 257: layoutOf('8:4 70:3 70:3'), 258: layoutOf('82:65535 292:65535') })[id]
    }
  })
  const line = (layout: string, octets: string): string => jsonText(layout, octets, json, context)

  test('R7373-4.11-1 V13: a basicList of numbers', () => {
    assert.equal(
      line('8:4 291:65535', 'c0000201 ff0011 03000e0004000000010000000400000008'),
      '{"sourceIPv4Address":"192.0.2.1","basicList":{"semantic":"allOf","items":[1,4,8]}}'
    )
  })

  test('V14: a basicList of strings; an empty one; an unassigned semantic', () => {
    assert.equal(
      line('291:65535', 'ff0019 030052ffff054645302f3007464531302f3130054645322f32'),
      '{"basicList":{"semantic":"allOf","items":["FE0/0","FE10/10","FE2/2"]}}'
    )
    assert.equal(line('291:65535', '05 ff000e0004'), '{"basicList":{"semantic":"undefined","items":[]}}')
    assert.equal(line('291:65535', '05 07000e0004'), '{"basicList":{"semantic":"7","items":[]}}')
  })

  test('records of a subTemplateList are objects, repeated elements in them arrays, lists in them nested', () => {
    assert.equal(
      line('292:65535', '14 03 0102 02 6122 0d 04 0101 c0000201 000001 000002'),
      '{"subTemplateList":{"semantic":"allOf","items":[{"interfaceName":"a\\"","subTemplateList":' +
        '{"semantic":"ordered","items":[{"sourceIPv4Address":"192.0.2.1","mplsTopLabelStackSection":["000001","000002"]}]}}]}}'
    )
  })

  test('R6313-6-1: records of an unknown template are hex', () => {
    assert.equal(
      line('293:65535', '0c ff 0101 0004 0999 0007 010203'),
      '{"subTemplateMultiList":{"semantic":"undefined","items":["010203"]}}'
    )
  })

  test('R6313-5.2-1: a malformed list is marked, the record stays', () => {
    assert.equal(line('292:65535 4:1', '02 0301 06'), '{"protocolIdentifier":6,"subTemplateList":{"invalid":"0301"}}')
  })
})

describe('room', () => {
  const widest =
    '1:8 434:4 311:8 276:1 8:4 27:16 56:6 150:4 152:8 154:8 156:8 82:65535 94:65535 305:4 306:4 291:65535 403:4'
  const octets = hex(
    `ffffffffffffffff 80000000 c005bf0a8b145769 09 ffffffff ${'fe'.repeat(16)} ffffffffffff ffffffff ffffffffffffffff
     ffffffffffffffff ffffffffffffffff 03010203 02fffe 00000003 ffffffff 0500000e0004 ffffffff`
  )

  test('the widest value of each fixed type alone: nothing is written behind the room', () => {
    const widestOf = [
      ['1:8', 'ffffffffffffffff'],
      ['434:4', '80000000'],
      ['311:8', '8010000000000001'],
      ['276:1', '09'],
      ['8:4', 'ffffffff'],
      ['27:16', 'fe'.repeat(16)],
      ['27:16', `${'00'.repeat(10)}ffffffffffff`],
      ['56:6', 'ffffffffffff'],
      ['150:4', 'ffffffff'],
      ['152:8', 'ffffffffffffffff'],
      ['154:8', 'ffffffffffffffff'],
      ['156:8', 'ffffffffffffffff'],
      ['10:4', 'ffffffff'],
      [`${[...registry.values()].find(({ type }) => type === 'unsigned256')?.id}:32`, 'ff'.repeat(32)],
      ['305:4 306:4', '00000003 ffffffff'],
      ['34:4', 'ffffffff']
    ]
    for (const [layout, value] of widestOf) {
      for (const plan of [json, { ...json, timestamps: 'preserve' }, { ...json, sampling: true }] as const) {
        const { octets } = run(layout, plan, hex(value))
        for (let room = 0; room < octets.length + 80; room++) {
          const part = run(layout, plan, hex(value), contextOf(), room)
          assert.ok(part.records === 0 || part.octets.length <= room)
        }
      }
    }
  })

  test('a line of the widest values is written whole or not at all, whatever the room', () => {
    for (const timestamps of ['preserve', 'milliseconds'] as const) {
      const plan: JsonPlan = { ...full, timestamps, numbers64: 'string' }
      const context = contextOf({
        exporterIsIPv6: true,
        exporterAddress: new Uint8Array(16).fill(255),
        odid: 0xffffffff,
        receivedAtMs: 1e14
      })
      const whole = run(widest, plan, octets, context)
      assert.equal(whole.records, 1)
      for (let room = 0; room <= 2 * whole.octets.length; room++) {
        const part = run(widest, plan, octets, context, room)
        assert.ok(part.records === 0 || part.octets.length === whole.octets.length)
        assert.ok(part.records === 1 || room < 2 * whole.octets.length)
      }
    }
  })
})

describe('names', () => {
  test('NetFlow v9 has names of its own for numbers that are nameless in IPFIX', () => {
    const id = Array.from({ length: 32767 }, (_, n) => n + 1).find(n => registry.get(0, n, 9) !== registry.get(0, n))
    assert.ok(id !== undefined)
    const name = registry.get(0, id, 9)?.name
    const layout = `${id}:4 4:1`
    assert.ok(jsonText(layout, '00000001 06', json, contextOf({ version: 9 })).includes(`"${name}":`))
    assert.ok(jsonText(layout, '00000001 06', json).includes(`"en0:id${id}":"00000001"`))
  })

  const own = ElementRegistry.standard()
  own.add([
    { pen: 32473, id: 1, name: 'exporter', type: 'unsigned8', status: 'current' },
    { pen: 32473, id: 2, name: 'samplingRate', type: 'unsigned8', status: 'current' }
  ])

  test('an element of a key of ours, or of a name that another has, is written as if it had none', () => {
    const layout = layoutOf('32473.1:1 32473.2:1')
    const { plan } = planRecord(layout, { ...json, lineage: true, sampling: true }, 0, own)
    const program = { input: layout, output: undefined, isCompiled: false, run: interpret(plan, createKernel(own)) }
    const { octets } = runProgram(program, new Uint8Array([1, 2]), contextOf(), 1000)
    const record = JSON.parse(Buffer.from(octets).toString()) as Record<string, unknown>
    assert.equal(record['en32473:id1'], 1)
    assert.equal(record['en32473:id2'], 2)
    assert.equal(record['exporter'], '192.0.2.1')
  })

  test('no element of the registry has a key of ours', () => {
    for (const key of ['recordType', 'scope', 'exporter', 'odid', 'receivedAt', 'samplingRate', 'samplingOrigin']) {
      assert.equal(registry.byName(key), undefined)
    }
  })
})
