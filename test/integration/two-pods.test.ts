import { after, before, describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { NatsServer } from '../support/nats-server.ts'
import { RedisCluster, RedisServer } from '../support/redis-server.ts'
import { deliverLate, loseAndTakeOver, takeOver } from '../support/take-over.ts'

const missing = absent('redis-server', 'redis-cli')

describe('two pods and one Redis', { skip: missing }, () => {
  let redis: RedisServer
  before(async () => {
    redis = await RedisServer.start()
  })
  after(() => redis.kill())

  const store = (prefix: string) => ({ type: 'redis', nodes: [`127.0.0.1:${redis.port}`], prefix })

  test('what one pod was told lets the other decode and scale the first Data Set', () => takeOver(store('one'), 'warm'))

  test('a pod that is started after the other was killed decodes and scales the first Data Set', () =>
    takeOver(store('two'), 'late'))

  test('what waits for its template when a pod is killed is delivered by the other, once', () =>
    deliverLate(store('five')))

  test('F-33 what one pod knows is there again after FLUSHALL', () =>
    loseAndTakeOver(store('three'), async () => void (await redis.command('flushall'))))

  test('F-33 what one pod knows is there again after Redis was killed and started empty', () =>
    loseAndTakeOver(store('four'), async () => {
      await redis.kill()
      await redis.start()
    }))
})

describe('two pods and a Redis Cluster of three nodes', { skip: missing }, () => {
  let cluster: RedisCluster
  before(async () => {
    cluster = await RedisCluster.start()
  })
  after(async () => {
    for (const node of cluster.nodes) await node.kill()
  })

  const store = (prefix: string) => ({
    type: 'redis',
    mode: 'cluster',
    nodes: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`),
    prefix
  })

  test('what one pod was told lets the other decode and scale the first Data Set', () => takeOver(store('one'), 'warm'))

  test('a pod that is started after the other was killed decodes and scales the first Data Set', () =>
    takeOver(store('two'), 'late'))
})

describe('two pods and one NATS', { skip: absent('nats-server') }, () => {
  let nats: NatsServer
  before(async () => {
    nats = await NatsServer.start()
  })
  after(() => nats.kill())

  const store = (bucket: string) => ({ type: 'nats', servers: [nats.url], bucket })

  test('what one pod was told lets the other decode and scale the first Data Set', () => takeOver(store('one'), 'warm'))

  test('a pod that is started after the other was killed decodes and scales the first Data Set', () =>
    takeOver(store('two'), 'late'))

  test('what waits for its template when a pod is killed is delivered by the other, once', () =>
    deliverLate(store('three')))

  test('F-33 what one pod knows is there again after its bucket was deleted', () =>
    loseAndTakeOver(store('four'), () => nats.deleteBucket('four')))

  test('F-33 what one pod knows is there again after NATS was killed and started empty', () =>
    loseAndTakeOver(store('five'), async () => {
      await nats.kill()
      nats.wipe()
      await nats.start()
    }))
})
