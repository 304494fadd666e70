import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import type { WebhookConfig } from '@weir/config'
import { silentLog, systemClock } from '@weir/runtime'
import type { ConfigError } from '@weir/runtime'
import { until } from '../../../test/support/until.ts'
import { EventLog } from '../src/event-log.ts'
import { post } from '../src/webhooks/post.ts'
import { Webhooks } from '../src/webhooks/webhooks.ts'

interface Told {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Receiver {
  readonly url: string
  readonly told: Told[]
}

/** A real HTTP server. @param answer - by the number of the request, from 0. */
async function startReceiver(
  t: TestContext,
  answer: (index: number, reply: ServerResponse) => void
): Promise<Receiver> {
  const told: Told[] = []
  const server = createServer((request, reply) => {
    let body = ''
    request.on('data', part => (body += part))
    request.on('end', () => {
      told.push({ headers: request.headers, body })
      answer(told.length - 1, reply)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, told }
}

const folder = mkdtempSync(join(tmpdir(), 'weir-webhooks-'))
process.on('exit', () => rmSync(folder, { recursive: true }))
const secret = 'a secret of a webhook'
const secretFile = join(folder, 'secret')
writeFileSync(secretFile, `${secret}\n`)

function start(t: TestContext, url: string, more: Partial<WebhookConfig> = {}) {
  const config: WebhookConfig = {
    id: 'w',
    url,
    urlFile: null,
    events: ['exporter_state'],
    secretFile,
    timeoutMs: 2_000,
    attempts: 4,
    retryMinMs: 10,
    retryMaxMs: 100,
    queue: 16,
    ...more
  }
  const events = new EventLog(systemClock, { events: 100, octets: 1_000_000 })
  const webhooks = new Webhooks([config], systemClock, silentLog())
  webhooks.start(events)
  t.after(() => webhooks.stop())
  const tell = (number: number, type = 'exporter_state'): void =>
    events.add('collector-0', type, { exporter: '192.0.2.1', state: 'silent', number })
  const [webhook] = webhooks.all
  return { tell, counts: webhook!.counts, size: () => webhook!.size, webhooks }
}

const done = (reply: ServerResponse, status = 204, headers: Record<string, string> = {}): void =>
  void reply.writeHead(status, headers).end('what it says is never read')
const numbersOf = ({ told }: Receiver): number[] => told.map(({ body }) => JSON.parse(body).data.number as number)

test('each wanted event is told once, in order, signed', async t => {
  const receiver = await startReceiver(t, (_, reply) => done(reply))
  const { tell, counts } = start(t, receiver.url)
  for (let number = 0; number < 5; number++) {
    tell(number)
    tell(number, 'exporter_silent')
  }
  await until('all are told', () => counts.delivered === 5)
  assert.deepEqual(numbersOf(receiver), [0, 1, 2, 3, 4])
  const [{ headers, body }] = receiver.told as [Told]
  const { id, type, process, data } = JSON.parse(body)
  assert.deepEqual([type, process, data.state], ['exporter_state', 'collector-0', 'silent'])
  assert.deepEqual([headers['weir-event'], headers['weir-delivery']], ['exporter_state', id])
  const timestamp = headers['weir-timestamp']
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1_000) < 60)
  const hmac = createHmac('sha256', secret)
    .update(`${String(timestamp)}.${body}`)
    .digest('hex')
  assert.equal(headers['weir-signature'], `sha256=${hmac}`)
  assert.deepEqual(counts, { delivered: 5, failed: 0, dropped: 0, retried: 0 })
})

test('TH-51 the URL can be in a file, which is not shown; what is wrong with it is said without it', async t => {
  const receiver = await startReceiver(t, (_, reply) => done(reply))
  const urlFile = join(folder, 'url')
  writeFileSync(urlFile, `${receiver.url}/T0/B0/token\n`)
  const { tell, counts } = start(t, '', { url: null, urlFile })
  tell(0)
  await until('it is told', () => counts.delivered === 1)
  for (const text of ['', 'no url with a token', 'https://user:token@example.net/', 'ftp://example.net/token']) {
    writeFileSync(urlFile, text)
    assert.throws(
      () => start(t, '', { url: null, urlFile }),
      ({ issues }: ConfigError) => {
        assert.equal(issues[0]!.path, 'coordinator.webhooks[0].urlFile')
        return !JSON.stringify(issues).includes('token')
      }
    )
  }
  const both = { id: 'w', url: receiver.url, urlFile }
  for (const [webhook, key] of [
    [both, 'urlFile'],
    [{ id: 'w' }, 'url']
  ] as const) {
    assert.throws(
      () => resolveConfig({ coordinator: { webhooks: [webhook] } }),
      ({ issues }: ConfigError) => issues[0]!.path === `coordinator.webhooks[0].${key}`
    )
  }
})

test('a server that fails is asked again, and what follows keeps its order; what it refuses is given up', async t => {
  const statuses = [500, 503, 204, 400, 429, 204]
  const receiver = await startReceiver(t, (index, reply) => done(reply, statuses[index], { 'retry-after': '0.01' }))
  const { tell, counts } = start(t, receiver.url)
  for (const number of [0, 1, 2]) tell(number)
  await until('all are settled', () => counts.delivered + counts.failed === 3)
  assert.deepEqual(numbersOf(receiver), [0, 0, 0, 1, 2, 2])
  assert.deepEqual(counts, { delivered: 2, failed: 1, dropped: 0, retried: 3 })
})

test('one that is away or too slow costs its time and no more; after the last attempt the event is given up', async t => {
  const silent = await startReceiver(t, () => undefined)
  const slow = start(t, silent.url, { timeoutMs: 100, attempts: 2 })
  slow.tell(0)
  await until('it is given up', () => slow.counts.failed === 1)
  assert.deepEqual(numbersOf(silent), [0, 0])
  const away = start(t, 'http://127.0.0.1:9/', { attempts: 3 })
  away.tell(0)
  await until('it is given up', () => away.counts.failed === 1)
  assert.equal(away.counts.retried, 2)
})

test('a redirect is not followed', async t => {
  const other = await startReceiver(t, (_, reply) => done(reply))
  const receiver = await startReceiver(t, (_, reply) => done(reply, 307, { location: other.url }))
  const { tell, counts } = start(t, receiver.url)
  tell(0)
  await until('it is given up', () => counts.failed === 1)
  assert.deepEqual([receiver.told.length, other.told.length], [1, 0])
})

test('what waits is bounded: the oldest that is not under way is dropped, and counted', async t => {
  const held: ServerResponse[] = []
  const receiver = await startReceiver(t, (_, reply) => void held.push(reply))
  const { tell, counts, size } = start(t, receiver.url, { queue: 3 })
  tell(0)
  await until('the first is under way', () => held.length === 1)
  for (let number = 1; number < 10; number++) tell(number)
  assert.deepEqual([size(), counts.dropped], [3, 7])
  for (let answered = 0; answered < 3; answered++) {
    await until('the next is under way', () => held.length > answered)
    done(held[answered]!)
  }
  await until('all are told', () => counts.delivered === 3)
  assert.deepEqual(numbersOf(receiver), [0, 8, 9])
})

test('a name that stands for an address that is not allowed is not connected to', async t => {
  const receiver = await startReceiver(t, (_, reply) => done(reply))
  const url = receiver.url.replace('127.0.0.1', 'localhost')
  const options = { url, headers: {}, body: '{}', timeoutMs: 1_000, signal: new AbortController().signal }
  assert.deepEqual(await post({ ...options, allows: () => false }), { status: undefined, failure: 'denied' })
  assert.equal(receiver.told.length, 0)
  assert.equal((await post({ ...options, allows: address => address === '127.0.0.1' })).status, 204)
})

test('after a stop nothing is told, and what waited is counted', async t => {
  const receiver = await startReceiver(t, () => undefined)
  const { tell, counts, webhooks } = start(t, receiver.url)
  tell(0)
  tell(1)
  await until('one is under way', () => receiver.told.length === 1)
  webhooks.stop()
  tell(2)
  assert.deepEqual([counts.delivered, counts.dropped, counts.failed], [0, 2, 0])
})

test('a wrong event, and a secret that is not there or too short, are errors of the configuration', async t => {
  const short = join(folder, 'short')
  writeFileSync(short, 'short')
  for (const [more, path] of [
    [{ events: ['exporter_state', 'nonsense'] }, 'coordinator.webhooks[0].events[1]'],
    [{ secretFile: join(folder, 'nowhere') }, 'coordinator.webhooks[0].secretFile'],
    [{ secretFile: short }, 'coordinator.webhooks[0].secretFile']
  ] as const) {
    assert.throws(
      () => start(t, 'http://127.0.0.1:9/', more as Partial<WebhookConfig>),
      (error: { issues?: { path: string }[] }) => error.issues?.[0]?.path === path
    )
  }
})
