import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '@weir/runtime'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { EmbeddedJobQueue } from '../../src/jobs/embedded-job-queue.ts'
import { isGone, ownWorkerName } from '../../src/jobs/worker-name.ts'
import { order, queueLimits, testJobQueue } from './support/job-queue-contract.ts'

testJobQueue('embedded', async t => {
  const path = join(tempFolder('jobs'), 'queue.db')
  return async limits => {
    const queue = new EmbeddedJobQueue(path, { ...queueLimits, ...limits }, systemClock)
    await queue.start()
    t.after(() => queue.stop())
    return queue
  }
})

test('embedded: what waits and what has ended is there after a restart, in its order', async () => {
  const path = join(tempFolder('jobs'), 'queue.db')
  const orders = [order(), order(), order()]
  for (const each of orders) {
    const queue = new EmbeddedJobQueue(path, queueLimits, systemClock)
    await queue.start()
    await queue.add(each)
    await queue.stop()
  }
  const queue = new EmbeddedJobQueue(path, queueLimits, systemClock)
  await queue.start()
  assert.deepEqual(
    (await queue.list()).map(({ id, position }) => [id, position]),
    orders.map(({ id }, index) => [id, index + 1])
  )
  await queue.stop()
})

test('embedded: a file that is no queue is told of, with what to do', async () => {
  const path = join(tempFolder('jobs'), 'queue.db')
  writeFileSync(path, 'this is no database, and is long enough to be seen as none'.repeat(100))
  const queue = new EmbeddedJobQueue(path, queueLimits, systemClock)
  await assert.rejects(queue.start(), { code: 'JOB_QUEUE', exitCode: 69, message: /move it away/ })
  await queue.stop()
})

test('a worker is gone when its process is, also if another one has its number now', () => {
  const own = ownWorkerName()
  assert.equal(isGone(own), false)
  assert.equal(isGone(`${own}.3`), false)
  assert.equal(isGone(`${process.pid}.1`), true)
  assert.equal(isGone('4194305.77'), true)
  assert.equal(isGone('nonsense'), false)
})
