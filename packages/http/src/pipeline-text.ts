import type { Pipeline, PipelineEdge, PipelineFormat, PipelineNode } from './pipeline-shapes.ts'
import { pipelineFormats } from './pipeline-shapes.ts'

/** A pipeline and whose it is; `pipeline` null: that pod did not answer. */
export interface NamedPipeline {
  readonly name: string
  readonly pipeline: Pipeline | null
}

/** Media types of the forms. */
export const pipelineMediaTypes: Readonly<Record<PipelineFormat, string>> = {
  json: 'application/json',
  mermaid: 'text/vnd.mermaid',
  dot: 'text/vnd.graphviz'
}

/** The form that a request wants: by its query, else the first of its `Accept` that there is, else JSON. */
export function pipelineFormatOf(format: PipelineFormat | undefined, accept: string | undefined): PipelineFormat {
  if (format !== undefined) return format
  for (const wanted of (accept ?? '').split(',')) {
    const type = wanted.split(';', 1)[0]!.trim().toLowerCase()
    const found = pipelineFormats.find(each => pipelineMediaTypes[each] === type)
    if (found !== undefined) return found
  }
  return 'json'
}

/** Pipelines as Mermaid text, each in a frame of its own if there are several. Nothing in a label is read as markup. */
export function mermaidOf(pipelines: readonly NamedPipeline[]): string {
  const lines = ['flowchart LR']
  for (const [index, { name, pipeline }] of pipelines.entries()) {
    const isFramed = pipelines.length > 1
    if (isFramed) lines.push(`  subgraph p${index}["${mermaidText(name)}"]`)
    if (pipeline === null) lines.push(`    p${index}_away["${mermaidText(`${name}: away`)}"]`)
    const ids = idsOf(pipeline, index)
    for (const node of pipeline?.nodes ?? []) {
      lines.push(`    ${ids.get(node.id)}["${labelOf(node).map(mermaidText).join('<br/>')}"]`)
    }
    for (const edge of pipeline?.edges ?? []) {
      lines.push(`    ${ids.get(edge.from)} -->|"${mermaidText(rateOf(edge))}"| ${ids.get(edge.to)}`)
    }
    if (isFramed) lines.push('  end')
  }
  return `${lines.join('\n')}\n`
}

/** Pipelines as Graphviz DOT text, each in a cluster of its own if there are several. */
export function dotOf(pipelines: readonly NamedPipeline[]): string {
  const lines = ['digraph weir {', '  rankdir=LR;', '  node [shape=box];']
  for (const [index, { name, pipeline }] of pipelines.entries()) {
    const isFramed = pipelines.length > 1
    if (isFramed) lines.push(`  subgraph cluster_${index} {`, `    label="${dotText(name)}";`)
    if (pipeline === null) lines.push(`    p${index}_away [label="${dotText(`${name}: away`)}"];`)
    const ids = idsOf(pipeline, index)
    for (const node of pipeline?.nodes ?? []) {
      lines.push(
        `    ${ids.get(node.id)} [label="${labelOf(node)
          .map(dotText)
          .join(String.raw`\n`)}"];`
      )
    }
    for (const edge of pipeline?.edges ?? []) {
      lines.push(`    ${ids.get(edge.from)} -> ${ids.get(edge.to)} [label="${dotText(rateOf(edge))}"];`)
    }
    if (isFramed) lines.push('  }')
  }
  lines.push('}')
  return `${lines.join('\n')}\n`
}

/** Numbers instead of names: nothing that an operator wrote is a name of the language. */
const idsOf = (pipeline: Pipeline | null, index: number): ReadonlyMap<string, string> =>
  new Map((pipeline?.nodes ?? []).map(({ id }, number) => [id, `p${index}_n${number}`]))

function labelOf({ kind, name, state, queue, counters, drops }: PipelineNode): string[] {
  const lines = [kind === name ? `${kind}: ${state}` : `${kind} ${name}: ${state}`]
  const sent = counters.find(counter => counter.name === 'sent')
  if (sent !== undefined) lines.push(`sent ${rateOf(sent)}`)
  for (const [what, waiting] of Object.entries(queue ?? {})) {
    if (what !== 'limitOctets' && waiting !== null && waiting > 0) lines.push(`waiting: ${waiting} ${what}`)
  }
  for (const { reason, unit, total } of drops) lines.push(`dropped ${reason}: ${total} ${unit}`)
  return lines
}

function rateOf({ unit, total, perSec }: Pick<PipelineEdge, 'unit' | 'total' | 'perSec'>): string {
  if (perSec !== null) return `${Math.round(perSec * 10) / 10} ${unit}/s`
  return total === null ? '?' : `${total} ${unit}`
}

/** Within quotes Mermaid reads markup, entities and Markdown; as numbers characters are none of these. */
const mermaidText = (text: string): string =>
  oneLine(text).replace(/[^A-Za-z0-9 .,:/_()-]/gu, each => `#${each.codePointAt(0)};`)

/** In a quoted string DOT knows the quote, the backslash and entities. */
const dotText = (text: string): string =>
  oneLine(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('&', '&amp;')

/** Control characters would end a line, or a terminal's patience. */
const oneLine = (text: string): string => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
