/** The part of JSON Schema that the configuration uses, with our own annotations. Read-only view of the TypeBox schemas. */
export interface SchemaNode {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null'
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly const?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly description?: string
  readonly title?: string
  /** For text: what it means; see formats.ts. */
  readonly meaning?: string
  /** For a union of objects: the key that tells them apart. */
  readonly tag?: string
  readonly unit?: string
  readonly limit?: string
  readonly memory?: string
  readonly whenReached?: string
}

/** The members of a union that are objects told apart by a key, or undefined. */
export function taggedVariants(node: SchemaNode): ReadonlyMap<string, SchemaNode> | undefined {
  const { tag } = node
  if (tag === undefined || node.anyOf === undefined) return undefined
  return new Map(node.anyOf.map(variant => [String(variant.properties?.[tag]?.const), variant]))
}

/** True if null is allowed there. */
export const isNullable = (node: SchemaNode): boolean => node.anyOf?.some(member => member.type === 'null') ?? false

/** The one member of a nullable union that is not null, or the node itself. */
export function withoutNull(node: SchemaNode): SchemaNode {
  if (!isNullable(node)) return node
  const members = node.anyOf!.filter(member => member.type !== 'null')
  return members.length === 1 ? members[0]! : { ...node, anyOf: members }
}
