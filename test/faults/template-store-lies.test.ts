import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { RedisServer } from '../support/redis-server.ts'
import { RedisWire } from '../support/redis-wire.ts'
import { StoreFaultRun, entriesOf } from '../support/store-fault-run.ts'
import { StorePoison } from '../support/store-poison.ts'
import { until } from '../support/until.ts'

const skip = absent('redis-server', 'redis-cli')
const VALUES = 100_000
const LONG_AGO_SEC = 600

describe('TH-22 F-34 a template store that lies under load: 0 lost, and no lie decodes', { skip }, () => {
  for (const [what, isSealed] of [
    ['with a key: changed, cut, longer, of elsewhere, of long ago', true],
    ['without a key: nothing that is not a valid entry of exactly its own place', false]
  ] as const) {
    test(`10^5 values written over the live ones, ${what}`, async t => {
      const server = await RedisServer.start()
      const wire = await RedisWire.connect(server.port)
      t.after(() => wire.close())
      let old = new Map<string, Map<string, Buffer>>()
      const settings = { name: 'store-lies', mode: 'single', nodes: [server], isSealed } as const
      const run = await StoreFaultRun.start(t, settings, async (otherPod, early) => {
        const exportTimeSec = Math.floor(Date.now() / 1000) - LONG_AGO_SEC
        otherPod.put(entriesOf(early, { turn: 1, exportTimeSec }))
        await otherPod.flush()
        old = await wire.hashes(await wire.keys('weir:*:e'))
      })
      assert.ok(old.size > 0)
      const poison = new StorePoison(wire, { isSealed, old })
      const rejected = (): Promise<number> =>
        run.metric('weir_collector_store_failures_total', 'ring="shared"', 'kind="rejected"')
      const rejectedBefore = await rejected()
      const entries = await poison.write(1_000)
      await run.begin()
      await poison.write(VALUES - poison.written)
      assert.ok(poison.written >= VALUES)
      await until('the pod has looked and believed nothing', async () => (await rejected()) >= rejectedBefore + entries)
      await run.underLoad()
      // As the pod does that was told by the exporter, when it is told again.
      run.otherPod.put(entriesOf(run.late))
      await run.untilKeysAreBack()
      t.diagnostic(`${poison.written} values written, ${(await rejected()) - rejectedBefore} read and rejected`)
      await run.end(t)
    })
  }
})
