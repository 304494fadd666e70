import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
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
  assert.match((await ctl(fleet, ['get'])).stdout, /^ +exporters +who exports/m)
  assert.match(
    (await ctl(fleet, ['get', 'job-types'])).stdout,
    /^NAME +FILES +SUMMARY\nanalyse +1000 +What is in .*\.\n/
  )
  assert.match((await ctl(fleet, ['get', 'job-types', 'analyse'])).stdout, /^ +maximum: 1000$/m)
  assert.match((await ctl(fleet, ['get', 'pods'])).stdout, /^POD +STATE.*\n127\.0\.0\.1:\d+ +ready/)
  assert.match(
    (await ctl(fleet, ['events', '--type', 'template_learned'])).stdout,
    /template_learned +exporter=127\.0\.0\.1/
  )
  // The account and the way of the records as tables; the latter as a graph too.
  for (const env of [fleet, pod]) {
    const { stdout } = await ctl(env, ['get', 'ledger'])
    assert.match(stdout, new RegExp(`collector +records +${capture.records} +0 +${capture.records} +0 +0\n`))
    assert.match(stdout, /\nIt is closed: every equation holds\.\n$/)
    assert.match(
      (await ctl(env, ['get', 'pipeline'])).stdout,
      /KIND +NAME +STATE.*\n(.*\n)*.*collector +collector +connected/
    )
    assert.match((await ctl(env, ['get', 'pipeline', '--format', 'mermaid'])).stdout, /^flowchart LR\n/)
    assert.match((await ctl(env, ['get', 'pipeline', '--format', 'dot'])).stdout, /^digraph weir \{\n/)
  }
  assert.match((await ctl(fleet, ['get', 'ledger', '--format', 'dot'], 64)).stderr, /--format means nothing for ledger/)
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
  assert.match((await ctl(pod, ['pause', 'destination', 'out'])).stdout, /^status: paused$/m)
  assert.match((await ctl(pod, ['resume', 'destination', 'out'])).stdout, /^status: ready$/m)
  assert.match((await ctl(pod, ['pause', 'destination', 'none'], 1)).stderr, /404 NOT_FOUND/)
  // The web API of the fleet is enough: its only pod need not be named.
  const [name] = (await json(fleet, ['get', 'pods'])).map(each => String(each.pod))
  assert.deepEqual(
    (await json(fleet, ['get', 'destinations'])).map(each => [each.id, each.pod, each.status]),
    [['out', name, 'ready']]
  )
  assert.match((await ctl(fleet, ['pause', 'destination', 'out'])).stdout, /^status: paused$/m)
  assert.match((await ctl(fleet, ['get', 'destinations'])).stdout, /^127\.0\.0\.1:\d+ +out +json +paused/m)
  assert.match((await ctl(fleet, ['drain', 'destination', 'out', '--pod', name!])).stdout, /^mode: drain/m)
  assert.match((await ctl(fleet, ['resume', 'destination', 'out'])).stdout, /^mode: running$/m)
  assert.match((await ctl(fleet, ['flush', 'destination', 'out'])).stdout, /^isDone: true$/m)
  assert.match((await ctl(fleet, ['test', 'destination', 'out'])).stdout, /^reachable: "?yes"?$/m)
  assert.match((await ctl(fleet, ['resend-templates', 'destination', 'out'])).stdout, /^id: out$/m)
  assert.match((await ctl(fleet, ['pause', 'destination', 'none'], 1)).stderr, /404 NOT_FOUND/)
  assert.match((await ctl(fleet, ['pause', 'destination', 'out', '--pod', 'none'], 1)).stderr, /404 NOT_FOUND/)
  assert.match((await ctl(pod, ['pause', 'destination', 'out', '--pod', 'x'], 64)).stderr, /leave --pod out/)
  for (const env of [fleet, pod]) {
    const bundle = join(folder, 'bundle.tar.gz')
    assert.equal((await ctl(env, ['support-bundle', '--out', bundle])).stdout, `${bundle}\n`)
    assert.ok(gunzipSync(readFileSync(bundle)).includes('weir-support/manifest.json'))
    assert.equal(statSync(bundle).mode & 0o777, 0o600)
  }
  const nowhere = join(folder, 'none/bundle.tar.gz')
  assert.match((await ctl(fleet, ['support-bundle', '--out', nowhere], 74)).stderr, /cannot be written/)
  // A script goes by the exit code, and by standard output that is JSON and nothing else.
  const closed = `tcp://127.0.0.1:${await freePort()}`
  const withAway = before.replace(/^destinations: .*$/m, `destinations: [{id: away, type: ipfix, url: '${closed}'}]`)
  writeFileSync(file, withAway)
  const applied = await ctl(pod, ['apply', file, '-o', 'json'])
  assert.deepEqual(Object.keys(JSON.parse(applied.stdout) as object), ['revision'])
  assert.match((await ctl(fleet, ['test', 'destination', 'away'], 1)).stdout, /^reachable: "?no"?$/m)
  assert.match((await ctl(fleet, ['get', 'destinations', 'away'])).stdout, /^id: away$/m)
  assert.match((await ctl(fleet, ['get', 'destinations', 'none'], 1)).stderr, /There is no "none"/)
  assert.match((await ctl(pod, ['diff', file, '--from', '0'], 64)).stderr, /one of the two/)
  // Going back and patching show what they would do first, as apply does, and make no revision of nothing.
  for (const args of [
    ['rollback', '0'],
    ['patch', '{destinations: null}']
  ]) {
    assert.match((await ctl(pod, [...args, '--dry-run'])).stderr, /^ACTION +WHAT +ID.*\nremove +destination +away/)
  }
  assert.equal((await json(pod, ['get', 'destinations'])).length, 1)
  assert.match((await ctl(pod, ['rollback', '0', '--yes'])).stderr, /\nremove +destination +away/)
  assert.deepEqual(await json(pod, ['get', 'destinations']), [])
  const [head] = await json(pod, ['get', 'revisions'])
  assert.equal((await ctl(pod, ['rollback', '0'])).stdout, 'Nothing changes.\n')
  assert.equal((await ctl(fleet, ['patch', '{destinations: null}'])).stdout, 'Nothing changes.\n')
  assert.deepEqual(await json(pod, ['patch', '{destinations: []}']), { revision: head?.number })
  assert.deepEqual((await json(pod, ['get', 'revisions']))[0], head)
  await ctl(pod, ['patch', '{log: {level: debug}}'])
  assert.match((await ctl(pod, ['get', 'config'])).stdout, /level: debug/)
  assert.match((await ctl(pod, ['rollback', '99'], 1)).stderr, /404 NOT_FOUND/)

  for (const [verb, state] of [
    ['pause', 'paused'],
    ['resume', 'serving']
  ] as const) {
    assert.match((await ctl(fleet, [verb, 'listener', 'udp'])).stdout, new RegExp(`^state: ${state}$`, 'm'))
    const listeners = await json(fleet, ['get', 'listeners'])
    assert.deepEqual(
      listeners.filter(each => each.name === 'udp').map(each => [each.state, each.pod]),
      [[state, name]]
    )
  }
  assert.match((await ctl(pod, ['pause', 'listener', 'udp'])).stdout, /^state: paused$/m)
  assert.match((await ctl(pod, ['resume', 'listener', 'udp'])).stdout, /^state: serving$/m)

  const results = join(folder, 'results')
  const run = await ctl(fleet, ['job', 'run', 'analyse', capture.path, '--out', results])
  assert.match(run.stdout, /^job: j[0-9a-f]{32}\nrecords: \d+\n/)
  const report = JSON.parse(readFileSync(join(results, 'report.json'), 'utf8')) as { totals: { records: number } }
  assert.ok(JSON.stringify(report).includes('protocolIdentifier'))
  const [job] = await json(fleet, ['get', 'jobs'])
  assert.deepEqual([job?.type, job?.state], ['analyse', 'succeeded'])
  await ctl(fleet, ['job', 'download', String(job?.id), '--out', join(folder, 'again')])
  assert.deepEqual(readFileSync(join(folder, 'again/report.html')), readFileSync(join(results, 'report.html')))
  await ctl(fleet, ['job', 'delete', String(job?.id)])
  assert.deepEqual(await json(fleet, ['get', 'jobs']), [])
  const wrong = ['job', 'run', 'convert', capture.path, '--params', '{to: csv, size: 3}']
  assert.match((await ctl(fleet, wrong, 65)).stderr, /body\.params\.size: is no key here/)
  // What a job leaves behind is only what another attempt would need.
  assert.deepEqual(await json(fleet, ['get', 'uploads']), [])
  const noFlows = ['job', 'run', 'analyse', join(folder, 'weir.yaml')]
  const failed = await ctl(fleet, noFlows, 1)
  assert.match(failed.stderr, /failed: .*NOTHING_DECODED/)
  const [kept] = await json(fleet, ['get', 'uploads'])
  assert.ok(failed.stderr.includes(`upload ${kept?.id} is kept; weir ctl job delete-upload ${kept?.id} deletes it`))
  await ctl(fleet, ['job', 'delete-upload', String(kept?.id)])
  assert.deepEqual(await json(fleet, ['get', 'uploads']), [])
  await ctl(fleet, ['job', 'run', 'analyse', capture.path, '--keep-upload'])
  const [again] = await json(fleet, ['get', 'uploads'])
  await ctl(fleet, ['job', 'run', 'analyse', String(again?.id)])
  assert.deepEqual((await json(fleet, ['get', 'uploads'])).length, 1)

  const reader = (await ctl(fleet, ['key', 'create', 'a reader', '--role', 'reader'])).stdout.trim()
  const { WEIR_URL } = fleet
  assert.match(
    (await ctl({ WEIR_URL, WEIR_KEY: reader }, ['key', 'create', 'more'], 1)).stderr,
    /ROLE_TOO_LOW.*\n.*--role/
  )
  assert.match((await ctl({ WEIR_URL, WEIR_KEY: 'wk_no' }, ['get', 'pods'], 1)).stderr, /401.*\nGive a key: --key-file/)
  assert.match((await ctl(fleet, ['get', 'pending'], 64)).stderr, /control API \(port 8090\).*--url/)
  assert.match((await ctl(pod, ['patch', '{log: {level: loud}}'], 65)).stderr, /log\.level: .*allowed: /)
  const nobody = { WEIR_URL: `http://127.0.0.1:${await freePort()}` }
  assert.match((await ctl(nobody, ['get', 'pods'], 69)).stderr, /cannot be reached.*\nIs Weir running there\?/)
  assert.equal(readFileSync(join(folder, 'var/admin.key'), 'utf8').includes(reader), false)
})
