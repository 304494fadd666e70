import type { MetricDeclaration } from '@weir/runtime'
import { code, generatedHead, table } from './markdown.ts'

/** A declared metric and the process that has it. */
export interface DeclaredMetric extends MetricDeclaration {
  readonly process: string
}

/** Processes, and where what they declare is exported. */
const declarations = {
  collector: ['@weir/collector', 'collectorMetrics'],
  mediator: ['@weir/mediator', 'mediatorMetrics'],
  coordinator: ['@weir/coordinator', 'coordinatorMetrics'],
  front: ['@weir/front', 'frontMetrics'],
  'job-worker': ['@weir/front', 'jobWorkerMetrics']
} as const

/**
 * What the processes declare. Nothing is started.
 *
 * @throws Error if a package has no such export.
 */
export async function declaredMetrics(): Promise<DeclaredMetric[]> {
  const all: DeclaredMetric[] = []
  for (const [process, [name, exported]] of Object.entries(declarations)) {
    const module = (await import(name)) as Record<string, unknown>
    const declared = module[exported] as Record<string, MetricDeclaration> | undefined
    if (declared === undefined) throw new Error(`${name} exports no ${exported}`)
    all.push(...Object.values(declared).map(each => ({ ...each, process })))
  }
  return all
}

/** docs/reference/metrics.md */
export function metricsPage(metrics: readonly DeclaredMetric[]): string {
  const sections = Object.keys(declarations).map(process => {
    const rows = metrics
      .filter(each => each.process === process)
      .toSorted((one, other) => one.name.localeCompare(other.name))
      .map(({ name, type, labels = [], help }) => [code(name), type, labels.map(code).join(', '), help])
    return `## ${process}\n\n${table(['metric', 'type', 'labels', 'what it counts'], rows)}`
  })
  const intro = `Each process answers \`/metrics\` in the Prometheus text format: the collector on port 9101, the mediator on 9102, the coordinator
and the front on the port of their API, the front for those with a key; a job worker where \`front.jobs.http\` says so, by default on 9103. Besides these each has the metrics of its Node process (\`process_…\`, \`nodejs_…\`). Label values come from
closed lists; exporters have a bounded one (L-75).`
  return `${generatedHead('Metrics')}${intro}\n\n${sections.join('\n')}`
}
