import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { ApiError, createFrontClient, jsonLinesOf } from '@weir/client'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason
  )
  assert.ok(error instanceof ApiError, String(error))
  return error.code
}

test('an answer is typed data; the key goes with the request', async () => {
  const asked: string[] = []
  const url = await serve((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`)
    response.setHeader('content-type', 'application/json').end('{"items": [], "total": 0}')
  })
  const { data } = await createFrontClient({ url: `${url}/`, key: 'wk_1' }).GET('/api/v1/exporters', {
    params: { query: { limit: 5 } }
  })
  assert.equal(data?.total, 0)
  assert.deepEqual(asked, ['/api/v1/exporters?limit=5 Bearer wk_1'])
})

test('a problem document becomes an error with its code, issues and when to come back', async () => {
  const url = await serve((_request, response) => {
    const errors = [{ path: 'limit', message: 'is too much' }]
    response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': '7' })
    response.end(JSON.stringify({ status: 429, code: 'TOO_MANY', detail: 'Too many.', errors }))
  })
  await assert.rejects(createFrontClient({ url }).GET('/api/v1/fleet'), {
    name: 'ApiError',
    status: 429,
    code: 'TOO_MANY',
    retryAfterSec: 7,
    issues: [{ path: 'limit', message: 'is too much' }]
  })
})

test('what is not Weir, does not answer, or cannot be reached is told apart', async () => {
  const other = await serve((_request, response) => response.writeHead(502).end('<html>'))
  assert.equal(await codeOf(createFrontClient({ url: other }).GET('/api/v1/fleet')), 'API_UNKNOWN')
  const silent = await serve(() => undefined)
  assert.equal(await codeOf(createFrontClient({ url: silent, timeoutMs: 50 }).GET('/api/v1/fleet')), 'API_TIMEOUT')
  const away = await serve((request, response) => response.destroy(request.destroy().errored ?? undefined))
  assert.equal(await codeOf(createFrontClient({ url: away }).GET('/api/v1/fleet')), 'API_AWAY')
})

test('a stream of lines is read as it comes, cut anywhere, until its reader has enough', async () => {
  const url = await serve((_request, response) => {
    response.write('{"n":1}\n\n{"n"')
    setImmediate(() => response.write(':2}\n'))
  })
  const stop = new AbortController()
  const seen: unknown[] = []
  for await (const line of jsonLinesOf({ url }, '/api/v1/events', stop.signal)) {
    seen.push(line)
    if (seen.length === 2) stop.abort()
  }
  assert.deepEqual(seen, [{ n: 1 }, { n: 2 }])
})

test('a stream that breaks is an error, not an end', async () => {
  const url = await serve((_request, response) => {
    response.write('{"n":1}\n', () => response.destroy())
  })
  const read = async (): Promise<void> => {
    for await (const line of jsonLinesOf({ url }, '/', new AbortController().signal)) assert.deepEqual(line, { n: 1 })
  }
  assert.equal(await codeOf(read()), 'API_AWAY')
})
