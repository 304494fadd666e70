import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Value from 'typebox/value'
import { buildMessage } from '@weir/ipfix/testing'
import { analysisSchema, tasks } from '../../src/index.ts'
import { fileOf } from '../support/folder.ts'
import { runTask } from '../support/run-task.ts'
import type { TestContext } from 'node:test'
import type { AnalysisReport } from '../../src/index.ts'
import type { TaskLimits } from '../../src/index.ts'

const analyse = tasks.find(({ name }) => name === 'analyse')!

async function reportOf(
  context: TestContext,
  octets: Uint8Array,
  params: Readonly<Record<string, unknown>> = {},
  limits: Partial<TaskLimits> = {}
): Promise<AnalysisReport> {
  const run = await runTask(context, analyse, [fileOf(context, 'a.ipfix', octets)], params, limits)
  const report: unknown = JSON.parse(run.text('report.json'))
  assert.deepEqual(Value.Errors(analysisSchema, report), [])
  return report as AnalysisReport
}

const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, '0')
const EXPORT_SEC = 1_700_000_000
const START_MS = (EXPORT_SEC - 60) * 1000

/** A record of the template below. */
const flow = (from: string, to: string, octets: number, packets: number, sourcePort = 1234, port = 443): string =>
  `${from}${to}${hex(octets, 4)}${hex(packets, 4)}${hex(START_MS, 8)}${hex(START_MS + 10_000, 8)}${hex(sourcePort, 2)}${hex(port, 2)}0612`
const template = '8:4 12:4 1:4 2:4 152:8 153:8 7:2 11:2 4:1 6:1'
const A = '0a000001'
const B = '0a000002'
const C = '0a000003'

describe('analyse', () => {
  test('times that nobody can have meant are as good as none', async context => {
    const odd = ['ffffffffffffffff', '8000000000000000', '00e677d21fdc0000'].map(
      time => `${A}${B}${hex(1, 4)}${hex(1, 4)}${time}${time}${hex(1, 2)}${hex(2, 2)}0612`
    )
    const octets = buildMessage({ odid: 7, exportTimeSec: EXPORT_SEC })
      .template(256, template)
      .data(256, flow(A, B, 1000, 10), ...odd)
      .octets()
    const { totals, coverage, series } = await reportOf(context, octets)
    assert.deepEqual([totals.records, coverage.withoutTimes], [4, 3])
    assert.ok(series.bins.every(({ start }) => Math.abs(Date.parse(start) - START_MS) < 3_600_000))
  })

  test('sums up records, and joins both directions of a conversation', async context => {
    const octets = buildMessage({ odid: 7 })
      .template(256, template)
      .data(256, flow(A, B, 1000, 10), flow(B, A, 5000, 20, 443, 1234), flow(C, A, 10, 1))
      .octets()
    const report = await reportOf(context, octets)
    const { records, octets: sum, packets, flows } = report.totals
    assert.deepEqual([records, sum, packets, flows], [3, 6010, 31, 3])
    assert.deepEqual(
      report.sources.byOctets.map(({ address, octets: each }) => [address, each]),
      [
        ['10.0.0.2', 5000],
        ['10.0.0.1', 1000],
        ['10.0.0.3', 10]
      ]
    )
    assert.deepEqual(
      report.destinations.byPackets.map(({ address, packets: each }) => [address, each]),
      [
        ['10.0.0.1', 21],
        ['10.0.0.2', 10]
      ]
    )
    const [first] = report.conversations.byOctets
    assert.equal(report.conversations.distinct, 2)
    assert.deepEqual(
      new Map([
        [first.a, first.aToB.octets],
        [first.b, first.bToA.octets]
      ]),
      new Map([
        ['10.0.0.1', 1000],
        ['10.0.0.2', 5000]
      ])
    )
    assert.equal(first.octets, 6000)
    assert.equal(first.mayHaveMissed, null)
    assert.deepEqual(
      report.destinationPorts.byFlows.map(({ port, protocolName, service, flows: each }) => [
        port,
        protocolName,
        service,
        each
      ]),
      [
        [443, 'tcp', 'https', 2],
        [1234, 'tcp', null, 1]
      ]
    )
    assert.deepEqual(
      report.tcpFlags.map(({ text, flows: each }) => [text, each]),
      [['...A..S.', 3]]
    )
    assert.equal(report.timeSpan.firstFlow, new Date(START_MS).toISOString())
    assert.equal(report.timeSpan.lastFlow, new Date(START_MS + 10_000).toISOString())
    assert.equal(report.series.binSeconds, 1)
    assert.equal(report.series.bins.length, 11)
    assert.equal(report.series.bins[5].octets, 601)
  })

  test('tells what sampling leaves of the truth, and how much is not known of it', async context => {
    const octets = buildMessage()
      .template(256, '8:4 12:4 1:4 2:4 34:4')
      .data(256, `${A}${B}000003e80000000a00000064`, `${A}${C}000003e80000000a00000000`)
      .octets()
    const { totals, coverage, exporters, sources } = await reportOf(context, octets)
    assert.deepEqual([totals.octets, totals.estimatedOctets], [2000, 101_000])
    assert.deepEqual([totals.packets, totals.estimatedPackets], [20, 1010])
    assert.equal(coverage.unknownSampling, 1)
    assert.deepEqual(exporters.list[0].sampling, { leastRate: 100, greatestRate: 100, recordsOfUnknownRate: 1 })
    assert.deepEqual([sources.byOctets[0].octets, sources.byOctets[0].estimatedOctets], [2000, 101_000])
  })

  test('counts the way back of a record of both directions as sent by its destination', async context => {
    const octets = buildMessage()
      .template(256, '8:4 12:4 1:4 2:4 29305.1:4 29305.2:4')
      .data(256, `${A}${B}000003e80000000a000000070000000100`.slice(0, 48))
      .octets()
    const { totals, sources, conversations } = await reportOf(context, octets)
    assert.deepEqual([totals.octets, totals.reverseOctets, totals.reversePackets], [1000, 7, 1])
    assert.deepEqual(
      sources.byOctets.map(({ address, octets: each, flows }) => [address, each, flows]),
      [
        ['10.0.0.1', 1000, 1],
        ['10.0.0.2', 7, 0]
      ]
    )
    assert.equal(conversations.byOctets[0].octets, 1007)
    assert.equal(conversations.byOctets[0].flows, 1)
  })

  test('lists templates with what came by each definition, elements with their share, and loss', async context => {
    const messages = [
      buildMessage({ exportTimeSec: EXPORT_SEC }).template(256, '8:4 1:4').data(256, `${A}00000001`, `${A}00000002`),
      buildMessage({ exportTimeSec: EXPORT_SEC + 1, sequence: 2 })
        .template(256, '12:4 1:4')
        .data(256, `${B}00000003`),
      buildMessage({ exportTimeSec: EXPORT_SEC + 2, sequence: 8 }).data(256, `${B}00000004`)
    ]
    const report = await reportOf(context, Buffer.concat(messages.map(each => each.octets())))
    assert.deepEqual(
      report.templates.list.map(each => [
        each.fields.map(({ name }) => name),
        each.records,
        each.announcements,
        each.redefinitions
      ]),
      [
        [['sourceIPv4Address', 'octetDeltaCount'], 2, 1, 0],
        [['destinationIPv4Address', 'octetDeltaCount'], 2, 1, 1]
      ]
    )
    assert.deepEqual(
      report.elements.map(({ name, records, share }) => [name, records, share]),
      [
        ['octetDeltaCount', 4, 1],
        ['sourceIPv4Address', 2, 0.5],
        ['destinationIPv4Address', 2, 0.5]
      ]
    )
    const [{ sequence, records, version }] = report.exporters.list
    assert.deepEqual([sequence.unit, sequence.lost, records, version], ['records', 5, 4, 10])
    assert.equal(report.coverage.withoutAddresses, 4)
    assert.equal(report.coverage.withoutTimes, 4)
  })

  test('believes old times where most are old, and puts single ones where they were sent', async context => {
    const at = (second: number): string => `${A}${B}00000001${hex(second * 1000, 8)}${hex(second * 1000, 8)}`
    const of = async (...seconds: number[]): Promise<AnalysisReport> =>
      reportOf(
        context,
        buildMessage({ exportTimeSec: EXPORT_SEC })
          .template(256, '8:4 12:4 1:4 152:8 153:8')
          .data(256, ...seconds.map(at))
          .octets()
      )
    const one = await of(EXPORT_SEC, EXPORT_SEC - 5, 0)
    assert.deepEqual([one.coverage.untimely, one.series.areOldTimesBelieved], [1, false])
    assert.deepEqual(
      one.series.bins.map(({ flows }) => flows),
      [1, 0, 0, 0, 0, 2]
    )
    const most = await of(1000, 1001, EXPORT_SEC)
    assert.deepEqual([most.coverage.untimely, most.series.areOldTimesBelieved], [2, true])
    assert.equal(most.timeSpan.firstFlow, '1970-01-01T00:16:40.000Z')
  })

  test('counts as many flows as a record stands for, and one where it says 0 or nothing', async context => {
    const octets = buildMessage()
      .template(256, '8:4 12:4 3:4')
      .template(257, '8:4')
      .data(256, `${A}${B}00000005`, `${A}${B}00000000`)
      .data(257, A)
      .octets()
    assert.equal((await reportOf(context, octets)).totals.flows, 7)
  })

  test('counts what its filter takes, and refuses one that it cannot read', async context => {
    const octets = buildMessage()
      .template(256, template)
      .data(256, flow(A, B, 1000, 10), flow(B, A, 5000, 20, 443, 1234), flow(C, A, 10, 1))
      .octets()
    const report = await reportOf(context, octets, { filter: 'dstport = 443 and octetDeltaCount > 100' })
    assert.deepEqual([report.totals.records, report.totals.recordsRead, report.totals.octets], [1, 3, 1000])
    assert.equal(report.filter, 'dstport = 443 and octetDeltaCount > 100')
    await assert.rejects(reportOf(context, octets, { filter: 'dstport =' }), { code: 'TASK_PARAMS' })
  })

  test("takes a record's own interval and space of sampling", async context => {
    const octets = buildMessage()
      .template(256, '8:4 12:4 1:4 305:4 306:4')
      .data(256, `${A}${B}${'0000000a00000001'}00000003`)
      .octets()
    const { totals } = await reportOf(context, octets)
    assert.deepEqual([totals.octets, totals.estimatedOctets], [10, 40])
  })

  test('keeps within its memory, and says what it may have missed', async context => {
    const messages = Array.from({ length: 60 }, (_, n) => {
      const scan = Array.from({ length: 400 }, (__, host) => `0b${hex(n * 400 + host, 3)}${B}0000002800000001`)
      return buildMessage({ sequence: n * 401 })
        .template(256, '8:4 12:4 1:4 2:4')
        .data(256, `${A}${B}000f424000000100`, ...scan)
    })
    const octets = Buffer.concat(messages.map(each => each.octets()))
    const report = await reportOf(context, octets, { top: 3 }, { memoryOctets: 1_000_000 })
    const { sources, conversations, totals } = report
    assert.equal(totals.octets, 60 * (1_000_000 + 400 * 40))
    assert.deepEqual([sources.isComplete, sources.distinct], [false, null])
    assert.ok(sources.kept <= 4096)
    assert.deepEqual([sources.byOctets[0].address, sources.byOctets[0].octets], ['10.0.0.1', 60_000_000])
    assert.equal(sources.byOctets[0].mayHaveMissed, null)
    // 24,000 addresses of 40 octets each, of which a sixth fits.
    assert.ok(sources.mostUnseen!.octets >= 40 && sources.mostUnseen!.octets <= (24_000 * 40) / 1638)
    assert.equal(conversations.byFlows[0].flows, 60)
    assert.equal(report.destinations.distinct, 1)
  })

  test('ends with a sentence where the result would be larger than is allowed', async context => {
    const octets = buildMessage().template(256, '8:4').data(256, A).octets()
    await assert.rejects(reportOf(context, octets, {}, { outputOctets: 100 }), {
      code: 'TASK_LIMIT',
      message: /larger than 100 octets/
    })
  })
})
