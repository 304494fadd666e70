import { formats } from './formats.ts'
import { nearestOf } from './nearest.ts'
import { allowedAt } from './schema/allowed.ts'
import { isNullable, taggedVariants, withoutNull } from './schema/node.ts'
import type { ConfigIssue } from '@weir/runtime'
import type { SchemaNode } from './schema/node.ts'

/** `a`, `a.b`, `a[0].b`. */
export const pathOf = (parent: string, key: string | number): string =>
  typeof key === 'number' ? `${parent}[${key}]` : parent === '' ? key : `${parent}.${key}`

/** A document with more errors is refused with these: whoever sends one must not get an answer a hundred times as long. */
const MOST_ISSUES = 200

/**
 * Check a value against a schema and fill in the defaults. JSON Schema validators name the branch of a union that failed last;
 * this one follows the tag, so that every error is about what the operator wrote.
 *
 * @param value - plain data; not changed.
 * @param path - where it stands, for the issues.
 * @param issues - what is wrong is added, 200 issues in all at most; then the result is of no use.
 * @returns a new value with every default in place.
 */
export function checkValue(schema: SchemaNode, value: unknown, path: string, issues: ConfigIssue[]): unknown {
  if (issues.length >= MOST_ISSUES) return undefined
  if (value === undefined && schema.default !== undefined) value = structuredClone(schema.default)
  if (value === null && isNullable(schema)) return null
  const node = withoutNull(schema)
  const variants = taggedVariants(node)
  if (variants !== undefined) return checkTagged(node, variants, value, path, issues)
  if (node.anyOf !== undefined) return checkAnyOf(node, value, path, issues)
  if (node.const !== undefined) return value === node.const ? value : wrong(node, value, path, issues)
  switch (node.type) {
    case 'object':
      return isObject(value) ? checkObject(node, value, path, issues) : wrong(schema, value, path, issues)
    case 'array':
      return Array.isArray(value) ? checkArray(node, value, path, issues) : wrong(schema, value, path, issues)
    case 'string':
      return typeof value === 'string' ? checkText(node, value, path, issues) : wrong(schema, value, path, issues)
    case 'boolean':
      return typeof value === 'boolean' ? value : wrong(schema, value, path, issues)
    default:
      return checkNumber(node, value, path, issues)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function wrong(node: SchemaNode, value: unknown, path: string, issues: ConfigIssue[]): undefined {
  const message = value === undefined ? 'is required' : `${show(value)} is not allowed`
  issues.push({ path, message, allowed: allowedAt(node) })
  return undefined
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (isObject(value)) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

function checkTagged(
  node: SchemaNode,
  variants: ReadonlyMap<string, SchemaNode>,
  value: unknown,
  path: string,
  issues: ConfigIssue[]
): unknown {
  if (!isObject(value)) return wrong(node, value, path, issues)
  const tag = Object.hasOwn(value, node.tag!) ? value[node.tag!] : undefined
  const variant = typeof tag === 'string' ? variants.get(tag) : undefined
  if (variant !== undefined) return checkObject(variant, value, path, issues)
  const allowed = [...variants.keys()].join(' | ')
  issues.push({
    path: pathOf(path, node.tag!),
    message: tag === undefined ? 'is required' : `${show(tag)} is not allowed`,
    allowed
  })
  return undefined
}

function checkAnyOf(node: SchemaNode, value: unknown, path: string, issues: ConfigIssue[]): unknown {
  for (const member of node.anyOf!) {
    const found: ConfigIssue[] = []
    const checked = checkValue(member, value, path, found)
    if (found.length === 0) return checked
  }
  return wrong(node, value, path, issues)
}

function checkObject(node: SchemaNode, value: Record<string, unknown>, path: string, issues: ConfigIssue[]): unknown {
  const properties = node.properties!
  for (const key of Object.keys(value)) {
    if (issues.length >= MOST_ISSUES) return undefined
    if (!Object.hasOwn(properties, key)) issues.push(unknownKey(key, Object.keys(properties), path))
  }
  const result: Record<string, unknown> = {}
  for (const [key, child] of Object.entries(properties)) {
    const given = Object.hasOwn(value, key) ? value[key] : undefined
    if (given === undefined && child.default === undefined && node.required?.includes(key) !== true) continue
    result[key] = checkValue(child, given, pathOf(path, key), issues)
  }
  return result
}

/** Keys that were there once, and what says it now. */
const formerKeys: Readonly<Record<string, string>> = {
  'collector.v9KeyIncludesPort':
    'is no key any more: NetFlow v9 exporters are told apart by their source port, and their ports are found to be one exporter or several; to take an address for one exporter, use collector.exporters: [{ match: CIDR, scope: address }]'
}

function unknownKey(key: string, known: readonly string[], path: string): ConfigIssue {
  const former = formerKeys[pathOf(path, key.slice(0, 80))]
  if (former !== undefined) return { path: pathOf(path, key), message: former, allowed: 'leave it out' }
  const nearest = nearestOf(key, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  return { path: pathOf(path, key.slice(0, 80)), message: `there is no such key${hint}`, allowed: known.join(', ') }
}

function checkArray(node: SchemaNode, value: readonly unknown[], path: string, issues: ConfigIssue[]): unknown {
  const { minItems = 0, maxItems = Infinity } = node
  if (value.length < minItems || value.length > maxItems) {
    issues.push({ path, message: `has ${value.length} entries`, allowed: allowedAt(node) })
    if (value.length > maxItems) return undefined
  }
  return value.map((item, index) => checkValue(node.items!, item, pathOf(path, index), issues))
}

function checkText(node: SchemaNode, value: string, path: string, issues: ConfigIssue[]): unknown {
  const { minLength = 0, maxLength = Infinity, pattern, meaning } = node
  if (value.length < minLength) issues.push({ path, message: 'is empty', allowed: allowedAt(node) })
  else if (value.length > maxLength) issues.push({ path, message: `is longer than ${maxLength} characters` })
  else if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) wrong(node, value, path, issues)
  else if (meaning !== undefined) {
    const message = formats[meaning]!.check(value)
    if (message !== undefined) issues.push({ path, message, allowed: allowedAt(node) })
  }
  return value
}

function checkNumber(node: SchemaNode, value: unknown, path: string, issues: ConfigIssue[]): unknown {
  const { minimum = -Infinity, maximum = Infinity } = node
  const isRight = node.type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)
  if (!isRight || (value as number) < minimum || (value as number) > maximum) return wrong(node, value, path, issues)
  return value
}
