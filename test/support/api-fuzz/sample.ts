import type { Dice } from './dice.ts'
import { nastyText, nastyValue } from './nasty.ts'

/** What is read of a JSON Schema here. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly pattern?: string
  readonly default?: unknown
}

/** Follows `#/a/b`. */
export type Resolve = (ref: string) => Schema

export interface SampleOptions {
  readonly dice: Dice
  readonly resolve: Resolve
  /** Text of values; names and numbers are as the schema wants them. */
  readonly text?: (dice: Dice) => string
  /** Ids that there are, for text that has to look like one. */
  readonly ids?: readonly string[]
}

const plain = (dice: Dice): string => dice.oneOf(['a', '192.0.2.7', 'octetDeltaCount', 'x-1', 'up', '2001:db8::7'])

/** A value that a schema allows. */
export function sampleOf(schema: Schema, options: SampleOptions, depth = 0): unknown {
  const { dice, resolve, text = plain, ids = [] } = options
  const inner = (each: Schema): unknown => sampleOf(each, options, depth + 1)
  if (schema.$ref !== undefined) return inner(resolve(schema.$ref))
  if ('const' in schema) return schema.const
  if (schema.enum !== undefined) return dice.oneOf(schema.enum)
  const choices = schema.anyOf ?? schema.oneOf
  // Null ends what would go on for ever.
  if (choices !== undefined) return inner(depth > 6 ? choices.at(-1)! : dice.oneOf(choices))
  const type = Array.isArray(schema.type) ? dice.oneOf(schema.type as string[]) : schema.type
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return dice.isOneIn(2)
    case 'integer':
    case 'number': {
      const { minimum = 0, maximum = minimum + 1_000 } = schema
      return dice.isOneIn(4) ? dice.oneOf([minimum, maximum]) : minimum + dice.below(maximum - minimum + 1)
    }
    case 'string':
      return textFor(schema, dice, text, schema.pattern === undefined ? [] : ids)
    case 'array': {
      const length = Math.max(schema.minItems ?? 0, depth > 6 ? 0 : dice.below(3))
      return Array.from({ length }, () => inner(schema.items ?? {}))
    }
    case 'object':
      return objectFor(schema, options, depth)
    default:
      return nastyValue(dice)
  }
}

function textFor(
  { pattern, minLength = 0, maxLength = 10_000 }: Schema,
  dice: Dice,
  text: (dice: Dice) => string,
  ids: readonly string[]
): string {
  const words = [text(dice), plain(dice), 'abc', '0', '-records', 'a'.repeat(64), '1', ...ids]
  const fits = words
    .map(word => word.toWellFormed().slice(0, maxLength).padEnd(minLength, 'a'))
    .find(word => pattern === undefined || new RegExp(pattern, 'u').test(word))
  return fits ?? words[0]!
}

function objectFor(schema: Schema, options: SampleOptions, depth: number): object {
  const { dice } = options
  const entries = Object.entries(schema.properties ?? {}).flatMap(([key, each]) =>
    schema.required?.includes(key) === true || dice.isOneIn(2) ? [[key, sampleOf(each, options, depth + 1)]] : []
  )
  const [[, of] = []] = Object.entries(schema.patternProperties ?? {})
  const others = of ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined)
  if (others !== undefined && depth <= 6) entries.push([plain(dice), sampleOf(others, options, depth + 1)])
  return Object.fromEntries(entries) as object
}

/** A value that a schema allows, and then something is wrong with it. */
export function brokenOf(schema: Schema, options: SampleOptions): unknown {
  const { dice } = options
  const value = sampleOf(schema, options)
  if (typeof value !== 'object' || value === null || dice.isOneIn(4)) return nastyValue(dice)
  const keys = Object.keys(value)
  const key = keys.length === 0 ? 'x' : dice.oneOf(keys)
  switch (dice.below(4)) {
    case 0:
      return Object.fromEntries(Object.entries(value).filter(([each]) => each !== key))
    case 1:
      return {
        ...value,
        [dice.oneOf(['extra', '__proto__', 'constructor', 'role', 'hash', nastyText(dice)])]: nastyValue(dice)
      }
    default:
      return { ...value, [key]: nastyValue(dice) }
  }
}
