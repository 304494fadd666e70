import { isDeepStrictEqual } from 'node:util'
import { checkValue } from './check-value.ts'
import { taggedVariants, withoutNull } from './schema/node.ts'
import type { SchemaNode } from './schema/node.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * What of a checked value is not as it would be by default: two documents that say the same have the same, also where one was read
 * by a version that knows more keys.
 *
 * @returns plain data; parts of `value` are in it.
 */
export function saidKeys(value: unknown, schema: SchemaNode): unknown {
  if (value === null) return null
  const plain = withoutNull(schema)
  if (Array.isArray(value)) return value.map(item => saidKeys(item, plain.items ?? {}))
  if (typeof value !== 'object') return value
  const node = taggedVariants(plain)?.get(String((value as Json)[plain.tag!])) ?? plain
  const said: Record<string, unknown> = {}
  for (const [key, its] of Object.entries(value)) {
    const child = node.properties?.[key]
    if (child === undefined) said[key] = its
    else if (!isDeepStrictEqual(its, defaultOf(child))) said[key] = saidKeys(its, child)
  }
  return said
}

const defaults = new WeakMap<SchemaNode, { readonly value: unknown }>()

/** With the defaults of what is in it; undefined if there is none. */
function defaultOf(schema: SchemaNode): unknown {
  let known = defaults.get(schema)
  if (known === undefined) {
    const { default: written } = schema
    known = { value: written === undefined ? undefined : checkValue(schema, structuredClone(written), '', []) }
    defaults.set(schema, known)
  }
  return known.value
}
