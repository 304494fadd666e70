import { QueryParams } from './query-params.ts'
import type { Task } from '../task.ts'

/** Groups, sums, time series and top-N of recorded flows, by DuckDB. */
export const queryTask: Task<QueryParams> = {
  name: 'query',
  summary:
    'Filter, group, time series and top-N over recorded flows (Parquet, captures, IPFIX Files), as JSON and CSV.',
  params: QueryParams,
  inputs: { min: 1, max: 64 },
  run: async (params, context) => (await import('./run-query.ts')).runQuery(params, context)
}
