import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CoordinatorClient } from '../support/coordinator-client.ts'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { freePort } from '../support/free-port.ts'
import { RunningWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { runWeir, weir as weirCommand } from '../support/weir-command.ts'

test('weir up with no file: three listeners, state in ./var, the control API, and five lines of what to do next', async () => {
  const folder = tempFolder('no-configuration')
  const [ipfix, netflow, api] = [await freePort(), await freePort(), await freePort()]
  const web = await freePort()
  const health = [await freePort(), await freePort()]
  const listeners = [
    { name: 'ipfix-udp', transport: 'udp', port: ipfix },
    { name: 'ipfix-tcp', transport: 'tcp', port: ipfix },
    { name: 'netflow-udp', transport: 'udp', port: netflow }
  ]
  const child = weirCommand(['up'], {
    cwd: folder,
    env: {
      WEIR_COLLECTOR_LISTENERS: JSON.stringify(listeners),
      WEIR_COORDINATOR_PORT: String(api),
      WEIR_FRONT_PORT: String(web),
      WEIR_COLLECTOR_HTTP_PORT: String(health[0]),
      WEIR_MEDIATOR_HTTP_PORT: String(health[1])
    }
  })
  const weir = new RunningWeir(folder, ipfix, new CoordinatorClient(api), child, health)
  await weir.waitUntilReady()
  await child.waitForText('Weir is ready')
  const lines = child.stdout.trimEnd().split('\n')
  assert.equal(lines.length, 5, child.stdout)
  const text = lines.join('\n')
  for (const word of [
    `${ipfix}`,
    `${netflow}`,
    `http://127.0.0.1:${api}/docs`,
    `http://127.0.0.1:${web}/docs`,
    'weir replay',
    'curl',
    '/v1/destinations'
  ]) {
    assert.ok(text.includes(word), `${word} in\n${text}`)
  }
  for (const path of [
    '/livez',
    '/readyz',
    '/version',
    '/metrics',
    '/v1/config',
    '/v1/listeners',
    '/v1/exporters',
    '/v1/templates',
    '/v1/destinations',
    '/v1/ledger',
    '/docs',
    '/openapi.json'
  ]) {
    assert.equal((await weir.api.call('GET', path)).status, 200, path)
  }
  const key = readFileSync(join(folder, 'var/admin.key'), 'utf8').trim()
  assert.ok(text.includes(key), 'the key that was made now is printed')
  const fleet = await fetch(`http://127.0.0.1:${web}/api/v1/fleet`, { headers: { authorization: `Bearer ${key}` } })
  assert.equal(((await fleet.json()) as { ready: number }).ready, 1)
  assert.equal((await fetch(`http://127.0.0.1:${web}/api/v1/fleet`)).status, 401)
  const capture = fixtureCapture('softflowd-v9')
  await runWeir(['replay', capture.path, '--to', `udp://127.0.0.1:${netflow}`, '--as-fast-as-possible'])
  await runWeir(['replay', capture.path, '--to', `udp://[::1]:${ipfix}`, '--as-fast-as-possible'])
  const ledger = await weir.checkLedger()
  assert.equal(ledger.collector.records.decoded, 2 * capture.records)
  assert.ok(existsSync(join(folder, 'var')), 'state is kept in ./var')
  assert.equal((await weir.stop()).code, 0, child.said)
  assert.ok(!child.stderr.includes(key), 'the log has no key')
})
