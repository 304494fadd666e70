import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../../../../../test/support/until.ts'
import type { Job, JobAttempt, JobOrder, JobOutcome, RunJob } from '../../../src/jobs/job.ts'
import type { JobQueue, QueueLimits } from '../../../src/jobs/job-queue.ts'

export const queueLimits: QueueLimits = {
  queuedJobs: 20,
  queuedPerKey: 10,
  runningPerKey: 4,
  attempts: 2,
  lockMs: 1_500
}

/** Makes queues over one store, each as another process would have it; those of one call share it. */
export type MakeQueues = (t: TestContext) => Promise<(limits?: Partial<QueueLimits>) => Promise<JobQueue>>

let count = 0

export const order = (keys: Partial<JobOrder> = {}): JobOrder => ({
  id: `j${String(++count).padStart(32, '0')}`,
  type: 'thing',
  author: 'alice',
  uploads: [],
  params: { width: 3 },
  requestHash: 'hash',
  ...keys
})

const result = { files: [], summary: { records: 7 } }
const done: JobOutcome = { kind: 'succeeded', result }
const failed = (isFinal: boolean): JobOutcome => ({
  kind: 'failed',
  error: { code: 'BROKEN', detail: 'It is broken.' },
  isFinal
})

/** Attempts that wait for the test to end them. */
class Held {
  readonly attempts: JobAttempt[] = []
  readonly #ends = new Map<string, (outcome: JobOutcome) => void>()

  readonly run: RunJob = attempt => {
    this.attempts.push(attempt)
    return new Promise(resolve => {
      this.#ends.set(attempt.job.id, resolve)
      attempt.signal.addEventListener('abort', () =>
        resolve({ kind: attempt.signal.reason === 'cancelled' ? 'cancelled' : 'returned' })
      )
    })
  }

  get ids(): string[] {
    return this.attempts.map(({ job }) => job.id)
  }

  end(id: string, outcome: JobOutcome): void {
    this.#ends.get(id)!(outcome)
  }

  async count(wanted: number): Promise<void> {
    await until(`${wanted} attempts have begun`, () => this.attempts.length >= wanted)
  }
}

const stateOf = async (queue: JobQueue, id: string) => (await queue.get(id))?.state

async function untilState(queue: JobQueue, id: string, state: Job['state']): Promise<Job> {
  await until(`${id} is ${state}`, async () => (await stateOf(queue, id)) === state, 20_000)
  return (await queue.get(id))!
}

/** Counts follow the end of a job. */
export async function untilTotals(queue: JobQueue, wanted: readonly string[]): Promise<void> {
  let last: string[] = []
  await until('the totals are right', async () => {
    last = (await queue.stats()).totals.map(({ result: how, count: its }) => `${how} ${its}`).toSorted()
    return last.join() === wanted.join()
  }).catch(() => assert.deepEqual(last, wanted))
}

const problem = (status: number, code: string) => (error: { problem?: { status: number; code: string } }) => {
  assert.deepEqual([error.problem?.status, error.problem?.code], [status, code])
  return true
}

/** What every queue of jobs does. */
export function testJobQueue(kind: string, make: MakeQueues): void {
  test(`${kind}: a job waits in its place, runs, and has ended with its result`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open()]
    const [one, two] = [order(), order({ author: 'bob' })]
    assert.equal((await front.add(one)).job.position, 1)
    assert.equal((await front.add(two)).job.position, 2)
    const held = new Held()
    worker.work(held.run, 1)
    await held.count(1)
    const running = (await front.get(one.id))!
    assert.deepEqual(
      [running.state, running.position, running.attempts, running.startedAtMs !== null],
      ['running', null, 1, true]
    )
    assert.equal((await front.get(two.id))!.position, 1)
    held.end(one.id, done)
    const ended = await untilState(front, one.id, 'succeeded')
    assert.deepEqual([ended.result, ended.params, ended.error], [result, { width: 3 }, null])
    assert.ok(ended.finishedAtMs! >= ended.startedAtMs!)
    await held.count(2)
    held.end(two.id, failed(true))
    const broken = await untilState(front, two.id, 'failed')
    assert.deepEqual([broken.error?.code, broken.attempts, broken.result], ['BROKEN', 1, null])
    assert.deepEqual((await front.list()).map(({ id, state }) => [id, state]).toSorted(), [
      [one.id, 'succeeded'],
      [two.id, 'failed']
    ])
    const { queued, running: runs, workers } = await front.stats()
    assert.deepEqual([queued, runs, workers, await front.workers()], [0, 0, 1, 1])
    await untilTotals(front, ['failed 1', 'succeeded 1'])
  })

  test(`${kind}: the same id is the same job, whoever adds it when`, async t => {
    const open = await make(t)
    const [one, other] = [await open(), await open()]
    const mine = order()
    const added = await Promise.all([one.add(mine), other.add(mine), one.add({ ...mine, requestHash: 'other' })])
    assert.equal(added.filter(({ isNew }) => isNew).length, 1)
    const [first] = added
    for (const { job } of added) assert.deepEqual([job.id, job.requestHash], [mine.id, first.job.requestHash])
    assert.equal((await one.list()).length, 1)
  })

  test(`${kind}: more than may wait of one key or of all are refused, with when to come back`, async t => {
    const open = await make(t)
    const queue = await open({ queuedJobs: 5, queuedPerKey: 3 })
    for (let each = 0; each < 3; each++) await queue.add(order())
    await assert.rejects(queue.add(order()), problem(429, 'JOBS_PER_KEY_LIMIT'))
    await assert.rejects(queue.add(order()), (error: { headers: Record<string, string> }) =>
      /^\d+$/.test(error.headers['retry-after']!)
    )
    const last = order({ author: 'bob' })
    await queue.add(last)
    await queue.add(order({ author: 'carol' }))
    await assert.rejects(queue.add(order({ author: 'dan' })), problem(429, 'JOBS_LIMIT'))
    await queue.cancel(last.id)
    await queue.add(order({ author: 'dan' }))
    await assert.rejects(queue.retry(last.id), problem(429, 'JOBS_LIMIT'))
  })

  test(`${kind}: one key runs so many at once, and those of others go before its further ones`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open({ runningPerKey: 2 })]
    const mine = [order(), order(), order()]
    for (const each of mine) await front.add(each)
    const hers = order({ author: 'bob' })
    await front.add(hers)
    const held = new Held()
    worker.work(held.run, 4)
    await held.count(3)
    assert.deepEqual(held.ids.toSorted(), [mine[0]!.id, mine[1]!.id, hers.id].toSorted())
    assert.deepEqual([await stateOf(front, mine[2]!.id), (await front.stats()).running], ['queued', 3])
    held.end(mine[0]!.id, done)
    await held.count(4)
    assert.equal(held.ids[3], mine[2]!.id)
  })

  test(`${kind}: progress and states are told to whoever watches, in other processes too`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open()]
    const mine = order()
    const seen: string[] = []
    const unwatch = front.watch(mine.id, () => {
      void front.get(mine.id).then(job => {
        const now = `${job?.state} ${job?.progress?.records ?? '-'}`
        if (seen.at(-1) !== now) seen.push(now)
      })
    })
    await front.add(mine)
    const held = new Held()
    worker.work(held.run, 1)
    await held.count(1)
    held.attempts[0]!.progress({ octetsRead: 5, octetsTotal: 9, records: 2 })
    await until('the progress is seen', () => seen.includes('running 2'))
    held.end(mine.id, done)
    await until('the end is seen', () => seen.at(-1)?.startsWith('succeeded'))
    unwatch()
    await front.remove(mine.id)
    assert.equal(await front.get(mine.id), undefined)
  })

  test(`${kind}: what waits is cancelled at once, what runs is told to end; either can be tried again`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open()]
    const [one, two] = [order(), order()]
    await front.add(one)
    await front.add(two)
    const held = new Held()
    const work = worker.work(held.run, 1)
    await held.count(1)
    await front.cancel(two.id)
    assert.equal(await stateOf(front, two.id), 'cancelled')
    await front.cancel(one.id)
    await untilState(front, one.id, 'cancelled')
    assert.equal(held.attempts[0]!.signal.reason, 'cancelled')
    await front.cancel(one.id)
    await assert.rejects(front.cancel(order().id), problem(404, 'NOT_FOUND'))
    await work.stop()
    for (const { id } of [one, two]) {
      await front.retry(id)
      const job = (await front.get(id))!
      assert.deepEqual([job.state, job.attempts, job.finishedAtMs, job.isCancelAsked], ['queued', 0, null, false])
    }
    await assert.rejects(front.retry(one.id), problem(409, 'JOB_STATE'))
    worker.work(held.run, 1)
    await held.count(2)
    assert.equal(held.ids[1], one.id)
    await assert.rejects(front.remove(one.id), problem(409, 'JOB_STATE'))
    held.end(one.id, done)
    await untilState(front, one.id, 'succeeded')
    await assert.rejects(front.retry(one.id), problem(409, 'JOB_STATE'))
    await held.count(3)
    assert.equal(held.ids[2], two.id)
  })

  test(`${kind}: what ends by a defect is tried again, so often and no more, and those behind it go on`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open()]
    const [bad, good] = [order(), order()]
    await front.add(bad)
    await front.add(good)
    const begun: string[] = []
    worker.work(async ({ job }) => {
      begun.push(job.id)
      return job.id === bad.id ? failed(false) : done
    }, 1)
    const job = await untilState(front, bad.id, 'failed')
    assert.deepEqual([job.attempts, job.error], [2, { code: 'BROKEN', detail: 'It is broken.' }])
    await untilState(front, good.id, 'succeeded')
    assert.equal(begun.filter(id => id === bad.id).length, 2)
  })

  test(`${kind}: what fails once and is done then has succeeded, at its second attempt`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open()]
    const mine = order()
    await front.add(mine)
    worker.work(async ({ job }) => (job.attempts === 1 ? failed(false) : done), 1)
    const job = await untilState(front, mine.id, 'succeeded')
    assert.deepEqual([job.attempts, job.error, job.result], [2, null, result])
    await untilTotals(front, ['succeeded 1'])
  })

  test(`${kind}: a worker that stops gives back what it runs, which counts as no attempt`, async t => {
    const open = await make(t)
    const [front, worker] = [await open(), await open()]
    const mine = order()
    await front.add(mine)
    for (let round = 0; round < 3; round++) {
      const held = new Held()
      const work = worker.work(held.run, 1)
      await held.count(1)
      await work.stop()
      assert.equal(held.attempts[0]!.signal.reason, 'stopping')
      const job = (await front.get(mine.id))!
      assert.deepEqual([job.state, job.attempts], ['queued', 0])
    }
    worker.work(async () => done, 1)
    assert.equal((await untilState(front, mine.id, 'succeeded')).attempts, 1)
  })

  test(`${kind}: many workers do each of many jobs once`, async t => {
    const open = await make(t)
    const front = await open({ queuedJobs: 1_000, queuedPerKey: 1_000, runningPerKey: 1_000 })
    const orders = Array.from({ length: 60 }, () => order())
    const begun: string[] = []
    for (let each = 0; each < 3; each++) {
      const worker = await open({ runningPerKey: 1_000 })
      worker.work(async ({ job }) => {
        begun.push(job.id)
        await new Promise(resolve => setImmediate(resolve))
        return done
      }, 4)
    }
    await Promise.all(orders.map(each => front.add(each)))
    await until('all are done', async () => (await front.list()).every(({ state }) => state === 'succeeded'), 30_000)
    assert.deepEqual(begun.toSorted(), orders.map(({ id }) => id).toSorted())
    await untilTotals(front, ['succeeded 60'])
  })
}
