import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir } from '../support/weir-command.ts'

test('weir ctl shows a fleet and a pod, applies a document, goes back, and says what was refused and what to do', async () => {
  const folder = tempFolder('ctl')
  const capture = fixtureCapture('softflowd-v9')
  const [apiPort, frontPort] = [await freePort(), await freePort()]
  const front = { port: frontPort, pods: [`http://127.0.0.1:${apiPort}`] }
  const weir = await launchWeir(folder, await freePort(), apiPort, { config: { front } })
  await weir.waitUntilReady()
  await weir.child.waitForText('Weir is ready')
  const fleet = { WEIR_URL: `http://127.0.0.1:${frontPort}`, WEIR_KEY_FILE: join(folder, 'var/admin.key') }
  const pod = { WEIR_URL: `http://127.0.0.1:${apiPort}` }
  const ctl = async (env: Record<string, string>, args: readonly string[], code = 0) =>
    runWeir(['ctl', ...args], { env, code })
  const json = async (env: Record<string, string>, args: readonly string[]): Promise<Record<string, unknown>[]> =>
    JSON.parse((await ctl(env, [...args, '-o', 'json'])).stdout)

  await runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
  await until('all is decoded', async () => {
    const [exporter] = await json(fleet, ['get', 'exporters'])
    return exporter?.records === capture.records
  })
  assert.match((await ctl(fleet, ['get', 'pods'])).stdout, /^POD +STATE.*\n127\.0\.0\.1:\d+ +ready/)
  assert.match(
    (await ctl(fleet, ['events', '--type', 'template_learned'])).stdout,
    /template_learned +exporter=127\.0\.0\.1/
  )
  const templates = await json(fleet, ['get', 'templates', '--where', 'kind=options'])
  assert.deepEqual([...new Set(templates.map(({ kind }) => kind))], ['options'])

  // As an operator does it: read, edit, look, put, look again, go back.
  const file = join(folder, 'edited.yaml')
  const before = (await ctl(pod, ['get', 'config'])).stdout
  writeFileSync(
    file,
    before.replace(/^destinations: .*$/m, `destinations:\n  - {id: out, type: json, target: 'file:${folder}/out'}`)
  )
  assert.match((await ctl(pod, ['diff', file], 1)).stdout, /^\+ destinations\[id=out\]/)
  assert.match((await ctl(pod, ['apply', file, '--dry-run'])).stderr, /^ACTION +WHAT +ID.*\nadd +destination +out/)
  assert.deepEqual(await json(pod, ['get', 'destinations']), [])
  assert.match((await ctl(pod, ['apply', file, '--reason', 'a test'])).stdout, /^Revision 1 holds/)
  assert.match((await ctl(pod, ['apply', file])).stderr, /^Nothing would change/)
  assert.deepEqual(
    (await json(pod, ['get', 'destinations'])).map(({ id }) => id),
    ['out']
  )
  assert.match((await ctl(pod, ['get', 'revisions'])).stdout, /1 +\d{4}-.*a test/)
  assert.match((await ctl(pod, ['diff', '--from', '0', '--to', '1'], 1)).stdout, /^\+ destinations\[id=out\]/)
  await ctl(pod, ['rollback', '0'])
  assert.deepEqual(await json(pod, ['get', 'destinations']), [])
  await ctl(pod, ['patch', '{log: {level: debug}}'])
  assert.match((await ctl(pod, ['get', 'config'])).stdout, /level: debug/)

  const reader = (await ctl(fleet, ['key', 'create', 'a reader', '--role', 'reader'])).stdout.trim()
  const { WEIR_URL } = fleet
  assert.match(
    (await ctl({ WEIR_URL, WEIR_KEY: reader }, ['key', 'create', 'more'], 1)).stderr,
    /ROLE_TOO_LOW.*\n.*--role/
  )
  assert.match((await ctl({ WEIR_URL, WEIR_KEY: 'wk_no' }, ['get', 'pods'], 1)).stderr, /401.*\nGive a key: --key-file/)
  assert.match((await ctl(fleet, ['get', 'destinations'], 64)).stderr, /control API \(port 8090\).*--url/)
  assert.match((await ctl(pod, ['patch', '{log: {level: loud}}'], 65)).stderr, /log\.level: .*allowed: /)
  const nobody = { WEIR_URL: `http://127.0.0.1:${await freePort()}` }
  assert.match((await ctl(nobody, ['get', 'pods'], 69)).stderr, /cannot be reached.*\nIs Weir running there\?/)
  assert.equal(readFileSync(join(folder, 'var/admin.key'), 'utf8').includes(reader), false)
})
