import { Type } from 'typebox'
import type { Static } from 'typebox'

const closed = { additionalProperties: false } as const
const fieldText = { minLength: 1, maxLength: 128 }
const fieldHelp =
  'Name of an element or `en<PEN>:id<N>`, as a column of the Parquet is named; or `src`, `dst`, `srcport`, `dstport`, `proto`, ' +
  '`exporter`, `odid`, `octets`, `packets` (delta counters, else total ones).'

const Metric = Type.Object(
  {
    of: Type.Union(
      [
        Type.Literal('flows'),
        Type.Literal('sum'),
        Type.Literal('min'),
        Type.Literal('max'),
        Type.Literal('average'),
        Type.Literal('distinct')
      ],
      { description: 'flows: how many records; distinct: how many different values, exactly.' }
    ),
    field: Type.Optional(Type.String({ ...fieldText, description: `What is counted; not for flows. ${fieldHelp}` })),
    isScaled: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'flows and sum: each record as often as its sampling rate says; once where that is not known.'
      })
    )
  },
  closed
)
export type Metric = Static<typeof Metric>

/** Parameters of `query`. */
export const QueryParams = Type.Object(
  {
    filter: Type.Optional(
      Type.Union([Type.String({ maxLength: 1024 }), Type.Null()], {
        default: null,
        description: 'Records that are counted, in the filter language of destinations; null: all.'
      })
    ),
    groupBy: Type.Optional(
      Type.Array(Type.String(fieldText), {
        default: [],
        maxItems: 8,
        description: `A row for each combination of these. ${fieldHelp}`
      })
    ),
    metrics: Type.Optional(
      Type.Array(Metric, {
        minItems: 1,
        maxItems: 16,
        default: [{ of: 'sum', field: 'octets' }, { of: 'sum', field: 'packets' }, { of: 'flows' }],
        description: 'What is said of each group, in this order.'
      })
    ),
    timeBucketSec: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 31_622_400,
        description: 'A row for each group and span of so many seconds; column `time` has where it begins, UTC.'
      })
    ),
    timeField: Type.Optional(
      Type.String({
        ...fieldText,
        default: 'flowStartMilliseconds',
        description: 'Which time decides on the span; where a record has none, receivedAt.'
      })
    ),
    topN: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'Only the groups that are first by `order` over the whole time.'
      })
    ),
    order: Type.Optional(
      Type.Object(
        {
          metric: Type.Optional(
            Type.Integer({ default: 0, minimum: 0, maximum: 15, description: 'Index in `metrics`.' })
          ),
          direction: Type.Optional(
            Type.Union([Type.Literal('descending'), Type.Literal('ascending')], { default: 'descending' })
          )
        },
        { ...closed, default: {}, description: 'Of groups; rows of a time series are by time first.' }
      )
    ),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100_000, default: 1000, description: 'Rows of the result at most.' })
    )
  },
  closed
)
export type QueryParams = Static<typeof QueryParams>
