import { formats } from '../formats.ts'
import { isNullable, taggedVariants, withoutNull } from './node.ts'
import type { SchemaNode } from './node.ts'

/** What is allowed at a place, in a few words for a person. */
export function allowedAt(node: SchemaNode): string {
  if (isNullable(node)) return `${allowedAt(withoutNull(node))}, or null`
  const variants = taggedVariants(node)
  if (variants !== undefined) return `an object with ${node.tag}: ${[...variants.keys()].join(' | ')}`
  if (node.anyOf !== undefined) return node.anyOf.map(allowedAt).join(' | ')
  if (node.const !== undefined) return String(node.const)
  switch (node.type) {
    case 'integer':
    case 'number':
      return `${node.type === 'integer' ? 'a whole number' : 'a number'} ${node.minimum}..${node.maximum}${node.unit === undefined ? '' : ` ${node.unit}`}`
    case 'boolean':
      return 'true | false'
    case 'array':
      return `a list of ${node.minItems ?? 0}..${node.maxItems} entries`
    case 'object':
      return `an object with the keys ${Object.keys(node.properties ?? {}).join(', ')}`
    case 'string':
      return allowedText(node)
    default:
      return 'null'
  }
}

function allowedText(node: SchemaNode): string {
  if (node.meaning !== undefined) return formats[node.meaning]!.allowed
  if (node.pattern !== undefined) return `text that matches ${node.pattern}`
  return 'text'
}
