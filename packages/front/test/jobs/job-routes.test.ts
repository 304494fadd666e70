import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, symlinkSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { until } from '../../../../test/support/until.ts'
import { JobFront } from './support/job-front.ts'

interface ResultAnswer {
  readonly summary: object
  readonly files: readonly { name: string; href: string; octets: number; sha256: string; mediaType: string }[]
}

test('from an upload to a result: made, done, told, and to be had by a link', async t => {
  const jobs = await JobFront.start(t)
  await jobs.startWorker(t)
  const upload = await jobs.upload('three.bin', 'aaabbc')
  assert.equal(upload.status, 201)
  const made = await jobs.call('POST', '/api/v1/jobs', {
    type: 'octets',
    input: { uploads: [upload.body.id] },
    params: { isPage: true }
  })
  assert.deepEqual([made.status, made.headers.get('location')], [202, `/api/v1/jobs/${made.body.id}`])
  assert.deepEqual(made.body.params, { top: 3, isPage: true })
  const job = await jobs.untilState(String(made.body.id), 'succeeded')
  const { body } = await jobs.call('GET', `/api/v1/jobs/${job.id}/result`, undefined, {}, jobs.reader)
  const { summary, files } = body as unknown as ResultAnswer
  assert.deepEqual(summary, { octets: 6 })
  assert.deepEqual(
    files.map(({ name, mediaType }) => [name, mediaType]),
    [
      ['octets.json', 'application/json'],
      ['octets.html', 'text/html; charset=utf-8']
    ]
  )
  const [json, page] = files
  const whole = await jobs.call('GET', json!.href, undefined, {}, jobs.reader)
  const content = '[{"octet":97,"count":3},{"octet":98,"count":2},{"octet":99,"count":1}]'
  assert.deepEqual([whole.status, whole.text], [200, content])
  assert.equal(createHash('sha256').update(whole.text).digest('hex'), json!.sha256)
  const headers = (name: string) => whole.headers.get(name)
  assert.deepEqual(
    ['etag', 'content-disposition', 'x-content-type-options', 'accept-ranges', 'content-type'].map(headers),
    [`"${json!.sha256}"`, 'attachment; filename="octets.json"', 'nosniff', 'bytes', 'application/json']
  )
  const html = await jobs.call('GET', page!.href)
  assert.equal(html.text, '<script>1</script>')
  assert.match(html.headers.get('content-security-policy')!, /^sandbox allow-scripts; default-src 'none';/)
  assert.doesNotMatch(html.headers.get('content-security-policy')!, /allow-same-origin|https?:|\*/)

  const etag = `"${json!.sha256}"`
  const part = async (given: Record<string, string>) => {
    const authorization = `Bearer ${jobs.reader}`
    const answer = await fetch(jobs.fixture.front.url + json!.href, { headers: { authorization, ...given } })
    const text = await answer.text()
    return [answer.status, answer.status === 416 ? '' : text, answer.headers.get('content-range')]
  }
  const size = content.length
  assert.deepEqual(await part({ range: 'bytes=0-1' }), [206, '[{', `bytes 0-1/${size}`])
  assert.deepEqual(await part({ range: 'bytes=-2' }), [206, '}]', `bytes ${size - 2}-${size - 1}/${size}`])
  assert.deepEqual(await part({ range: `bytes=${size - 1}-` }), [206, ']', `bytes ${size - 1}-${size - 1}/${size}`])
  assert.deepEqual(await part({ range: 'bytes=0-999999' }), [206, content, `bytes 0-${size - 1}/${size}`])
  assert.deepEqual(await part({ range: `bytes=${size}-` }), [416, '', `bytes */${size}`])
  assert.deepEqual(await part({ range: 'bytes=5-2' }), [200, content, null])
  assert.deepEqual(await part({ range: 'lines=1-2' }), [200, content, null])
  assert.deepEqual(await part({ range: 'bytes=0-1', 'if-range': etag }), [206, '[{', `bytes 0-1/${size}`])
  assert.deepEqual(await part({ range: 'bytes=0-1', 'if-range': '"other"' }), [200, content, null])
  assert.deepEqual(await part({ 'if-none-match': `"x", ${etag}` }), [304, '', null])

  const long = await jobs.upload('long.bin', Buffer.alloc(500_000))
  const id = await jobs.make('octets', { input: { uploads: [long.body.id] } })
  const { progress } = await jobs.untilState(id, 'succeeded')
  assert.deepEqual(progress, { octetsRead: 500_000, octetsTotal: 500_000, records: 0 })

  // TH-35: whoever gets at the folder makes nothing of it a way out.
  const folder = join(jobs.fixture.stateDir, 'jobs/results', String(job.id))
  rmSync(join(folder, 'octets.html'))
  symlinkSync(join(jobs.fixture.stateDir, 'admin.key'), join(folder, 'octets.html'))
  assert.equal((await jobs.call('GET', page!.href)).status, 404)
  for (const name of ['.result.json', '..%2F..%2Fqueue.db', '%2Fetc%2Fpasswd', 'octets.json%00', '..']) {
    const { status } = await jobs.call('GET', `/api/v1/jobs/${job.id}/files/${name}`)
    assert.ok(status === 404 || status === 400, `${name}: ${status}`)
  }

  const { text: metrics } = await jobs.call('GET', '/metrics', undefined, {}, jobs.fixture.adminKey)
  assert.match(metrics, /weir_front_jobs\{state="queued"\} 0/)
  assert.match(metrics, /weir_front_jobs_ended_total\{type="octets",result="succeeded"\} 2/)
  assert.match(metrics, /weir_front_job_seconds_total\{type="octets",result="succeeded"\} 0\.\d/)
  assert.match(metrics, /weir_front_job_workers 1/)
  assert.equal((await jobs.call('DELETE', `/api/v1/jobs/${job.id}`)).status, 204)
  assert.equal((await jobs.call('GET', json!.href)).status, 404)
})

test('the docs have a schema for each type, and a wrong request is told what is wrong with its own type', async t => {
  const jobs = await JobFront.start(t)
  const { paths } = await jobs.fixture.front.openApi()
  const { requestBody } = paths['/api/v1/jobs']!.post as unknown as {
    requestBody: { content: { 'application/json': { schema: { oneOf: { title: string }[]; discriminator: object } } } }
  }
  const { oneOf, discriminator } = requestBody.content['application/json'].schema
  assert.deepEqual(discriminator, { propertyName: 'type' })
  const { body: types } = await jobs.call('GET', '/api/v1/job-types', undefined, {}, jobs.reader)
  assert.deepEqual(
    oneOf.map(({ title }) => title),
    types.items!.map(({ name }) => name)
  )
  assert.equal((await jobs.call('GET', '/api/v1/job-types/octets')).body.summary, 'How often each octet comes.')
  assert.equal((await jobs.call('GET', '/api/v1/job-types/none')).status, 404)
  const wrong = async (body: unknown) => {
    const { status, body: answer } = await jobs.call('POST', '/api/v1/jobs', body)
    const errors = answer.errors as { path: string }[] | undefined
    return [status, answer.code, ...(errors ?? []).map(({ path }) => path)]
  }
  const uploads = [`u${'0'.repeat(32)}`]
  assert.deepEqual(await wrong({}), [400, 'REQUEST_INVALID', 'body.type'])
  assert.deepEqual(await wrong([]), [400, 'REQUEST_INVALID', 'body.type'])
  assert.deepEqual(await wrong({ type: '__proto__' }), [400, 'REQUEST_INVALID', 'body.type'])
  assert.deepEqual(await wrong({ type: 'octets', input: { uploads }, params: { top: 0 } }), [
    400,
    'REQUEST_INVALID',
    'body.params.top'
  ])
  assert.deepEqual((await wrong({ type: 'octets' })).slice(0, 2), [400, 'REQUEST_INVALID'])
  assert.deepEqual((await wrong({ type: 'octets', input: { uploads: ['../x'] } })).slice(0, 2), [
    400,
    'REQUEST_INVALID'
  ])
  assert.deepEqual((await wrong({ type: 'spin', params: { x: 1 } })).slice(0, 2), [400, 'REQUEST_INVALID'])
  assert.deepEqual((await wrong({ type: 'spin', extra: 1 })).slice(0, 2), [400, 'REQUEST_INVALID'])
  assert.deepEqual(await wrong({ type: 'octets', input: { uploads } }), [422, 'UPLOAD_UNKNOWN'])
  const long = await jobs.call('POST', '/api/v1/jobs', { type: 'spin' }, { 'idempotency-key': 'x'.repeat(129) })
  assert.equal(long.status, 400)
})

test('a job that is queued says how many job workers there are', async t => {
  const jobs = await JobFront.start(t)
  const { body: made } = await jobs.call('POST', '/api/v1/jobs', { type: 'brief' })
  assert.deepEqual([made.state, made.workers], ['queued', 0])
  assert.equal((await jobs.call('GET', `/api/v1/jobs/${made.id}`)).body.workers, 0)
  assert.deepEqual(
    (await jobs.call('GET', '/api/v1/jobs')).body.items!.map(({ workers }) => workers),
    [0]
  )
  await jobs.startWorker(t)
  const done = await jobs.untilState(String(made.id), 'succeeded')
  assert.equal('workers' in done, false)
})

test('a request that is sent again with its Idempotency-Key is the same job, another request with it is refused', async t => {
  const jobs = await JobFront.start(t)
  const send = (key: string, ms: number, who = jobs.operator) =>
    jobs.call('POST', '/api/v1/jobs', { type: 'brief', params: { ms } }, { 'idempotency-key': key }, who)
  const [one, again] = await Promise.all([send('a', 1), send('a', 1)])
  assert.deepEqual([one.status, again.status].toSorted(), [200, 202])
  assert.equal(one.body.id, again.body.id)
  const other = await send('a', 2)
  assert.deepEqual([other.status, other.body.code], [422, 'IDEMPOTENCY_KEY_REUSED'])
  assert.notEqual((await send('b', 1)).body.id, one.body.id)
  assert.notEqual((await send('a', 1, await jobs.fixture.keyOf('operator'))).body.id, one.body.id)
  assert.equal((await jobs.call('GET', '/api/v1/jobs')).body.total, 3)
})

test('L-82 a key that has too many waiting is told when to come back', async t => {
  const jobs = await JobFront.start(t, { queuedPerKey: 2 })
  await jobs.make('brief')
  await jobs.make('brief')
  const { status, body, headers } = await jobs.call('POST', '/api/v1/jobs', { type: 'brief' })
  assert.deepEqual([status, body.code, headers.get('retry-after')], [429, 'JOBS_PER_KEY_LIMIT', '10'])
})

test('a reader sees jobs and changes none; an operator changes its own, an admin all', async t => {
  const jobs = await JobFront.start(t)
  const id = await jobs.make('brief')
  const { body: upload } = await jobs.upload('a.bin', 'a')
  const other = await jobs.fixture.keyOf('operator')
  const admin = jobs.fixture.adminKey
  const tried = async (key: string) => {
    const { status: cancel } = await jobs.call('POST', `/api/v1/jobs/${id}/cancel`, undefined, {}, key)
    const { status: retry } = await jobs.call('POST', `/api/v1/jobs/${id}/retry`, undefined, {}, key)
    const { status: make } = await jobs.call('POST', '/api/v1/jobs', { type: 'brief' }, {}, key)
    const { status: see } = await jobs.call('GET', `/api/v1/jobs/${id}`, undefined, {}, key)
    const { status: bring } = await jobs.upload('b.bin', 'b', key)
    return [see, make, bring, cancel, retry]
  }
  assert.deepEqual(await tried(jobs.reader), [200, 403, 403, 403, 403])
  assert.deepEqual(await tried(other), [200, 202, 201, 403, 403])
  assert.deepEqual(await tried(jobs.operator), [200, 202, 201, 202, 202])
  assert.deepEqual(await tried(admin), [200, 202, 201, 202, 202])
  for (const path of [`/api/v1/jobs/${id}`, `/api/v1/uploads/${upload.id}`]) {
    const refused = await jobs.call('DELETE', path, undefined, {}, other)
    assert.deepEqual([refused.status, refused.body.code], [403, 'NOT_YOURS'])
    assert.equal((await jobs.call('DELETE', path, undefined, {}, admin)).status, 204)
    assert.equal((await jobs.call('GET', path)).status, 404)
  }
})

test('the list: filters, order, and pages that nothing moves', async t => {
  const jobs = await JobFront.start(t)
  const ids: string[] = []
  for (let count = 0; count < 5; count++) ids.push(await jobs.make(count % 2 === 0 ? 'brief' : 'hold'))
  const seen = async (query: string) =>
    (await jobs.call('GET', `/api/v1/jobs?${query}`)).body.items!.map(({ id }) => ids.indexOf(String(id)))
  await jobs.call('POST', `/api/v1/jobs/${ids[0]}/cancel`)
  assert.deepEqual(await seen('state=cancelled'), [0])
  assert.deepEqual((await seen('type=hold')).toSorted(), [1, 3])
  assert.equal((await seen('author=nobody')).length, 0)
  assert.equal((await seen('since=99999999999999')).length, 0)
  assert.deepEqual((await seen('sort=type')).slice(0, 3).toSorted(), [0, 2, 4])
  const all = await seen('')
  let cursor = ''
  const paged: number[] = []
  do {
    const { body } = await jobs.call('GET', `/api/v1/jobs?limit=2${cursor}`)
    paged.push(...body.items!.map(({ id }) => ids.indexOf(String(id))))
    // A new one comes before all that were read.
    await jobs.make('brief')
    cursor = body.next === null ? '' : `&cursor=${String(body.next)}`
  } while (cursor !== '')
  assert.deepEqual(paged, all)
  for (const wrong of ['sort=params', 'cursor=nonsense', 'state=odd', 'limit=100000', 'unknown=1']) {
    assert.equal((await jobs.call('GET', `/api/v1/jobs?${wrong}`)).status, 400, wrong)
  }
})

test('the events of a job: as it is, as it changes, and the end', async t => {
  const jobs = await JobFront.start(t, { eventSubscribers: 1 })
  const id = await jobs.make('hold')
  const open = (key = jobs.reader) =>
    fetch(`${jobs.fixture.front.url}/api/v1/jobs/${id}/events`, { headers: { authorization: `Bearer ${key}` } })
  const response = await open()
  assert.match(response.headers.get('content-type')!, /^text\/event-stream/)
  assert.equal((await open()).status, 503)
  let text = ''
  const read = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk
  })()
  await until(
    'it waits',
    () => /event: state\ndata: .*"state":"queued","position":1/.test(text) || /"position":1/.test(text)
  )
  await jobs.startWorker(t)
  await until('its progress is told', () =>
    /event: progress\ndata: \{"octetsRead":1,"octetsTotal":2,"records":7\}/.test(text)
  )
  await jobs.call('POST', `/api/v1/jobs/${id}/cancel`)
  await read
  assert.match(text, /"state":"running"/)
  assert.match(text, /"state":"cancelled"/)
  assert.match(text, /event: end\ndata: \{"reason":"The job has ended: cancelled\."\}\n\n$/)
  const again = await (await open()).text()
  assert.match(again, /^retry: 2000\n\nevent: state\ndata: .*"cancelled".*\n\nevent: end\n/)
})

test('a stream of events ends with the key that it is read with', async t => {
  const jobs = await JobFront.start(t)
  const id = await jobs.make('hold')
  const headers = { authorization: `Bearer ${jobs.reader}` }
  const response = await fetch(`${jobs.fixture.front.url}/api/v1/jobs/${id}/events`, { headers })
  const path = `/api/v1/keys/${jobs.reader.split('_')[1]}`
  await jobs.call('DELETE', path, undefined, {}, jobs.fixture.adminKey)
  assert.match(
    await response.text(),
    /event: closed\ndata: \{"reason":"The key that you read with was revoked\."\}\n\n$/
  )
})

test('TH-36 10 MB of zeros in a gzip fail the job with TASK_LIMIT, and the worker does the next one', async t => {
  const jobs = await JobFront.start(t)
  const worker = await jobs.startWorker(t)
  const { body } = await jobs.upload('zeros.pcap.gz', gzipSync(Buffer.alloc(10_000_000)))
  const bomb = await jobs.make('octets', { input: { uploads: [body.id] } })
  const job = await jobs.untilState(bomb, 'failed')
  assert.equal((job.error as { code: string }).code, 'TASK_LIMIT')
  const result = await jobs.call('GET', `/api/v1/jobs/${bomb}/result`)
  assert.deepEqual([result.status, result.body.code], [409, 'JOB_STATE'])
  assert.equal(worker.hasEnded, false)
  await jobs.untilState(await jobs.make('brief'), 'succeeded')
})

test('L-70 a request that is no upload has to arrive in its time, also where uploads may take longer', async t => {
  const jobs = await JobFront.start(t, {}, { requestTimeoutMs: 300 })
  const { port } = new URL(jobs.fixture.front.url)
  const socket = createConnection(Number(port), '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => (answer += String(chunk)))
  const head = (path: string, type: string) =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${jobs.operator}\r\ncontent-type: ${type}\r\ncontent-length: 10\r\n\r\n`
  socket.write(head('/api/v1/jobs', 'application/json'))
  await once(socket, 'close')
  assert.match(answer, /^HTTP\/1\.1 408 /)
  const slow = createConnection(Number(port), '127.0.0.1')
  let second = ''
  slow.on('data', chunk => (second += String(chunk)))
  slow.write(`${head('/api/v1/uploads?name=slow.bin', 'application/octet-stream')}01234`)
  // Longer than a request of any other kind has.
  await until('the others would be late', () =>
    jobs.call('GET', '/version').then(() => performance.now() > began + 600)
  )
  slow.write('56789')
  await until('it is there', () => second.startsWith('HTTP/1.1 201 '))
  slow.destroy()
})

const began = performance.now()
