import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { tasks } from './jobs/support/test-tasks.ts'
import { startFront, startPod } from './support/front-fixture.ts'
import { Issuer } from './support/issuer.ts'

/** Every kind of stream that a front has. */
const streams = [
  ['events', () => '/api/v1/events?format=sse'],
  ['a tap', () => '/api/v1/tap?format=sse'],
  ['the events of a job', (job: string) => `/api/v1/jobs/${job}/events`]
] as const

async function frontWithStreams(t: TestContext) {
  const issuer = await new Issuer().start(t)
  const open = new Set<ServerResponse>()
  const pod = await startPod(t, (url, request, response) => {
    if (!['/v1/events', '/v1/tap'].includes(url.pathname)) return { reasons: [], items: [] }
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write('\n')
    open.add(response)
    request.once('close', () => open.delete(response))
    return undefined
  })
  const more = { oidc: { issuer: issuer.url, audience: 'weir' } }
  const fixture = await startFront(t, { pods: [pod], more, tasks })
  const made = await fixture.call('POST', '/api/v1/jobs', fixture.adminKey, { type: 'hold' })
  assert.equal(made.status, 202, made.text)
  const read = async (path: string, bearer: string): Promise<Response> => {
    const response = await fetch(fixture.front.url + path, { headers: { authorization: `Bearer ${bearer}` } })
    assert.equal(response.status, 200)
    return response
  }
  return { ...fixture, issuer, open, read, job: String(made.body.id) }
}

for (const [what, pathOf] of streams) {
  test(`a stream of ${what} ends when the token that it is read with has ended, and not before`, async t => {
    const { clock, issuer, read, job, open, adminKey } = await frontWithStreams(t)
    const nowSec = Math.floor(clock.nowMs() / 1_000)
    const token = await issuer.token(clock.nowMs(), { exp: nowSec + 60 })
    const ofToken = await read(pathOf(job), token)
    const ofKey = await read(pathOf(job), adminKey)
    let isOver = false
    const text = ofToken.text().finally(() => (isOver = true))
    clock.advance(45_000)
    // The key's reader is told that the stream lives, and the token's one before it.
    const reader = ofKey.body!.pipeThrough(new TextDecoderStream()).getReader()
    for (let told = ''; !told.includes(': heartbeat');) told += (await reader.read()).value
    assert.equal(isOver, false)
    clock.advance(30_000)
    assert.match(await text, /event: closed\ndata: \{.*The token that you read with has ended\./)
    // Pods are not read for nobody.
    if (!pathOf(job).includes('/jobs/')) await until('one reader is left', () => open.size === 1)
    await reader.cancel()
  })

  test(`a stream of ${what} ends with the key that it is read with`, async t => {
    const { call, keyOf, read, job, adminKey } = await frontWithStreams(t)
    const key = await keyOf('reader')
    const response = await read(pathOf(job), key)
    await call('DELETE', `/api/v1/keys/${key.split('_')[1]}`, adminKey)
    assert.match(await response.text(), /event: closed\ndata: \{.*The key that you read with was revoked\./)
  })
}
