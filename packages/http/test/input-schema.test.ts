import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type from 'typebox'
import { inputSchema } from '../src/input-schema.ts'

test('what has a default may be left out of what is sent, at every depth; what has none may not', () => {
  const inner = Type.Object({ speed: Type.Number({ default: 1 }), to: Type.String() })
  const schema = Type.Object({
    all: Type.Object({ limit: Type.Integer({ default: 7 }) }, { default: {} }),
    items: Type.Array(inner),
    either: Type.Union([inner, Type.Null()]),
    required: Type.String()
  })
  const properties = { speed: { type: 'number', default: 1 }, to: { type: 'string' } }
  assert.deepEqual(inputSchema(schema), {
    type: 'object',
    required: ['items', 'either', 'required'],
    properties: {
      all: { type: 'object', default: {}, properties: { limit: { type: 'integer', default: 7 } } },
      items: { type: 'array', items: { type: 'object', required: ['to'], properties } },
      either: { anyOf: [{ type: 'object', required: ['to'], properties }, { type: 'null' }] },
      required: { type: 'string' }
    }
  })
  assert.deepEqual(schema.required, ['all', 'items', 'either', 'required'], 'the schema itself stays')
})
