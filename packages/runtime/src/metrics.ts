import { createRequire } from 'node:module'
import type * as Prometheus from 'prom-client'

// Loaded with the first metrics: a command has none.
let loaded: typeof Prometheus | undefined
const prometheus = (): typeof Prometheus =>
  (loaded ??= createRequire(import.meta.url)('prom-client') as typeof Prometheus)

/** One metric, as data: the reference page is made from these. */
export interface MetricDeclaration {
  /** `weir_<process>_<noun>_<unit>`, counters with `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** Label names; each has a closed set of values, the exporter label a bounded one (TH-40). */
  readonly labels?: readonly string[]
  /** How values of several processes become one; `max`: each tells the same fact. Default `sum`. */
  readonly together?: 'sum' | 'max'
}

export type MetricDeclarations = Readonly<Record<string, MetricDeclaration>>

/** Called once for each series of a metric while it is scraped. */
export type Report = (value: number, labels?: Readonly<Record<string, string>>) => void

/** Reads plain numbers of the process at scrape time: the hot path only increments fields of its own objects. */
export type MetricReaders<D extends MetricDeclarations> = { readonly [K in keyof D]: (report: Report) => void }

const namePattern = /^weir_[a-z][a-z0-9_]*$/
const labelPattern = /^[a-z][a-z0-9_]*$/

/**
 * The metrics of one process as one typed object. Does nothing but check names, so it can be imported for the reference page.
 *
 * @throws TypeError on a name that does not follow the rule: a defect that no input can cause.
 */
export function defineMetrics<const D extends MetricDeclarations>(declarations: D): D {
  for (const { name, type, labels = [] } of Object.values(declarations)) {
    if (!namePattern.test(name)) throw new TypeError(`metric name ${name} does not match ${namePattern}`)
    if ((type === 'counter') !== name.endsWith('_total')) {
      throw new TypeError(`metric ${name}: counters end in _total, gauges do not`)
    }
    for (const label of labels) if (!labelPattern.test(label)) throw new TypeError(`metric ${name}: label ${label}`)
  }
  return declarations
}

/** What is scraped. */
export interface Metrics {
  readonly contentType: string
  /** Prometheus text format. */
  text(): Promise<string>
  /** Plain data, for {@link mergeMetrics}. */
  snapshot(): Promise<object>
}

/** The metrics of several processes as one: counters and gauges are added up. @returns Prometheus text format. */
export function mergeMetrics(snapshots: readonly object[]): Promise<string> {
  return prometheus()
    .AggregatorRegistry.aggregate([...snapshots])
    .metrics()
}

export interface MetricsOptions {
  /** Also CPU, memory, garbage collection and event loop of the Node process. Default true. */
  readonly isProcessIncluded?: boolean
}

/**
 * Bind declared metrics to what they read.
 *
 * @param readers - one for each declaration; a reader that throws fails the scrape, not the process.
 */
export function createMetrics<D extends MetricDeclarations>(
  declarations: D,
  readers: MetricReaders<D>,
  options: MetricsOptions = {}
): Metrics {
  const { Registry, collectDefaultMetrics } = prometheus()
  const registry = new Registry()
  // The default of 10 ms wakes an idle process a hundred times a second: a hundredth of a core each.
  if (options.isProcessIncluded !== false)
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  for (const key of Object.keys(declarations)) addMetric(registry, declarations[key]!, readers[key]!)
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    snapshot: () => registry.getMetricsAsJSON()
  }
}

function addMetric(
  registry: Prometheus.Registry,
  declaration: MetricDeclaration,
  read: (report: Report) => void
): void {
  const { name, help, type, labels = [], together = 'sum' } = declaration
  const { Counter, Gauge } = prometheus()
  const shared = { name, help, aggregator: together, labelNames: [...labels], registers: [registry] }
  if (type === 'gauge') {
    const gauge = new Gauge({
      ...shared,
      collect: () => {
        gauge.reset()
        read((value, values) => (values === undefined ? gauge.set(value) : gauge.set(values, value)))
      }
    })
    return
  }
  const counter = new Counter({
    ...shared,
    collect: () => {
      counter.reset()
      read((value, values) => (values === undefined ? counter.inc(value) : counter.inc(values, value)))
    }
  })
}
