import assert from 'node:assert/strict'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { JobStreams } from '../../src/jobs/job-streams.ts'
import type { JobQueue } from '../../src/jobs/job-queue.ts'
import type { Job } from '../../src/jobs/job.ts'

const running: Job = {
  id: `j${'0'.repeat(32)}`,
  type: 'octets',
  author: 'me',
  uploads: [],
  params: {},
  requestHash: '',
  state: 'running',
  position: null,
  createdAtMs: 1,
  startedAtMs: 2,
  finishedAtMs: null,
  attempts: 1,
  isCancelAsked: false,
  progress: null,
  error: null,
  result: null
}
const succeeded: Job = { ...running, state: 'succeeded', finishedAtMs: 3 }

/** Streams over a queue that answers as the test says, and tells of no change by itself. */
function streamsOver(t: TestContext, get: () => Promise<Job | undefined>) {
  const clock = new FakeClock()
  const queue = { get, watch: () => () => undefined } as unknown as JobQueue
  const streams = new JobStreams(queue, { eventSubscribers: 4, connectionTimeoutMs: 60_000 }, clock)
  streams.start()
  t.after(() => streams.close('stopping'))
  return { clock, streams }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}

test('a stream ends with the token that it is read with; one read with a key goes on', async t => {
  const { clock, streams } = streamsOver(t, async () => running)
  const untilMs = clock.nowMs() + 20_000
  const ofToken = textOf(streams.open(running, { id: 'oidc:me', untilMs }))
  streams.open(running, { id: 'me' })
  await clock.advanceAsync(15_000)
  assert.equal(streams.size, 2)
  await clock.advanceAsync(15_000)
  assert.match(await ofToken, /event: closed\ndata: \{"reason":"The token that you read with has ended\."\}\n\n$/)
  assert.equal(streams.size, 1)
})

test('a job that ends between the question and the watch is told to have ended', async t => {
  const { streams } = streamsOver(t, async () => succeeded)
  const text = await textOf(streams.open(running, { id: 'me' }))
  assert.match(text, /"state":"running"[^]*"state":"succeeded"[^]*event: end\n/)
})

test('a job that ends while the queue is away is told to have ended when that is back', async t => {
  let isAway = true
  const { clock, streams } = streamsOver(t, async () => {
    if (isAway) throw new Error('away')
    return succeeded
  })
  const text = textOf(streams.open(running, { id: 'me' }))
  await clock.advanceAsync(15_000)
  isAway = false
  await clock.advanceAsync(15_000)
  assert.match(await text, /event: end\n/)
})

test('an answer of the queue that comes when the stream has ended changes nothing of it', async t => {
  let answer = (_job: Job): void => undefined
  const { streams } = streamsOver(t, () => new Promise(resolve => (answer = resolve)))
  const stream = streams.open(running, { id: 'me' })
  streams.close('key_revoked', 'me')
  answer(succeeded)
  const text = await textOf(stream)
  assert.match(text, /was revoked\."\}\n\n$/)
  assert.equal(stream.errored, null)
})
