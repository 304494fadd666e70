import Type from 'typebox'

/** What a number counts; shown on the reference page. */
export type Unit = 'ms' | 's' | 'octets' | 'per second' | 'levels'

/** Annotations of a key beyond JSON Schema. */
export interface NumberKey {
  readonly default: number
  readonly minimum: number
  readonly maximum: number
  readonly unit?: Unit
  /** One sentence: what it is, and why the default is what it is. */
  readonly description: string
  /** The number of the bound on the limits page, `L-nn`. */
  readonly limit?: string
  /** What memory the bound implies, for the limits page. */
  readonly memory?: string
  /** What happens when the bound is reached, for the limits page. */
  readonly whenReached?: string
}

/** A whole number with its unit, bounds, default and reason. */
export const wholeNumber = (key: NumberKey) => Type.Integer({ ...key })

/** An object that admits its own keys only; each key has a default, so the object has one too. */
export const section = <P extends Type.TProperties>(properties: P, description: string) =>
  Type.Object(properties, { additionalProperties: false, default: {}, description })

/** One of a few words. */
export const word = <const W extends readonly string[]>(
  words: W,
  defaultWord: W[number] | undefined,
  description: string
) =>
  // TypeBox does not see through a list that is mapped: it would make the type `never`.
  Type.Unsafe<W[number]>(
    Type.Union(
      words.map(each => Type.Literal(each)),
      defaultWord === undefined ? { description } : { default: defaultWord, description }
    )
  )

/** Meanings of text that a pattern cannot say; checked by formats.ts. */
export type TextFormat =
  | 'address'
  | 'cidr'
  | 'hostPort'
  | 'ipfixUrl'
  | 'issuerUrl'
  | 'jsonTarget'
  | 'natsUrl'
  | 'path'
  | 'kubernetesName'
  | 'podUrl'
  | 'webhookUrl'

/** Text with a meaning of its own. */
export const text = (format: TextFormat, options: { readonly default?: string; readonly description: string }) =>
  Type.String({ ...options, minLength: 1, maxLength: 4096, meaning: format })

/** A name made of letters, digits, `.`, `_` and `-`. */
export const identifier = (description: string) =>
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', description })

/** The value or null. */
export const orNull = <T extends Type.TSchema>(schema: T, defaultValue: unknown, description: string) =>
  Type.Union([schema, Type.Null()], { default: defaultValue, description })

/** Where a process answers /livez, /readyz and /metrics. */
export const httpHealth = (process: string, port: number, isOn = true) =>
  orNull(
    Type.Object(
      {
        address: text('address', {
          default: '127.0.0.1',
          description: 'Local address to bind; this machine only, because nothing asks for credentials there.'
        }),
        port: wholeNumber({ default: port, minimum: 0, maximum: 65535, description: 'TCP port; 0 takes any free one.' })
      },
      {
        additionalProperties: false,
        // JSON Schema has one default: that of the key.
        ...(isOn ? { default: {} } : {}),
        description: `Health and metrics of the ${process}.`
      }
    ),
    isOn ? {} : null,
    `Where the ${process} answers /livez, /readyz and /metrics; ${isOn ? 'null turns it off' : '{} turns it on'}.`
  )

export const KIB = 1024
export const MIB = 1024 * 1024
export const GIB = 1024 * 1024 * 1024
