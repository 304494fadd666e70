import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { FakeClock, silentLog } from '@weir/runtime'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { EmbeddedJobQueue } from '../../src/jobs/embedded-job-queue.ts'
import { JobFolders } from '../../src/jobs/job-folders.ts'
import { JobSweeper } from '../../src/jobs/job-sweeper.ts'
import { Uploads } from '../../src/jobs/uploads.ts'
import { order, queueLimits } from './support/job-queue-contract.ts'

const DAY_MS = 86_400_000

const uploadLimits = {
  uploadOctets: 1_000,
  uploadsOctets: 10_000,
  uploads: 100,
  uploadsAtOnce: 8,
  uploadKeptMs: DAY_MS,
  freeOctets: 0
}

async function start(t: TestContext, limits: object = {}) {
  const clock = new FakeClock()
  const folders = new JobFolders(tempFolder('sweep'))
  await folders.make()
  const queue = new EmbeddedJobQueue(folders.queue, queueLimits, clock)
  await queue.start()
  t.after(() => queue.stop())
  const uploads = new Uploads(folders, uploadLimits, clock)
  const bounds = { kept: 100, keptMs: 100 * DAY_MS, resultOctets: 1_000_000, ...limits }
  const sweeper = new JobSweeper({ queue, uploads, folders, limits: bounds, clock, log: silentLog() })
  /** A job that has ended with a result of so many octets. */
  const ended = async (octets: number) => {
    clock.advance(1_000)
    const { job } = await queue.add(order())
    queue.take('worker.1')
    const file = { name: 'out', mediaType: 'text/plain', octets, sha256: '0'.repeat(64) }
    queue.finish('worker.1', job.id, { kind: 'succeeded', result: { files: [file], summary: {} } })
    mkdirSync(folders.resultOf(job.id))
    writeFileSync(join(folders.resultOf(job.id), 'out'), 'x')
    return job.id
  }
  const left = async () => {
    const ids = (await queue.list()).map(({ id }) => id).toSorted()
    assert.deepEqual(readdirSync(folders.results).toSorted(), ids, 'a result for each job and no other')
    return ids
  }
  return { clock, folders, queue, uploads, sweeper, ended, left }
}

test('of jobs that have ended so many are kept, those that ended last', async t => {
  const { sweeper, ended, left } = await start(t, { kept: 2 })
  const ids = [await ended(1), await ended(1), await ended(1)]
  await sweeper.sweep()
  assert.deepEqual(await left(), ids.slice(1).toSorted())
})

test('of results so many octets are kept, those that came last', async t => {
  const { sweeper, ended, left } = await start(t, { resultOctets: 100 })
  const ids = [await ended(10), await ended(60), await ended(40)]
  await sweeper.sweep()
  assert.deepEqual(await left(), ids.slice(1).toSorted())
})

test('jobs that ended long ago go, those that wait or run stay however old they are', async t => {
  const { sweeper, ended, queue, clock, folders } = await start(t, { keptMs: DAY_MS })
  const old = await ended(1)
  const { job: running } = await queue.add(order())
  queue.take('worker.1')
  const { job: waiting } = await queue.add(order({ author: 'bob' }))
  clock.advance(2 * DAY_MS)
  const fresh = await ended(1)
  await sweeper.sweep()
  const ids = (await queue.list()).map(({ id }) => id)
  assert.deepEqual(ids.toSorted(), [running.id, waiting.id, fresh].toSorted())
  assert.ok(!readdirSync(folders.results).includes(old))
})

test('what processes that died have left behind goes, once it is old enough to be of nobody', async t => {
  const { sweeper, ended, queue, clock, folders, uploads } = await start(t)
  const kept = await ended(1)
  const { job: running } = await queue.add(order())
  queue.take('worker.1')
  const make = (path: string, ageMs: number) => {
    mkdirSync(path)
    const at = new Date(clock.nowMs() - ageMs)
    utimesSync(path, at, at)
  }
  make(join(folders.results, `j${'a'.repeat(32)}`), 3_600_000)
  make(join(folders.results, `j${'b'.repeat(32)}`), 1_000)
  make(join(folders.work, `${running.id}.aaaaaaaa`), 3_600_000)
  make(join(folders.work, `${kept}.bbbbbbbb`), 3_600_000)
  make(join(folders.work, `${kept}.cccccccc`), 1_000)
  writeFileSync(join(folders.uploads, `u${'d'.repeat(32)}.part`), 'x')
  const at = new Date(clock.nowMs() - 2 * 3_600_000)
  utimesSync(join(folders.uploads, `u${'d'.repeat(32)}.part`), at, at)
  const { id } = await uploads.receive('x', 'me', Readable.from(['x']), 1, async () => new Set())
  await sweeper.sweep()
  assert.deepEqual(readdirSync(folders.results).toSorted(), [kept, `j${'b'.repeat(32)}`].toSorted())
  assert.deepEqual(readdirSync(folders.work).toSorted(), [`${running.id}.aaaaaaaa`, `${kept}.cccccccc`].toSorted())
  assert.deepEqual(readdirSync(folders.uploads).toSorted(), [id, `${id}.json`])
})
