import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { RedisServer } from '../support/redis-server.ts'
import { StoreFaultRun } from '../support/store-fault-run.ts'
import { until } from '../support/until.ts'

const skip = absent('redis-server', 'redis-cli')

describe(
  'TH-21 F-33 F-35 a template store that loses under load: 0 lost, 0 wrong, and it has all again',
  { skip },
  () => {
    test('FLUSHALL', async t => {
      const server = await RedisServer.start()
      const run = await StoreFaultRun.start(t, { name: 'store-flushed', mode: 'single', nodes: [server] })
      await server.command('flushall')
      assert.equal(Number(await server.command('dbsize')) < 20, true)
      await run.begin()
      await run.underLoad()
      await run.untilKeysAreBack()
      await run.end(t)
    })

    test('full: nothing more is taken, until there is room', async t => {
      const server = await RedisServer.start('maxmemory-policy noeviction')
      const run = await StoreFaultRun.start(t, { name: 'store-full', mode: 'single', nodes: [server] })
      await server.command('config', 'set', 'maxmemory', '1')
      await run.begin()
      await run.underLoad()
      await until(
        'writes are refused',
        async () => (await run.metric('weir_collector_store_failures_total', 'ring="shared"', 'kind="write"')) > 0
      )
      await server.command('config', 'set', 'maxmemory', '0')
      await run.untilKeysAreBack()
      await run.end(t)
    })
  }
)
