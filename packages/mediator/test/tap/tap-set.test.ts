import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ProgramCache, parseFilter } from '@weir/mediation'
import { FakeClock } from '@weir/runtime'
import { Intake } from '../../src/intake.ts'
import { TapSet } from '../../src/tap/tap-set.ts'
import { batchOf, flowBatch, flowLayout, flows, layoutOf, sourceOf } from '../support/batches.ts'
import { registry } from '../support/rig.ts'
import type { Plan } from '@weir/mediation'
import type { HeldBatch } from '../../src/held-batch.ts'
import type { TapRequest } from '../../src/tap/tap.ts'
import type { TestBatch } from '../support/batches.ts'

class Bench {
  readonly clock = new FakeClock()
  readonly plans = new Map<string, Plan>()
  readonly taps = new TapSet({
    clock: this.clock,
    programs: new ProgramCache({ registry, compileAfterRecords: 0 }),
    planOf: id => this.plans.get(id)
  })
  readonly #intake = new Intake(held => this.onHeld(held))
  onHeld = (held: HeldBatch): void => this.taps.onBatch(held)

  open(fields: Partial<Omit<TapRequest, 'filter'>> & { filter?: string } = {}): void {
    const { filter, ...rest } = fields
    this.taps.open({
      id: 't',
      exporter: undefined,
      destination: undefined,
      rate: 10_000,
      limit: 1_000_000,
      ...rest,
      filter: filter === undefined ? undefined : parseFilter(filter, registry)
    })
  }

  push(...batches: TestBatch[]): void {
    for (const batch of batches) this.#intake.onBatch(batch)
  }

  async read(id = 't') {
    const { lines, counts, isDone } = await this.taps.read(id, true, 0)
    const records = new TextDecoder()
      .decode(lines)
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Record<string, unknown>)
    const { passed, matched, unasked, shown, skipped, dropped } = counts
    assert.equal(matched, shown + skipped + dropped)
    assert.ok(passed >= matched + unasked)
    return { serials: records.map(record => Number(`0x${String(record['en32473:id1'])}`)), records, counts, isDone }
  }
}

describe('a tap', () => {
  test('shows the records that match, in order, as the JSON destination writes them', async () => {
    const bench = new Bench()
    bench.open({ filter: 'field:32473/1 in (3, 5..6)' })
    assert.deepEqual([bench.taps.hasIntakeTaps, bench.taps.hasDestinationTaps], [true, false])
    bench.push(flowBatch(sourceOf(), 10))
    const { serials, records, counts } = await bench.read()
    assert.deepEqual(serials, [3, 5, 6])
    assert.equal(records[0]!.sourceIPv4Address, '10.0.0.1')
    assert.equal(records[0]!.exporter, '192.0.2.1')
    assert.deepEqual(counts, { passed: 10, matched: 3, unasked: 0, shown: 3, skipped: 0, dropped: 0 })
    assert.deepEqual((await bench.read()).serials, [])
  })

  test('of one exporter, and without a filter also its options records', async () => {
    const bench = new Bench()
    bench.open({ exporter: '192.0.2.7' })
    const other = sourceOf({ exporterId: '192.0.2.7' })
    const options = { layout: layoutOf('149:4 41:8', 1), source: other, records: [new Uint8Array(12)] }
    bench.push(flowBatch(sourceOf(), 10), batchOf([options, { layout: flowLayout, source: other, records: flows(2) }]))
    const { records, counts } = await bench.read()
    assert.deepEqual(
      records.map(({ recordType }) => recordType),
      ['options', undefined, undefined]
    )
    assert.equal(counts.passed, 3)
  })

  test('ends with its limit', async () => {
    const bench = new Bench()
    bench.open({ limit: 7 })
    bench.push(flowBatch(sourceOf(), 10), flowBatch(sourceOf(), 10))
    const { serials, counts, isDone } = await bench.read()
    assert.deepEqual([serials.length, counts.passed, isDone], [7, 7, true])
  })

  test('keeps its rate, and what it shows is spread over what goes by', async () => {
    for (const filter of [undefined, 'field:32473/1 >= 0']) {
      const bench = new Bench()
      bench.open({ rate: 100, ...(filter === undefined ? {} : { filter }) })
      const seen: number[] = []
      const source = sourceOf()
      for (let round = 0; round < 100; round++) {
        bench.push(flowBatch(source, 500, round * 500))
        bench.clock.advance(20)
        seen.push(...(await bench.read()).serials)
      }
      // Two seconds at 100 a second, and a fifth of a second that was saved up.
      assert.ok(seen.length >= 150 && seen.length <= 220, `${seen.length} were shown`)
      const late = seen.filter(serial => serial >= 10_000)
      const tenths = new Set(late.map(serial => Math.floor((serial % 500) / 50)))
      assert.ok(tenths.size >= 8, `shown are the places ${[...tenths].join(', ')} of the batches`)
      const { counts } = await bench.read()
      assert.deepEqual([counts.passed, counts.matched, counts.unasked], [50_000, 50_000, 0])
    }
  })

  test('TH-37: a reader that is slow loses records, and they are counted; memory has an end', async () => {
    const bench = new Bench()
    bench.open({ rate: 1_000_000 })
    const source = sourceOf()
    for (let round = 0; round < 60; round++) bench.push(flowBatch(source, 500, round * 500))
    const { records, counts } = await bench.read()
    assert.ok(counts.dropped > 1_000, JSON.stringify(counts))
    assert.equal(records.length, counts.shown)
    bench.push(flowBatch(source, 5))
    assert.equal((await bench.read()).records.length, 5, 'there is room again')
  })

  test('that nobody reads any more is closed, and one that is only told of is not', async () => {
    const bench = new Bench()
    bench.open()
    bench.clock.advance(9_000)
    bench.taps.tick()
    await bench.taps.read('t', false, 0)
    bench.clock.advance(9_000)
    bench.taps.tick()
    assert.equal(bench.taps.size, 1)
    bench.clock.advance(2_000)
    bench.taps.tick()
    assert.deepEqual([bench.taps.size, bench.taps.hasIntakeTaps], [0, false])
    await assert.rejects(bench.taps.read('t', true, 0), { code: 'TAP_UNKNOWN' })
  })

  test('wakes who waits for its first record, when it is closed too', async () => {
    const bench = new Bench()
    bench.open()
    const waiting = bench.taps.read('t', true, 1_000)
    bench.push(flowBatch(sourceOf(), 1))
    assert.equal((await waiting).counts.shown, 1)
    const again = bench.taps.read('t', true, 1_000)
    bench.taps.close('t')
    assert.equal((await again).lines.length, 0)
    assert.equal(bench.taps.shown, 1)
  })

  test('of a destination: its filter and its Plan hold', async () => {
    const bench = new Bench()
    const filter = parseFilter('field:32473/1 < 5', registry)
    bench.plans.set('a', { kind: 'ipfix', timestamps: 'milliseconds', lineage: false, sampling: false, filter })
    bench.open({ destination: 'a', filter: 'field:32473/1 > 1' })
    assert.deepEqual([bench.taps.hasIntakeTaps, bench.taps.hasDestinationTaps], [false, true])
    bench.onHeld = held => {
      bench.taps.onEncoded('b', held, 0, held.offsets[0]!, held.lengths[0]!)
      bench.taps.onEncoded('a', held, 0, held.offsets[0]!, held.lengths[0]!)
    }
    bench.push(flowBatch(sourceOf(), 10))
    const { serials, records, counts } = await bench.read()
    assert.deepEqual(serials, [2, 3, 4])
    assert.equal('exporter' in records[0]!, false)
    assert.deepEqual([counts.passed, counts.matched], [10, 3])
  })

  test('rejects a destination that is not there, and one more than may be', () => {
    const bench = new Bench()
    assert.throws(() => bench.open({ destination: 'a' }), { code: 'DESTINATION_UNKNOWN' })
    for (let n = 0; n < 32; n++) bench.open({ id: `t${n}` })
    assert.throws(() => bench.open({ id: 'one more' }), { code: 'TAP_LIMIT' })
  })

  test('takes no more than its share of the time: then records go by unasked', async () => {
    const bench = new Bench()
    bench.open({ filter: 'has sourceIPv4Address' })
    // Every look at the clock takes 10 ms: the 50 ms that are saved up are soon gone.
    const { clock } = bench
    const monotonicMs = clock.monotonicMs.bind(clock)
    let looks = 0
    clock.monotonicMs = () => monotonicMs() + 10 * ++looks
    const source = sourceOf()
    bench.push(batchOf(Array.from({ length: 100 }, () => ({ layout: flowLayout, source, records: flows(2) }))))
    const { counts } = await bench.read()
    assert.ok(counts.unasked > 100 && counts.shown > 0, JSON.stringify(counts))
    assert.equal(counts.passed, 200)
  })
})
