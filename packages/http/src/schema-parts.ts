import Type from 'typebox'

export const count = (description: string) => Type.Integer({ description })
export const timeMs = (description: string) =>
  Type.Number({ description: `${description}, milliseconds since 1970 UTC.` })
export const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** One of a few words, in the form that the docs page shows as a choice. */
export const oneOf = <const W extends readonly string[]>(words: W, description: string, defaultWord?: W[number]) =>
  Type.Unsafe<W[number]>({
    type: 'string',
    enum: [...words],
    description,
    ...(defaultWord === undefined ? {} : { default: defaultWord })
  })
