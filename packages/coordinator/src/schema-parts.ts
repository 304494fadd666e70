import Type from 'typebox'

export const count = (description: string) => Type.Integer({ description })
export const timeMs = (description: string) =>
  Type.Number({ description: `${description}, milliseconds since 1970 UTC.` })
export const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
