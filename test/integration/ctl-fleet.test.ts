import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { absent } from '../support/debian-tools.ts'
import { makeFleet } from '../support/fleet.ts'
import type { FleetPod } from '../support/fleet.ts'
import { freePort } from '../support/free-port.ts'
import { RedisServer } from '../support/redis-server.ts'
import { launchWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir } from '../support/weir-command.ts'

const skip = absent('redis-server', 'redis-cli')

test('weir ctl changes the configuration of a fleet: at once, back, and pod by pod', { skip }, async () => {
  const redis = await RedisServer.start()
  const [pod] = (await makeFleet(1, redis, { hasFronts: true })) as [FleetPod]
  await pod.start()
  await pod.weir.child.waitForText('Weir is ready')
  const env = { WEIR_URL: pod.front.origin, WEIR_KEY_FILE: join(pod.weir.folder, 'var/admin.key') }
  const ctl = (args: readonly string[], code = 0) => runWeir(['ctl', ...args], { env, code })

  const file = join(tempFolder('ctl-fleet'), 'fleet.yaml')
  writeFileSync(file, (await ctl(['get', 'config'])).stdout.replace(/^( +)level: .*$/m, '$1level: debug'))
  assert.match((await ctl(['diff', file], 1)).stdout, /^~ log\.level: "\w+" → "debug"\n$/)
  const applied = await ctl(['apply', file, '--reason', 'louder'])
  assert.match(applied.stderr, /^127\.0\.0\.1:\d+:\nACTION +WHAT +ID.*\nchange +key +log\.level/)
  const number = Number(/^Revision (\d+) holds/.exec(applied.stdout)?.[1])
  assert.match((await ctl(['get', 'config-status'])).stdout, /^POD +REVISION.*\n127\.0\.0\.1:\d+ +\d+ +\d+ +up +yes/)
  await ctl(['rollback', String(number - 1)])
  assert.match((await ctl(['diff', file], 1)).stdout, /log\.level/)

  const gates = ['--gates', '{soakMs: 100}']
  const rolled = await ctl(['rollout', 'start', '--patch', '{log: {level: warn}}', ...gates])
  assert.match(rolled.stdout, new RegExp(`^rollout: .+\nstate: done\nrevision: ${number + 2}$`, 'm'))
  assert.match((await ctl(['get', 'config'])).stdout, /^ +level: warn$/m)
  const broken = ['rollout', 'start', '--patch', '{log: {level: loud}}', ...gates]
  assert.match((await ctl(broken, 65)).stderr, /log\.level: .*allowed/)
  assert.match((await ctl(['get', 'rollouts'])).stdout, /done/)
})

test('weir ctl shows what going back and a patch would do at each pod of a fleet first', { skip }, async () => {
  const redis = await RedisServer.start()
  const pods = await makeFleet(2, redis, { hasFronts: true })
  await Promise.all(pods.map(pod => pod.start()))
  const [pod, other] = pods as [FleetPod, FleetPod]
  await pod.weir.child.waitForText('Weir is ready')
  await until('both have a document in common', async () => (await pod.standing()).store === 'up')
  const key = await until('there is a key', async () => {
    const path = [pod, other].map(each => join(each.weir.folder, 'var/admin.key')).find(each => existsSync(each))
    return path
  })
  const env = { WEIR_URL: pod.front.origin, WEIR_KEY_FILE: key }
  const ctl = (args: readonly string[]) => runWeir(['ctl', ...args], { env })
  const { number } = (await pod.standing()).revision
  assert.match((await ctl(['patch', '{log: {level: debug}}', '--dry-run'])).stderr, bothChange)
  assert.match((await ctl(['patch', '{log: {level: debug}}'])).stdout, /^Revision/)
  for (const each of pods) await until('it has the patch', () => each.isAt(number + 1))
  assert.match((await ctl(['rollback', String(number), '--dry-run'])).stderr, bothChange)
  assert.equal((await ctl(['rollback', String(number + 1)])).stdout, 'Nothing changes.\n')
  assert.equal((await pod.standing()).revision.number, number + 1)
  assert.match((await ctl(['rollback', String(number)])).stdout, /^Revision/)
  for (const each of pods) await until('it is back', () => each.isAt(number + 2))
})

/** One step, the same at two pods. */
const bothChange = /^[^ ]+, [^ ]+:\nACTION +WHAT +ID.*\nchange +key +log\.level.*\n\d+ more stay/

test('weir ctl says what is not that of the whole fleet: revisions of one pod, and a pod that is away', async () => {
  const folder = tempFolder('ctl-own')
  const [one, other, away, frontPort] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const front = { port: frontPort, pods: [one, other, away].map(port => `http://127.0.0.1:${port}`) }
  const first = await launchWeir(join(folder, 'one'), await freePort(), one, { config: { front } })
  const second = await launchWeir(join(folder, 'other'), await freePort(), other)
  for (const pod of [first, second]) await pod.waitUntilReady(60_000)
  await first.child.waitForText('Weir is ready')
  const env = { WEIR_URL: `http://127.0.0.1:${frontPort}`, WEIR_KEY_FILE: join(first.folder, 'var/admin.key') }
  const ctl = (args: readonly string[], code = 0) => runWeir(['ctl', ...args], { env, code })

  const file = join(folder, 'weir.yaml')
  const read = await ctl(['get', 'config'])
  writeFileSync(file, read.stdout)
  const dryRun = await ctl(['apply', file, '--dry-run'], 1)
  const shown = [read, dryRun, await ctl(['get', 'revisions']), await ctl(['diff', file])]
  for (const { stderr } of shown) {
    assert.match(stderr, new RegExp(`those of one pod, 127.0.0.1:${one}: 3 pods .*--url.*stores.revisions`))
    assert.match(stderr, new RegExp(`this is not all: 127.0.0.1:${away} \\(`))
  }
  // The other pod has another folder, and it is the one that would have to be restarted.
  assert.match(dryRun.stderr, new RegExp(`127.0.0.1:${other}: Some of it holds only after a restart`))
  writeFileSync(file, `destinations: [{id: out, type: json, target: 'file:${first.folder}/out'}]`)
  assert.match((await ctl(['apply', file, '--dry-run'], 65)).stderr, new RegExp(`127.0.0.1:${other}: destinations`))

  for (const what of [['get', 'ledger'], ['get', 'pipeline'], ['events']]) {
    assert.match((await ctl(what)).stderr, new RegExp(`this is not all: 127.0.0.1:${away} \\(`))
  }
  const own = await runWeir(['ctl', 'get', 'config', '--url', `http://127.0.0.1:${other}`])
  assert.equal(own.stderr, '')
})
