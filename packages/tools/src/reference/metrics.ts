import type { MetricDeclaration } from '@weir/runtime'
import { code, generatedHead, table } from './markdown.ts'

/** A declared metric and the process that has it. */
export interface DeclaredMetric extends MetricDeclaration {
  readonly process: string
}

const processes = ['collector', 'mediator', 'coordinator', 'front']

/**
 * What the processes declare, as the exports `<process>Metrics` of their packages. Nothing is started.
 *
 * @throws Error if a package has no such export.
 */
export async function declaredMetrics(): Promise<DeclaredMetric[]> {
  const all: DeclaredMetric[] = []
  for (const process of processes) {
    const module = (await import(`@weir/${process}`)) as Record<string, unknown>
    const declared = module[`${process}Metrics`] as Record<string, MetricDeclaration> | undefined
    if (declared === undefined) throw new Error(`@weir/${process} exports no ${process}Metrics`)
    all.push(...Object.values(declared).map(each => ({ ...each, process })))
  }
  return all
}

/** docs/reference/metrics.md */
export function metricsPage(metrics: readonly DeclaredMetric[]): string {
  const sections = processes.map(process => {
    const rows = metrics
      .filter(each => each.process === process)
      .toSorted((one, other) => one.name.localeCompare(other.name))
      .map(({ name, type, labels = [], help }) => [code(name), type, labels.map(code).join(', '), help])
    return `## ${process}\n\n${table(['metric', 'type', 'labels', 'what it counts'], rows)}`
  })
  const intro = `Each process answers \`/metrics\` in the Prometheus text format: the collector on port 9101, the mediator on 9102, the coordinator
and the front on the port of their API, the front for those with a key. Besides these each has the metrics of its Node process (\`process_…\`, \`nodejs_…\`). Label values come from
closed lists; exporters have a bounded one (L-75).`
  return `${generatedHead('Metrics')}${intro}\n\n${sections.join('\n')}`
}
