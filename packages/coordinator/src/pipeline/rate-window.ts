import type { Pipeline } from '@weir/http'

interface Sample {
  readonly atMs: number
  /** Which run of the processes the numbers are of. */
  readonly runs: Readonly<Record<Side, string>>
  readonly totals: ReadonlyMap<string, number>
}

/** Whose counters: those of the collector begin anew with it, those of the mediator with that. */
type Side = 'collector' | 'mediator'

const WINDOW_MS = 10_000

/** Makes rates of totals, by what they were some ten seconds ago. */
export class RateWindow {
  #samples: Sample[] = []

  /**
   * Keep the totals of now.
   *
   * @param atMs - monotonic.
   * @param runs - something that is new in every process.
   */
  add(pipeline: Pipeline, atMs: number, runs: Sample['runs']): void {
    const totals = new Map<string, number>()
    for (const { key, total } of countersOf(pipeline)) if (total !== null) totals.set(key, total)
    this.#samples.push({ atMs, runs, totals })
    // The newest of those that are old enough stays: the window is at least as long.
    const enough = this.#samples.findLastIndex(sample => atMs - sample.atMs >= WINDOW_MS)
    if (enough > 0) this.#samples = this.#samples.slice(enough)
  }

  /** The same pipeline with rates, where its processes have been watched. */
  rated(pipeline: Pipeline, atMs: number, runs: Sample['runs']): Pipeline {
    const before = (side: Side): Sample | undefined =>
      this.#samples.find(sample => sample.runs[side] === runs[side] && atMs - sample.atMs >= 500)
    const from = { collector: before('collector'), mediator: before('mediator') }
    const rates = new Map<string, number>()
    for (const { key, total, side } of countersOf(pipeline)) {
      const sample = from[side]
      if (sample === undefined || total === null) continue
      // What was not there, e.g. a reason, had not happened.
      const perSec = (1_000 * (total - (sample.totals.get(key) ?? 0))) / (atMs - sample.atMs)
      rates.set(key, Math.max(0, Math.round(perSec * 10) / 10))
    }
    const rateOf = (key: string): number | null => rates.get(key) ?? null
    return {
      ...pipeline,
      nodes: pipeline.nodes.map(node => ({
        ...node,
        counters: node.counters.map(each => ({ ...each, perSec: rateOf(counterKey(node.id, each.name, each.unit)) })),
        drops: node.drops.map(each => ({ ...each, perSec: rateOf(dropKey(node.id, each.reason, each.unit)) }))
      })),
      edges: pipeline.edges.map(edge => ({ ...edge, perSec: rateOf(edgeKey(edge.from, edge.to)) }))
    }
  }
}

const counterKey = (id: string, name: string, unit: string): string => `${id}\n${name}\n${unit}`
const dropKey = (id: string, reason: string, unit: string): string => `${id}\ndropped ${reason}\n${unit}`
const edgeKey = (from: string, to: string): string => `${from}\n→${to}`

function* countersOf({ nodes, edges }: Pipeline): Generator<{ key: string; total: number | null; side: Side }> {
  for (const { id, kind, counters, drops } of nodes) {
    const side = kind === 'mediator' || kind === 'destination' ? 'mediator' : 'collector'
    for (const { name, unit, total } of counters) yield { key: counterKey(id, name, unit), total, side }
    for (const { reason, unit, total } of drops) yield { key: dropKey(id, reason, unit), total, side }
  }
  for (const { from, to, total } of edges) {
    yield { key: edgeKey(from, to), total, side: from === 'link' || from === 'mediator' ? 'mediator' : 'collector' }
  }
}
