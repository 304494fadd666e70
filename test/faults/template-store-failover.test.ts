import { describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { RedisCluster, RedisSentinelGroup } from '../support/redis-server.ts'
import { StoreFaultRun } from '../support/store-fault-run.ts'

const skip = absent('redis-server', 'redis-sentinel', 'redis-cli')

describe(
  'TH-21 F-33 a template store of several servers, of which one dies under load: 0 lost, 0 wrong',
  { skip },
  () => {
    test('failed over by Sentinel, and the new master has nothing', async t => {
      const group = await RedisSentinelGroup.start()
      const { sentinel, name, servers } = group
      const run = await StoreFaultRun.start(t, {
        name: 'store-failed-over',
        mode: 'sentinel',
        nodes: [sentinel],
        sentinelName: name
      })
      const [first] = servers
      await first.kill()
      await run.begin()
      const master = await group.untilMasterIsNot(first)
      await master.command('flushall')
      await run.underLoad()
      await run.untilKeysAreBack()
      await run.end(t)
    })

    test('one node of a Cluster killed, and started again with nothing in it', async t => {
      const cluster = await RedisCluster.start()
      const run = await StoreFaultRun.start(t, { name: 'store-node-killed', mode: 'cluster', nodes: cluster.nodes })
      const [, node] = cluster.nodes
      await node.kill()
      await run.begin()
      await run.underLoad()
      await node.start()
      await cluster.untilWhole()
      await run.untilKeysAreBack()
      await run.end(t)
    })
  }
)
