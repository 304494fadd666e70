import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { defaultLimits } from '@weir/ipfix'
import type { ConfigIssue } from '@weir/runtime'
import { WeirConfig, configSchema, resolveConfig } from '../src/index.ts'
import type { SchemaNode } from '../src/index.ts'
import { checkValue } from '../src/check-value.ts'

const full = resolveConfig({
  destinations: [
    { id: 'a', type: 'ipfix', url: 'udp://192.0.2.1' },
    { id: 'b', type: 'json', target: 'stdout' },
    { id: 'c', type: 'ipfix-file', path: 'x' }
  ]
}).config

test('the defaults of the protocol limits are those of @weir/ipfix', () => {
  const own = full.collector.limits as unknown as Record<string, number>
  for (const [key, value] of Object.entries(defaultLimits)) assert.equal(own[key], value, key)
})

test('every key of the document has a description, every number its bounds and a limit its number', () => {
  const visit = (node: SchemaNode, path: string): void => {
    if (node.type === 'integer' || node.type === 'number') {
      assert.ok(node.minimum !== undefined && node.maximum !== undefined, `${path} has no bounds`)
    }
    if (node.limit !== undefined) assert.match(node.limit, /^L-\d\d$/, path)
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      assert.ok((child.description ?? '') !== '' || child.const !== undefined, `${path}.${key} has no description`)
      visit(child, `${path}.${key}`)
    }
    for (const member of [...(node.anyOf ?? []), ...(node.items === undefined ? [] : [node.items])]) visit(member, path)
  }
  visit(configSchema, '')
})

test('checking does not change what is given, and what is resolved resolves to itself', () => {
  const given = structuredClone(full)
  const { config } = resolveConfig(given)
  assert.deepEqual(config, full)
  assert.deepEqual(given, full)
})

/** Every path of the document, as keys. */
function pathsOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return [path, ...keys.flatMap(key => pathsOf((value as Record<string | number, unknown>)[key], [...path, key]))]
}

const allPaths = pathsOf(full).filter(path => path.length > 0)
const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.integer(),
  fc.constantFrom('', 'a', 'udp', '::', 'stdout', 'preserve', 'block', null, true, 0, -1, 1e9, 4739)
)

test('our check and TypeBox agree on documents with one value exchanged', () => {
  fc.assert(
    fc.property(fc.constantFrom(...allPaths), anyValue, (path, value) => {
      const document = structuredClone(full)
      let at = document as unknown as Record<string | number, unknown>
      for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>
      at[path.at(-1)!] = value
      const issues: ConfigIssue[] = []
      const checked = checkValue(configSchema, document, '', issues)
      // What text means (addresses, URLs) is ours alone: there TypeBox may accept more.
      if (issues.length === 0) assert.ok(Value.Check(WeirConfig, checked))
      else if (Value.Check(WeirConfig, document)) assert.equal(typeof value, 'string')
    }),
    { numRuns: 2_000 }
  )
})

test('any plain data is accepted or refused with paths, never thrown at', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const issues: ConfigIssue[] = []
      const checked = checkValue(configSchema, value, '', issues)
      assert.ok(issues.length > 0 || Value.Check(WeirConfig, checked))
    })
  )
})
