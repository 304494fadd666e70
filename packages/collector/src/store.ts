import { join } from 'node:path'
import type { WeirConfig } from '@weir/config'
import type { Log } from '@weir/runtime'
import { createFileTemplateStore, createMemoryTemplateStore, type TemplateStore } from '@weir/templates'

/** The template store that the configuration names, in the state folder, one for each worker. */
export function createStore(config: WeirConfig, worker: number, log: Log): TemplateStore {
  if (config.collector.templateStore === 'memory') return createMemoryTemplateStore()
  return createFileTemplateStore({
    path: join(config.stateDir, `templates-${worker}.db`),
    onQuarantine: (path, reason) =>
      log.warn('store_damaged', 'the template store is damaged: it was set aside and a new one begun', {
        path,
        reason
      }),
    onFailure: error => log.warn('store_failed', 'templates cannot be written to the store', { error })
  })
}
