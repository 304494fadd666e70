import { hashOf, redisNodes } from '@weir/config'
import type { WeirConfig } from '@weir/config'
import type { Log } from '@weir/runtime'
import { redisConnection } from '@weir/templates'
import type { FleetStore } from './rollouts.ts'

/** The store of revisions that the configuration names; nothing is opened yet. @throws ConfigError if a file of a key, a password or a certificate cannot be read. */
export async function openFleetStore({ stores: { revisions } }: WeirConfig, log: Log): Promise<FleetStore | undefined> {
  if (revisions.type === 'none') return undefined
  const connection = redisConnection(revisions, redisNodes(revisions), 'stores.revisions')
  // Loaded where it is used: the client takes memory of every process that has it.
  const { RedisRevisionStore } = await import('@weir/templates/redis')
  return new RedisRevisionStore<WeirConfig>({
    ...connection,
    hashOf,
    onFailure: error => log.warn('store_failed', 'the store of revisions does not answer', { error })
  })
}
