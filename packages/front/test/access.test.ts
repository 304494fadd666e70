import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { roles } from '../src/index.ts'
import { startFront } from './support/front-fixture.ts'

const many = { limits: { failedLoginsPerMin: 10_000, requestsPerSec: 10_000, writesPerSec: 10_000 } }

interface BodySchema {
  readonly type?: string
  readonly additionalProperties?: unknown
  readonly anyOf?: readonly BodySchema[]
}

const auditOf = (stateDir: string, name: string): unknown[][] =>
  readFileSync(join(stateDir, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => {
      const { method, path, status, role } = JSON.parse(line) as Readonly<Record<string, unknown>>
      return [method, path, status, role]
    })

/** What the OpenAPI document says; HEAD goes with GET, and the docs page and the document are no part of themselves. */
const isOutside = (url: string): boolean =>
  url === '/' || url === '/openapi.json' || url === '/docs' || url.startsWith('/docs/')

test('every route is in the OpenAPI document, and the document has no other', async t => {
  const { front } = await startFront(t)
  const { paths } = await front.openApi()
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`)
  )
  const made = front.routes
    .filter(({ method, url }) => method !== 'HEAD' && !isOutside(url))
    .map(({ method, url }) => `${method} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
  assert.deepEqual(documented.toSorted(), made.toSorted())
  for (const methods of Object.values(paths)) {
    for (const { summary, tags } of Object.values(methods)) assert.ok(summary && tags?.length === 1)
  }
})

test('the root leads whoever may read to the docs page, and nobody else', async t => {
  const { front, keyOf } = await startFront(t)
  const root = async (headers: Record<string, string>) => {
    const { status, headers: answer } = await fetch(front.url, { headers, redirect: 'manual' })
    return [status, answer.get('location')]
  }
  assert.deepEqual(await root({}), [401, null])
  assert.deepEqual(await root({ authorization: `Bearer ${await keyOf('reader')}` }), [302, '/docs'])
})

test('every route without a key, with a wrong one, with a revoked one and with a role too low: 401, 401, 401, 403', async t => {
  const { front, call, keyOf, adminKey } = await startFront(t, many)
  const keys = { metrics: await keyOf('metrics'), reader: await keyOf('reader'), operator: await keyOf('operator') }
  const wrong = `${adminKey.slice(0, -8)}AAAAAAAA`
  const revoked = await keyOf('admin')
  await call('DELETE', `/api/v1/keys/${revoked.split('_')[1]}`, adminKey)
  const guarded = front.routes.filter(({ role }) => role !== 'anybody')
  const open = front.routes.filter(({ role }) => role === 'anybody')
  assert.deepEqual([...new Set(open.map(({ url }) => url))].toSorted(), ['/livez', '/readyz'])
  assert.ok(guarded.length > 15)
  for (const { method, url, role } of guarded) {
    const path = url.replaceAll(/:\w+/g, 'x').replace('*', 'index.html')
    const what = `${method} ${path}`
    for (const key of [undefined, wrong, revoked, 'nonsense']) {
      const { status, headers, body } = await call(method, path, key)
      assert.equal(status, 401, `${what} with ${key}`)
      assert.match(headers.get('www-authenticate')!, /^Bearer/)
      if (method !== 'HEAD') assert.equal(body.code, key === undefined ? 'KEY_MISSING' : 'KEY_WRONG', what)
    }
    for (const [low, key] of Object.entries(keys)) {
      if (roles.indexOf(low as (typeof roles)[number]) >= roles.indexOf(role as (typeof roles)[number])) continue
      const { status, body } = await call(method, path, key)
      assert.equal(status, 403, `${what} as ${low}`)
      if (method !== 'HEAD') assert.equal(body.code, 'ROLE_TOO_LOW', what)
    }
  }
})

test('TH-32 no route takes what it does not know, neither in a query nor in a body', async t => {
  const { front, call, adminKey } = await startFront(t, many)
  const { paths } = await front.openApi()
  const open = ['/livez', '/readyz', '/metrics', '/version']
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const what = `${method} ${path}`
      const { requestBody } = operation as { requestBody?: { content: Record<string, { schema: BodySchema }> } }
      const { schema } = requestBody?.content['application/json'] ?? {}
      for (const each of schema === undefined ? [] : (schema.anyOf ?? [schema])) {
        if (each.type === 'object') assert.equal(each.additionalProperties, false, `body of ${what}`)
      }
      if (method !== 'get' || open.includes(path)) continue
      const { status, body } = await call('GET', `${path.replaceAll(/\{\w+\}/g, 'x')}?surely=unknown`, adminKey)
      assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID'], what)
    }
  }
})

test('a body is taken as it is: nothing is made of what is of another type', async t => {
  const { call, adminKey } = await startFront(t)
  for (const name of [7, null, true, ['x'], { x: 1 }]) {
    const { status, body } = await call('POST', '/api/v1/keys', adminKey, { name, role: 'reader' })
    assert.deepEqual([status, body.code], [400, 'REQUEST_INVALID'], JSON.stringify(name))
  }
  assert.equal((await call('POST', '/api/v1/keys', adminKey, { name: 'x', role: ['reader'] })).status, 400)
})

test('what is not there is not told to those without a key', async t => {
  const { call, keyOf } = await startFront(t)
  assert.equal((await call('GET', '/api/v1/nothing')).status, 401)
  assert.equal((await call('GET', '/api/v1/nothing', await keyOf('metrics'))).status, 403)
  assert.equal((await call('GET', '/api/v1/nothing', await keyOf('reader'))).status, 404)
  assert.equal((await call('PUT', '/api/v1/keys', await keyOf('admin'))).status, 405)
})

test('a key is shown once; its list and its own page have no secret', async t => {
  const { call, adminKey } = await startFront(t)
  const made = await call('POST', '/api/v1/keys', adminKey, { name: 'for a test', role: 'operator' })
  assert.equal(made.status, 201)
  const token = String(made.body.token)
  const path = made.headers.get('location')!
  assert.equal(made.headers.get('cache-control'), 'no-store')
  for (const each of ['/api/v1/keys', path]) {
    const { text, status } = await call('GET', each, adminKey)
    assert.equal(status, 200)
    assert.ok(text.includes(String(made.body.id)))
    assert.ok(!text.includes(token.slice('wk_0123456789abcdef_'.length)) && !text.includes('hash'), text)
  }
  assert.equal((await call('GET', '/api/v1/fleet', token)).status, 200)
  assert.equal((await call('DELETE', path, adminKey)).status, 204)
  assert.equal((await call('GET', '/api/v1/fleet', token)).status, 401)
  assert.equal((await call('POST', '/api/v1/keys', adminKey, { name: '', role: 'god' })).status, 400)
  assert.equal((await call('POST', '/api/v1/keys', adminKey, { name: 'x', role: 'reader', id: 'y' })).status, 400)
})

test('a browser may read with a key as a password, and change nothing with it', async t => {
  const { call, adminKey } = await startFront(t)
  const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`me:${key}`).toString('base64')}` })
  const docs = await call('GET', '/docs', undefined, undefined, basic(adminKey))
  assert.equal(docs.status, 200)
  assert.doesNotMatch(docs.text, /https?:\/\/(?!127\.0\.0\.1)[a-z]/, 'the docs page needs no network')
  assert.equal((await call('GET', '/docs', undefined, undefined, basic('wrong'))).status, 401)
  const change = await call('POST', '/api/v1/keys', undefined, { name: 'x', role: 'admin' }, basic(adminKey))
  assert.equal(change.status, 401)
})

test('each change, tried or done, is a line of the audit log without a secret', async t => {
  const { call, keyOf, adminKey, stateDir, front, logged } = await startFront(t)
  const reader = await keyOf('reader')
  await call('DELETE', '/api/v1/keys/nobody', reader)
  await call('DELETE', '/api/v1/keys/nobody')
  await call('GET', '/api/v1/keys', adminKey)
  await front.stop(1_000)
  assert.deepEqual(auditOf(stateDir, 'audit.log'), [['POST', '/api/v1/keys', 201, 'admin']])
  assert.deepEqual(auditOf(stateDir, 'audit-refused.log'), [
    ['DELETE', '/api/v1/keys/nobody', 403, 'reader'],
    ['DELETE', '/api/v1/keys/nobody', 401, null]
  ])
  const paths = ['audit.log', 'audit-refused.log'].map(name => join(stateDir, name))
  for (const path of paths) assert.equal(statSync(path).mode & 0o777, 0o600)
  const text = paths.map(path => readFileSync(path, 'utf8')).join('')
  for (const key of [reader, adminKey])
    assert.ok(!(text + logged.join('')).includes(key.slice('wk_0123456789abcdef_'.length)))
})

test('who has no key, or too low a one, cannot push changes out of the audit log', async t => {
  const { call, keyOf, stateDir, front } = await startFront(t)
  const reader = await keyOf('reader')
  const long = `/${'x'.repeat(8_000)}`
  for (let count = 0; count < 60; count++) await call('POST', long)
  for (let count = 0; count < 60; count++) await call('DELETE', '/api/v1/keys/x', reader)
  await front.stop(1_000)
  assert.deepEqual(auditOf(stateDir, 'audit.log'), [['POST', '/api/v1/keys', 201, 'admin']])
  const refused = auditOf(stateDir, 'audit-refused.log')
  // Those that were too many are counted, and are no lines (L-72).
  assert.deepEqual([refused.filter(([, , status]) => status === 401).length, refused.length], [10, 30])
  assert.ok(refused.every(([, path]) => String(path).length <= 512))
})

test('L-72 too many requests or changes with one key: 429 with Retry-After, and only for that key', async t => {
  const { call, keyOf, clock } = await startFront(t, { limits: { requestsPerSec: 5, writesPerSec: 3 } })
  const [one, other] = [await keyOf('reader'), await keyOf('reader')]
  for (let count = 0; count < 5; count++) assert.equal((await call('GET', '/version', one)).status, 200)
  const refused = await call('GET', '/version', one)
  assert.deepEqual(
    [refused.status, refused.body.code, refused.headers.get('retry-after')],
    [429, 'TOO_MANY_REQUESTS', '1']
  )
  assert.equal((await call('GET', '/version', other)).status, 200)
  clock.advance(1_000)
  assert.equal((await call('GET', '/version', one)).status, 200)
  for (let count = 0; count < 3; count++) assert.equal((await call('DELETE', '/api/v1/keys/x', other)).status, 403)
  assert.equal((await call('DELETE', '/api/v1/keys/x', other)).status, 429)
})

test('L-72 ten failures a minute of one address: 429, and a right key still opens', async t => {
  const { call, adminKey, clock } = await startFront(t)
  for (let count = 0; count < 10; count++) assert.equal((await call('GET', '/version', 'wrong')).status, 401)
  const refused = await call('GET', '/version', 'wrong')
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '6'])
  assert.equal((await call('GET', '/version', adminKey)).status, 200)
  clock.advance(6_000)
  assert.equal((await call('GET', '/version', 'wrong')).status, 401)
  const { text } = await call('GET', '/metrics', adminKey)
  assert.match(text, /weir_front_refused_total\{reason="wrong_key"\} 11/)
  assert.match(text, /weir_front_refused_total\{reason="logins_limit"\} 1/)
})
