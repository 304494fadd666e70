import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { flowBatch, sourceOf } from '../support/batches.ts'
import { Rig } from '../support/rig.ts'

test('lines go to standard output, at the speed at which it takes them', async () => {
  const written: string[] = []
  const pending: (() => void)[] = []
  const stdout = new Writable({
    write(octets: Buffer, _encoding, done) {
      written.push(octets.toString())
      pending.push(done)
    }
  })
  const rig = new Rig({ stdout })
  rig.add({ id: 'j', type: 'json', target: 'stdout', queue: { policy: 'block' } })
  rig.push(flowBatch(sourceOf(), 5_000))
  assert.equal(written.length, 1)
  assert.equal(rig.batches[0]!.isSettled, false)
  while (!rig.batches[0]!.isSettled) {
    pending.shift()?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(written.join('').split('\n').length, 5_001)
  await rig.stop()
})

test('a reader that goes away fills the queue; nothing throws and everything is counted', async () => {
  const stdout = new Writable({
    write(_octets, _encoding, done) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    }
  })
  const rig = new Rig({ stdout })
  rig.add({ id: 'j', type: 'json', target: 'stdout' })
  rig.push(flowBatch(sourceOf(), 100))
  await new Promise(resolve => setImmediate(resolve))
  rig.push(flowBatch(sourceOf(), 100))
  const [state] = rig.destinations.states
  assert.equal(state!.output.status, 'closed')
  assert.match(state!.output.lastError!, /EPIPE/)
  assert.equal(state!.ledger.queued, 200)
  await rig.stop(50)
  assert.equal(rig.ledger.destinations.j!.dropped.shutdown, 200)
})
