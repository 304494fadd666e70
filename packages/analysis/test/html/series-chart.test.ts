import assert from 'node:assert/strict'
import { test } from 'node:test'
import { short } from '../../src/html/quantity.ts'
import { seriesChart } from '../../src/html/series-chart.ts'

const options = { width: 520, height: 200, title: 'Flows', format: short, tone: 'toneFlows', hasHints: false }

/** Heights that the line goes through, from the top. */
function heights(values: readonly number[]): number[] {
  const { text } = seriesChart({ startMs: 0, binMs: 1000, values }, options)
  const [, path] = /<path class="edge" d="([^"]+)"/.exec(text) ?? []
  return [...path!.matchAll(/,(-?[\d.]+)/g)].map(([, y]) => Number(y))
}

test('what happens less often than once a second is seen, with a scale that says how often', () => {
  for (const most of [0.002, 0.5, 1, 30]) {
    const seen = heights([0, most / 2, most])
    assert.ok(Math.max(...seen) - Math.min(...seen) > 100, `${most}: ${seen.join(' ')}`)
  }
  assert.match(seriesChart({ startMs: 0, binMs: 1000, values: [0, 0.002] }, options).text, />0\.002</)
  assert.deepEqual(new Set(heights([0, 0])).size, 1)
})

test('small numbers have two digits that count', () => {
  assert.deepEqual([0, 0.0012345, 0.05, 0.1, 0.35, 1, -0.002].map(short), [
    '0',
    '0.0012',
    '0.05',
    '0.10',
    '0.35',
    '1',
    '−0.002'
  ])
})
