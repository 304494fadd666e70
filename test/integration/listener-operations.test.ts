import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { generate, startGenerator, startReceiver } from '../support/ground-truth.ts'
import { readLedger } from '../support/ledger.ts'
import { startWeir } from '../support/running-weir.ts'
import type { RunningWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

interface Listener {
  readonly name: string
  readonly state: string
  readonly connections?: number
}

const stateOf = async (weir: RunningWeir, name: string): Promise<string> => {
  const { items } = await weir.api.get<{ items: Listener[] }>('/v1/listeners')
  return items.find(item => item.name === name)!.state
}
const tell = async (weir: RunningWeir, name: string, what: 'pause' | 'resume' | 'drain'): Promise<string> =>
  (await weir.api.post<Listener>(`/v1/listeners/${name}/${what}`)).state
const decoded = async (weir: RunningWeir): Promise<number> => (await readLedger(weir.api)).collector.records.decoded

test('TCP is paused and drained under load: exporters wait, new ones are refused, nothing is lost', async () => {
  const receiver = await startReceiver('tcp')
  const weir = await startWeir(tempFolder('listener-operations'), {
    destinations: [{ id: 'out', type: 'ipfix', url: receiver.url, queue: { policy: 'block' } }]
  })
  const records = 100_000
  const generator = startGenerator({ to: weir.tcp, records, rate: 40_000, exporters: 3 })
  await until('records flow', async () => (await decoded(weir)) > 5_000)
  assert.equal(await tell(weir, 'tcp', 'pause'), 'paused')
  const before = await decoded(weir)
  for (let turn = 0; turn < 20; turn++) assert.equal(await decoded(weir), before)
  const { items } = await weir.api.get<{ items: { type: string; data: Listener & { listener: string } }[] }>(
    '/v1/events/recent?type=listener_changed'
  )
  assert.deepEqual([items[0]!.data.listener, items[0]!.data.state], ['tcp', 'paused'])
  assert.equal(await tell(weir, 'tcp', 'resume'), 'serving')
  await until('records flow again', async () => (await decoded(weir)) > before + 5_000)
  assert.equal(await tell(weir, 'tcp', 'drain'), 'draining')
  const refused = await new Promise<string>(resolve =>
    connect({ port: weir.port, host: '127.0.0.1' }).on('error', error => resolve(String(error)))
  )
  assert.match(refused, /ECONNREFUSED/)
  assert.equal((await generator.waitForEnd()).code, 0, generator.said)
  await until('it is drained', async () => (await stateOf(weir, 'tcp')) === 'drained')
  assert.equal(await decoded(weir), records)
  assert.equal(await tell(weir, 'tcp', 'resume'), 'serving')
  await generate({ to: weir.tcp, records: 1_000, generatorId: 100 })
  await weir.checkLedger()
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  const { unique, lost, duplicates } = await receiver.stop()
  assert.deepEqual({ unique, lost, duplicates }, { unique: records + 1_000, lost: 0, duplicates: 0 })
})

test('a paused UDP listener stays so over a restart of its collector, and reads what waited when it is resumed', async () => {
  const weir = await startWeir(tempFolder('listener-paused'))
  assert.equal(await tell(weir, 'udp', 'pause'), 'paused')
  await weir.crash('collector')
  await weir.waitUntilReady()
  assert.deepEqual([await stateOf(weir, 'udp'), await stateOf(weir, 'tcp')], ['paused', 'serving'])
  await generate({ to: weir.udp, records: 1_000 })
  const { messages } = (await readLedger(weir.api)).collector
  assert.equal(messages.received, 0)
  assert.equal(await tell(weir, 'udp', 'resume'), 'serving')
  await until('what waited was read', async () => (await decoded(weir)) === 1_000)
  const unknown = await weir.api.call<{ code: string }>('POST', '/v1/listeners/nobody/pause')
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'NOT_FOUND'])
  await tell(weir, 'udp', 'drain')
  assert.equal(await stateOf(weir, 'udp'), 'drained')
  const wrong = await weir.api.call<{ code: string }>('POST', '/v1/listeners/udp/pause')
  assert.deepEqual([wrong.status, wrong.body.code], [409, 'LISTENER_STATE'])
  await weir.checkLedger({ isFresh: false })
  assert.equal((await weir.stop()).code, 0, weir.child.said)
})
