/** What a graph in text says. */
export interface ReadGraph {
  /** Lines of the label by the name of the node. */
  readonly nodes: ReadonlyMap<string, readonly string[]>
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[]
  /** Labels of the frames around nodes. */
  readonly frames: readonly string[]
}

type Token = { readonly kind: 'id' | 'text' | 'sign'; readonly value: string }

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s+|"((?:[^"\\]|\\[^])*)"|([A-Za-z_][A-Za-z0-9_]*)|(->|[{}[\];=])/y
  while (pattern.lastIndex < source.length) {
    const at = pattern.lastIndex
    const match = pattern.exec(source)
    if (match === null) throw new Error(`no DOT at ${at}: ${JSON.stringify(source.slice(at, at + 40))}`)
    const [, text, id, sign] = match
    if (text !== undefined) tokens.push({ kind: 'text', value: text })
    else if (id !== undefined) tokens.push({ kind: 'id', value: id })
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign })
  }
  return tokens
}

/** As Graphviz reads an escString: entities, `\n` for a line, any other escaped character for itself. */
const linesOf = (text: string): string[] =>
  text.split(/(?<!\\)(?:\\\\)*\\n/).map(line => line.replace(/\\([^])/g, '$1').replaceAll('&amp;', '&'))

/** Reads the part of DOT (https://graphviz.org/doc/info/lang.html) that is written here; throws at anything else. */
export function readDot(source: string): ReadGraph {
  const tokens = tokensOf(source)
  const nodes = new Map<string, readonly string[]>()
  const edges: { from: string; to: string; label: string }[] = []
  const frames: string[] = []
  let at = 0
  const next = (kind: Token['kind'], value?: string): string => {
    const token = tokens[at++]
    if (token?.kind !== kind || (value !== undefined && token.value !== value)) {
      throw new Error(`wanted ${value ?? kind}, found ${JSON.stringify(token)}`)
    }
    return token.value
  }
  const is = (value: string): boolean => tokens[at]?.kind !== 'text' && tokens[at]?.value === value
  const labelOf = (): string => {
    next('sign', '[')
    const key = next('id')
    next('sign', '=')
    const value = tokens[at]!.kind === 'text' ? next('text') : next('id')
    next('sign', ']')
    return key === 'label' ? value : ''
  }
  const statements = (): void => {
    next('sign', '{')
    while (!is('}')) {
      if (is('subgraph')) {
        next('id', 'subgraph')
        next('id')
        statements()
        continue
      }
      const name = next('id')
      if (is('=')) {
        next('sign', '=')
        if (tokens[at]!.kind === 'text') frames.push(linesOf(next('text')).join('\n'))
        else next('id')
      } else if (is('->')) {
        next('sign', '->')
        const to = next('id')
        edges.push({ from: name, to, label: linesOf(labelOf()).join('\n') })
      } else {
        const label = labelOf()
        if (name !== 'node') nodes.set(name, linesOf(label))
      }
      next('sign', ';')
    }
    next('sign', '}')
  }
  next('id', 'digraph')
  next('id')
  statements()
  if (at !== tokens.length) throw new Error('something follows the graph')
  return { nodes, edges, frames }
}
