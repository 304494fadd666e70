import { nearestOf } from './nearest.ts'
import { allowedAt } from './schema/allowed.ts'
import { isNullable, taggedVariants, withoutNull } from './schema/node.ts'
import type { ConfigIssue } from '@weir/runtime'
import type { SchemaNode } from './schema/node.ts'

/** A key of the document and the environment variable that sets it. */
export interface Variable {
  readonly name: string
  readonly path: readonly string[]
  readonly schema: SchemaNode
}

/** Variables of the tests and generators of this repository. */
const toolVariables = /^WEIR_(TEST|BENCH|CAPTURES|REGISTRIES|UPDATE_GOLDEN)/

const upperSnake = (key: string): string => key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()

/**
 * The variable of every key: `WEIR_` and the path in upper snake case, e.g. `collector.http.port` is `WEIR_COLLECTOR_HTTP_PORT`.
 * Lists are one variable (JSON); an object that may be null also has one, for `null`; a section of several kinds has one for
 * the whole of it (JSON), and one for each key of any kind.
 */
export function variablesOf(schema: SchemaNode, path: readonly string[] = []): Variable[] {
  const node = withoutNull(schema)
  const own = { name: ['WEIR', ...path.map(upperSnake)].join('_'), path, schema }
  const variants = taggedVariants(node)
  if (variants !== undefined) return [own, ...kindVariables([...variants.values()], path)]
  if (node.type !== 'object') return [own]
  const inner = Object.entries(node.properties!).flatMap(([key, child]) => variablesOf(child, [...path, key]))
  return isNullable(schema) ? [own, ...inner] : inner
}

/** Kinds share keys: each name once. */
function kindVariables(kinds: readonly SchemaNode[], path: readonly string[]): Variable[] {
  const byName = new Map<string, Variable>()
  for (const kind of kinds) {
    for (const variable of variablesOf(kind, path)) if (!byName.has(variable.name)) byName.set(variable.name, variable)
  }
  return [...byName.values()]
}

/** What {@link applyEnvironment} found. */
export interface EnvironmentResult {
  readonly document: unknown
  readonly issues: readonly ConfigIssue[]
  /** Paths that were set, and by which variable. */
  readonly setBy: ReadonlyMap<string, string>
  /** Variables with our prefix that mean nothing. Not errors: orchestrators put variables of their own there. */
  readonly warnings: readonly string[]
}

/** Lay the `WEIR_` variables over a document, which is not changed. */
export function applyEnvironment(
  schema: SchemaNode,
  document: unknown,
  environment: Readonly<Record<string, string | undefined>>
): EnvironmentResult {
  const variables = new Map(variablesOf(schema).map(variable => [variable.name, variable]))
  const result = structuredClone(document ?? {})
  const issues: ConfigIssue[] = []
  const warnings: string[] = []
  const setBy = new Map<string, string>()
  for (const name of Object.keys(environment).toSorted()) {
    const text = environment[name]
    if (!name.startsWith('WEIR_') || text === undefined || toolVariables.test(name)) continue
    const variable = variables.get(name)
    if (variable === undefined) {
      const nearest = nearestOf(name, variables.keys())
      warnings.push(`the variable ${name} sets nothing${nearest === undefined ? '' : `; did you mean ${nearest}?`}`)
      continue
    }
    const value = readVariable(variable, text, issues)
    if (value === undefined) continue
    setAt(result, variable.path, value)
    setBy.set(variable.path.join('.'), name)
  }
  return { document: result, issues, warnings, setBy }
}

function readVariable({ name, schema }: Variable, text: string, issues: ConfigIssue[]): unknown {
  if (text === 'null' && isNullable(schema)) return null
  const node = withoutNull(schema)
  if (node.type === 'array' || node.type === 'object' || taggedVariants(node) !== undefined) {
    try {
      return JSON.parse(text) as unknown
    } catch {
      issues.push({ path: name, message: 'is not JSON', allowed: `${allowedAt(schema)}, as JSON` })
      return undefined
    }
  }
  if (node.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (node.type === 'integer' || node.type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  return text
}

function setAt(document: unknown, path: readonly string[], value: unknown): void {
  let at = document as Record<string, unknown>
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined
    // A section that is null or of another kind in the file: the variable makes it; the check names what else is wrong.
    if (typeof next !== 'object' || next === null || Array.isArray(next)) at[key] = {}
    at = at[key] as Record<string, unknown>
  }
  at[path.at(-1)!] = value
}
