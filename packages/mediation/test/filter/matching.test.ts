import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSelector, parseFilter, sourceOf, planRecord } from '../../src/index.ts'
import type { EntryContext } from '../../src/index.ts'
import { bare, contextOf, hex, json, layoutOf, registry, run } from '../support/programs.ts'

/** Whether a record passes: by Programs of both encodings and both back ends, and by selectors. All must agree. */
function passes(layout: string, record: string, text: string, context: EntryContext = contextOf()): boolean {
  const filter = parseFilter(text, registry)
  const octets = hex(record)
  const answers = new Set<boolean>()
  for (const plan of [bare, json]) {
    const result = run(layout, { ...plan, filter }, octets, context)
    assert.equal(result.records + result.filtered, 1, text)
    assert.equal(result.read, octets.length)
    answers.add(result.records === 1)
  }
  for (const isCompiled of [true, false]) {
    answers.add(compileSelector(filter, layoutOf(layout), isCompiled)(octets, 0, octets.length, context))
  }
  assert.equal(answers.size, 1, `${text}: the back ends differ`)
  return answers.has(true)
}

function check(layout: string, record: string, expected: Readonly<Record<string, boolean>>, context?: EntryContext) {
  for (const [text, holds] of Object.entries(expected)) assert.equal(passes(layout, record, text, context), holds, text)
}

describe('a filter asks', () => {
  // 192.0.2.10:443 → 198.51.100.7:50000, TCP, 1,000,000 octets
  const flow = '8:4 12:4 7:2 11:2 4:1 1:4'
  const record = 'c000020a c6336407 01bb c350 06 000f4240'

  test('numbers, ranges, orders and lists', () => {
    check(flow, record, {
      'sourceTransportPort = 443': true,
      'sourceTransportPort != 443': false,
      'octetDeltaCount = 1M': true,
      'octetDeltaCount > 1M': false,
      'octetDeltaCount >= 1M': true,
      'octetDeltaCount < 1000001': true,
      'octetDeltaCount <= 999.999k': false,
      'sourceTransportPort in (1..442, 444..65535)': false,
      'sourceTransportPort in (1, 3, 5, 7, 9, 400..500)': true,
      'sourceTransportPort in (1, 3, 5, 7, 9, 444..500)': false,
      'proto = tcp and not proto = udp': true
    })
  })

  test('either direction', () => {
    check(flow, record, {
      'port = 443': true,
      'port = 50000': true,
      'port = 80': false,
      'port != 443': false,
      'port != 80': true,
      'host = 198.51.100.7': true,
      'net in 192.0.2.0/24': true,
      'net in 203.0.113.0/24': false,
      'src in (10.0.0.0/8, 192.0.2.0/29)': false,
      'src in (10.0.0.0/8, 192.0.2.8/29)': true,
      'dst = 198.51.100.0..198.51.100.7': true,
      'src != 2001:db8::1': true
    })
  })

  test('a comparison with a field that is not there is false, its not is true', () => {
    check(flow, record, {
      'ipTTL = 0': false,
      'ipTTL != 0': false,
      'not ipTTL = 0': true,
      'ipTTL < 5 or proto = 6': true,
      'has ipTTL': false,
      'has port and has host and has exporter': true,
      'not has ipTTL and has sourceIPv4Address': true
    })
  })

  test('IPv6 addresses', () => {
    const v6 = '20010db8000000000000000000000001 20010db80000000000000000ffff0002'
    check('27:16 28:16', v6, {
      'src = 2001:db8::1': true,
      'dst in 2001:db8::/96': true,
      'dst in 2001:db8::/97': false,
      'host in (10.0.0.0/8, 2001:db8:0:0:0:0:ffff:2)': true,
      'src = 10.0.0.1': false,
      'src in 2001:db8::2..2001:db8::9': false,
      'host in 2001:db8::2..2001:db8:0:0:0:1::': true
    })
  })

  test('text: without the NULs at its end, in fields of fixed and variable length', () => {
    for (const [layout, octets] of [
      ['82:8', '6574683000000000'],
      ['82:65535', '0465746830'],
      ['82:65535', 'ff000465746830']
    ] as const) {
      check(layout, octets, {
        'interfaceName = "eth0"': true,
        'interfaceName = "eth"': false,
        'interfaceName in ("lo", "eth0")': true,
        'interfaceName startswith "eth"': true,
        'interfaceName startswith "th0"': false,
        'interfaceName contains "th0"': true,
        'interfaceName contains "eht"': false,
        'interfaceName contains ""': true,
        'interfaceName != "lo"': true
      })
    }
  })

  test('text that repeats itself is found in one pass', () => {
    const octets = Buffer.from('aabaabaaaabaac')
    const layout = `82:${octets.length}`
    const has = (text: string) => passes(layout, octets.toString('hex'), `interfaceName contains "${text}"`)
    for (let from = 0; from < octets.length; from++) {
      for (let to = from + 1; to <= octets.length; to++) assert.ok(has(octets.toString('latin1', from, to)))
    }
    for (const text of ['aaaaa', 'abab', 'baac ', 'aabaabaab']) assert.equal(has(text), false, text)
  })

  test('octets of unknown elements, as a number or as text', () => {
    check('32473.7:4', '61626300', {
      'field:32473/7 = 0x61626300': true,
      'field:32473/7 > 0x61626200': true,
      'field:32473/7 = "abc"': false,
      'field:32473/7 startswith "abc"': true,
      'field:32473/8 = 1': false
    })
    check('32473.7:65535', '0a 61616161616161616161', {
      'field:32473/7 = 1': false,
      'field:32473/7 != 1': true,
      'field:32473/7 contains "aaaaaaaaaa"': true
    })
  })

  test('signed integers, floats, booleans and MACs', () => {
    check('434:4', 'fffffffb', { 'mibObjectValueInteger = -5': true, 'mibObjectValueInteger < 0': true })
    check('434:3', 'fffffb', { 'mibObjectValueInteger = -5': true })
    check('311:4', '3dcccccd', { 'samplingProbability = 0.1': true, 'samplingProbability < 0.1': false })
    check('311:8', '7ff8000000000000', { 'samplingProbability = 0.1': false, 'samplingProbability != 0.1': true })
    check('276:1', '01', { 'dataRecordsReliability = true': true, 'dataRecordsReliability = false': false })
    check('56:6', '001122aabbcc', {
      'sourceMacAddress = 00:11:22:aa:bb:cc': true,
      'sourceMacAddress in 00:11:22:00:00:00..00:11:22:ff:ff:ff': true
    })
  })

  test('64-bit numbers beyond 2^53 are not mistaken for others', () => {
    check('1:8', '0020000000000001', {
      'octetDeltaCount = 9007199254740991': false,
      'octetDeltaCount > 9007199254740991': true
    })
  })

  test('the start of a flow in milliseconds, however the exporter wrote it', () => {
    const at = '2023-11-14T22:13:20.500Z'
    const context = contextOf({ exportTimeSec: 1_700_000_010, bootTimeMs: 1_700_000_000_000 })
    const expected = {
      [`flowStartMilliseconds = ${at}`]: true,
      [`flowStartNanoseconds >= ${at}`]: true,
      [`flowStartSeconds > ${at}`]: false,
      'flowEndMilliseconds > 1970-01-01': false
    }
    check('152:8', '0000018bcfe569f4', expected, context)
    check('22:4', '000001f4', expected, context)
    check('154:8', 'e8fe6f80 80000000', expected, context)
    check('156:8', 'e8fe6f80 80000000', expected, context)
    check('158:4', '0090f560', expected, context)
    check('150:4', '6553f100', { 'flowStartMilliseconds = 2023-11-14T22:13:20Z': true }, context)
  })

  test('who exported it, where, and how it was sampled, also where the destination is not told', () => {
    const context = contextOf({ odid: 9, samplingRate: 100 })
    check(
      flow,
      record,
      {
        'exporter = 192.0.2.1': true,
        'exporter in 2001:db8::/32': false,
        'odid = 9': true,
        'samplingPacketSpace = 99 and samplingPacketInterval = 1': true,
        'collectionTimeMilliseconds > 2023-01-01': true
      },
      context
    )
    const address = new Uint8Array(16).fill(1)
    check(
      flow,
      record,
      { 'exporter = 101:101:101:101:101:101:101:101': true },
      contextOf({ ...context, exporterIsIPv6: true, exporterAddress: address })
    )
    // What an earlier mediator said wins.
    check('403:4 405:4 8:4', '0a000001 00000005 c0000201', { 'exporter = 10.0.0.1': true, 'odid = 5': true }, context)
  })

  test('the flags without the bits that mean nothing, and repeated fields, any of them', () => {
    check('6:2', 'f002', { 'tcpControlBits = 2': true })
    check('8:4 8:4', '0a000001 0a000002', {
      'src = 10.0.0.2': true,
      'src != 10.0.0.2': false,
      'src != 10.0.0.3': true
    })
  })

  test('options records pass without being asked', () => {
    for (const plan of [bare, json]) {
      const filter = parseFilter('proto = 6', registry)
      const result = run('149:4 | 34:4', { ...plan, filter }, hex('00000001 00000064'))
      assert.deepEqual([result.records, result.filtered], [1, 0])
    }
  })
})

describe('a Program with a filter', () => {
  const filter = parseFilter('sourceTransportPort = 1', registry)

  test('reads without room up to the first record that matches', () => {
    for (const layout of ['7:2', '7:2 82:65535']) {
      const rest = layout.length > 3 ? '0161' : ''
      const octets = hex(`0002${rest} 0003${rest} 0001${rest} 0002${rest}`)
      for (const plan of [bare, json]) {
        const result = run(layout, { ...plan, filter }, octets, contextOf(), 0)
        assert.deepEqual([result.records, result.filtered, result.read], [0, 2, octets.length / 2])
      }
    }
  })

  test('TH-44: filters of the same form have the same text, whatever their values', () => {
    const source = (text: string) =>
      sourceOf(
        planRecord(layoutOf('7:2 82:65535 27:16'), { ...bare, filter: parseFilter(text, registry) }, 0, registry).plan
      )
    assert.equal(
      source('port in (1, 5..7) and interfaceName contains "abc" or src = ::1'),
      source('port in (2, 8..9) and interfaceName contains "}/*" or src = ::2')
    )
  })
})
