import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { SignJWT } from 'jose'
import type { JWTPayload } from 'jose'
import { until } from '../../../test/support/until.ts'
import { startFront, startPod } from './support/front-fixture.ts'
import { Issuer } from './support/issuer.ts'

const limits = { failedLoginsPerMin: 10_000, requestsPerSec: 10_000 }

async function frontWith(
  t: TestContext,
  oidc: object = {},
  algs: readonly string[] = ['RS256'],
  ofPod: string | undefined = undefined
) {
  const issuer = await new Issuer().start(t, algs)
  const more = { oidc: { issuer: issuer.url, audience: 'weir', ...oidc } }
  const pod = ofPod ?? (await startPod(t, () => ({ reasons: [], items: [] })))
  const front = await startFront(t, { pods: [pod], limits, more })
  const nowMs = (): number => front.clock.nowMs()
  const open = async (token: string, method = 'GET', path = '/api/v1/fleet', body?: object) => {
    const answer = await front.call(method, path, token, body)
    return { status: answer.status, code: answer.body.code, headers: answer.headers, body: answer.body }
  }
  return { issuer, front, nowMs, open }
}

const base64 = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

test('a token of the issuer opens what its role may, and API keys go on opening', async t => {
  const { issuer, front, nowMs, open } = await frontWith(t)
  assert.equal((await open(await issuer.token(nowMs()))).status, 200)
  assert.equal((await open(front.adminKey)).status, 200)
  const reader = await open(await issuer.token(nowMs()), 'GET', '/api/v1/keys')
  assert.deepEqual([reader.status, reader.code], [403, 'ROLE_TOO_LOW'])
  const admin = await issuer.token(nowMs(), { sub: 'bob', roles: ['reader', 'admin', 'metrics'] })
  assert.equal((await open(admin, 'GET', '/api/v1/keys')).status, 200)
  for (const claims of [{ roles: [] }, { roles: undefined }, { roles: ['Admin'] }, { roles: { admin: true } }]) {
    const none = await open(await issuer.token(nowMs(), claims as never))
    assert.deepEqual([none.status, none.code], [403, 'ROLE_TOO_LOW'], JSON.stringify(claims))
  }
})

test('roles come from the claim that is configured, by the map', async t => {
  const roleMap = [
    { value: 'netops', role: 'operator' },
    { value: 'root', role: 'admin' }
  ]
  const { issuer, nowMs, open } = await frontWith(t, { roleClaim: 'realm_access.roles', roleMap })
  const as = async (roles: unknown) =>
    (await open(await issuer.token(nowMs(), { realm_access: { roles } }), 'GET', '/api/v1/keys')).status
  assert.deepEqual([await as(['netops']), await as(['netops', 'root']), await as('root')], [403, 200, 200])
  assert.deepEqual([await as(['admin']), await as(['toString'])], [403, 403])
  const flat = await issuer.token(nowMs(), { 'realm_access.roles': 'root' })
  assert.equal((await open(flat, 'GET', '/api/v1/keys')).status, 200, 'a claim whose name has dots')
  const polluted = await issuer.token(nowMs(), { realm_access: undefined, roles: ['root'] })
  assert.equal((await open(polluted)).status, 403)
})

test('the audit log names the subject of a token', async t => {
  const { issuer, front, nowMs, open } = await frontWith(t)
  const admin = await issuer.token(nowMs(), { sub: 'carol@example.org', roles: 'admin' })
  const made = await open(admin, 'POST', '/api/v1/keys', { name: 'of a token', role: 'reader' })
  assert.deepEqual([made.status, made.body.createdBy], [201, 'oidc:carol@example.org'])
  await front.front.stop(1_000)
  const line = JSON.parse(readFileSync(join(front.stateDir, 'audit.log'), 'utf8')) as Readonly<Record<string, unknown>>
  assert.deepEqual([line.key, line.role, line.status], ['oidc:carol@example.org', 'admin', 201])
  assert.ok(!front.logged.join('').includes(admin.split('.')[2]!))
})

test('the owner of a token goes back to a revision, however long his name is', async t => {
  const hash = '0'.repeat(64)
  const revision = { number: 1, author: 'file', atMs: 0, reason: '', hash, baseHash: hash }
  const none = { newest: null, code: null, reason: null, triedAtMs: null, pod: null, rollout: null }
  const status = { revision, etag: '"1"', store: 'own', isConverged: true, ownKeys: [], ...none }
  let author = ''
  const pod = await startPod(t, (path, request) => {
    if (path.pathname !== '/v1/config/rollback') return status
    void text(request).then(body => (author = (JSON.parse(body) as { author: string }).author))
    return revision
  })
  const { issuer, nowMs, open } = await frontWith(t, {}, ['RS256'], pod)
  const token = await issuer.token(nowMs(), { sub: 's'.repeat(255), roles: 'operator' })
  assert.equal((await open(token, 'POST', '/api/v1/config/rollback', { to: 0 })).status, 200)
  assert.equal(author, `oidc:${'s'.repeat(123)}`)
})

test('TH-33 what is no token of the issuer for us and now is refused: 401', async t => {
  const { issuer, nowMs, open, front } = await frontWith(t, {}, ['RS256', 'RS384', 'ES256'])
  const good = await issuer.token(nowMs(), { roles: 'admin' })
  const [head, claims, signature] = good.split('.') as [string, string, string]
  const nowSec = Math.floor(nowMs() / 1_000)
  const stranger = await new Issuer().start(t)
  const jwk = issuer.keys[0]!.shown
  const pem = createPublicKey({ key: jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' }) as string
  const hmac = (header: object, secret: string): string => {
    const text = `${base64(header)}.${claims}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  // An attacker's server with an attacker's keys: nobody may ask it.
  let isLured = false
  const lure = createServer((_request, response) => {
    isLured = true
    response.end(JSON.stringify({ keys: stranger.keys.map(({ shown }) => shown) }))
  })
  await new Promise<void>(resolve => lure.listen(0, '127.0.0.1', resolve))
  t.after(() => lure.close())
  const lureUrl = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/keys`
  const strange = stranger.keys[0]!
  const by = (header: object, own: object = {}): Promise<string> =>
    stranger.token(nowMs(), { iss: issuer.url, roles: 'admin', ...own }, header)
  const of = (own: JWTPayload, header: object = {}) => issuer.token(nowMs(), own, header)

  const attacks: Readonly<Record<string, string>> = {
    'alg none': `${base64({ alg: 'none' })}.${claims}.`,
    'alg None with a signature': `${base64({ alg: 'None' })}.${claims}.${signature}`,
    'no alg': `${base64({ kid: jwk.kid! })}.${claims}.${signature}`,
    'RS/HS confusion, the key as PEM': hmac({ alg: 'HS256', kid: jwk.kid! }, pem),
    'RS/HS confusion, the modulus': hmac({ alg: 'HS256', kid: jwk.kid! }, jwk.n!),
    'HS256 with nothing': hmac({ alg: 'HS256' }, ''),
    'an algorithm that is not on the list': await issuer.token(nowMs(), {}, {}, issuer.keys[1]!),
    'claims exchanged': `${head}.${base64({ sub: 'eve', roles: 'admin', exp: nowSec + 60 })}.${signature}`,
    'header exchanged': `${base64({ alg: 'ES256', kid: issuer.keys[2]!.kid })}.${claims}.${signature}`,
    'signature cut': good.slice(0, -3),
    'signature empty': `${head}.${claims}.`,
    'a part more': `${good}.${signature}`,
    'parts that are no base64url': `${head}.%%%.${signature}`,
    expired: await of({ iat: nowSec - 700, exp: nowSec - 31 }),
    'without exp': await of({ exp: undefined }),
    'without iat': await of({ iat: undefined }),
    'without sub': await of({ sub: undefined }),
    'a subject with a line break': await of({ sub: 'eve\nadmin' }),
    'a subject that is no text': await of({ sub: 7 as never }),
    'good for more than an hour': await of({ exp: nowSec + 3_601 }),
    'good for an hour of next year': await of({ iat: nowSec + 31_536_000, exp: nowSec + 31_536_060 }),
    'made in the future': await of({ iat: nowSec + 31, exp: nowSec + 600 }),
    'not yet good': await of({ nbf: nowSec + 31 }),
    'exp as text': await of({ exp: String(nowSec + 60) as never }),
    'another audience': await of({ aud: 'grafana' }),
    'no audience': await of({ aud: undefined }),
    'another issuer': await of({ iss: `${issuer.url}/` }),
    'no issuer': await of({ iss: undefined }),
    'a key of somebody else under the kid of ours': await by({ kid: jwk.kid }),
    'a key of somebody else': await by({}),
    'kid with a path': await by({ kid: '../../../../dev/null' }),
    'kid with SQL': await by({ kid: "x' UNION SELECT 'key" }),
    'kid __proto__': await by({ kid: '__proto__' }),
    jku: await by({ jku: lureUrl }),
    x5u: await by({ x5u: lureUrl }),
    'jwk in the header': await by({ jwk: strange.shown }),
    'jku of ours': await of({}, { jku: lureUrl, kid: 'unheard-of' }),
    'crit that nobody knows': await new SignJWT({ sub: 'x' })
      .setProtectedHeader({ alg: 'RS256', kid: jwk.kid, crit: ['exp'], exp: 1 })
      .sign(issuer.keys[0]!.secret, { crit: { exp: true } }),
    oversized: await of({ filler: 'x'.repeat(9_000) }),
    deep: `${base64({ alg: 'RS256', kid: jwk.kid! })}.${base64('['.repeat(3_000) + ']'.repeat(3_000))}.${signature}`,
    dots: '...',
    'an API key with a dot': `${front.adminKey}.`
  }
  for (const [name, token] of Object.entries(attacks)) {
    const { status, code, headers } = await open(token)
    assert.deepEqual([status, code], [401, 'TOKEN_WRONG'], name)
    assert.match(headers.get('www-authenticate')!, /^Bearer realm="weir", error="invalid_token"/, name)
  }
  assert.equal(isLured, false)
  assert.equal((await open(good)).status, 200, 'the good one is still good')
  assert.equal(
    (await open(await of({ iat: nowSec - 629, exp: nowSec - 29 }))).status,
    200,
    'clocks may differ a little'
  )
  const basic = { authorization: `Basic ${Buffer.from(`me:${good}`).toString('base64')}` }
  assert.equal((await front.call('GET', '/version', undefined, undefined, basic)).status, 200)
})

test('failures with tokens are counted and limited as those with keys are', async t => {
  const issuer = await new Issuer().start(t)
  const more = { oidc: { issuer: issuer.url, audience: 'weir' } }
  const front = await startFront(t, { more })
  for (let count = 0; count < 10; count++) assert.equal((await front.call('GET', '/version', 'a.b.c')).status, 401)
  assert.equal((await front.call('GET', '/version', 'a.b.c')).status, 429)
  assert.equal((await front.call('GET', '/version', await issuer.token(front.clock.nowMs()))).status, 200)
  const { text } = await front.call('GET', '/metrics', front.adminKey)
  assert.match(text, /weir_front_refused_total\{reason="wrong_token"\} 10/)
})

test('a new key of the issuer is found, and nobody makes the front ask more often than the cooldown', async t => {
  const { issuer, front, nowMs, open } = await frontWith(t, { jwksCooldownMs: 10_000 })
  assert.equal((await open(await issuer.token(nowMs()))).status, 200)
  const before = issuer.asked.length
  const added = await issuer.addKey('RS256', 'rotated')
  const rotated = (): Promise<string> => issuer.token(nowMs(), {}, {}, added)
  for (let count = 0; count < 20; count++) assert.equal((await open(await rotated())).status, 401)
  assert.equal(issuer.asked.length, before, 'within the cooldown')
  front.clock.advance(10_000)
  const all = await Promise.all(Array.from({ length: 20 }, async () => (await open(await rotated())).status))
  assert.deepEqual(new Set(all), new Set([200]))
  assert.equal(issuer.asked.length, before + 2, 'the discovery document and the keys, once')
  // The old key is withdrawn: its tokens end with the next look at the keys.
  issuer.keys.shift()
  front.clock.advance(600_000)
  const old = await issuer.token(nowMs(), {}, { kid: 'RS256-0' }, { ...added, kid: 'RS256-0' })
  assert.equal((await open(old)).status, 401)
})

test('while the issuer is away its keys hold; too long, or from the start, it is 503 for tokens and keys still open', async t => {
  const { issuer, front, nowMs, open } = await frontWith(t, { jwksStaleMs: 3_600_000 })
  assert.equal((await open(await issuer.token(nowMs()))).status, 200)
  issuer.failure = { status: 500, body: '{}' }
  front.clock.advance(3_599_000)
  assert.equal((await open(await issuer.token(nowMs()))).status, 200)
  front.clock.advance(1_000)
  const away = await open(await issuer.token(nowMs()))
  assert.deepEqual([away.status, away.code, away.headers.get('retry-after')], [503, 'ISSUER_AWAY', '10'])
  assert.equal((await open(front.adminKey)).status, 200)
  issuer.failure = undefined
  front.clock.advance(10_000)
  assert.equal((await open(await issuer.token(nowMs()))).status, 200)
  const { text } = await front.call('GET', '/metrics', front.adminKey)
  assert.match(text, /weir_front_issuer_failures_total [1-9]/)
})

test('an issuer that answers nonsense, too much, or for another one gives no keys', async t => {
  for (const failure of [
    { status: 200, body: '<html>' },
    { status: 200, body: 'null' },
    { status: 200, body: JSON.stringify({ filler: 'x'.repeat(300_000) }) },
    { status: 302, body: '{}' }
  ]) {
    const issuer = await new Issuer().start(t)
    issuer.failure = failure
    const front = await startFront(t, { more: { oidc: { issuer: issuer.url, audience: 'weir' } } })
    const token = await issuer.token(front.clock.nowMs())
    assert.equal((await front.call('GET', '/version', token)).status, 503, failure.body.slice(0, 20))
  }
  for (const discovery of [{ issuer: 'http://127.0.0.1:1' }, { jwks_uri: 'file:///etc/passwd' }, { jwks_uri: 7 }]) {
    const issuer = await new Issuer().start(t)
    issuer.discovery = discovery
    const front = await startFront(t, { more: { oidc: { issuer: issuer.url, audience: 'weir' } } })
    const token = await issuer.token(front.clock.nowMs())
    assert.equal((await front.call('GET', '/version', token)).status, 503, JSON.stringify(discovery))
    assert.ok(!issuer.asked.includes('/keys'))
  }
})

test('a stream that was opened with a token ends with it', async t => {
  const { issuer, front, nowMs } = await frontWith(t)
  const token = await issuer.token(nowMs(), { exp: Math.floor(nowMs() / 1_000) + 60 })
  const response = await fetch(`${front.front.url}/api/v1/events?format=ndjson`, {
    headers: { authorization: `Bearer ${token}` }
  })
  assert.equal(response.status, 200)
  let told = ''
  const whole = (async () => {
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) told += part
  })()
  await until('it is served', () => told !== '')
  for (let waitedMs = 0; waitedMs < 75_000; waitedMs += 15_000) front.clock.advance(15_000)
  await whole
  assert.match(told, /"type":"closed".*token/)
})
