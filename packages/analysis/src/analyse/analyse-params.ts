import Type from 'typebox'
import { filterParam } from '../flows/filter-param.ts'
import type { Static } from 'typebox'

/** What a task `analyse` may be told. */
export const AnalyseParams = Type.Object(
  {
    filter: filterParam,
    top: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        default: 20,
        description: 'Entries of each list of talkers, ports and conversations.'
      })
    )
  },
  { additionalProperties: false }
)

export type AnalyseParams = Static<typeof AnalyseParams>
