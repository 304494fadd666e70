import { configSchema, taggedVariants, withoutNull } from '@weir/config'
import { visit } from './source-file.ts'
import type { SchemaNode } from '@weir/config'
import type { AnyNode } from 'acorn'
import type { SourceFile } from './source-file.ts'

/**
 * Keys of the configuration that nothing reads, one sentence each: such a key promises what does not happen. A key is read
 * where a source outside packages/config (and outside the tools), or a policy there that processes keep to, takes a property of its name, by `.key` or `{ key }`; that
 * a property of another thing has the same name is not seen.
 */
export function checkConfigKeys(files: readonly SourceFile[], schema: SchemaNode = configSchema): string[] {
  const read = new Set<string>()
  for (const { path, program } of files) {
    if (isReader.test(path)) visit(program, node => collect(node, read))
  }
  const unread = new Set([...leavesOf(schema, '')].filter(path => !read.has(path.split('.').at(-1)!)))
  return [...unread].map(path => `${path}: no source reads this key; use it, or take it out of the schema`)
}

const isReader = /^packages\/(?:(?!config\/|tools\/)[^/]+\/src\/|config\/src\/\w+-policy\.ts$)/

function collect(node: AnyNode, read: Set<string>): void {
  if (node.type === 'MemberExpression' && !node.computed && node.property.type === 'Identifier') {
    read.add(node.property.name)
  }
  if (node.type !== 'ObjectPattern') return
  for (const each of node.properties) {
    if (each.type === 'Property' && each.key.type === 'Identifier') read.add(each.key.name)
  }
}

/** Paths of the keys that hold values; those of the kinds of a list are told apart by nothing. */
function* leavesOf(node: SchemaNode, path: string): Generator<string> {
  const inner = withoutNull(node)
  const kinds = [...(taggedVariants(inner)?.values() ?? [])]
  const children = [...kinds, ...(inner.items === undefined ? [] : [inner.items])]
  for (const child of children) yield* leavesOf(child, path)
  for (const [key, child] of Object.entries(inner.properties ?? {})) {
    yield* leavesOf(child, path === '' ? key : `${path}.${key}`)
  }
  if (children.length === 0 && inner.properties === undefined && path !== '') yield path
}
