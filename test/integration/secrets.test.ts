import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { freePort } from '../support/free-port.ts'
import { generate } from '../support/ground-truth.ts'
import { startWeir } from '../support/running-weir.ts'
import { readTar } from '../support/tar-reader.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Streams that do not end, and the docs page, whose scripts are nobody's secret. */
const isReadable = (path: string): boolean => !/\/(events|tap|docs)$|\/docs\//.test(path)

test('TH-51 secrets planted in files, environment, requests and configuration are in no bundle, answer, metric or log', async () => {
  const folder = tempFolder('secrets')
  mkdirSync(join(folder, 'secrets'))
  const planted: Record<string, string> = {}
  const plant = (name: string, wrap = (secret: string): string => `${secret}\n`): string => {
    planted[name] = `s3cr3t${randomBytes(16).toString('hex')}`
    const path = join(folder, 'secrets', name)
    writeFileSync(path, wrap(planted[name]))
    return path
  }
  const nobody = [await freePort(), await freePort(), await freePort()]
  const frontPort = await freePort()
  const tokenFile = plant('coordinator token')
  const keyOf = (secret: string): string => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`
  plant('environment')
  plant('environment password')
  plant('a request')
  plant('a stray key', keyOf)
  const weir = await startWeir(folder, {
    env: {
      AWS_SECRET_ACCESS_KEY: planted.environment!,
      REDIS_PASSWORD: planted['environment password']!,
      WEIR_STORES_TEMPLATES_PASSWORD_FILE: plant('template store password')
    },
    config: {
      stores: {
        templates: {
          type: 'redis',
          nodes: [`127.0.0.1:${nobody[0]}`],
          username: 'weir',
          timeoutMs: 50,
          connectTimeoutMs: 100,
          keyFile: plant('template store key')
        },
        revisions: {
          type: 'redis',
          nodes: [`127.0.0.1:${nobody[1]}`],
          timeoutMs: 100,
          connectTimeoutMs: 100,
          passwordFile: plant('revision store password'),
          keyFile: plant('revision store key')
        }
      },
      coordinator: {
        tokenFile,
        webhooks: [
          {
            id: 'hook',
            url: `http://127.0.0.1:${nobody[2]}/`,
            events: ['exporter_discovered'],
            secretFile: plant('webhook secret'),
            attempts: 1
          }
        ]
      },
      front: { port: frontPort }
    },
    destinations: [{ id: 'out', type: 'json', target: `file:${join(folder, 'out.json')}` }]
  })
  await weir.child.waitForText('Weir is ready')
  const origin = `http://127.0.0.1:${frontPort}`
  const adminKey = readFileSync(join(folder, 'var/admin.key'), 'utf8').trim()
  planted['admin key'] = adminKey
  const asAdmin = { authorization: `Bearer ${adminKey}` }
  const made = await fetch(`${origin}/api/v1/keys`, {
    method: 'POST',
    headers: { ...asAdmin, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'another', role: 'operator' })
  })
  planted['another key'] = ((await made.json()) as { token: string }).token
  const asOperator = { authorization: `Bearer ${planted['another key']}` }
  assert.ok(Object.keys(planted).length >= 12, Object.keys(planted).join())

  await generate({ to: weir.udp, records: 100, rate: 10_000 })
  await until('the webhook has failed', () => weir.child.said.includes('webhook_failed'))
  const seen: Record<string, string> = {}
  const wrong = { authorization: `Bearer ${planted['a request']}`, 'x-password': planted['a request']! }
  for (const [base, headers] of [
    [weir.api.origin, { authorization: `Bearer ${planted['coordinator token']}` }],
    [origin, asAdmin]
  ] as const) {
    const { paths } = (await (await fetch(`${base}/openapi.json`, { headers })).json()) as OpenApi
    for (const [path, methods] of Object.entries(paths)) {
      if (!('get' in methods) || !isReadable(path)) continue
      const asked = path.replaceAll(/\{(id|key|n|number)\}/g, 'out').replaceAll(/\{[a-z]+\}/gi, '1')
      const answer = await fetch(base + asked, { headers, signal: AbortSignal.timeout(10_000) })
      seen[`${base}${asked} ${answer.status}`] = await answer.text()
    }
    for (const path of ['/v1/config', '/api/v1/fleet', '/metrics']) {
      const answer = await fetch(base + path, { headers: wrong })
      seen[`${base}${path} with a wrong key ${answer.status}`] = await answer.text()
    }
  }
  assert.ok(Object.keys(seen).length > 40, `${Object.keys(seen).length} answers`)

  const { items } = JSON.parse(seen[`${origin}/api/v1/fleet 200`]!) as { items: { pod: string }[] }
  const bundlePath = `/api/v1/pods/${encodeURIComponent(items[0]!.pod)}/support-bundle`
  const reader = await fetch(`${origin}${bundlePath}`, { method: 'POST' })
  assert.equal(reader.status, 401)
  assert.equal(
    (await fetch(`${origin}/api/v1/pods/x/support-bundle`, { method: 'POST', headers: asOperator })).status,
    404
  )
  const passed = await fetch(`${origin}${bundlePath}`, { method: 'POST', headers: asOperator })
  assert.equal(passed.status, 200)
  assert.match(passed.headers.get('content-disposition')!, /weir-support-/)
  const files = readTar(gunzipSync(Buffer.from(await passed.arrayBuffer())))
  for (const [name, content] of files) seen[`bundle ${name}`] = String(content)
  const manifest = JSON.parse(seen['bundle weir-support/manifest.json']!) as {
    files: { name: string; error: unknown }[]
  }
  assert.deepEqual(
    manifest.files.filter(({ error }) => error !== null),
    []
  )
  assert.match(seen['bundle weir-support/metrics/mediator.txt']!, /weir_mediator_received_records_total 100\b/)
  assert.match(seen['bundle weir-support/exporters.json']!, /127\.0\.0\.1/)
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  // The first start tells the admin key once; nothing else does.
  seen.log = weir.child.said.replace(/Admin key:.*/g, '').replace(adminKey, '')
  seen.audit = readFileSync(join(folder, 'var/audit.log'), 'utf8')
  for (const [what, secret] of Object.entries(planted)) {
    // Also not in another form.
    for (const form of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]) {
      const leaks = Object.entries(seen).filter(([, text]) => text.includes(form))
      assert.deepEqual(
        leaks.map(([where]) => where),
        [],
        `${what} is shown`
      )
    }
  }
})
