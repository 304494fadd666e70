import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '@weir/runtime'
import Type from 'typebox'
import { RequestCounters, createHttpServer } from '../src/index.ts'

const limits = {
  bodyOctets: 64,
  requestTimeoutMs: 1_000,
  connectionTimeoutMs: 1_000,
  keepAliveMs: 1_000,
  requestsPerConnection: 10,
  connections: 10
}

test('what the framework or a schema refuses says what is allowed, by a name of ours', async t => {
  const server = await createHttpServer({
    name: 'test',
    version: '0',
    api: { title: 'Test', description: '', tags: [] },
    limits,
    log: silentLog(),
    counters: new RequestCounters()
  })
  t.after(() => server.close())
  const state = Type.Optional(Type.String({ enum: ['active', 'silent'] }))
  const schema = { querystring: Type.Object({ state }), body: Type.Object({}) }
  server.post('/things', { schema }, async () => ({}))
  const post = async (query: string, type: string, payload: string) => {
    const answer = await server.inject({
      method: 'POST',
      url: `/things${query}`,
      headers: { 'content-type': type },
      payload
    })
    const { code, detail, errors } = answer.json<{ code: string; detail: string; errors?: { allowed?: string }[] }>()
    return [answer.statusCode, code, detail, errors?.[0]?.allowed]
  }
  const wrong = 'The request is wrong: querystring.state must be equal to one of the allowed values (active | silent).'
  const json = 'application/json'
  assert.deepEqual(await post('?state=odd', json, '{}'), [400, 'REQUEST_INVALID', wrong, 'active | silent'])
  const seen: unknown[] = []
  for (const [type, payload] of [
    ['text/csv', 'a,b'],
    [json, '{"a'],
    [json, ''],
    [json, `"${'x'.repeat(100)}"`]
  ] as const) {
    const [status, code, detail] = await post('', type, payload)
    seen.push([status, code])
    assert.match(String(detail), /\.$/)
  }
  assert.deepEqual(seen, [
    [415, 'MEDIA_TYPE'],
    [400, 'JSON_INVALID'],
    [400, 'JSON_INVALID'],
    [413, 'BODY_TOO_LARGE']
  ])
})
