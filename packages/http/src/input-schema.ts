type Schema = Readonly<Record<string, unknown>>

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A schema as it holds for what is sent to us: keys that have a default may be left out. For the document only; requests are checked
 * with their defaults filled in.
 */
export function inputSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inputSchema)
  if (!isSchema(schema)) return schema
  const entries = Object.entries(schema).map(([key, value]) => [key, of(key, value, schema)] as const)
  return Object.fromEntries(entries.filter(([key, value]) => key !== 'required' || (value as unknown[]).length > 0))
}

function of(key: string, value: unknown, { properties }: Schema): unknown {
  switch (key) {
    case 'required':
      return (value as readonly string[]).filter(name => !hasDefault((properties as Schema | undefined)?.[name]))
    case 'properties':
      return Object.fromEntries(Object.entries(value as Schema).map(([name, each]) => [name, inputSchema(each)]))
    case 'items':
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'additionalProperties':
      return inputSchema(value)
    default:
      return value
  }
}

const hasDefault = (schema: unknown): boolean => isSchema(schema) && 'default' in schema
