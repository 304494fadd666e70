import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { HttpProblem } from '@weir/http/problem'
import { FakeClock, systemClock } from '@weir/runtime'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { EmbeddedJobQueue } from '../../src/jobs/embedded-job-queue.ts'
import type { JobAttempt, JobOutcome } from '../../src/jobs/job.ts'
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

test('embedded: a volume that is full ends no process; what ended meanwhile is written down when there is room', async t => {
  const path = join(tempFolder('jobs'), 'queue.db')
  const clock = new FakeClock()
  const queue = new EmbeddedJobQueue(path, queueLimits, clock)
  await queue.start()
  t.after(() => queue.stop())
  const ending = Promise.withResolvers<JobOutcome>()
  const begun = Promise.withResolvers<JobAttempt>()
  const { id } = (await queue.add(order())).job
  queue.work(attempt => {
    begun.resolve(attempt)
    return ending.promise
  }, 1)
  const { progress } = await begun.promise
  const room = fullVolume(t)
  for (const change of [() => queue.add(order()), () => queue.cancel(id)]) {
    await assert.rejects(change(), (error: HttpProblem) => error.problem.status === 507)
  }
  progress({ octetsRead: 1, octetsTotal: 2, records: 3 })
  ending.resolve({ kind: 'succeeded', result: { summary: {}, files: [] } })
  await ending.promise
  clock.advance(queueLimits.lockMs)
  assert.match(queue.unready!, /is full/)
  assert.equal((await queue.get(id))!.state, 'running')
  room()
  clock.advance(queueLimits.lockMs)
  assert.deepEqual([(await queue.get(id))!.state, queue.unready], ['succeeded', undefined])
})

/** SQLite says that there is no room, and has then taken the transaction back. @returns ends that. */
function fullVolume(t: TestContext): () => void {
  const { exec } = DatabaseSync.prototype
  const full = Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
  const mocks = [
    t.mock.method(DatabaseSync.prototype, 'exec', function (this: DatabaseSync, sql: string) {
      if (sql !== 'COMMIT') return exec.call(this, sql)
      exec.call(this, 'ROLLBACK')
      throw full
    }),
    t.mock.method(EmbeddedJobQueue.prototype, 'progress', () => {
      throw full
    })
  ]
  return () => mocks.forEach(({ mock }) => mock.restore())
}

test('a worker is gone when its process is, also if another one has its number now', () => {
  const own = ownWorkerName()
  assert.equal(isGone(own), false)
  assert.equal(isGone(`${own}.3`), false)
  assert.equal(isGone(`${process.pid}.1`), true)
  assert.equal(isGone('4194305.77'), true)
  assert.equal(isGone('nonsense'), false)
})
