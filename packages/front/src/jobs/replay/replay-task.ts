import type { Task } from '@weir/analysis'
import type { JobContext } from '../task-surroundings.ts'
import { ReplayParams } from './replay-params.ts'

/** Recorded Messages sent once more, as they were; needs a {@link JobContext}. */
export const replayTask: Task<ReplayParams> = {
  name: 'replay',
  summary:
    'A recording (captures, IPFIX Files) sent once more, at a chosen speed: through a pipeline of its own into files, or to a collector.',
  params: ReplayParams,
  inputs: { min: 1, max: 64 },
  run: async (params, context) => (await import('./run-replay.ts')).runReplay(params, context as JobContext)
}
