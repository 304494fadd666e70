import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { resolveConfig } from '@weir/config'
import { createCoordinator } from '@weir/coordinator'
import { controlEndpoint, createControlServer } from '@weir/link'
import { createLog } from '@weir/runtime'
import { CertificateAuthority } from '../../../test/support/certificates.ts'
import { absent } from '../../../test/support/debian-tools.ts'
import { until } from '../../../test/support/until.ts'
import { startFront } from './support/front-fixture.ts'
import type { FrontFixture } from './support/front-fixture.ts'

const skip = absent('openssl')

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-credentials-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A coordinator without other processes: it has a ledger all the same. */
async function startCoordinator(t: TestContext, settings: object): Promise<string> {
  const folder = makeFolder(t)
  const document = { runDir: folder, stateDir: join(folder, 'state'), coordinator: { port: 0, ...settings } }
  const control = createControlServer({ endpoint: controlEndpoint(folder) })
  const log = createLog({ name: 'coordinator', level: 'error' })
  const coordinator = createCoordinator(resolveConfig(document), { control, log, version: '9.9.9' })
  await coordinator.start(new AbortController().signal)
  t.after(() => coordinator.stop(1_000))
  return coordinator.url
}

const ledger = async ({ call, adminKey }: FrontFixture) => {
  const { status, body } = await call('GET', '/api/v1/ledger', adminKey)
  return { status, code: (body as { errors?: { path: string; message: string }[] }).errors?.[0]?.message ?? body.code }
}

/** Replaced as a mount of secrets is: at once. */
function exchange(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

test('a coordinator with a token answers those who have it, says no to all others, and is live for everybody', async t => {
  const folder = makeFolder(t)
  const tokenFile = join(folder, 'token')
  writeFileSync(tokenFile, 'a-token-of-many-characters\n')
  const url = await startCoordinator(t, { tokenFile })
  const status = async (path: string, authorization?: string): Promise<number> =>
    (await fetch(url + path, authorization === undefined ? {} : { headers: { authorization } })).status
  assert.equal(await status('/livez'), 200)
  assert.equal(await status('/readyz'), 503)
  for (const path of [
    '/v1/config',
    '/v1/config/status',
    '/metrics',
    '/version',
    '/openapi.json',
    '/docs',
    '/',
    '/nowhere'
  ]) {
    assert.equal(await status(path), 401, path)
    assert.equal(await status(path, 'Bearer a-token-of-many-character'), 401, path)
    assert.equal(await status(path, 'Basic a-token-of-many-characters'), 401, path)
    assert.notEqual(await status(path, 'Bearer a-token-of-many-characters'), 401, path)
  }
  const refused = await fetch(`${url}/v1/config`)
  assert.deepEqual(
    [((await refused.json()) as { code: string }).code, refused.headers.get('www-authenticate')],
    ['TOKEN_MISSING', 'Bearer realm="weir"']
  )

  const stranger = await startFront(t, { pods: [url] })
  assert.equal((await ledger(stranger)).status, 503)
  const front = await startFront(t, { pods: [url], more: { podTokenFile: tokenFile } })
  assert.equal((await ledger(front)).status, 200)
  // Exchanged while both run; the clock of this front stands still until it is told.
  exchange(tokenFile, 'another-token-of-many-characters')
  await until('the coordinator asks for the other', async () => (await ledger(front)).status === 503)
  front.clock.advance(1_001)
  assert.equal((await ledger(front)).status, 200)
  // One that is none leaves that of before.
  exchange(tokenFile, 'short')
  front.clock.advance(1_001)
  assert.equal((await ledger(front)).status, 200)
})

test('every route of a coordinator with a token, without it and with a wrong one: 401, 401', async t => {
  const tokenFile = join(makeFolder(t), 'token')
  writeFileSync(tokenFile, 'a-token-of-many-characters\n')
  const url = await startCoordinator(t, { tokenFile })
  const right = { authorization: 'Bearer a-token-of-many-characters' }
  const described = await fetch(`${url}/openapi.json`, { headers: right })
  const { paths } = (await described.json()) as { paths: Readonly<Record<string, object>> }
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const)
  )
  assert.ok(routes.length > 40)
  for (const [method, path] of routes) {
    if (path === '/livez' || path === '/readyz') continue
    for (const headers of [{}, { authorization: 'Bearer a-token-of-many-characterS' }]) {
      const { status } = await fetch(url + path, { method, headers })
      assert.equal(status, 401, `${method} ${path}`)
    }
  }
})

test('a token that is none is refused at the start, with the key that names it', async t => {
  const tokenFile = join(makeFolder(t), 'token')
  for (const text of ['', 'short', 'with a space in it, and long']) {
    writeFileSync(tokenFile, text)
    await assert.rejects(startCoordinator(t, { tokenFile }), /coordinator\.tokenFile/, text)
    await assert.rejects(startFront(t, { more: { podTokenFile: tokenFile } }), /front\.podTokenFile/, text)
  }
})

test(
  'with TLS each side knows the other: a wrong authority, no certificate or another one is refused',
  { skip },
  async t => {
    const [authority, other] = [new CertificateAuthority(), new CertificateAuthority()]
    const folder = makeFolder(t)
    const served = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
    const serve = ({ certFile, keyFile }: { certFile: string; keyFile: string }): void => {
      copyFileSync(certFile, served.certFile)
      copyFileSync(keyFile, served.keyFile)
    }
    serve(authority.issue('weir-pod'))
    const url = await startCoordinator(t, { tls: { ...served, clientCaFile: authority.caFile } })
    assert.match(url, /^https:/)
    const client = authority.issue('weir-front')
    const trust = { caFile: authority.caFile, serverName: 'weir-pod' }
    const front = (podTls: object): Promise<FrontFixture> => startFront(t, { pods: [url], more: { podTls } })
    assert.equal((await ledger(await front({ ...trust, ...client }))).status, 200)
    assert.equal((await ledger(await front(trust))).status, 503)
    assert.equal((await ledger(await front({ ...trust, ...other.issue('weir-front') }))).status, 503)
    for (const podTls of [
      { ...trust, ...client, caFile: other.caFile },
      { ...trust, ...client, serverName: 'another' },
      { ...trust, ...client, caFile: null }
    ]) {
      const refused = await ledger(await front(podTls))
      assert.equal(refused.status, 503)
      assert.match(String(refused.code), /cannot be reached/)
    }
    // A probe has no certificate.
    const live = await new Promise<number>((resolve, reject) => {
      request(`${url}/livez`, { ca: authority.caPem, servername: 'weir-pod' }, answer => resolve(answer.statusCode!))
        .once('error', reject)
        .end()
    })
    assert.equal(live, 200)
    // Renewed while it runs.
    const renewed = await front({ ...client, caFile: authority.caFile, serverName: 'weir-renewed' })
    assert.equal((await ledger(renewed)).status, 503)
    serve(authority.issue('weir-renewed'))
    await until('the other certificate is shown', async () => (await ledger(renewed)).status === 200)
  }
)
