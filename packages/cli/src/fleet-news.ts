import { hashOf, redisNodes } from '@weir/config'
import type { FleetNews, WeirConfig } from '@weir/config'

/**
 * How the store of revisions is asked at the start of a process: for as long as a connection and an answer may take, and no more.
 *
 * @returns undefined as an answer: the store is away.
 */
export function fleetOf({ stores }: WeirConfig): (baseHash: string) => Promise<FleetNews | undefined> {
  return async baseHash => {
    const { revisions } = stores
    if (revisions.type === 'none') return undefined
    const { redisConnection } = await import('@weir/templates')
    const connection = redisConnection(revisions, redisNodes(revisions), 'stores.revisions')
    const { RedisRevisionStore } = await import('@weir/templates/redis')
    const store = new RedisRevisionStore<WeirConfig>({ ...connection, hashOf })
    try {
      await store.start()
      const seen = await store.look()
      return seen === undefined ? undefined : { head: seen.head, isBaseKnown: await store.knowsBase(baseHash) }
    } catch {
      return undefined
    } finally {
      await store.close()
    }
  }
}
