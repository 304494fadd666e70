import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { NatsServer } from '../support/nats-server.ts'
import { StoreFaultRun } from '../support/store-fault-run.ts'
import { until } from '../support/until.ts'

describe(
  'TH-20 TH-21 a template store in NATS that is away or loses under load: 0 lost, 0 wrong, and it has all again',
  { skip: absent('nats-server') },
  () => {
    test('killed, and started again with nothing in it', async t => {
      const nats = await NatsServer.start()
      const run = await StoreFaultRun.start(t, { name: 'nats-killed', nats })
      await nats.kill()
      nats.wipe()
      await until('the pod knows', async () => (await run.metric('weir_collector_store_up')) === 0)
      await run.begin()
      await run.underLoad()
      await nats.start()
      await run.untilKeysAreBack()
      await run.end(t)
    })

    test('frozen until the breaker opens, and thawed', async t => {
      const nats = await NatsServer.start()
      const run = await StoreFaultRun.start(t, { name: 'nats-frozen', nats })
      nats.signal('SIGSTOP')
      await run.begin()
      await until('the pod knows', async () => (await run.metric('weir_collector_store_up')) === 0, 20_000)
      await run.underLoad()
      assert.equal(await run.metric('weir_collector_store_up'), 0)
      nats.signal('SIGCONT')
      await run.untilKeysAreBack()
      await run.end(t)
    })

    test('its bucket deleted', async t => {
      const nats = await NatsServer.start()
      const run = await StoreFaultRun.start(t, { name: 'nats-deleted', nats })
      await nats.deleteBucket('weir-templates')
      await run.begin()
      await run.underLoad()
      await run.untilKeysAreBack()
      await run.end(t)
    })
  }
)
