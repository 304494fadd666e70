import { before, describe } from 'node:test'
import { absent } from '../../../test/support/debian-tools.ts'
import { RedisCluster, RedisSentinelGroup, RedisServer } from '../../../test/support/redis-server.ts'
import type { TemplateStore } from '../src/index.ts'
import { createRedisTemplateStore, type RedisTemplateStoreOptions } from '../src/redis.ts'
import { fixedClock } from './support/fixed-clock.ts'
import { describeShelf } from './support/shelf-contract.ts'
import { describeSharedStore, describeStore } from './support/store-contract.ts'

const skip = absent('redis-server', 'redis-sentinel', 'redis-cli')
const hmacKey = Buffer.alloc(32, 7)
let prefixes = 0
const newPrefix = (): string => `weir-${++prefixes}`

type Server = Pick<RedisTemplateStoreOptions, 'mode' | 'nodes' | 'sentinelName'>

function describeRing(name: string, startServer: () => Promise<Server>, key: Uint8Array | undefined): void {
  describe(name, { skip }, () => {
    const parts: { server?: Server } = {}
    before(async () => {
      parts.server = await startServer()
    })
    const makeStore = (prefix: string): TemplateStore =>
      createRedisTemplateStore({
        ...parts.server!,
        prefix,
        hmacKey: key,
        clock: fixedClock,
        flushMs: 5,
        // A busy machine: what is tested here is not how long it takes.
        timeoutMs: 5_000,
        connectTimeoutMs: 10_000
      })
    describeStore(name, () => makeStore(newPrefix()))
    describeSharedStore(name, () => {
      const prefix = newPrefix()
      return [makeStore(prefix), makeStore(prefix)]
    })
    describeShelf(name, options => {
      const prefix = newPrefix()
      const make = (): TemplateStore =>
        createRedisTemplateStore({
          ...parts.server!,
          prefix,
          hmacKey: key,
          timeoutMs: 5_000,
          connectTimeoutMs: 10_000,
          ...options
        })
      return [make(), make()]
    })
  })
}

describeRing('redis', async () => ({ mode: 'single', nodes: [await RedisServer.start()] }), hmacKey)
describeRing('redis without a key', async () => ({ mode: 'single', nodes: [await RedisServer.start()] }), undefined)
describeRing('redis cluster', async () => ({ mode: 'cluster', nodes: (await RedisCluster.start()).nodes }), hmacKey)
describeRing(
  'redis sentinel',
  async () => {
    const group = await RedisSentinelGroup.start()
    return { mode: 'sentinel', nodes: [group.sentinel], sentinelName: group.name }
  },
  hmacKey
)
