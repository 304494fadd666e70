import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { JsonReader } from '../src/json-record.ts'
import { RecordReader } from '../src/record-reader.ts'
import { ElementRegistry } from '../src/registry.ts'
import { TestSession } from '../src/testing/test-session.ts'
import { SessionElements, isTypeLayout } from '../src/type-records.ts'
import { wrap } from './support/octets.ts'

const registry = ElementRegistry.standard()
const path = new URL('../../../test/conformance/vectors.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Record<string, { hex: string }>

/** Every record of a vector as JSON, through the decoder. */
function recordsOf(name: string): unknown[] {
  const session = new TestSession()
  const reader = new RecordReader(registry)
  const json = new JsonReader(registry, { nowMs: Date.UTC(2026, 6, 22) })
  const records: unknown[] = []
  const seen = session.decode(vectors[name].hex)
  for (const { layout, octets } of seen.dataSets) {
    const { view, length } = wrap(octets)
    reader.open(layout, view, 0, length, seen.headers[0].version)
    while (reader.nextRecord()) {
      records.push(JSON.parse(JSON.stringify(json.record(reader, octets, view, session.domain(1)))))
    }
  }
  return records
}

describe('vectors as JSON', () => {
  test('V01 the composite Message of RFC 7011', () => {
    const records = recordsOf('V01')
    assert.equal(records.length, 5)
    assert.deepEqual(records[0], {
      sourceIPv4Address: '192.0.2.12',
      destinationIPv4Address: '192.0.2.254',
      ipNextHopIPv4Address: '192.0.2.1',
      packetDeltaCount: 5009,
      octetDeltaCount: 5344385
    })
    assert.deepEqual(records[4], {
      lineCardId: 2,
      exportedMessageTotalCount: 690,
      exportedFlowRecordTotalCount: 20402
    })
  })

  test('V07 a list with an entry of length 0', () => {
    assert.deepEqual(recordsOf('V07'), [{ subTemplateMultiList: { semantic: 'allOf', items: [] } }])
  })

  test('R6313-4.5.1-1 V13 V14 basicLists', () => {
    const record = { ingressInterface: 9, sourceIPv4Address: '192.0.2.201', destinationIPv4Address: '233.252.0.1' }
    assert.deepEqual(recordsOf('V13'), [{ ...record, basicList: { semantic: 'allOf', items: [1, 4, 8] } }])
    const items = ['FE0/0', 'FE10/10', 'FE2/2']
    assert.deepEqual(recordsOf('V14'), [{ ...record, basicList: { semantic: 'allOf', items } }])
  })

  test('R6313-4.5.2-1 V15 a subTemplateList of a template of the same Message', () => {
    const items = [2434991635, 2434991696, 2434991909, 2434992196, 2434992504].map(digestHashValue => {
      return { observationTimeMicroseconds: '2023-11-09T06:51:44.000000Z', digestHashValue }
    })
    assert.deepEqual(recordsOf('V15'), [
      {
        sourceIPv4Address: '192.0.2.1',
        destinationIPv4Address: '192.0.2.105',
        sourceTransportPort: 1025,
        destinationTransportPort: 80,
        protocolIdentifier: 6,
        subTemplateList: { semantic: 'allOf', items }
      }
    ])
  })

  test('R6313-5.2-1 V16 a list that refers to its own template, eight deep', () => {
    assert.equal(JSON.stringify(recordsOf('V16')).split('"semantic"').length - 1, 8)
  })

  test('R5103-6.1-1 V17 reverse counters', () => {
    const [record] = recordsOf('V17') as Record<string, unknown>[]
    assert.equal(record.reverseFlowStartSeconds, '2006-02-01T17:00:01Z')
    assert.equal(record.reverseOctetTotalCount, 128_000)
    assert.equal(record.reversePacketTotalCount, 110)
  })

  test('R7011-6.1.6-1 V21 an ill-formed string, with the other fields intact', () => {
    assert.deepEqual(recordsOf('V21'), [{ interfaceName: { invalid: 'fffe8041' }, ingressInterface: 7 }])
  })

  test('R7011-6.1.5-1 V22 booleans', () => {
    const values = (recordsOf('V22') as Record<string, unknown>[]).map(record => Object.values(record)[0])
    assert.deepEqual(values, [true, false, { invalid: '00' }, { invalid: '03' }])
  })

  test('R7011-6.2-1 V23 reduced sizes', () => {
    assert.deepEqual(recordsOf('V23'), [
      { octetDeltaCount: 65_536, packetDeltaCount: 200, tcpControlBits: 18, samplingProbability: 0.5 }
    ])
  })

  test('V28 fifteen records, without their padding', () => {
    assert.deepEqual(
      recordsOf('V28'),
      Array.from({ length: 15 }, () => ({ ipDiffServCodePoint: 1 }))
    )
  })

  test('R7373-4.8-1 V33 times of every type', () => {
    assert.deepEqual(recordsOf('V33'), [
      {
        flowStartSeconds: '2023-11-14T22:13:20Z',
        flowStartMilliseconds: '2023-11-14T22:13:20.123Z',
        flowStartMicroseconds: '2023-11-14T22:13:20.123456Z',
        flowStartNanoseconds: '2023-11-14T22:13:20.123456789Z',
        flowStartDeltaMicroseconds: 5_000_000,
        flowDurationMilliseconds: 4321
      }
    ])
  })

  test('R5610-3.9-1 V35 and R5610-3.9-2 V36 type records, learned and refused', () => {
    for (const [name, outcome] of [
      ['V35', 'learned'],
      ['V36', 'type_redefine']
    ] as const) {
      const [{ layout, octets }] = new TestSession().decode(vectors[name].hex).dataSets
      const { view, length } = wrap(octets)
      assert.ok(isTypeLayout(layout))
      assert.equal(new SessionElements(registry).learn(layout, octets, view, 0, length), outcome)
    }
  })
})
