import { hashOf, redisNodes } from '@weir/config'
import type { EffectiveDocument, WeirConfig } from '@weir/config'
import { controlEndpoint, createControlServer } from '@weir/link'
import { createLog, runProcess } from '@weir/runtime'
import type { Log } from '@weir/runtime'
import { redisConnection } from '@weir/templates'
import { createCoordinator } from './coordinator.ts'
import type { FleetStore } from './revisions/fleet-follower.ts'

export interface CoordinatorProcessOptions extends EffectiveDocument {
  readonly version: string
  /** Default: JSON lines on standard error at the document's level. */
  readonly log?: Log
}

/** Run a coordinator process until it is told to stop. */
export async function runCoordinator({ version, log: given, ...document }: CoordinatorProcessOptions): Promise<number> {
  const { config } = document
  const log = given ?? createLog({ name: 'coordinator', level: config.log.level })
  const { heartbeatMs, heartbeatTimeoutMs } = config.link
  const control = createControlServer({
    endpoint: controlEndpoint(config.runDir ?? '/run/weir'),
    heartbeatMs,
    heartbeatTimeoutMs
  })
  const coordinator = createCoordinator(document, {
    control,
    log,
    version,
    fleetStore: await openFleetStore(config, log)
  })
  return runProcess('coordinator', [coordinator], {
    log,
    describe: () => ({ url: coordinator.url, port: Number(new URL(coordinator.url).port) })
  })
}

/** Nothing is opened yet. @throws ConfigError if a file of a key, a password or a certificate cannot be read. */
async function openFleetStore({ stores: { revisions } }: WeirConfig, log: Log): Promise<FleetStore | undefined> {
  if (revisions.type === 'none') return undefined
  const connection = redisConnection(revisions, redisNodes(revisions), 'stores.revisions')
  // Loaded where it is used: the client takes memory of every coordinator that has it.
  const { RedisRevisionStore } = await import('@weir/templates/redis')
  return new RedisRevisionStore<WeirConfig>({
    ...connection,
    hashOf,
    onFailure: error => log.warn('store_failed', 'the store of revisions does not answer', { error })
  })
}
