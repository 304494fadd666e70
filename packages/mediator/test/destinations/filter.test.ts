import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ProgramCache, parseFilter } from '@weir/mediation'
import { programsOf } from '../../src/programs.ts'
import { batchOf, flowBatch, flowLayout, flows, layoutOf, sourceOf, wideBatch, WIDE } from '../support/batches.ts'
import { Bench } from '../support/encoding.ts'
import { Rig, registry } from '../support/rig.ts'
import { TcpSink } from '../support/sinks.ts'
import { numberOf } from '../support/strict-reader.ts'

const upTo = (count: number, first = 0): number[] => Array.from({ length: count }, (_, index) => first + index)
const serials = (sink: TcpSink): number[] =>
  sink.records.filter(({ isOptions }) => !isOptions).map(record => numberOf(record, '32473.1'))

describe('a destination with a filter', () => {
  test('gets what matches, its neighbour all; both accounts close to the unit', async () => {
    const [some, all] = [await new TcpSink().listen(), await new TcpSink().listen()]
    const rig = new Rig()
    rig.add({ id: 'some', type: 'ipfix', url: some.url, filter: 'field:32473/1 in (100..149, 1k..1G)' })
    rig.add({ id: 'all', type: 'ipfix', url: all.url })
    const source = sourceOf()
    for (let round = 0; round < 40; round++) rig.push(flowBatch(source, 50, round * 50))
    await rig.settled()
    await some.until(() => some.records.length === 1050)
    await all.until(() => all.records.length === 2000)
    assert.deepEqual(serials(some), [...upTo(50, 100), ...upTo(1000, 1000)])
    const { some: one, all: other } = rig.ledger.destinations
    assert.deepEqual([one!.matched, one!.filtered, one!.sent, one!.queued], [2000, 950, 1050, 0])
    assert.deepEqual([other!.matched, other!.filtered, other!.sent, other!.queued], [2000, 0, 2000, 0])
    await rig.stop()
    await some.close()
    await all.close()
  })

  test('is told the options records, whatever its filter', async () => {
    const sink = await new TcpSink().listen()
    const rig = new Rig()
    rig.add({ id: 'a', type: 'ipfix', url: sink.url, filter: 'field:32473/1 = 1' })
    const source = sourceOf()
    const options = { layout: layoutOf('149:4 41:8', 1), source, records: [new Uint8Array(12)] }
    rig.push(batchOf([options, { layout: flowLayout, source, records: flows(3) }]))
    await sink.until(() => sink.records.length === 2)
    assert.deepEqual(
      sink.records.map(({ isOptions }) => isOptions),
      [true, false]
    )
    await rig.settled()
    assert.deepEqual([rig.ledger.destinations.a!.filtered, rig.ledger.destinations.a!.sent], [2, 2])
    await rig.stop()
    await sink.close()
  })

  test('takes another filter at once: the session stays, and so do its templates', async () => {
    const sink = await new TcpSink().listen()
    const rig = new Rig()
    rig.add({ id: 'a', type: 'ipfix', url: sink.url })
    const source = sourceOf()
    rig.push(flowBatch(source, 10))
    await sink.until(() => sink.records.length === 10)
    const before = rig.destinations.states[0]!.encoder
    rig.destinations.patch('a', { filter: 'field:32473/1 = 15' })
    rig.destinations.tick()
    rig.push(flowBatch(source, 10, 10))
    await sink.until(() => sink.records.length === 11)
    rig.destinations.patch('a', { filter: null })
    rig.destinations.tick()
    rig.push(flowBatch(source, 10, 20))
    await sink.until(() => sink.records.length === 21)
    assert.deepEqual(serials(sink), [...upTo(10), 15, ...upTo(10, 20)])
    assert.equal(sink.sessions.length, 1)
    const { encoder, output } = rig.destinations.states[0]!
    assert.deepEqual([encoder.templates, encoder.withdrawals, output.sessions], [before.templates, 0, 1])
    await rig.stop()
    await sink.close()
  })

  test('goes back after a reset and counts what its filter kept back once', async () => {
    const sink = await new TcpSink().listen()
    const rig = new Rig()
    const url = sink.url
    const reconnect = { reconnectMinMs: 100, reconnectMaxMs: 100 }
    rig.add({ id: 'a', type: 'ipfix', url, filter: 'field:32473/1 < 1000', queue: { policy: 'block' }, ...reconnect })
    const source = sourceOf()
    sink.isReading = false
    for (let round = 0; round < 60; round++) rig.push(wideBatch(source, round * WIDE))
    while (sink.sockets.length === 0) await new Promise(resolve => setImmediate(resolve))
    sink.reset()
    sink.isReading = true
    const timer = setInterval(() => rig.destinations.tick(), 20)
    await rig.settled()
    clearInterval(timer)
    const { matched, filtered, sent } = rig.ledger.destinations.a!
    assert.deepEqual([matched, filtered, sent], [60 * WIDE, 60 * WIDE - 1000, 1000])
    await rig.stop()
    await sink.close()
  })

  test('as JSON too', async () => {
    const sink = await new TcpSink().listen()
    let text = ''
    let onText = (): void => undefined
    sink.onOctets = octets => {
      text += octets.toString()
      onText()
    }
    const rig = new Rig()
    rig.add({ id: 'a', type: 'json', target: sink.url, filter: 'dst = 10.0.0.2 and field:32473/1 > 7' })
    rig.push(flowBatch(sourceOf(), 10))
    await rig.settled()
    await new Promise<void>(resolve => {
      onText = () => text.split('\n').length === 3 && resolve()
      onText()
    })
    assert.deepEqual(
      text
        .trim()
        .split('\n')
        .map(line => Number.parseInt((JSON.parse(line) as Record<string, string>)['en32473:id1']!, 16)),
      [8, 9]
    )
    assert.equal(rig.ledger.destinations.a!.filtered, 8)
    await rig.stop()
    await sink.close()
  })
})

test('no template is announced for records of which the filter keeps all back', () => {
  const encoding = new Bench()
  const cache = new ProgramCache({ registry, compileAfterRecords: 0 })
  const filter = parseFilter('has destinationIPv4Address and field:32473/1 > 1', registry)
  const plan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: false, sampling: false, filter } as const
  Object.assign(encoding.programs, programsOf(cache, plan))
  const source = sourceOf()
  const other = { layout: layoutOf('8:4 1:8'), source, records: [new Uint8Array(12)] }
  encoding.write(batchOf([other, { layout: flowLayout, source, records: flows(2) }, other]))
  assert.deepEqual([encoding.filtered, encoding.records, encoding.encoder.state.templates], [4, 0, 0])
  encoding.write(batchOf([other, { layout: flowLayout, source, records: flows(4) }]))
  assert.deepEqual([encoding.filtered, encoding.records, encoding.encoder.state.templates], [7, 2, 1])
  assert.deepEqual(encoding.defects, [])
})
