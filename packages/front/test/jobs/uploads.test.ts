import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { FakeClock } from '@weir/runtime'
import { tempFolder } from '../../../../test/support/temp-folder.ts'
import { until } from '../../../../test/support/until.ts'
import { JobFolders } from '../../src/jobs/job-folders.ts'
import { Uploads } from '../../src/jobs/uploads.ts'
import type { UploadLimits } from '../../src/jobs/uploads.ts'
import { JobFront } from './support/job-front.ts'

const KIB = 1024

test('an upload is on disk as it was sent, with its hash, under a name that is ours', async t => {
  const jobs = await JobFront.start(t)
  const octets = randomBytes(300_000)
  const { status, body, headers } = await jobs.upload('router-1.pcap', octets)
  assert.deepEqual([status, headers.get('location')], [201, `/api/v1/uploads/${body.id}`])
  const sha256 = createHash('sha256').update(octets).digest('hex')
  assert.deepEqual([body.name, body.octets, body.sha256], ['router-1.pcap', 300_000, sha256])
  assert.deepEqual(readFileSync(join(jobs.uploadsFolder, String(body.id))), octets)
  assert.deepEqual(readdirSync(jobs.uploadsFolder).toSorted(), [body.id, `${body.id}.json`])
  const list = await jobs.call('GET', '/api/v1/uploads', undefined, {}, jobs.reader)
  assert.deepEqual(list.body.items, [(await jobs.call('GET', `/api/v1/uploads/${body.id}`)).body])
  assert.equal((await jobs.call('DELETE', `/api/v1/uploads/${body.id}`)).status, 204)
  assert.deepEqual(readdirSync(jobs.uploadsFolder), [])
  assert.equal((await jobs.call('GET', `/api/v1/uploads/${body.id}`)).status, 404)
})

test('TH-35 names that a path, a shell or a page would read as something else are refused, and nothing is written', async t => {
  const jobs = await JobFront.start(t)
  const nasty = [
    '',
    '.',
    '..',
    '../x',
    '../../etc/passwd',
    '%2e%2e%2fetc%2fpasswd',
    '/etc/passwd',
    'a/b',
    String.raw`a\b`,
    'a\0b',
    'a\nb',
    'x\n',
    '.hidden',
    '-rf',
    'a b',
    'a;b',
    '$(id)',
    '<script>',
    'a"b',
    'con:',
    'ünïcode',
    '\u202Etxt.exe',
    'x'.repeat(129),
    '/proc/self/environ'
  ]
  for (const name of nasty) {
    const { status, body } = await jobs.upload(name, 'x')
    assert.deepEqual([status, body.code], [400, 'FILE_NAME'], JSON.stringify(name))
  }
  assert.deepEqual(readdirSync(jobs.uploadsFolder), [])
  assert.equal((await jobs.upload('x'.repeat(128), 'x')).status, 201)
  for (const id of ['..', '%2e%2e%2fkeys.json', 'queue.db', `u${'0'.repeat(31)}G`]) {
    const { status } = await jobs.call('GET', `/api/v1/uploads/${encodeURIComponent(id)}`)
    assert.ok(status === 400 || status === 404, id)
  }
})

test('L-73 what is longer than it may be is refused: at once where it says so, else when it is; nothing stays', async t => {
  const jobs = await JobFront.start(t, { uploadOctets: KIB })
  const said = await jobs.upload('long.bin', Buffer.alloc(KIB + 1))
  assert.deepEqual([said.status, said.body.code], [413, 'UPLOAD_TOO_LONG'])
  const chunks = Readable.toWeb(Readable.from([Buffer.alloc(KIB), Buffer.alloc(1)])) as ReadableStream
  const unsaid = await jobs.upload('long.bin', chunks)
  assert.equal(unsaid.status, 413)
  assert.deepEqual(readdirSync(jobs.uploadsFolder), [])
  assert.equal((await jobs.upload('fits.bin', Buffer.alloc(KIB))).status, 201)
  const json = await jobs.call('POST', '/api/v1/uploads?name=x', { a: 1 })
  assert.deepEqual([json.status, json.body.code], [415, 'UPLOAD_TYPE'])
})

test('an upload that breaks off leaves nothing', async t => {
  const jobs = await JobFront.start(t)
  const controller = new AbortController()
  const endless = new ReadableStream({
    pull: stream => {
      if (controller.signal.aborted) return stream.error(new Error('it was broken off'))
      stream.enqueue(new Uint8Array(KIB))
      return new Promise(resolve => setTimeout(resolve, 5))
    }
  })
  const sending = fetch(`${jobs.fixture.front.url}/api/v1/uploads?name=x`, {
    method: 'POST',
    headers: { authorization: `Bearer ${jobs.operator}`, 'content-type': 'application/octet-stream' },
    body: endless,
    duplex: 'half',
    signal: controller.signal
  } as RequestInit)
  await until('it arrives', () => readdirSync(jobs.uploadsFolder).length === 1)
  controller.abort()
  await assert.rejects(sending)
  await until('nothing is left', () => readdirSync(jobs.uploadsFolder).length === 0)
})

test('a sender that goes away is no defect: nothing is said of one in the log', async t => {
  const jobs = await JobFront.start(t)
  const { front, logged } = jobs.fixture
  const ended = new AbortController()
  const octets = new ReadableStream<Uint8Array>({ start: controller => controller.enqueue(Buffer.alloc(1_024)) })
  const headers = { authorization: `Bearer ${jobs.operator}`, 'content-type': 'application/octet-stream' }
  const init = { method: 'POST', headers, body: octets, duplex: 'half', signal: ended.signal } as const
  const answer = fetch(`${front.url}/api/v1/uploads?name=a.bin`, init)
  await until('it arrives', () => readdirSync(jobs.uploadsFolder).length === 1)
  ended.abort()
  await assert.rejects(answer, { name: 'AbortError' })
  await until('nothing is left', () => readdirSync(jobs.uploadsFolder).length === 0)
  await front.stop(1_000)
  assert.doesNotMatch(logged.join(''), /request_failed/)
})

test('TH-35 an input that is no regular file any more, or another one, is not read', async t => {
  const jobs = await JobFront.start(t, { threads: 4 })
  await jobs.startWorker(t)
  const secret = join(tempFolder('secret'), 'passwords')
  writeFileSync(secret, 'secret')
  const swaps: Record<string, (path: string) => void> = {
    'a symbolic link': path => {
      rmSync(path)
      symlinkSync(secret, path)
    },
    'a pipe': path => {
      rmSync(path)
      execFileSync('mkfifo', [path])
    },
    'a folder': path => {
      rmSync(path)
      mkdirSync(path)
    },
    'a longer file': path => writeFileSync(path, 'longer than it was'),
    'an empty file': path => truncateSync(path, 0)
  }
  for (const [what, swap] of Object.entries(swaps)) {
    const { body } = await jobs.upload('input.bin', 'secret')
    const path = join(jobs.uploadsFolder, String(body.id))
    swap(path)
    const id = await jobs.make('octets', { input: { uploads: [body.id] } })
    const { error } = await jobs.untilState(id, 'failed')
    assert.equal((error as { code: string }).code, 'UPLOAD_CHANGED', what)
    rmSync(path, { recursive: true })
  }
  const { body } = await jobs.upload('input.bin', 'secret')
  rmSync(join(jobs.uploadsFolder, String(body.id)))
  const id = await jobs.make('octets', { input: { uploads: [body.id] } })
  assert.equal(((await jobs.untilState(id, 'failed')).error as { code: string }).code, 'UPLOAD_GONE')
  // The whole folder elsewhere, by a link.
  const { body: moved } = await jobs.upload('input.bin', 'secret')
  const elsewhere = join(tempFolder('elsewhere'), 'uploads')
  renameSync(jobs.uploadsFolder, elsewhere)
  symlinkSync(elsewhere, jobs.uploadsFolder)
  const last = await jobs.make('octets', { input: { uploads: [moved.id] } })
  assert.equal(((await jobs.untilState(last, 'failed')).error as { code: string }).code, 'UPLOAD_CHANGED')
})

test('TH-35 while an input is swapped for a link again and again, a job reads the upload or fails', async t => {
  const jobs = await JobFront.start(t, { queuedPerKey: 100 })
  await jobs.startWorker(t)
  const secret = join(tempFolder('secret'), 'passwords')
  writeFileSync(secret, 'zzzzzz')
  const { body } = await jobs.upload('input.bin', 'aaaaaa')
  const path = join(jobs.uploadsFolder, String(body.id))
  const kept = `${path}.kept`
  const link = `${path}.link`
  renameSync(path, kept)
  let isOver = false
  const swapping = (async () => {
    while (!isOver) {
      symlinkSync(secret, link)
      renameSync(link, path)
      await new Promise(resolve => setImmediate(resolve))
      writeFileSync(link, 'aaaaaa')
      renameSync(link, path)
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  const ids: string[] = []
  for (let count = 0; count < 30; count++) ids.push(await jobs.make('octets', { input: { uploads: [body.id] } }))
  const ends = { read: 0, refused: 0 }
  for (const id of ids) {
    const job = await until('it has ended', async () => {
      const { body: its } = await jobs.call('GET', `/api/v1/jobs/${id}`)
      return its.state === 'succeeded' || its.state === 'failed' ? its : undefined
    })
    if (job.state === 'failed') {
      assert.match((job.error as { code: string }).code, /^UPLOAD_(CHANGED|GONE)$/)
      ends.refused++
      continue
    }
    const { text } = await jobs.call('GET', `/api/v1/jobs/${id}/files/octets.json`)
    assert.deepEqual((JSON.parse(text) as unknown[])[0], { octet: 97, count: 6 })
    ends.read++
  }
  isOver = true
  await swapping
  assert.ok(ends.refused > 0, 'the swap was seen at least once')
})

/** Uploads alone, with a clock of the test's. */
async function alone(limits: Partial<UploadLimits>) {
  const folders = new JobFolders(tempFolder('uploads'))
  await folders.make()
  const clock = new FakeClock()
  const all = {
    uploadOctets: 10 * KIB,
    uploadsOctets: 100 * KIB,
    uploads: 100,
    uploadsAtOnce: 2,
    uploadKeptMs: 1_000,
    ...limits,
    // It may change meanwhile.
    get freeOctets() {
      return limits.freeOctets ?? 0
    }
  }
  const uploads = new Uploads(folders, all, clock)
  const needed = new Set<string>()
  const bring = async (octets: number) => {
    clock.advance(1)
    const { id } = await uploads.receive('x', 'me', Readable.from([Buffer.alloc(octets)]), octets, async () => needed)
    return id
  }
  const ids = async () => (await uploads.list()).map(({ id }) => id).toSorted()
  return { uploads, clock, needed, bring, ids, folders }
}

const full = (error: { problem?: { status: number; code: string } }) => {
  assert.deepEqual([error.problem?.status, error.problem?.code], [507, 'UPLOADS_FULL'])
  return true
}

test('where there is no room the first uploads go, those that jobs need stay, and if that is not enough: 507', async () => {
  const { bring, ids, needed } = await alone({ uploadsOctets: 10 * KIB })
  const [one, two] = [await bring(4 * KIB), await bring(4 * KIB)]
  needed.add(one)
  const three = await bring(4 * KIB)
  assert.deepEqual(await ids(), [one, three].toSorted())
  assert.ok(!(await ids()).includes(two))
  needed.add(three)
  await assert.rejects(bring(4 * KIB), full)
  assert.deepEqual(await ids(), [one, three].toSorted())
  const few = await alone({ uploads: 2 })
  const first = await few.bring(1)
  await few.bring(1)
  await few.bring(1)
  assert.equal((await few.ids()).length, 2)
  assert.ok(!(await few.ids()).includes(first))
  const { bring: noRoom } = await alone({ freeOctets: Number.MAX_SAFE_INTEGER })
  await assert.rejects(noRoom(1), full)
})

test('what does not fit, whatever went, costs nobody an upload', async () => {
  const limits = { freeOctets: 0 }
  const { bring, ids } = await alone(limits)
  const before = [await bring(1), await bring(1)].toSorted()
  // The volume is filled by others: what the uploads have is not enough.
  limits.freeOctets = Number.MAX_SAFE_INTEGER
  await assert.rejects(bring(1), full)
  assert.deepEqual(await ids(), before)
})

test('old uploads go, those that jobs need stay; so do those that arrive', async () => {
  const { uploads, bring, ids, needed, clock, folders } = await alone({})
  const [one, two] = [await bring(1), await bring(1)]
  needed.add(two)
  clock.advance(1_001)
  const three = await bring(1)
  await uploads.sweep(needed)
  assert.deepEqual(await ids(), [two, three].toSorted())
  assert.ok(!existsSync(join(folders.uploads, one)))
})

test('so many uploads arrive at once and no more', async () => {
  const { uploads } = await alone({ uploadsAtOnce: 1 })
  const first = new Readable({ read() {} })
  const receive = (stream: Readable) => uploads.receive('x', 'me', stream, undefined, async () => new Set())
  const receiving = receive(first)
  await assert.rejects(receive(Readable.from(['x'])), (error: { problem?: { status: number; code: string } }) => {
    assert.deepEqual([error.problem?.status, error.problem?.code], [429, 'UPLOADS_AT_ONCE'])
    return true
  })
  first.push('done')
  first.push(null)
  assert.equal((await receiving).octets, 4)
})
