import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import type { RedisJobStore } from '@weir/config'
import { createLog, delay, systemClock } from '@weir/runtime'
import { absent } from '../../../../test/support/debian-tools.ts'
import { RedisCluster, RedisSentinelGroup, RedisServer } from '../../../../test/support/redis-server.ts'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { until } from '../../../../test/support/until.ts'
import { BullMqJobQueue } from '../../src/jobs/bullmq-job-queue.ts'
import { redisClients } from '../../src/jobs/redis-clients.ts'
import { order, queueLimits, testJobQueue } from './support/job-queue-contract.ts'
import type { MakeQueues } from './support/job-queue-contract.ts'
import { JobProcesses } from './support/job-processes.ts'
import { testJobWorkers } from './support/job-worker-contract.ts'

const skip = absent('redis-server', 'redis-cli')

let count = 0

/** A store of its own for each test: a prefix that no other has. */
const storeOf = (keys: object): RedisJobStore =>
  resolveConfig({ stores: { jobs: { type: 'redis', prefix: `test${count++}`, ...keys } } }).config.stores
    .jobs as RedisJobStore

function openQueue(t: TestContext, store: RedisJobStore, limits: object = {}, logged: string[] = []): BullMqJobQueue {
  const log = createLog({ name: 'front', destination: { write: line => void logged.push(line) } })
  const queue = new BullMqJobQueue(redisClients(store), store, { ...queueLimits, ...limits }, systemClock, log)
  t.after(() => queue.stop())
  return queue
}

const makeQueues =
  (keys: () => object): MakeQueues =>
  async t => {
    const store = storeOf(keys())
    return async limits => {
      const queue = openQueue(t, store, limits)
      await queue.start()
      return queue
    }
  }

describe('BullMQ', { skip, timeout: 120_000 }, async () => {
  if (skip !== false) return
  const server = await RedisServer.start('maxmemory-policy noeviction')
  const nodes = [`127.0.0.1:${server.port}`]
  testJobQueue(
    'BullMQ',
    makeQueues(() => ({ nodes }))
  )
  testJobWorkers('BullMQ', async (_t, limits) => ({
    stateDir: tempFolder('jobs'),
    stores: { jobs: storeOf({ nodes }) },
    front: { jobs: { limits } }
  }))

  test('while Redis is away: 503 in time, the front says so, and when it is back all goes on', async t => {
    const own = await RedisServer.start()
    const store = storeOf({ nodes: [`127.0.0.1:${own.port}`], timeoutMs: 300 })
    const logged: string[] = []
    const queue = openQueue(t, store, {}, logged)
    await queue.start()
    assert.equal(queue.unready, undefined)
    await queue.add(order())
    own.signal('SIGSTOP')
    const away = (error: { problem?: { status: number; code: string } }) => {
      assert.deepEqual([error.problem?.status, error.problem?.code], [503, 'QUEUE_AWAY'])
      return true
    }
    await assert.rejects(queue.list(), away)
    own.signal('SIGCONT')
    await until('it answers again', async () => (await queue.list()).length === 1)
    await own.kill()
    await until('it is unready', () => queue.unready !== undefined)
    await assert.rejects(queue.add(order()), away)
    await own.start()
    await until('it is ready again', () => queue.unready === undefined)
    await queue.add(order())
    assert.ok(logged.some(line => line.includes('job_queue_away')))
  })

  test('a worker that is stopped while Redis is away, or just back, ends in order and soon', async t => {
    const own = await RedisServer.start()
    const jobs = await JobProcesses.open(t, {
      stateDir: tempFolder('jobs'),
      stores: { jobs: storeOf({ nodes: [`127.0.0.1:${own.port}`], timeoutMs: 300 }) },
      front: { jobs: { limits: { lockMs: 1_500, threads: 1 } } }
    })
    const workers = [await jobs.startWorker(), await jobs.startWorker()]
    await jobs.untilState(await jobs.add('brief'), 'succeeded')
    const running = await jobs.add('brief', { ms: 60_000 })
    await jobs.untilState(running, 'running')
    await own.kill()
    workers[0]!.kill('SIGTERM')
    assert.deepEqual(await workers[0]!.waitForEnd(15_000), { code: 0, signal: null }, workers[0]!.said)
    await own.start()
    workers[1]!.kill('SIGTERM')
    assert.deepEqual(await workers[1]!.waitForEnd(15_000), { code: 0, signal: null }, workers[1]!.said)
  })

  test('a front that is stopped while Redis is away ends soon', async t => {
    const own = await RedisServer.start()
    const queue = openQueue(t, storeOf({ nodes: [`127.0.0.1:${own.port}`], timeoutMs: 300 }))
    await queue.start()
    const { job } = await queue.add(order())
    const changes: string[] = []
    queue.watch(job.id, () => changes.push(job.id))
    await queue.cancel(job.id)
    await until('it is told', () => changes.length > 0)
    await own.kill()
    await until('it is unready', () => queue.unready !== undefined)
    const ended = new AbortController()
    const late = delay(systemClock, 10_000, ended.signal).then(() => assert.fail('it has not ended'))
    await Promise.race([queue.stop(), late])
    ended.abort()
    await late.catch(() => undefined)
  })

  test('a front starts without Redis', async t => {
    const queue = openQueue(t, storeOf({ nodes: ['127.0.0.1:1'], connectTimeoutMs: 100 }))
    await queue.start()
    assert.match(queue.unready!, /stores\.jobs/)
  })

  test('a Redis that evicts is told of', async t => {
    const own = await RedisServer.start('maxmemory-policy allkeys-lru')
    const logged: string[] = []
    const queue = openQueue(t, storeOf({ nodes: [`127.0.0.1:${own.port}`] }), {}, logged)
    await queue.start()
    await until('it is told', () => logged.some(line => line.includes('maxmemory-policy allkeys-lru')))
  })

  test('what somebody else has written into Redis is read nowhere, and begins nothing', async t => {
    const jobs = await JobProcesses.open(t, {
      stateDir: tempFolder('jobs'),
      stores: { jobs: storeOf({ nodes, prefix: 'poisoned' }) },
      front: { jobs: { limits: { lockMs: 1_500 } } }
    })
    const bad = await jobs.add('octets', { top: 1, isPage: false })
    const key = `{poisoned-jobs}:jobs:${bad}`
    const upload = { id: '../../../../../etc/passwd', name: 'x', octets: 1, sha256: '0'.repeat(64) }
    const data = { uploads: [upload], params: {}, requestHash: 'x', isCancelAsked: false }
    await server.command('hset', key, 'data', JSON.stringify(data))
    const buried = { id: '../x', state: 'cancelled', finishedAtMs: 'never' }
    await server.command('hset', '{poisoned-jobs}:weir:cancelled', `j${'7'.repeat(32)}`, JSON.stringify(buried))
    await server.command('hset', '{poisoned-jobs}:weir:cancelled', `j${'8'.repeat(32)}`, 'no JSON')
    const unfit = await jobs.add('brief', { ms: 'long' })
    const good = await jobs.add('brief')
    await jobs.startWorker()
    await jobs.untilState(good, 'succeeded')
    assert.equal(await jobs.queue.get(bad), undefined)
    assert.match(await server.command('hget', key, 'failedReason'), /JOB_DATA/)
    assert.equal((await jobs.untilState(unfit, 'failed')).error?.code, 'JOB_UNFIT')
    assert.equal(await jobs.queue.get(`j${'8'.repeat(32)}`), undefined)
    assert.deepEqual((await jobs.queue.list()).map(({ id }) => id).toSorted(), [unfit, good].toSorted())
  })
})

describe('BullMQ on a Cluster', { skip, timeout: 120_000 }, async () => {
  if (skip !== false) return
  const cluster = await RedisCluster.start()
  testJobQueue(
    'BullMQ on a Cluster',
    makeQueues(() => ({ mode: 'cluster', nodes: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`) }))
  )
})

const skipSentinel = absent('redis-server', 'redis-sentinel', 'redis-cli')
const behind = ({ sentinel, name }: RedisSentinelGroup): object => ({
  mode: 'sentinel',
  nodes: [`${sentinel.host}:${sentinel.port}`],
  sentinelName: name
})

describe('BullMQ behind a Sentinel', { skip: skipSentinel, timeout: 120_000 }, async () => {
  if (skipSentinel !== false) return
  const group = await RedisSentinelGroup.start()
  testJobQueue(
    'BullMQ behind a Sentinel',
    makeQueues(() => behind(group))
  )

  test('a failover: what was done is known, what waits is done, by the worker that there was', async t => {
    const own = await RedisSentinelGroup.start()
    const [master] = own.servers
    const jobs = await JobProcesses.open(t, {
      stateDir: tempFolder('jobs'),
      stores: { jobs: storeOf({ ...behind(own), timeoutMs: 500 }) },
      front: { jobs: { limits: { lockMs: 1_500, threads: 1 } } }
    })
    await jobs.startWorker()
    const done = await jobs.add('brief')
    await jobs.untilState(done, 'succeeded')
    const [runs, waits] = [await jobs.add('brief', { ms: 2_000 }), await jobs.add('brief')]
    await jobs.untilState(runs, 'running')
    await until('the replica has all of it', async () => {
      const info = await master!.command('info', 'replication')
      return /offset=(\d+)/.exec(info)?.[1] === /master_repl_offset:(\d+)/.exec(info)?.[1]
    })
    await master!.kill()
    await own.untilMasterIsNot(master!)
    await until('the queue is back', () => jobs.queue.unready === undefined, 30_000)
    for (const id of [runs, waits, await jobs.add('brief')]) await jobs.untilState(id, 'succeeded')
    assert.equal((await jobs.queue.get(done))?.state, 'succeeded')
  })
})
