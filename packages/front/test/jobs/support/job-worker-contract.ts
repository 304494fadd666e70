import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { atRest, until } from '../../../../../test/support/until.ts'
import { untilTotals } from './job-queue-contract.ts'
import { JobProcesses, cpuMsOf } from './job-processes.ts'

/** The configuration of one store of jobs. @param limits - of front.jobs. */
export type MakeDocument = (t: TestContext, limits: object) => Promise<object>

const hasProc = process.platform === 'linux'

/** What job workers do that are processes of their own, over whatever queue. */
export function testJobWorkers(kind: string, makeDocument: MakeDocument): void {
  const open = async (t: TestContext, limits: object = {}) =>
    JobProcesses.open(t, await makeDocument(t, { lockMs: 1_500, threads: 2, ...limits }))

  test(`${kind}: TH-48 a worker killed in mid-job: the job ends once, its output is there once`, async t => {
    const jobs = await open(t)
    const first = await jobs.startWorker()
    const id = await jobs.add('brief', { ms: 600 })
    await jobs.untilState(id, 'running')
    first.kill('SIGKILL')
    await first.waitForEnd()
    await Promise.all([jobs.startWorker(), jobs.startWorker()])
    const job = await jobs.untilState(id, 'succeeded')
    assert.equal(job.attempts, 2)
    assert.deepEqual(jobs.results, [`${id}/.result.json`, `${id}/done.txt`])
    await untilTotals(jobs.queue, ['succeeded 1'])
  })

  test(`${kind}: a job whose output was there when its worker died ends with that output`, async t => {
    const jobs = await open(t)
    const id = await jobs.add('hold', {}, { requestHash: 'known' })
    const folder = jobs.folders.resultOf(id)
    mkdirSync(folder)
    const result = { files: [], summary: { from: 'before' } }
    writeFileSync(join(folder, '.result.json'), JSON.stringify({ requestHash: 'known', result }))
    await jobs.startWorker()
    assert.deepEqual((await jobs.untilState(id, 'succeeded')).result, result)
  })

  test(`${kind}: TH-48 a job that kills its workers ends failed, and those behind it are done`, async t => {
    const jobs = await open(t, { threads: 1 })
    const bad = await jobs.add('poison')
    const good = await jobs.add('brief')
    for (let round = 0; round < 2; round++) {
      const worker = await jobs.startWorker()
      assert.equal((await worker.waitForEnd()).signal, 'SIGKILL')
    }
    await jobs.startWorker()
    const job = await jobs.untilState(bad, 'failed')
    assert.deepEqual([job.error?.code, job.attempts], ['WORKER_LOST', 2])
    await jobs.untilState(good, 'succeeded')
    assert.deepEqual(jobs.results, [`${good}/.result.json`, `${good}/done.txt`])
  })

  test(
    `${kind}: a cancelled job takes no more CPU time within a second, and its worker lives`,
    { skip: !hasProc },
    async t => {
      const jobs = await open(t)
      const worker = await jobs.startWorker()
      const id = await jobs.add('spin')
      const began = await until('it takes CPU time', () => {
        const ms = cpuMsOf(worker.pid)
        return ms > 300 ? ms : undefined
      })
      await until('it goes on', () => cpuMsOf(worker.pid) > began + 200)
      const atCancelMs = performance.now()
      await jobs.queue.cancel(id)
      const used = cpuMsOf(worker.pid)
      const job = await jobs.untilState(id, 'cancelled')
      const tookMs = performance.now() - atCancelMs
      // Whatever the machine does besides: it had no more than the second from the cancel to its end.
      const atEnd = cpuMsOf(worker.pid)
      assert.ok(atEnd - used < 1_000, `${atEnd - used} ms of CPU in ${tookMs} ms`)
      const rest = await atRest('its CPU time', () => Math.floor(cpuMsOf(worker.pid) / 100), 600)
      assert.ok(rest * 100 - atEnd < 300, `${rest * 100 - atEnd} ms of CPU after the end`)
      assert.deepEqual([job.error, job.result, readdirSync(jobs.folders.work)], [null, null, []])
      assert.equal(worker.hasEnded, false)
      const next = await jobs.add('brief')
      await jobs.untilState(next, 'succeeded')
    }
  )

  test(`${kind}: a worker that is told to stop gives back its jobs and ends in order`, async t => {
    const jobs = await open(t)
    const worker = await jobs.startWorker()
    const id = await jobs.add('hold')
    await until('it has made progress', async () => (await jobs.queue.get(id))?.progress?.records === 7)
    worker.kill('SIGTERM')
    assert.deepEqual(await worker.waitForEnd(), { code: 0, signal: null })
    const job = (await jobs.queue.get(id))!
    assert.deepEqual([job.state, job.attempts, job.progress], ['queued', 0, null])
    assert.deepEqual([jobs.results, readdirSync(jobs.folders.work)], [[], []])
  })
}
