import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfigKeys } from '../../src/checks/config-keys.ts'
import { readSource } from '../../src/checks/source-file.ts'
import type { SchemaNode } from '@weir/config'

const schema: SchemaNode = {
  type: 'object',
  properties: {
    link: { type: 'object', properties: { batchOctets: { type: 'integer' }, batchAgeMs: { type: 'integer' } } },
    http: { anyOf: [{ type: 'null' }, { type: 'object', properties: { port: { type: 'integer' } } }] },
    destinations: {
      type: 'array',
      items: {
        tag: 'type',
        anyOf: [
          { type: 'object', properties: { type: { const: 'ipfix' }, url: { type: 'string' } } },
          { type: 'object', properties: { type: { const: 'json' }, target: { type: 'string' } } }
        ]
      }
    },
    allow: { type: 'array', items: { type: 'string' } }
  }
}
const breachesOf = (path: string, text: string): string[] =>
  checkConfigKeys([readSource(path, text)], schema).map(each => each.split(':')[0]!)

const all = [
  'link.batchOctets',
  'link.batchAgeMs',
  'http.port',
  'destinations.type',
  'destinations.url',
  'destinations.target',
  'allow'
]

test('rejects every key that no source reads, those of nullable sections and of kinds too', () => {
  assert.deepEqual(breachesOf('packages/link/src/a.ts', 'export const port = 1; use({ url: 2 })'), all)
})

test('accepts keys that are read as a property or taken out of an object', () => {
  const text =
    'export function a(config, { port }) { const { limits, ...rest } = config; const { url = 1, target: t } = rest;' +
    ' return [config.link.batchOctets, rest.batchAgeMs, config.type, config.allow?.length] }'
  assert.deepEqual(breachesOf('packages/link/src/a.ts', text), [])
})

test('what the configuration itself, the tools and tests read does not count', () => {
  for (const path of ['packages/config/src/a.ts', 'packages/tools/src/a.ts', 'packages/link/test/a.test.ts']) {
    assert.deepEqual(breachesOf(path, 'export const a = c => [c.batchOctets, c.port, c.allow]'), all)
  }
})
