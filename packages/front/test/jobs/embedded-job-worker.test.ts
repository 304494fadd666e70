import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { JobProcesses } from './support/job-processes.ts'
import { testJobWorkers } from './support/job-worker-contract.ts'

const documentOf = (limits: object) => ({ stateDir: tempFolder('jobs'), front: { jobs: { limits } } })

testJobWorkers('embedded', async (_t, limits) => documentOf(limits))

const MIB = 1_048_576

test('TH-36 a task that wants more CPU time, memory or room than it may: failed with TASK_LIMIT, and its worker lives', async t => {
  const limits = {
    threads: 4,
    taskCpuMs: 1_500,
    taskMemoryOctets: 64 * MIB,
    outputOctets: MIB,
    runningPerKey: 10,
    freeOctets: 0
  }
  const jobs = await JobProcesses.open(t, documentOf(limits))
  const worker = await jobs.startWorker()
  const ids = [
    await jobs.add('spin'),
    await jobs.add('eat', { where: 'heap' }),
    await jobs.add('eat', { where: 'buffers' }),
    await jobs.add('flood')
  ]
  for (const [index, key] of ['taskCpuMs', 'taskMemoryOctets', 'taskMemoryOctets', 'outputOctets'].entries()) {
    const { error, attempts } = await jobs.untilState(ids[index]!, 'failed')
    assert.deepEqual([error?.code, attempts], ['TASK_LIMIT', 1])
    assert.ok(error!.detail.includes(`front.jobs.limits.${key}`), error!.detail)
  }
  assert.equal(worker.hasEnded, false)
  await jobs.untilState(await jobs.add('brief'), 'succeeded')
  assert.equal(jobs.results.length, 2)
})

test('a task that tells of files that it has not made, or nowhere in its folder, has no result', async t => {
  const jobs = await JobProcesses.open(t, documentOf({}))
  await jobs.startWorker()
  for (const name of ['absent.txt', '../../../../etc/passwd', '.hidden']) {
    const { error, attempts } = await jobs.untilState(await jobs.add('liar', { name }), 'failed')
    assert.deepEqual([error?.code, attempts], ['TASK_DEFECT', 2])
  }
  assert.deepEqual(jobs.results, [])
})
