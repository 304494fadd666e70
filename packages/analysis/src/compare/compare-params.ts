import Type from 'typebox'
import type { Static } from 'typebox'

const closed = { additionalProperties: false } as const

const plan = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        filter: Type.Optional(
          Type.Union([Type.String({ maxLength: 1024 }), Type.Null()], {
            default: null,
            description: 'Data Records that go on, in the filter language of destinations; null: all.'
          })
        ),
        fields: Type.Optional(
          Type.Union(
            [Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 256 }), Type.Null()],
            {
              default: null,
              description: 'Elements of the normalised records that are kept; null: all.'
            }
          )
        ),
        timestamps: Type.Optional(
          Type.Union([Type.Literal('milliseconds'), Type.Literal('nanoseconds'), Type.Literal('preserve')], {
            default: 'milliseconds',
            description: 'Elements of start and end.'
          })
        ),
        lineage: Type.Optional(
          Type.Boolean({ default: true, description: 'Add who exported a record, and when it came.' })
        ),
        sampling: Type.Optional(Type.Boolean({ default: true, description: 'Add the effective sampling rate.' }))
      },
      { ...closed, default: {}, description }
    )
  )

/** Parameters of `compare`. */
export const CompareParams = Type.Object(
  {
    a: plan('One Plan: what a destination would get.'),
    b: plan('The other one.'),
    examples: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        default: 5,
        description: 'Records shown of each kind of difference, and values of each field.'
      })
    )
  },
  closed
)

export type CompareParams = Static<typeof CompareParams>
export type PlanParams = NonNullable<CompareParams['a']>
