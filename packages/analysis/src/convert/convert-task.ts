import { ConvertParams } from './convert-params.ts'
import type { Task } from '../task.ts'

/** Recorded flows to another format, through the normalisation that destinations get. */
export const convertTask: Task<ConvertParams> = {
  name: 'convert',
  summary: 'Recorded flows (captures, IPFIX Files, Parquet) as NDJSON, CSV, Parquet or an IPFIX File.',
  params: ConvertParams,
  inputs: { min: 1, max: 64 },
  run: async (params, context) => (await import('./run-convert.ts')).runConvert(params, context)
}
