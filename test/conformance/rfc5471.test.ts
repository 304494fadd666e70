import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LayoutTable, MessageFramer, TemplateBudget } from '@weir/ipfix'
import { buildMessage, hexOf, TestSession } from '@weir/ipfix/testing'
import { vector } from './vectors.ts'
import type { MessageBuilder, TestSessionOptions } from '@weir/ipfix/testing'

const tcp = { transport: 'tcp' } as const
const strict = { transport: 'tcp', isStrict: true } as const
const flow = () => buildMessage().template(256, '8:4 12:4')
const flowData = '0a0000010a000002'

/** Decode Messages one after another. @returns what the last one did. */
function decode(messages: readonly (MessageBuilder | Uint8Array | string)[], options?: TestSessionOptions) {
  const session = new TestSession(options)
  const seen = messages.map(message =>
    session.decode(/^V\d\d/.test(String(message)) ? vector(String(message)) : message)
  )
  return seen[seen.length - 1]
}

/** A number as so many octets in hexadecimal. */
const digits = (value: number, octets: number) => value.toString(16).padStart(2 * octets, '0')

/** Two Templates and an Options Template of one domain. */
const both = (odid: number) =>
  buildMessage({ odid }).template(256, '8:4').optionsTemplate(257, 1, '149:4 41:8').template(258, '12:4')

/** A record of a variable-length value: its length in one or three octets, then the value. */
function variable(length: number, isLong = length >= 255): string {
  return (isLong ? `ff${digits(length, 2)}` : digits(length, 1)) + '78'.repeat(length)
}

describe('RFC 5471 §3.1 and §3.2: templates and data', () => {
  test('T01 one Template Set and data, over each transport', () => {
    for (const transport of ['udp', 'tcp', 'file'] as const) {
      assert.deepEqual(decode([flow().data(256, flowData)], { transport }).recordHex, [flowData])
    }
  })

  test('T02 every type of fixed length, with its extreme values, octet for octet', () => {
    // protocolIdentifier, ports, octets, mib values signed32, probabilities, boolean, MAC, times, addresses.
    const fields = '4:1 7:2 10:4 1:8 434:4 321:4 311:8 276:1 56:6 150:4 152:8 154:8 156:8 8:4 27:16'
    for (const octet of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      const record = new Uint8Array(86).fill(octet)
      const seen = decode([buildMessage().template(256, fields).data(256, record)])
      assert.deepEqual([seen.codes, seen.recordHex], [[], [hexOf(record)]])
    }
  })

  test('T03 one element of variable length: 0, 1, 254, 255, 256 and 65000 octets', () => {
    for (const length of [0, 1, 254, 255, 256, 65_000]) {
      const record = variable(length)
      const seen = decode([buildMessage().template(256, '82:v').data(256, record)])
      assert.deepEqual([seen.codes, seen.records, hexOf(seen.dataSets[0].octets)], [[], 1, record])
    }
  })

  test('T04 V03 variable, then fixed length', () => assert.equal(decode(['V03']).records, 3))

  test('T05 fixed, then variable length', () => {
    const seen = decode([
      buildMessage()
        .template(256, '10:4 82:v')
        .data(256, `00000001${variable(3)}`, '0000000200')
    ])
    assert.deepEqual([seen.records, seen.dataSets[0].octets.length], [2, 13])
  })

  test('T06 several of variable length, lengths of one and three octets', () => {
    const one = `${variable(3)}${variable(2, true)}0001${variable(300)}`
    const two = `${variable(0, true)}${variable(254)}0002${variable(0)}`
    const seen = decode([buildMessage().template(256, '82:v 83:v 7:2 94:v').data(256, one, two)])
    assert.deepEqual([seen.records, hexOf(seen.dataSets[0].octets)], [2, one + two])
  })

  test('T07 V26 zero padding between two Data Sets', () => {
    assert.deepEqual(
      decode(['V26']).dataSets.map(({ records }) => records),
      [2, 1]
    )
  })

  test('T08 paddingOctets of 1 to 15 octets', () => {
    for (let length = 1; length <= 15; length++) {
      const record = `0a000001${'00'.repeat(length)}0a000002`
      const seen = decode([buildMessage().template(256, `8:4 210:${length} 12:4`).data(256, record, record)])
      assert.deepEqual(seen.recordHex, [record, record])
    }
  })

  test('T09 V28 padding as long as the record is not read as records', () => assert.equal(decode(['V28']).records, 15))

  test('T10 a string and paddingOctets of variable length before an aligned element', () => {
    const records = [1, 2, 3, 4].map(length => `${variable(length)}${variable(4 - length)}0a000001`)
    const seen = decode([
      buildMessage()
        .template(256, '82:v 210:v 8:4')
        .data(256, ...records)
    ])
    assert.deepEqual([seen.records, hexOf(seen.dataSets[0].octets)], [4, records.join('')])
  })

  test('T11 withdrawal of a known template', () => {
    const session = new TestSession(tcp)
    session.decode(flow())
    assert.deepEqual(session.decode(buildMessage().withdraw(256)).log, ['message 10', 'withdrawn 256'])
    assert.deepEqual(session.decode(buildMessage().data(256, flowData)).log, ['message 10', 'unknown 256'])
  })

  test('T12 its withdrawal again: ignored and noted; strict discards (D3)', () => {
    const messages = [flow(), buildMessage().withdraw(256), buildMessage().withdraw(256)]
    assert.deepEqual(decode(messages, tcp).log, ['message 10', 'WITHDRAW_UNKNOWN 2'])
    assert.equal(decode(messages, strict).discarded, 'STRICT_WITHDRAWAL')
  })

  test('T13 withdrawal of what was never sent: the same', () => {
    assert.deepEqual(decode([buildMessage().withdraw(999)], tcp).codes, ['WITHDRAW_UNKNOWN'])
    assert.equal(decode([buildMessage().withdraw(999)], strict).discarded, 'STRICT_WITHDRAWAL')
  })

  test('T14 V11 All Data Template Withdrawal ends the Templates of that domain alone', () => {
    const session = new TestSession(tcp)
    for (const odid of [1, 2]) session.decode(both(odid))
    assert.deepEqual(session.decode(vector('V11')).log, ['message 10', 'withdrawn 256', 'withdrawn 258'])
    assert.deepEqual(
      [Object.keys(session.templates(1)), Object.keys(session.templates(2))],
      [['257'], ['256', '257', '258']]
    )
  })

  test('T15 V12 All Options Template Withdrawal ends the Options Templates of that domain alone', () => {
    const session = new TestSession(tcp)
    for (const odid of [1, 2]) session.decode(both(odid))
    assert.deepEqual(session.decode(vector('V12')).log, ['message 10', 'withdrawn 257'])
    assert.deepEqual(
      [Object.keys(session.templates(1)), Object.keys(session.templates(2))],
      [
        ['256', '258'],
        ['256', '257', '258']
      ]
    )
  })
})

describe('RFC 5471 §3.3: Information Elements', () => {
  test('T16 V02 elements of enterprises, known or not', () => {
    const session = new TestSession()
    session.decode(vector('V02'))
    assert.deepEqual(session.templates(), {
      257: '8:4 12:4 32473.15:4 2:4 1:4'
    })
  })

  test('T17 V23 reduced-size encoding', () => {
    const seen = decode(['V23'])
    assert.deepEqual([seen.codes, seen.records], [[], 1])
  })

  test('T18 an element several times in a row', () => {
    const seen = decode([buildMessage().template(256, '8:4 8:4 8:4').data(256, '010101010202020203030303')])
    assert.deepEqual(seen.recordHex, ['010101010202020203030303'])
  })

  test('T19 V25 an element several times with others between', () => {
    assert.deepEqual(
      decode(['V25']).templates[0].layout.fields.map(({ id }) => id),
      [8, 8, 12, 8]
    )
  })
})

describe('RFC 5471 §3.4: options', () => {
  test('T20 scopes of every type, IANA and enterprise', () => {
    const scopes =
      '4:1 7:2 10:4 1:8 434:4 321:4 311:8 276:1 56:6 150:4 152:8 154:8 156:8 8:4 27:16 82:v 313:v 32473.9:7'
    for (const scope of scopes.split(' ')) {
      const seen = decode([buildMessage().optionsTemplate(256, 1, `${scope} 41:8`)])
      assert.deepEqual([seen.codes, seen.templates[0].layout.scopeCount], [[], 1], scope)
    }
  })

  test('T21 V05f a scope count of 0 discards the Message', () =>
    assert.equal(decode(['V05f'], tcp).discarded, 'SCOPE_COUNT_ZERO'))

  test('T22 several scopes keep their order', () => {
    const session = new TestSession()
    session.decode(buildMessage().optionsTemplate(256, 3, '149:4 143:4 10:4 41:8'))
    assert.deepEqual(session.templates(), { 256: '(3) 149:4 143:4 10:4 41:8' })
  })

  test('T23 T24 T25 the options of §4.1 to §4.3 of RFC 7011, of several processes', () => {
    const seen = decode([
      buildMessage()
        .optionsTemplate(256, 1, '149:4 41:8 42:8 40:8')
        .optionsTemplate(257, 2, '149:4 143:4 41:8 42:8 40:8')
        .optionsTemplate(258, 1, '149:4 164:8 165:8 323:8 323:8')
        .optionsTemplate(259, 1, '144:4 166:8 167:8 168:8 322:4 322:4')
        .data(257, new Uint8Array(32), new Uint8Array(32))
        .data(259, new Uint8Array(36))
        .data(258, new Uint8Array(36))
    ])
    assert.deepEqual([seen.codes, seen.records, seen.templates.length], [[], 4, 4])
  })

  test('V37 Flow Keys are records like others to the decoder: it looks at no value', () => {
    const seen = decode(['V37'])
    assert.deepEqual([seen.templates[0].layout.namesTemplates, seen.recordHex], [true, ['01000000000000000003']])
  })
})

describe('RFC 5471 §3.5: stress', () => {
  test('T32 a template of 16370 fields, of 4 octets each or of one, and data for it', () => {
    const wide = buildMessage().template(256, '10:4 '.repeat(16_370)).octets()
    assert.equal(wide.length, 65_504)
    const session = new TestSession()
    assert.deepEqual(session.decode(wide).log, ['message 10', 'learned 256'])
    assert.equal(session.decode(buildMessage().data(256, new Uint8Array(65_480))).records, 1)
    session.decode(buildMessage().template(257, '4:1 '.repeat(16_370)))
    assert.equal(session.decode(buildMessage().data(257, new Uint8Array(16_370 * 4))).records, 4)
    const limited = new TestSession({ limits: { templateOctetsPerDomain: 65_000 } })
    assert.deepEqual(limited.decode(wide).codes, ['TEMPLATE_LIMIT'])
  })

  test('T33 a flood of templates from one exporter keeps to its limits and harms no other', () => {
    const layouts = new LayoutTable()
    const all = new TemplateBudget({})
    const victim = new TestSession({ layouts, budget: new TemplateBudget({ templates: 4096, parent: all }) })
    victim.decode(flow())
    const attacker = new TestSession({ layouts, budget: new TemplateBudget({ templates: 2000, parent: all }) })
    for (let round = 0; round < 25; round++) {
      const message = buildMessage({ odid: round % 5 })
      for (let at = 0; at < 800; at++) message.template(256 + at, `10:4 32473.${round + 1}:${at + 1}`)
      const seen = attacker.decode(message)
      assert.equal(seen.discarded, undefined)
    }
    const held = [...attacker.tables.values()].reduce((sum, table) => sum + table.size, 0)
    assert.equal(all.templates, held + 1)
    assert.ok(held <= 2000, `${held} templates`)
    assert.ok(layouts.size <= held + 1 + 2 * 3, 'Layouts go with their templates')
    assert.deepEqual(victim.decode(buildMessage().data(256, flowData)).recordHex, [flowData])
  })
})

describe('RFC 5471 §3.6: errors', () => {
  test('T40 T41 T42 T43 V05a to V05d lengths that disagree discard the Message', () => {
    const codes = ['V05a', 'V05b', 'V05c', 'V05d'].map(name => decode([name]).discarded)
    assert.deepEqual(codes, ['MESSAGE_LENGTH', 'TEMPLATE_COUNT', 'SET_OVERRUN', 'MESSAGE_LENGTH'])
  })

  test('T42 V05c over TCP: what was cut off is no Message, and framing is lost', () => {
    const framer = new MessageFramer()
    const session = new TestSession(tcp)
    const discarded: (string | undefined)[] = []
    const stream = Uint8Array.from([...vector('V05e'), ...vector('V05c'), ...vector('V05e')])
    const fault = framer.push(stream, (octets, _view, offset, length) => {
      discarded.push(session.decode(octets.slice(offset, offset + length)).discarded)
    })
    assert.deepEqual([discarded, fault], [[undefined, 'SET_OVERRUN'], 'BAD_VERSION'])
  })

  test('T44 V05e the right one is taken', () => assert.deepEqual(decode(['V05e']).log, ['message 10', 'learned 257']))

  test('T45 V05f V05g a scope count of 0, or above the field count', () => {
    assert.deepEqual(
      ['V05f', 'V05g'].map(name => decode([name]).discarded),
      ['SCOPE_COUNT_ZERO', 'SCOPE_COUNT_HIGH']
    )
  })

  test('T46 V24 V31 V32 a Message of 1 to 15 octets, an illegal size, variable lengths past the Set', () => {
    for (let length = 1; length < 16; length++) {
      assert.equal(decode([vector('V29').slice(0, length)]).discarded, 'MESSAGE_SHORT')
    }
    assert.deepEqual(decode(['V24']).codes, ['ILLEGAL_LENGTH'])
    for (const name of ['V31', 'V32']) assert.equal(decode([name]).discarded, 'VARLEN_OVERRUN')
  })

  test('T47 records of too few or too many octets: a rest below a record is padding, of variable length malformed', () => {
    assert.deepEqual(decode([flow().data(256, `${flowData}0a0000`)]).recordHex, [flowData])
    assert.deepEqual(decode([flow().data(256, '0a0000')]).records, 0)
    const seen = decode([buildMessage().template(256, '82:v 8:4').data(256, '02616201020304', '0061620102')])
    assert.equal(seen.records, 2)
    assert.equal(decode([buildMessage().template(256, '82:v 8:4').data(256, '0361620102')]).discarded, 'VARLEN_OVERRUN')
  })

  test('T48 D10 V30 Sets 0, 1 and 4 to 255 are skipped with a note', () => {
    for (const setId of [0, 1, 4, 5, 128, 255]) {
      const seen = decode([flow().set(setId, 'ffffffff').data(256, flowData)])
      assert.deepEqual([seen.codes, seen.recordHex], [['RESERVED_SET'], [flowData]])
    }
    assert.equal(decode(['V30']).records, 1)
  })

  test('T49 the same template again over TCP is accepted; strict discards (D2)', () => {
    assert.deepEqual(decode([flow(), flow()], tcp).log, ['message 10', 'refreshed 256'])
    assert.equal(decode([flow(), flow()], strict).discarded, 'STRICT_REPETITION')
  })

  test('T50 a changed template over TCP replaces; strict discards (D4)', () => {
    const changed = buildMessage().template(256, '12:4').data(256, '0a000001')
    assert.deepEqual(decode([flow(), changed], tcp).log, ['message 10', 'redefined 256', 'data 256 x1'])
    assert.equal(decode([flow(), changed], strict).discarded, 'STRICT_REDEFINITION')
  })

  test('T51 withdrawal, data, definition, data over TCP', () => {
    const seen = decode(
      [flow(), buildMessage().withdraw(256).data(256, flowData).template(256, '12:4').data(256, flowData)],
      tcp
    )
    assert.deepEqual(seen.log, ['message 10', 'withdrawn 256', 'unknown 256', 'learned 256', 'data 256 x2'])
  })

  test('T52 within the lifetime over UDP: the same, a changed one, data by the changed one', () => {
    const session = new TestSession()
    const steps = [flow(), flow(), buildMessage().template(256, '12:4'), buildMessage().data(256, flowData)]
    const logs = steps.map((message, at) => {
      session.nowMs = at * 600_000
      return session.decode(message).log[1]
    })
    assert.deepEqual(logs, ['learned 256', 'refreshed 256', 'redefined 256', 'data 256 x2'])
  })

  test('T53 after the lifetime over UDP: data dropped, template, data', () => {
    const session = new TestSession()
    session.decode(flow())
    session.nowMs = 3_600_001
    assert.deepEqual(session.decode(buildMessage().data(256, flowData)).log, [
      'message 10',
      'expired 256',
      'unknown 256'
    ])
    assert.deepEqual(session.decode(flow().data(256, flowData)).log, ['message 10', 'learned 256', 'data 256 x1'])
  })
})
