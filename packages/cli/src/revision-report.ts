import { formerRevisionPath, revisionsPath, setRevisionAside } from '@weir/config'
import type { RevisedConfig } from '@weir/config'
import type { Log } from '@weir/runtime'

/** Say in the log whether what was changed through the API holds; files that nobody could go on with are put aside. */
export async function tellOfRevision({ config, origin, reason = '' }: RevisedConfig, log: Log): Promise<void> {
  if (origin === 'revision' || origin === 'former') {
    log.info('revision_taken', 'what was changed through the API holds')
    return
  }
  if (origin === 'file') return
  const nowMs = Date.now()
  const former = await setRevisionAside(formerRevisionPath(config.stateDir), nowMs)
  const damaged = origin === 'damaged' ? await setRevisionAside(revisionsPath(config.stateDir), nowMs) : undefined
  const path = damaged ?? former
  log.warn(
    'revision_set_aside',
    `what was changed through the API is not taken: ${reason}; POST /v1/config/rollback brings a revision back`,
    path === undefined ? {} : { path }
  )
}
