import type { ReadGraph } from './dot-reader.ts'

/** What may stand in a label: `#123;` is a character by its number, everything else for itself. */
const label = String.raw`((?:[A-Za-z0-9 .,:/_()-]|#\d+;|<br/>)*)`
const nodePattern = new RegExp(String.raw`^\s*(p\d+_\w+)\["${label}"\]$`)
const edgePattern = new RegExp(String.raw`^\s*(p\d+_\w+) -->\|"${label}"\| (p\d+_\w+)$`)
const framePattern = new RegExp(String.raw`^\s*subgraph p\d+\["${label}"\]$`)

const linesOf = (text: string): string[] =>
  text.split('<br/>').map(line => line.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))))

/** Reads the part of Mermaid's flowcharts that is written here, a statement a line; throws at anything else. */
export function readMermaid(source: string): ReadGraph {
  const [head, ...statements] = source.trimEnd().split('\n')
  if (head !== 'flowchart LR') throw new Error(`no flowchart: ${head}`)
  const nodes = new Map<string, readonly string[]>()
  const edges: { from: string; to: string; label: string }[] = []
  const frames: string[] = []
  let depth = 0
  for (const statement of statements) {
    const node = nodePattern.exec(statement)
    const edge = edgePattern.exec(statement)
    const frame = framePattern.exec(statement)
    if (node !== null) nodes.set(node[1]!, linesOf(node[2]!))
    else if (edge !== null) edges.push({ from: edge[1]!, to: edge[3]!, label: linesOf(edge[2]!).join('\n') })
    else if (frame !== null) {
      frames.push(linesOf(frame[1]!).join('\n'))
      depth++
    } else if (statement.trim() === 'end') depth--
    else throw new Error(`no statement: ${JSON.stringify(statement)}`)
  }
  if (depth !== 0) throw new Error('a frame is not ended')
  return { nodes, edges, frames }
}
