import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { reasonOf } from '@weir/ipfix'
import { buildFixed, buildMessage, buildV9, hexOf, octetsOf, TestSession } from '@weir/ipfix/testing'
import { vector, vectors } from './vectors.ts'
import type { SeenMessage, TestSessionOptions } from '@weir/ipfix/testing'

/** Decode vectors one after another in one session. @returns what the last one did. */
function decode(names: readonly (string | Uint8Array)[], options?: TestSessionOptions): SeenMessage {
  const session = new TestSession(options)
  return names.map(name => session.decode(typeof name === 'string' ? vector(name) : name)).at(-1) as SeenMessage
}

/** The Message is discarded for this reason and does nothing. */
function assertDiscarded(name: string, code: string, options?: TestSessionOptions): void {
  const seen = decode([name], options)
  assert.equal(seen.discarded, code)
  assert.deepEqual([seen.headers, seen.templates, seen.dataSets, seen.unknownSets], [[], [], [], []])
}

const tcp = { transport: 'tcp' } as const

/** A Template and an Options Template of one domain. */
const oneOfEach = (odid: number) => buildMessage({ odid }).template(256, '8:4').optionsTemplate(257, 1, '149:4 41:8')

/** A Message of so many octets, full of records of one octet. */
function messageOf(lengthOctets: number): Uint8Array {
  return buildMessage()
    .template(256, '4:1')
    .data(256, new Uint8Array(lengthOctets - 32))
    .octets()
}

describe('vectors', () => {
  test('have the octets that they say', () => {
    for (const [name, { octets }] of Object.entries(vectors)) assert.equal(vector(name).length, octets, name)
    assert.equal(Object.keys(vectors).length, 46)
  })
})

describe('RFC 7011 §3: Messages, Sets and templates', () => {
  test('R7011-3-1 V29 a Message may be a header alone', () => {
    assert.deepEqual(decode(['V29']).log, ['message 10'])
  })

  test('R7011-3.1-1 a Version that is none of ours discards the Message', () => {
    const octets = vector('V01')
    octets[1] = 0x0b
    const seen = decode([octets])
    assert.deepEqual([seen.discarded, seen.log], ['BAD_VERSION', ['BAD_VERSION 0']])
  })

  test('R7011-3.1-2 Length is 16 to what has come', () => {
    const octets = vector('V01')
    for (const [length, code] of [
      [15, 'MESSAGE_LENGTH'],
      [152, undefined],
      [153, 'MESSAGE_LENGTH']
    ] as const) {
      new DataView(octets.buffer).setUint16(2, length)
      assert.equal(decode([octets]).discarded, code)
    }
  })

  test('R7011-3.1-3 V05a a datagram shorter than Length is malformed, the rest of a longer one is counted', () => {
    assertDiscarded('V05a', 'MESSAGE_LENGTH')
    const seen = decode([Uint8Array.from([...vector('V01'), 1, 2, 3, 4])])
    assert.equal(seen.records, 5)
    assert.deepEqual(seen.faults, [{ code: 'TRAILING_OCTETS', offset: 152, setId: 0 }])
    assert.equal(seen.headers[0].lengthOctets, 152)
  })

  test('R7011-3.1-7 templates belong to one Observation Domain', () => {
    const session = new TestSession()
    session.decode(buildMessage({ odid: 1 }).template(256, '8:4'))
    session.decode(buildMessage({ odid: 2 }).template(256, '1:8'))
    assert.deepEqual(session.decode(buildMessage({ odid: 1 }).data(256, '0102030405060708')).log, [
      'message 10',
      'data 256 x2'
    ])
    assert.deepEqual(session.decode(buildMessage({ odid: 2 }).data(256, '0102030405060708')).log, [
      'message 10',
      'data 256 x1'
    ])
    assert.deepEqual(session.decode(buildMessage({ odid: 3 }).data(256, '01')).log, ['message 10', 'unknown 256'])
  })

  test('R7011-3.2-1 V02 the enterprise bit announces an Enterprise Number', () => {
    assert.deepEqual(decode(['V02']).templates[0].layout.fields[2], { pen: 32473, id: 15, length: 4 })
  })

  test('R7011-3.2-2 element 0 is taken and noted', () => {
    const seen = decode([buildMessage().template(256, '0:4').data(256, '01020304').octets()])
    assert.deepEqual(seen.codes, ['ELEMENT_ZERO'])
    assert.equal(seen.records, 1)
  })

  test('R7011-3.3.1-3 V26 padding that is not zero is counted, and the same records come', () => {
    const octets = vector('V26')
    assert.deepEqual(decode([octets]).log, ['message 10', 'learned 256', 'data 256 x2', 'data 256 x1'])
    octets.fill(0xff, 48, 51)
    const seen = decode([octets])
    assert.deepEqual(seen.codes, ['NONZERO_PADDING'])
    assert.equal(seen.records, 3)
  })

  test('R7011-3.3.2-1 V30 reserved Sets are skipped', () => {
    assert.deepEqual(decode(['V30']).log, ['message 10', 'RESERVED_SET 5', 'learned 256', 'data 256 x1'])
  })

  test('R7011-3.3.2-2 V26 the next Set is where Set Length says', () => {
    assert.deepEqual(
      decode(['V26']).dataSets.map(({ offset }) => offset),
      [40, 55]
    )
  })

  test('R7011-3.3.2-3 V08 V09 a Set Length below 4 or past the Message discards the Message', () => {
    assertDiscarded('V08', 'SET_SHORT')
    assertDiscarded('V09', 'SET_OVERRUN')
  })

  test('R7011-3.3.2-4 a Set Length of 4 is an empty Set, not malformed', () => {
    const seen = decode([buildMessage().template(256, '8:4').data(256).octets()])
    assert.deepEqual([seen.codes, seen.records, seen.discarded], [['EMPTY_SET'], 0, undefined])
  })

  test('R7011-3.4.1-1 a template id of 255 discards the Message', () => {
    assert.equal(decode([buildMessage().template(255, '8:4').octets()]).discarded, 'TEMPLATE_ID')
  })

  test('R7011-3.4.1-2 nothing follows from the value or the order of template ids', () => {
    const seen = decode([
      buildMessage()
        .template(65535, '8:4')
        .template(300, '12:4')
        .template(256, '7:2')
        .data(256, '0001')
        .data(65535, '01020304')
        .data(300, '01020304')
        .octets()
    ])
    assert.deepEqual(
      seen.dataSets.map(({ templateId }) => templateId),
      [256, 65535, 300]
    )
  })

  test('R7011-3.4.1-3 Templates and Options Templates share their ids', () => {
    const session = new TestSession()
    session.decode(buildMessage().template(256, '149:4 41:8'))
    assert.deepEqual(session.decode(buildMessage().optionsTemplate(256, 1, '149:4 41:8')).log, [
      'message 10',
      'redefined 256'
    ])
    assert.deepEqual(session.templates(), { 256: '(1) 149:4 41:8' })
  })

  test('R7011-3.4.1-4 V40 a Field Count that the Set cannot hold is malformed, and nothing is allocated for it', () => {
    const session = new TestSession()
    const octets = vector('V40')
    session.decode(octets)
    const before = process.memoryUsage().heapUsed
    assert.equal(session.decode(octets).discarded, 'TEMPLATE_COUNT')
    assert.ok(process.memoryUsage().heapUsed - before < 65_536)
  })

  test('R7011-3.4.2.1-1 every scope element is taken', () => {
    const session = new TestSession()
    for (const [at, scope] of [
      '149:4',
      '144:4',
      '143:4',
      '145:2',
      '141:4',
      '130:4',
      '131:16',
      '10:4',
      '32473.5:3',
      '82:v'
    ].entries()) {
      session.decode(buildMessage().optionsTemplate(256 + at, 1, `${scope} 41:8`))
    }
    assert.equal(Object.keys(session.templates()).length, 10)
    assert.equal(session.templates()[265], '(1) 82:v 41:8')
  })

  test('R7011-3.4.2.2-1 V05f a Scope Field Count of 0 discards the Message', () =>
    assertDiscarded('V05f', 'SCOPE_COUNT_ZERO'))

  test('R7011-3.4.2.2-2 V05g more scope fields than fields discards the Message', () => {
    assertDiscarded('V05g', 'SCOPE_COUNT_HIGH')
  })

  test('R7011-3.4.2.2-3 a withdrawal in an Options Template Set has 4 octets, a definition 6', () => {
    const session = new TestSession(tcp)
    session.decode(buildMessage().optionsTemplate(300, 1, '149:4 41:8'))
    const seen = session.decode(buildMessage().withdraw(300, 3).optionsTemplate(300, 1, '149:4 42:8'))
    assert.deepEqual(seen.log, ['message 10', 'withdrawn 300', 'learned 300'])
  })

  test('R7011-3.4.3-1 V01 records are the values in the order of the template', () => {
    assert.deepEqual(decode(['V01']).recordHex, [
      'c000020cc00002fec00002010000139100518c81',
      'c000021bc0000217c0000202000002ec0005ef46',
      'c0000238c0000241c00002030000000500001986',
      '00000001015927d9',
      '0000000202b24fb2'
    ])
    assert.deepEqual(
      decode(['V01']).dataSets.map(({ records }) => records),
      [3, 2]
    )
  })
})

describe('RFC 7011 §6 and §7: lengths', () => {
  test('R7011-6.1.2-1 V24 R7011-6.2-2 an address of 3 octets rejects the template, and then its data', () => {
    const seen = decode(['V24', buildMessage().data(264, '00000000000000').octets()])
    assert.deepEqual(seen.log, ['message 10', 'REJECTED_TEMPLATE 264'])
  })

  test('R7011-6.2-1 V23 reduced sizes are taken', () => assert.equal(decode(['V23']).records, 1))

  test('R7011-6.2-2 no other reduction and no enlargement is taken', () => {
    for (const field of ['152:4', '276:2', '8:8', '10:5', '10:v']) {
      assert.deepEqual(decode([buildMessage().template(256, field).octets()]).codes, ['ILLEGAL_LENGTH'], field)
    }
    for (const field of ['313:1', '313:1400', '313:v', '82:3', '1:1', '1:7']) {
      assert.deepEqual(decode([buildMessage().template(256, field).octets()]).codes, [], field)
    }
  })

  test('R7011-7-1 R7011-7-2 V03 both forms of length, and length 0', () => {
    const seen = decode(['V03'])
    assert.equal(seen.records, 3)
    assert.equal(seen.dataSets[0].octets.length, 27)
  })

  test('R7011-7-3 V31 V32 a value past its Set discards the Message, first records too', () => {
    assertDiscarded('V31', 'VARLEN_OVERRUN')
    assertDiscarded('V32', 'VARLEN_OVERRUN')
  })

  test('V41 a template of records that fit no Message is rejected', () => {
    assert.deepEqual(decode(['V41']).codes, ['RECORD_TOO_LONG'])
  })
})

describe('RFC 7011 §8: the life of templates', () => {
  test('R7011-8-1 a template of a connection lives as long as it', () => {
    const session = new TestSession(tcp)
    session.decode(buildMessage().template(256, '8:4'))
    session.nowMs = 2 * 3_600_000
    assert.equal(session.decode(buildMessage().data(256, '01020304')).records, 1)
  })

  test('R7011-8-2 no template lives on in another session', () => {
    decode([buildMessage().template(256, '8:4').octets()], tcp)
    assert.deepEqual(decode([buildMessage().data(256, '01020304').octets()], tcp).log, ['message 10', 'unknown 256'])
  })

  test('R7011-8-3 V25 an element may come three times, in its places', () => {
    const seen = decode(['V25'])
    assert.deepEqual(
      seen.templates[0].layout.fields.map(({ id }) => id),
      [8, 8, 12, 8]
    )
    assert.deepEqual(seen.recordHex, ['c0000201c0000202c0000203c0000204'])
  })

  test('R7011-8-4 template and data may come in two Messages', () => {
    const seen = decode([
      buildMessage().template(256, '8:4').octets(),
      buildMessage().data(256, '01020304', '05060708').octets()
    ])
    assert.deepEqual(seen.recordHex, ['01020304', '05060708'])
  })

  test('R7011-8.1-1 a withdrawal ends use at once, in order of appearance', () => {
    const known = buildMessage().template(256, '8:4').octets()
    assert.deepEqual(decode([known, buildMessage().withdraw(256).data(256, '01020304').octets()], tcp).log, [
      'message 10',
      'withdrawn 256',
      'unknown 256'
    ])
    assert.deepEqual(decode([known, buildMessage().data(256, '01020304').withdraw(256).octets()], tcp).log, [
      'message 10',
      'data 256 x1',
      'withdrawn 256'
    ])
  })

  test('R7011-8.1-2 V10 several withdrawals in a Set, padded; an Options Template is not withdrawn by Set ID 2', () => {
    const known = buildMessage().template(256, '8:4').template(257, '12:4').octets()
    assert.deepEqual(decode([known, 'V10'], tcp).log, ['message 10', 'withdrawn 256', 'withdrawn 257'])
    const padded = buildMessage().withdraw(256).withdraw(257).pad(4).octets()
    assert.deepEqual(decode([known, padded], tcp).log, ['message 10', 'withdrawn 256', 'withdrawn 257'])
    const options = buildMessage().optionsTemplate(256, 1, '149:4 41:8').octets()
    assert.deepEqual(decode([options, buildMessage().withdraw(256).octets()], tcp).codes, ['WITHDRAW_MISMATCH'])
  })

  test('R7011-8.1-3 V11 V12 all Templates, or all Options Templates, of that domain alone', () => {
    for (const [name, left] of [
      ['V11', { 257: '(1) 149:4 41:8' }],
      ['V12', { 256: '8:4' }]
    ] as const) {
      const session = new TestSession(tcp)
      session.decode(oneOfEach(1))
      session.decode(oneOfEach(2))
      session.decode(vector(name))
      assert.deepEqual(session.templates(1), left)
      assert.deepEqual(Object.keys(session.templates(2)), ['256', '257'])
    }
  })

  test('R7011-8.1-4 V10 the withdrawal of an unknown template is ignored and noted', () => {
    const seen = decode(['V10'], tcp)
    assert.deepEqual([seen.codes, seen.discarded], [['WITHDRAW_UNKNOWN', 'WITHDRAW_UNKNOWN'], undefined])
  })

  test('R7011-8.1-5 the same template again over TCP is harmless', () => {
    const known = buildMessage().template(256, '8:4').octets()
    assert.deepEqual(decode([known, known], tcp).log, ['message 10', 'refreshed 256'])
  })

  test('R7011-8.4-3 a UDP template ends with its lifetime', () => {
    const session = new TestSession()
    session.decode(buildMessage().template(256, '8:4'))
    session.nowMs = 3_601_000
    assert.deepEqual(session.decode(buildMessage().data(256, '01020304')).log, [
      'message 10',
      'expired 256',
      'unknown 256'
    ])
  })

  test('R7011-8.4-4 V10 V11 withdrawals over UDP are ignored and counted', () => {
    const known = buildMessage().template(256, '8:4').template(257, '12:4').octets()
    assert.deepEqual(decode([known, 'V10']).codes, ['WITHDRAW_UDP', 'WITHDRAW_UDP'])
    assert.deepEqual(decode([known, 'V11', buildMessage().data(256, '01020304').octets()]).records, 1)
  })

  test('R7011-8.4-6 another definition over UDP replaces, the same one does not say a word of it', () => {
    const seen = decode([
      buildMessage().template(256, '8:4').octets(),
      buildMessage().template(256, '12:4 7:2').data(256, '010203040005').octets()
    ])
    assert.deepEqual(seen.log, ['message 10', 'redefined 256', 'data 256 x1'])
    assert.deepEqual(seen.recordHex, ['010203040005'])
  })
})

describe('RFC 7011 §9 and §10: what is malformed', () => {
  test('R7011-9-1 V02 unknown elements move no other', () => {
    const seen = decode(['V02', buildMessage().data(257, '0a0000010a000002deadbeef0000000100000002').octets()])
    assert.deepEqual(
      seen.dataSets.map(({ layout }) => layout.recordLength),
      [20]
    )
    assert.equal(seen.records, 1)
  })

  test('R7011-9-2 a rest shorter than the least record is padding', () => {
    const seen = decode([buildMessage().template(256, '82:v 10:4').data(256, '0000000001').pad(4).octets()])
    assert.deepEqual([seen.records, seen.codes, seen.dataSets[0].octets.length], [1, [], 5])
  })

  test('R7011-9.1-1 V05b V05c V05d V08 V09 V31 lengths that do not fit discard the whole Message', () => {
    const expected = {
      V05b: 'TEMPLATE_COUNT',
      V05c: 'SET_OVERRUN',
      V05d: 'MESSAGE_LENGTH',
      V08: 'SET_SHORT',
      V09: 'SET_OVERRUN',
      V31: 'VARLEN_OVERRUN'
    }
    for (const [name, code] of Object.entries(expected)) assertDiscarded(name, code)
  })

  test('R7011-10-1 the longest Messages: 65535 octets over TCP, 65507 in a datagram', () => {
    assert.equal(decode([messageOf(65535)], tcp).records, 65503)
    assert.equal(decode([messageOf(65507)]).records, 65475)
    assert.equal(decode([messageOf(65508)]).discarded, 'OVERSIZE')
  })
})

describe('what the ledger counts', () => {
  test('R7011-3.1-1 R7011-3.3.2-3 R7011-9.1-1 V05a to V41: the reason of each discarded Message', () => {
    const reasons = {
      V05a: 'message_length',
      V05b: 'template_malformed',
      V05c: 'set_length',
      V05d: 'message_length',
      V05f: 'template_malformed',
      V05g: 'template_malformed',
      V08: 'set_length',
      V09: 'set_length',
      V31: 'data_malformed',
      V32: 'data_malformed',
      V40: 'template_malformed'
    }
    for (const [name, reason] of Object.entries(reasons)) {
      const { discarded } = decode([name])
      assert.equal(discarded && reasonOf(discarded), reason, name)
    }
    assert.equal(reasonOf('BAD_VERSION'), 'bad_version')
    assert.equal(reasonOf('MESSAGE_SHORT'), 'short_datagram')
    assert.equal(reasonOf('OVERSIZE'), 'oversize')
    assert.equal(reasonOf('VALUE_BUDGET'), 'value_budget')
  })

  test('R7011-6.1.2-1 V06 V24 V41: a rejected template, and the Sets that wanted it', () => {
    for (const [name, templateId] of [
      ['V06', 256],
      ['V24', 264],
      ['V41', 256]
    ] as const) {
      const session = new TestSession()
      const seen = session.decode(vector(name))
      const data = session.decode(buildMessage().data(templateId, '00000000'))
      assert.deepEqual([...new Set([...seen.codes, ...data.codes].map(reasonOf))], ['template_rejected'], name)
      assert.deepEqual([seen.discarded, data.records], [undefined, 0])
    }
  })
})

describe('threats that the decoder meets alone', () => {
  test('TH-06 V06 a template of empty records is rejected and its data dropped', () => {
    assert.deepEqual(decode(['V06']).log, ['message 10', 'RECORD_EMPTY 256', 'REJECTED_TEMPLATE 256'])
  })

  test('TH-06 V06 as NetFlow v9', () => {
    const seen = decode([buildV9().template(256, '1:0 2:0').data(256, '00000000').octets()])
    assert.deepEqual(seen.log, ['message 9', 'RECORD_EMPTY 256', 'REJECTED_TEMPLATE 256'])
  })

  test('TH-07 the most records of one octet are taken, more values than octets are not', () => {
    const records = new Uint8Array(65_000)
    assert.equal(decode([buildMessage().template(256, '4:1').data(256, records).octets()]).records, 65_000)
    const hostile = buildMessage().template(256, '4:1 210:0 210:0').data(256, records).octets()
    assert.equal(decode([hostile]).discarded, 'VALUE_BUDGET')
  })

  test('TH-08 V31 V32 the length of a value is bounded by its Set', () => {
    for (const name of ['V31', 'V32']) assert.equal(decode([name]).discarded, 'VARLEN_OVERRUN')
  })

  test('TH-10 V24 V40 V41 an invalid redefinition leaves the good one', () => {
    const data = buildMessage().data(256, 'c000020cc00002fec00002010000139100518c81').octets()
    for (const name of ['V24', 'V40', 'V41']) {
      const bad = vector(name)
      new DataView(bad.buffer).setUint16(20, 256)
      assert.equal(decode(['V01', bad, data]).records, 1, name)
    }
  })

  test('TH-15 V01 cut at each of its octets gives all records or none', () => {
    const whole = vector('V01')
    for (let length = 0; length < whole.length; length++) {
      assert.deepEqual(decode([whole.slice(0, length)]).headers, [], `cut at ${length}`)
    }
    assert.equal(decode([whole]).records, 5)
  })
})

describe('RFC 3954: NetFlow v9', () => {
  test('R3954-5.1-1 R3954-5.2-1 V04a header, template and data FlowSets', () => {
    const seen = decode(['V04a'])
    assert.deepEqual(seen.log, ['message 9', 'learned 256', 'data 256 x1'])
    assert.deepEqual(
      [seen.headers[0].sequence, seen.headers[0].odid, seen.headers[0].exportTimeSec],
      [2, 33, 1171557627]
    )
    assert.deepEqual(seen.recordHex, decode(['V04b']).recordHex)
  })

  test('R3954-5.1-2 Count is advice: what is there is decoded, and the difference noted', () => {
    const octets = vector('V04a')
    octets[3] = 1
    assert.deepEqual(decode([octets]).log, ['message 9', 'learned 256', 'data 256 x1', 'COUNT_MISMATCH 0'])
  })

  test('R3954-5.2-1 reserved FlowSets are skipped, template ids begin at 256', () => {
    assert.deepEqual(decode([buildV9().set(2, '00000000').template(256, '8:4').octets()]).log.slice(0, 3), [
      'message 9',
      'RESERVED_SET 2',
      'learned 256'
    ])
    assert.equal(decode([buildV9().template(255, '8:4').octets()]).discarded, 'TEMPLATE_ID')
  })

  test('R3954-5.3-1 types are 16 bits wide, no Enterprise Number follows, and 65535 is no variable length', () => {
    const session = new TestSession()
    // Type 33000 is the enterprise bit and 232.
    session.decode(buildV9().set(0, octetsOf('01000002 80e80004 00080004')))
    assert.deepEqual(session.templates(), { 256: '9.232:4 8:4' })
    assert.deepEqual(session.decode(buildV9().template(257, '82:v')).codes, ['V9_VARIABLE'])
  })

  test('R3954-6.1-1 V20 the two lengths of an options template count octets', () => {
    const seen = decode(['V20'])
    assert.deepEqual(seen.log, ['message 9', 'learned 257', 'data 257 x2'])
    assert.deepEqual(seen.recordHex, ['0001015927d9', '000202b24fb2'])
    const octets = vector('V20')
    octets[27] = 6
    assert.equal(decode([octets]).discarded, 'SCOPE_LENGTH')
  })

  test('R3954-6.1-2 V20 scope types become elements', () => {
    assert.deepEqual(decode(['V20']).templates[0].layout.fields[0], { pen: 0, id: 141, length: 2 })
    const session = new TestSession()
    session.decode(buildV9().optionsTemplate(256, 5, '1:4 1:0 2:4 4:4 5:2 41:4'))
    assert.deepEqual(session.templates(), { 256: '(5) 130:4 144:0 10:4 143:4 145:2 41:4' })
  })

  test('R3954-7-1 two Source IDs have their own templates', () => {
    const session = new TestSession()
    session.decode(buildV9({ odid: 1 }).template(256, '8:4'))
    session.decode(buildV9({ odid: 2 }).template(256, '1:8'))
    assert.equal(session.decode(buildV9({ odid: 1 }).data(256, '0102030405060708')).records, 2)
    assert.equal(session.decode(buildV9({ odid: 2 }).data(256, '0102030405060708')).records, 1)
    session.decode(buildV9({ odid: 1 }).template(256, '7:2'))
    assert.equal(session.decode(buildV9({ odid: 1 }).data(256, '0102030405060708')).records, 4)
  })

  test('R3954-9-1 an expired template is not used', () => {
    const session = new TestSession()
    session.decode(buildV9().template(256, '8:4'))
    session.nowMs = 3_600_000
    assert.deepEqual(session.decode(buildV9().data(256, '01020304')).log, ['message 9', 'expired 256', 'unknown 256'])
  })

  test('R3954-lens-1 counters of 1 to 8 octets, interfaces and AS of 2 or 4', () => {
    const seen = decode([buildV9().template(256, '1:8 2:3 10:2 14:4 16:2 17:4').octets()])
    assert.deepEqual(seen.codes, [])
    assert.equal(seen.templates[0].layout.recordLength, 23)
  })

  test('R3954-x-1 FlowSets of odd length, padding, fields of no octets, other versions on the same port', () => {
    const session = new TestSession()
    assert.deepEqual(session.decode(buildV9().template(256, '4:1 210:0').data(256, '01', '02', '03')).codes, [])
    assert.deepEqual(session.decode(buildV9().data(256, '01')).codes, [])
    assert.deepEqual(session.decode(buildV9().template(257, '8:4 7:1').data(257, '0102030405').pad(3)).codes, [])
    assert.equal(session.decode(buildMessage({ odid: 5 }).template(256, '8:4')).headers[0].version, 10)
    assert.equal(session.decode(buildFixed([{}])).headers[0].version, 5)
  })
})

describe('NetFlow v5 and v7', () => {
  test('RV5-1 V18 header and record', () => {
    const seen = decode(['V18'])
    assert.deepEqual(seen.log, ['message 5', 'data 5 x1'])
    assert.deepEqual(seen.headers[0], {
      version: 5,
      lengthOctets: 72,
      exportTimeSec: 1_700_000_000,
      sequence: 1000,
      odid: 258,
      bootTimeMs: 1_699_999_900_500,
      v5Sampling: 0x4064
    })
    assert.equal(seen.recordHex[0], hexOf(vector('V18'), 24))
  })

  test('RV5-1 a count of 0 or 31, or more than is there, discards the datagram', () => {
    assert.equal(decode([buildFixed([])]).discarded, 'RECORD_COUNT')
    assert.equal(decode([buildFixed(Array.from({ length: 31 }, () => ({})))]).discarded, 'RECORD_COUNT')
    assert.equal(decode([buildFixed([{}], { count: 2 })]).discarded, 'RECORD_COUNT')
    assert.equal(decode([vector('V18').slice(0, 71)]).discarded, 'RECORD_COUNT')
    assert.equal(decode([buildFixed(Array.from({ length: 30 }, () => ({})))]).records, 30)
  })

  test('RV5-3 the fields of v5 in their order, pads as paddingOctets', () => {
    const { fields } = decode(['V18']).dataSets[0].layout
    assert.deepEqual(
      fields.map(({ id }) => id),
      [8, 12, 15, 10, 14, 2, 1, 22, 21, 7, 11, 210, 6, 4, 5, 16, 17, 9, 13, 210]
    )
  })

  test('RV7-1 V19 header of 24, record of 52', () => {
    const seen = decode(['V19'])
    assert.deepEqual(seen.log, ['message 7', 'data 7 x1'])
    assert.equal(seen.recordHex[0].slice(-8), '0a0000fd')
  })
})
