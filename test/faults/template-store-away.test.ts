import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { RedisServer } from '../support/redis-server.ts'
import { StoreFaultRun } from '../support/store-fault-run.ts'
import { until } from '../support/until.ts'

const skip = absent('redis-server', 'redis-cli')

describe(
  'TH-20 F-31 F-32 a template store that is away under load: 0 lost, 0 wrong, and it catches up',
  { skip },
  () => {
    test('killed, and started again with nothing in it', async t => {
      const server = await RedisServer.start()
      const run = await StoreFaultRun.start(t, { name: 'store-killed', mode: 'single', nodes: [server] })
      await server.kill()
      await until('the pod knows', async () => (await run.metric('weir_collector_store_up')) === 0)
      await run.begin()
      await run.underLoad()
      await server.start()
      await run.untilKeysAreBack()
      await run.end(t)
    })

    test('frozen until the breaker opens, and thawed', async t => {
      const server = await RedisServer.start()
      const run = await StoreFaultRun.start(t, { name: 'store-frozen', mode: 'single', nodes: [server] })
      server.signal('SIGSTOP')
      await run.begin()
      await until(
        'the breaker is open',
        async () => (await run.metric('weir_collector_store_breaker_opened_total')) > 0,
        20_000
      )
      await run.underLoad()
      assert.equal(await run.metric('weir_collector_store_up'), 0)
      server.signal('SIGCONT')
      await run.untilKeysAreBack()
      await run.end(t)
    })
  }
)
