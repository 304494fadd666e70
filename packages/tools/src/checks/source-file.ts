import { stripTypeScriptTypes } from 'node:module'
import { parse } from 'acorn'
import type { AnyNode, Program } from 'acorn'

/** One import or re-export of a file. */
export interface ImportFact {
  readonly specifier: string
  /** Names that are taken; `*` for all of them, `default` for the default. Empty for an import for its effects. */
  readonly names: readonly string[]
  readonly isType: boolean
  readonly isReexport: boolean
}

/** What a file takes and gives, as far as the checks need it. */
export interface SourceFile {
  /** Relative to the checkout, with slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly ImportFact[]
  /** Names of values that the file itself exports; types are not among them. */
  readonly exports: readonly string[]
  readonly program: Program
}

const typeImport = /^[ \t]*(import|export)\s+type\s+([^'";]*?)\s*from\s*['"]([^'"]+)['"]/gm
const typeQuery = /\bimport\(\s*['"]([^'"]+)['"]\s*\)\s*\./g

/**
 * Read one TypeScript file: Node takes the types out (they keep their columns), acorn reads the rest, and the imports of types,
 * which are gone by then, are found in the text.
 *
 * @throws SyntaxError if the file cannot be parsed.
 */
export function readSource(path: string, text: string): SourceFile {
  const program = parse(stripTypeScriptTypes(text), {
    ecmaVersion: 'latest',
    sourceType: 'module',
    allowHashBang: true
  })
  const imports: ImportFact[] = [...typeImportsOf(text)]
  const exports: string[] = []
  for (const node of program.body as AnyNode[]) {
    imports.push(...importsOfStatement(node))
    exports.push(...exportsOfStatement(node))
  }
  visit(program, node => {
    if (node.type === 'ImportExpression' && node.source.type === 'Literal' && typeof node.source.value === 'string') {
      imports.push({ specifier: node.source.value, names: ['*'], isType: false, isReexport: false })
    }
  })
  return { path, text, imports, exports, program }
}

function* typeImportsOf(text: string): Generator<ImportFact> {
  for (const [, keyword, clause, specifier] of text.matchAll(typeImport)) {
    yield { specifier: specifier!, names: namesOfClause(clause!), isType: true, isReexport: keyword === 'export' }
  }
  for (const [, specifier] of text.matchAll(typeQuery)) {
    yield { specifier: specifier!, names: ['*'], isType: true, isReexport: false }
  }
}

const namesOfClause = (clause: string): string[] => {
  const braces = /\{([^}]*)\}/.exec(clause)
  if (braces === null) return [clause.includes('*') ? '*' : 'default']
  return braces[1]!
    .split(',')
    .map(part => part.trim().split(/\s+as\s+/)[0]!)
    .filter(name => name !== '')
}

function importsOfStatement(node: AnyNode): ImportFact[] {
  if (node.type === 'ImportDeclaration') {
    const names = node.specifiers.map(each => {
      if (each.type === 'ImportDefaultSpecifier') return 'default'
      return each.type === 'ImportNamespaceSpecifier' ? '*' : nameOf(each.imported)
    })
    return [{ specifier: String(node.source.value), names, isType: false, isReexport: false }]
  }
  if (node.type === 'ExportAllDeclaration') {
    return [{ specifier: String(node.source.value), names: ['*'], isType: false, isReexport: true }]
  }
  if (node.type !== 'ExportNamedDeclaration' || node.source === null || node.source === undefined) return []
  const names = node.specifiers.map(each => nameOf(each.local))
  return [{ specifier: String(node.source.value), names, isType: false, isReexport: true }]
}

function exportsOfStatement(node: AnyNode): string[] {
  if (node.type === 'ExportDefaultDeclaration') return ['default']
  if (node.type !== 'ExportNamedDeclaration' || (node.source !== null && node.source !== undefined)) return []
  const { declaration } = node
  if (declaration === null || declaration === undefined) return node.specifiers.map(each => nameOf(each.exported))
  if (declaration.type !== 'VariableDeclaration') return [declaration.id!.name]
  return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
}

const nameOf = (node: AnyNode): string =>
  node.type === 'Identifier' ? node.name : String((node as { value?: unknown }).value)

/** Call for every node below (and with) this one. */
export function visit(node: AnyNode, callback: (node: AnyNode) => void): void {
  callback(node)
  for (const value of Object.values(node) as unknown[]) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, callback)
  }
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
