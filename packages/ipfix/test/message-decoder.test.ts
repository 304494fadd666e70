import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { faultEffectOf, faults, reasonOf, TemplateTable } from '@weir/ipfix'
import { buildFixed, buildMessage, buildV9, octetsOf, SeenMessage, TestSession } from '@weir/ipfix/testing'
import type { FaultCode, MessageVisitor } from '@weir/ipfix'
import type { MessageBuilder, TestSessionOptions } from '@weir/ipfix/testing'

const base = () => buildMessage().template(256, '8:4 12:4')

describe('MessageDecoder reads', () => {
  test('a Template and its Data Records in one Message, in wire order', () => {
    const seen = new TestSession().decode(base().data(256, '0a000001 0a000002', '0a000003 0a000004'))
    assert.deepEqual(seen.log, ['message 10', 'learned 256', 'data 256 x2'])
    assert.deepEqual(seen.recordHex, ['0a0000010a000002', '0a0000030a000004'])
    assert.deepEqual(seen.headers, [
      {
        version: 10,
        lengthOctets: 52,
        exportTimeSec: 1_700_000_000,
        sequence: 0,
        odid: 1,
        bootTimeMs: Number.NaN,
        v5Sampling: -1
      }
    ])
    assert.equal(seen.dataSets[0].offset, 36)
  })

  test('a Message that lies anywhere in a longer buffer', () => {
    const session = new TestSession()
    const message = base().data(256, '0a0000010a000002').octets()
    const octets = new Uint8Array(100).fill(0xff)
    octets.set(message, 33)
    const seen = new SeenMessage(octets)
    const view = new DataView(octets.buffer)
    assert.equal(session.decoder.decode(octets, view, 33, message.length, 'udp', session, 0, seen), undefined)
    assert.deepEqual(seen.recordHex, ['0a0000010a000002'])
    assert.equal(seen.dataSets[0].offset, 33 + 36)
  })

  test('records of variable length in all three forms, and fixed fields around them', () => {
    const session = new TestSession()
    const long = 'ab'.repeat(300)
    const seen = session.decode(
      buildMessage()
        .template(256, '10:4 82:v 83:v 14:4')
        .data(256, `00000001 03616263 00 00000002`, `00000003 ff0003616263 ff012c${long} 00000004`)
    )
    assert.deepEqual(seen.log, ['message 10', 'learned 256', 'data 256 x2'])
    assert.equal(seen.dataSets[0].octets.length, 13 + 14 + 303)
  })

  test('a rest shorter than any record as padding, and says so when it is not zero', () => {
    const session = new TestSession()
    assert.deepEqual(session.decode(base().data(256, '0a0000010a000002').pad(7)).codes, [])
    const seen = session.decode(base().data(256, '0a0000010a000002').pad(7, 1))
    assert.deepEqual(seen.faults, [{ code: 'NONZERO_PADDING', offset: 44, setId: 256 }])
    assert.equal(seen.records, 1)
  })

  test('the same definition again as refreshed without a new Layout, another one as redefined', () => {
    const session = new TestSession()
    session.decode(base())
    const { layout } = session.decode(base()).templates[0]
    const seen = session.decode(buildMessage().template(256, '8:4 12:4 1:8'))
    assert.equal(seen.templates[0].change, 'redefined')
    assert.equal(seen.templates[0].previous, layout)
    assert.equal(session.layouts.find(layout.fields, 0), undefined, 'the former Layout is forgotten')
    assert.equal(session.tables.get(1)?.entry(256)?.announcements, 1)
  })

  test('equal definitions of two sessions as one Layout', () => {
    const one = new TestSession()
    const two = new TestSession({ layouts: one.layouts })
    assert.equal(one.decode(base()).templates[0].layout, two.decode(base()).templates[0].layout)
  })

  test('data by the definition that stands before it in its Message', () => {
    const seen = new TestSession({ transport: 'tcp' }).decode(
      base()
        .data(256, '0a0000010a000002')
        .template(256, '8:4')
        .data(256, '0a0000010a000002')
        .withdraw(256)
        .data(256, '0a000001')
        .optionsTemplate(256, 1, '149:2 41:2')
        .data(256, '00010002')
    )
    assert.deepEqual(seen.log, [
      'message 10',
      'learned 256',
      'data 256 x1',
      'redefined 256',
      'data 256 x2',
      'withdrawn 256',
      'unknown 256',
      'learned 256',
      'data 256 x1'
    ])
  })

  test('withdrawals of all Templates in the midst of a Message', () => {
    const session = new TestSession({ transport: 'tcp' })
    session.decode(buildMessage().template(300, '1:4').optionsTemplate(301, 1, '149:4 41:4'))
    const seen = session.decode(
      base()
        .withdraw(2)
        .data(256, '0000000000000000')
        .data(300, '00000000')
        .data(301, '0000000000000000')
        .optionsTemplate(256, 1, '8:4')
        .withdraw(3)
        .data(256, '00000000')
        .data(301, '0000000000000000')
    )
    assert.deepEqual(seen.log, [
      'message 10',
      'learned 256',
      'withdrawn 300',
      'withdrawn 256',
      'unknown 256',
      'unknown 300',
      'data 301 x1',
      'learned 256',
      'withdrawn 301',
      'withdrawn 256',
      'unknown 256',
      'unknown 301'
    ])
    assert.equal(session.tables.get(1)?.size, 0)
  })

  test('an options template of no scope field as scoped by the System without octets (v9)', () => {
    const session = new TestSession()
    const seen = session.decode(buildV9().optionsTemplate(256, 0, '41:2').data(256, '0102', '0304'))
    assert.deepEqual(session.templates(), { 256: '(1) 144:0 41:2' })
    assert.deepEqual(seen.recordHex, ['0102', '0304'])
    assert.deepEqual(seen.codes, [])
  })

  test('v9 scopes and vendor types as IPFIX elements', () => {
    const session = new TestSession({ v9EnterpriseNumber: 4711 })
    session.decode(
      buildV9().optionsTemplate(256, 6, '1:4 1:0 2:4 3:2 4:2 5:2 41:4 9.232:4').template(257, '9.1:1 8:7 210:3')
    )
    assert.deepEqual(session.templates(), {
      256: '(6) 130:4 144:0 10:4 141:2 143:2 145:2 41:4 4711.232:4',
      257: '4711.1:1 8:7 210:3'
    })
  })

  test('the header of v9 with its boot time', () => {
    const seen = new TestSession().decode(buildV9({ sequence: 7, odid: 3, sysUpTimeMs: 5000 }).template(256, '8:4'))
    assert.deepEqual(seen.headers, [
      {
        version: 9,
        lengthOctets: 32,
        exportTimeSec: 1_700_000_000,
        sequence: 7,
        odid: 3,
        bootTimeMs: 1_699_999_995_000,
        v5Sampling: -1
      }
    ])
  })

  test('the fixed versions as one Data Set of their own Layout', () => {
    const session = new TestSession()
    const flow = { source: 0x0a000001, sourcePort: 53, protocol: 17, tcpFlags: 0, octets: 90 }
    for (const [version, header, record] of [
      [1, 16, 48],
      [5, 24, 48],
      [7, 24, 52]
    ] as const) {
      const seen = session.decode(
        buildFixed([flow, flow], {
          version,
          sequence: 9,
          engineType: 1,
          engineId: 2,
          sampling: 0x4064,
          nanoseconds: 7e6
        })
      )
      assert.deepEqual(seen.log, [`message ${version}`, `data ${version} x2`])
      assert.equal(seen.dataSets[0].offset, header)
      assert.equal(seen.dataSets[0].layout.recordLength, record)
      assert.deepEqual(seen.headers[0], {
        version,
        lengthOctets: header + 2 * record,
        exportTimeSec: 1_700_000_000,
        sequence: version === 1 ? 0 : 9,
        odid: version === 5 ? 258 : 0,
        bootTimeMs: 1_699_996_400_007,
        v5Sampling: version === 5 ? 0x4064 : -1
      })
    }
  })

  test('data whose template has expired as unknown, and says once that it expired', () => {
    const session = new TestSession()
    session.decode(base())
    session.nowMs = 3_600_000
    const seen = session.decode(buildMessage().data(256, '0a0000010a000002').newSet().data(256, '0a0000010a000002'))
    assert.deepEqual(seen.log, ['message 10', 'expired 256', 'unknown 256', 'unknown 256'])
    assert.equal(session.tables.get(1)?.size, 0)
  })

  test('an announcement of an expired template as a new one', () => {
    const session = new TestSession()
    session.decode(base())
    session.nowMs = 3_600_001
    assert.deepEqual(session.decode(base()).log, ['message 10', 'expired 256', 'learned 256'])
  })

  test('data that contradicts a restored template as unknown, and drops the template', () => {
    const session = new TestSession()
    const layout = session.layouts.intern([{ pen: 0, id: 82, length: 65535 }], 0)
    session.domain(1)?.restore(256, layout, 0, 0)
    const seen = session.decode(buildMessage().data(256, 'c8616263').newSet().data(256, '0161'))
    assert.deepEqual(seen.log, ['message 10', 'STALE_TEMPLATE 256', 'expired 256', 'unknown 256', 'unknown 256'])
  })

  test('records per template into its entry', () => {
    const session = new TestSession()
    session.decode(base().data(256, '0a0000010a000002', '0a0000010a000002'))
    session.nowMs = 5
    session.decode(buildMessage().data(256, '0a0000010a000002'))
    const entry = session.tables.get(1)?.entry(256)
    assert.equal(entry?.records, 3)
    assert.equal(entry?.lastUsedMs, 5)
  })
})

interface Rejection {
  readonly code: FaultCode
  readonly message: MessageBuilder | Uint8Array
  /** Messages before it. */
  readonly after?: readonly MessageBuilder[]
  readonly session?: TestSessionOptions
  readonly offset?: number
  readonly setId?: number
  /** What else is seen, for a fault that does not cost the Message. */
  readonly log?: readonly string[]
}

const data = '0a0000010a000002'
const rejections: Record<string, Rejection> = {
  'another version': { code: 'BAD_VERSION', message: base().lie({ version: 11 }) },
  'fewer octets than a header': { code: 'MESSAGE_SHORT', message: octetsOf('000a00106553f10000000000000000') },
  'a Length of 15': { code: 'MESSAGE_LENGTH', message: base().lie({ messageLength: 15 }) },
  'a datagram over the limit': { code: 'OVERSIZE', message: base(), session: { limits: { datagramOctets: 31 } } },
  'v5 with 31 records': { code: 'RECORD_COUNT', message: buildFixed(Array.from({ length: 31 }, () => ({}))) },
  'a Set Length of 3': { code: 'SET_SHORT', message: base().lie({ setLength: 3 }), offset: 16, setId: 2 },
  'two octets behind the last Set': {
    code: 'SET_CUT',
    message: base().trail('0000').lie({ messageLength: 34 }),
    offset: 32
  },
  'a Set past its Message': {
    code: 'SET_OVERRUN',
    message: base().data(256, data).lie({ setLength: 400 }),
    offset: 32,
    setId: 256
  },
  'an Options Template Record cut in its header': {
    code: 'TEMPLATE_CUT',
    message: buildMessage().set(3, '01000001'),
    offset: 20,
    setId: 3
  },
  'a Field Count past its Set': {
    code: 'TEMPLATE_COUNT',
    message: base().lie({ fieldCount: 3 }),
    offset: 20,
    setId: 2
  },
  'a template id of 255': { code: 'TEMPLATE_ID', message: buildMessage().template(255, '8:4'), offset: 20, setId: 2 },
  'no scope field': {
    code: 'SCOPE_COUNT_ZERO',
    message: buildMessage().optionsTemplate(256, 0, '8:4'),
    offset: 20,
    setId: 3
  },
  'more scope fields than fields': {
    code: 'SCOPE_COUNT_HIGH',
    message: buildMessage().optionsTemplate(256, 2, '8:4'),
    offset: 20,
    setId: 3
  },
  'a v9 scope length of 6': {
    code: 'SCOPE_LENGTH',
    message: buildV9().optionsTemplate(256, 1, '3:2 41:2').lie({ scopeCount: 6 }),
    offset: 24,
    setId: 1
  },
  'a value past its Set': {
    code: 'VARLEN_OVERRUN',
    message: buildMessage().template(256, '82:v').data(256, '0161', 'c8616263'),
    offset: 28,
    setId: 256
  },
  'more values than the limit': {
    code: 'VALUE_BUDGET',
    message: base().data(256, data, data),
    session: { limits: { valuesPerMessage: 3 } },
    offset: 32,
    setId: 256
  },
  'a domain more than the limit': {
    code: 'DOMAIN_LIMIT',
    after: [base()],
    message: buildMessage({ odid: 2 }),
    session: { limits: { domainsPerSession: 1 } }
  },
  'a repeated template (strict)': {
    code: 'STRICT_REPETITION',
    after: [base()],
    message: base(),
    session: { transport: 'tcp', isStrict: true },
    offset: 20,
    setId: 2
  },
  'a changed template (strict)': {
    code: 'STRICT_REDEFINITION',
    after: [base()],
    message: buildMessage().template(256, '8:4'),
    session: { transport: 'tcp', isStrict: true },
    offset: 20,
    setId: 2
  },
  'a withdrawal of an unknown template (strict)': {
    code: 'STRICT_WITHDRAWAL',
    message: buildMessage().withdraw(256),
    session: { transport: 'tcp', isStrict: true },
    offset: 20,
    setId: 2
  },
  'a template of empty records': {
    code: 'RECORD_EMPTY',
    message: buildMessage().template(256, '8:0 210:0').data(256, '00').template(257, '8:4'),
    offset: 20,
    setId: 256,
    log: ['REJECTED_TEMPLATE 256', 'learned 257']
  },
  'a template of records longer than a Message': {
    code: 'RECORD_TOO_LONG',
    message: buildMessage().template(256, '82:65534'),
    offset: 20,
    setId: 256,
    log: []
  },
  'a length that the type does not allow': {
    code: 'ILLEGAL_LENGTH',
    message: buildMessage().template(256, '8:3'),
    offset: 20,
    setId: 256,
    log: []
  },
  'a v9 field of 65535 octets': {
    code: 'V9_VARIABLE',
    message: buildV9().template(256, '82:v'),
    offset: 24,
    setId: 256,
    log: []
  },
  'more fields than the limit': {
    code: 'FIELD_LIMIT',
    message: base(),
    session: { limits: { fieldsPerTemplate: 1 } },
    offset: 20,
    setId: 256,
    log: []
  },
  'a template that no limit has room for': {
    code: 'TEMPLATE_LIMIT',
    after: [base().data(256, data)],
    message: buildMessage().template(257, '8:4'),
    session: { limits: { templatesPerDomain: 1 } },
    offset: 20,
    setId: 257,
    log: []
  },
  'a reserved Set alone': {
    code: 'RESERVED_SET',
    message: base().set(255, 'ffff').data(256, data),
    offset: 32,
    setId: 255,
    log: ['learned 256', 'data 256 x1']
  },
  'the data of a rejected template': {
    code: 'REJECTED_TEMPLATE',
    after: [buildMessage().template(256, '8:3')],
    message: buildMessage().data(256, '010203'),
    offset: 16,
    setId: 256,
    log: []
  }
}

const noted: Record<string, Rejection> = {
  'a Set of no octets': {
    code: 'EMPTY_SET',
    message: base().data(256),
    offset: 32,
    setId: 256,
    log: ['learned 256', 'data 256 x0']
  },
  'padding that is not zero': {
    code: 'NONZERO_PADDING',
    message: base().pad(3, 9),
    offset: 32,
    setId: 2,
    log: ['learned 256']
  },
  'octets behind the Message': {
    code: 'TRAILING_OCTETS',
    message: base().trail('00'),
    offset: 32,
    log: ['learned 256']
  },
  'an element with id 0': {
    code: 'ELEMENT_ZERO',
    message: buildMessage().template(256, '0:4'),
    offset: 20,
    setId: 2,
    log: ['learned 256']
  },
  'a v9 Count that is wrong': {
    code: 'COUNT_MISMATCH',
    message: buildV9().template(256, '8:4').lie({ messageLength: 2 }),
    log: ['learned 256']
  },
  'a withdrawal of an unknown template': {
    code: 'WITHDRAW_UNKNOWN',
    message: buildMessage().withdraw(256),
    session: { transport: 'tcp' },
    offset: 20,
    setId: 2,
    log: []
  },
  'a withdrawal by the wrong Set ID': {
    code: 'WITHDRAW_MISMATCH',
    after: [base()],
    message: buildMessage().withdraw(256, 3).data(256, data),
    session: { transport: 'tcp' },
    offset: 20,
    setId: 3,
    log: ['data 256 x1']
  },
  'a withdrawal over UDP': {
    code: 'WITHDRAW_UDP',
    after: [base()],
    message: buildMessage().withdraw(256).data(256, data),
    offset: 20,
    setId: 2,
    log: ['data 256 x1']
  }
}

function run({ code, message, after = [], session: options, offset = 0, setId = 0, log }: Rejection): void {
  const session = new TestSession(options)
  for (const earlier of after) assert.equal(session.decode(earlier).discarded, undefined)
  const before = session.templates()
  const layouts = session.layouts.size
  const seen = session.decode(message)
  assert.deepEqual(
    seen.faults.filter(fault => fault.code === code),
    [{ code, offset, setId }]
  )
  if (faultEffectOf(code) === 'message') {
    assert.equal(seen.discarded, code)
    assert.deepEqual(seen.log, [`${code} ${setId}`], 'a malformed Message does nothing else')
    assert.deepEqual(session.templates(), before)
    assert.equal(session.layouts.size, layouts, 'nor does it leave a Layout behind')
  } else {
    assert.equal(seen.discarded, undefined)
    const [first, ...others] = seen.log.filter(line => line !== `${code} ${setId}`)
    assert.match(first, /^message/)
    assert.deepEqual(others, log)
  }
}

describe('MessageDecoder rejects', () => {
  for (const [what, rejection] of Object.entries(rejections)) {
    test(`${what} (${rejection.code})`, () => run(rejection))
  }

  test('nothing that would leave a hole: every code that costs something has a test above', () => {
    const tested = new Set(Object.values({ ...rejections, ...noted }).map(({ code }) => code))
    for (const code of ['STALE_TEMPLATE', 'DATA_MISFIT', 'TEMPLATE_LATE'] as const) tested.add(code)
    assert.deepEqual(
      Object.keys(faults).filter(code => !tested.has(code as FaultCode)),
      []
    )
    for (const code of Object.keys(faults) as FaultCode[]) {
      const isCounted = faultEffectOf(code) === 'message' || faultEffectOf(code) === 'template'
      assert.equal(isCounted || code === 'REJECTED_TEMPLATE', reasonOf(code) !== undefined, code)
    }
  })

  test('an invalid redefinition without touching the definition that it has (TH-10)', () => {
    const session = new TestSession()
    session.decode(base())
    const seen = session.decode(buildMessage().template(256, '8:3').data(256, data))
    assert.deepEqual(seen.log, ['message 10', 'ILLEGAL_LENGTH 256', 'data 256 x1'])
  })

  test('Template Sets of no octets as empty Sets, not as malformed', () => {
    assert.deepEqual(new TestSession().decode(buildMessage().set(2, '').set(3, '')).codes, ['EMPTY_SET', 'EMPTY_SET'])
    assert.deepEqual(new TestSession().decode(buildV9().set(0, '').set(1, '')).codes, ['EMPTY_SET', 'EMPTY_SET'])
  })

  test('a Message of every cut of itself, without any effect of the part', () => {
    const whole = base().data(256, data).optionsTemplate(257, 1, '149:4 41:v').data(257, '00000001 0101').octets()
    const view = new DataView(whole.buffer)
    for (let length = 0; length < whole.length; length++) {
      const session = new TestSession()
      const cut = whole.slice(0, length)
      if (length >= 4) new DataView(cut.buffer).setUint16(2, length)
      const seen = session.decode(cut)
      const isWhole = [16, 32, 44, 62].includes(length)
      assert.equal(seen.discarded === undefined, isWhole, `cut at ${length} of ${view.byteLength}`)
      if (!isWhole) assert.deepEqual(session.templates(), {})
    }
  })
})

describe('MessageDecoder notes', () => {
  for (const [what, rejection] of Object.entries(noted)) {
    test(`${what} (${rejection.code})`, () => run(rejection))
  }
})

describe('MessageDecoder keeps its work bounded', () => {
  test('and allocates nothing for a Message of known Data Sets', () => {
    const session = new TestSession()
    session.decode(base().template(257, '82:v 10:4').octets())
    const octets = buildMessage().data(256, data, data, data).data(257, '0361626300000001', '0000000002').octets()
    const view = new DataView(octets.buffer)
    let records = 0
    const visitor: MessageVisitor = {
      onMessage: () => {},
      onTemplate: () => {},
      onDataSet: set => {
        records += set.records
      },
      onUnknownSet: () => {},
      onFault: () => {}
    }
    const run = (times: number): number => {
      const before = process.memoryUsage().heapUsed
      for (let at = 0; at < times; at++) {
        session.decoder.decode(octets, view, 0, octets.length, 'udp', session, 0, visitor)
      }
      return process.memoryUsage().heapUsed - before
    }
    run(100_000)
    // The compiler and the collector move the figure; one object of two words for each Message would be 1.6 MB.
    const grownOctets = Math.min(run(100_000), run(100_000), run(100_000))
    assert.equal(records, 5 * 400_000)
    assert.ok(grownOctets < 200_000, `${grownOctets} octets`)
  })

  test('when a Message claims thousands of withdrawals and definitions', () => {
    const session = new TestSession({ transport: 'tcp' })
    const message = buildMessage()
    for (let at = 0; at < 4000; at++) message.template(256 + at, '4:1').withdraw(2)
    const seen = session.decode(message)
    assert.equal(seen.templates.filter(({ change }) => change === 'withdrawn').length, 4000)
    assert.equal(session.tables.get(1)?.size, 0)
    assert.equal(session.layouts.size, 3, 'the fixed versions alone')
  })

  test('and a table given by the caller is the only one asked for', () => {
    const session = new TestSession()
    const asked: [number, number][] = []
    const table = new TemplateTable({ odid: 9, transport: 'udp', layouts: session.layouts })
    const scope = { domain: (odid: number, version: number) => (asked.push([odid, version]), table) }
    const octets = buildMessage({ odid: 9 }).template(256, '8:4').octets()
    session.decoder.decode(
      octets,
      new DataView(octets.buffer),
      0,
      octets.length,
      'udp',
      scope,
      0,
      new SeenMessage(octets)
    )
    assert.deepEqual(asked, [[9, 10]])
    assert.equal(table.size, 1)
  })
})
