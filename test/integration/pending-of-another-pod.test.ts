import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { buildMessage } from '@weir/ipfix/testing'
import { absent } from '../support/debian-tools.ts'
import { readLedger } from '../support/ledger.ts'
import { RedisServer } from '../support/redis-server.ts'
import { RoamingExporter, startPod, type Pod } from '../support/two-pods.ts'
import { until } from '../support/until.ts'

const TIME_SEC = Math.floor(Date.now() / 1000)
const SETS = 300

const data = (sequence: number) =>
  buildMessage({ exportTimeSec: TIME_SEC + Math.trunc(sequence / 10), sequence })
    .data(256, `c0000201c0000202${sequence.toString(16).padStart(16, '0')}`)
    .octets()
const template = () =>
  buildMessage({ exportTimeSec: TIME_SEC + 100, sequence: SETS })
    .template(256, '8:4 12:4 1:8')
    .octets()

const setsOf = async ({ weir }: Pod) => (await readLedger(weir.api)).collector.dataSets

describe(
  'data comes to one pod, which is killed, and its template to another',
  { skip: absent('redis-server') },
  () => {
    let redis: RedisServer
    before(async () => {
      redis = await RedisServer.start()
    })
    after(() => redis.kill())

    test('every record is delivered by the other, once, in order', async () => {
      const store = { type: 'redis', nodes: [`127.0.0.1:${redis.port}`], prefix: 'pending' }
      const exporter = await RoamingExporter.open()
      const a = await startPod('a', store)
      for (let sequence = 0; sequence < SETS; sequence++) await exporter.send(a, data(sequence))
      await until('pod A has put all of it on the shelf', async () => (await setsOf(a)).handedOver === SETS)
      assert.equal((await setsOf(a)).pending, 0)
      await a.weir.killPod()
      const b = await startPod('b', store)
      // Three Messages: a source that sent less may be forged, and is given nothing.
      for (let time = 0; time < 3; time++) await exporter.send(b, template())
      await until('pod B has decoded all of it', async () => (await setsOf(b)).decoded === SETS)
      await until('pod B has delivered all of it', () => b.records().length >= SETS)
      assert.deepEqual(
        b.records().map(({ octetDeltaCount }) => octetDeltaCount),
        Array.from({ length: SETS }, (_, sequence) => sequence)
      )
      const { collector } = await b.weir.checkLedger()
      // On a busy machine it may hand some over once more, and take them over again.
      const { takenOver, handedOver, pending } = collector.dataSets
      assert.deepEqual([takenOver - handedOver, pending], [SETS, 0])
      exporter.close()
      assert.equal((await b.weir.stop()).code, 0, b.weir.child.said)
      assert.equal(b.records().length, SETS, 'none of it twice')
    })
  }
)
