import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { TimeSeries } from '../../src/tables/time-series.ts'

const START_MS = 1_700_000_000_000

describe('TimeSeries', () => {
  test('has nothing where nothing came', () => {
    assert.deepEqual(new TimeSeries(10).bins(), [])
  })

  test('spreads octets and packets of a flow evenly over its time, and counts it where it begins', () => {
    const series = new TimeSeries(10)
    series.add(START_MS + 500, START_MS + 2500, 2000, 20, 1)
    assert.deepEqual(series.bins(), [
      { startMs: START_MS, octets: 500, packets: 5, flows: 1 },
      { startMs: START_MS + 1000, octets: 1000, packets: 10, flows: 0 },
      { startMs: START_MS + 2000, octets: 500, packets: 5, flows: 0 }
    ])
  })

  test('takes the start of a flow that ends before it began', () => {
    const series = new TimeSeries(10)
    series.add(START_MS, START_MS - 5000, 7, 1, 1)
    assert.deepEqual(series.bins(), [{ startMs: START_MS, octets: 7, packets: 1, flows: 1 }])
  })

  test('joins bins when time goes on, and keeps every flow where it was', () => {
    const series = new TimeSeries(4)
    const from = 1_700_000_040_000
    for (const second of [0, 1, 2, 3, 11, -9]) series.add(from + 1000 * second, from + 1000 * second, 10, 1, 1)
    assert.equal(series.binMs, 12_000)
    assert.deepEqual(
      series.bins().map(({ startMs, octets, flows }) => [startMs - from, octets, flows]),
      [
        [-12_000, 10, 1],
        [0, 50, 5]
      ]
    )
  })

  test('a copy goes its own way', () => {
    const series = new TimeSeries(4)
    series.add(START_MS, START_MS + 1500, 30, 3, 1)
    const copy = series.copy()
    copy.add(START_MS, START_MS, 5, 1, 1)
    assert.equal(total(series), 30)
    assert.equal(total(copy), 35)
    assert.equal(copy.lastMs, START_MS + 1500)
  })

  test('loses nothing, whatever comes in which order', () => {
    const flows = fc.array(
      fc.record({ at: fc.integer({ min: -1e9, max: 1e12 }), length: fc.nat(1e7), octets: fc.nat(1e6) }),
      { minLength: 1, maxLength: 50 }
    )
    fc.assert(
      fc.property(flows, all => {
        const series = new TimeSeries(32)
        let octets = 0
        for (const flow of all) {
          series.add(START_MS + flow.at, START_MS + flow.at + flow.length, flow.octets, 1, 1)
          octets += flow.octets
        }
        const bins = series.bins()
        assert.ok(bins.length <= 32)
        assert.equal(
          bins.reduce((sum, bin) => sum + bin.flows, 0),
          all.length
        )
        // Each bin is rounded by itself.
        assert.ok(Math.abs(total(series) - octets) <= bins.length)
        assert.ok(bins.every(bin => bin.octets >= 0))
      }),
      // Short, and over the edge of a bin.
      { examples: [[[{ at: 247_931_246_995, length: 5, octets: 109_227 }]]] }
    )
  })
})

const total = (series: TimeSeries): number =>
  series
    .copy()
    .bins()
    .reduce((sum, { octets }) => sum + octets, 0)
