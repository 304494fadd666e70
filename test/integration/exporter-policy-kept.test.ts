import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fixtureCapture } from '../support/fixture-captures.ts'
import { RunningWeir, startWeir } from '../support/running-weir.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { runWeir, weir as weirCommand } from '../support/weir-command.ts'

const path = '/v1/exporters/127.0.0.1'
const capture = fixtureCapture('softflowd-v9')

/** The policy of the one exporter, which is let send something first. */
async function policyOf(weir: RunningWeir): Promise<object> {
  await runWeir(['replay', capture.path, '--to', weir.udp, '--as-fast-as-possible'])
  await until('the exporter is known', async () => (await weir.api.call('GET', path)).status === 200)
  return (await weir.api.get<{ policy: object }>(path)).policy
}

test('what was said of an exporter through the API holds after kill -9 of the collector, of the coordinator, and after a restart', async () => {
  const folder = tempFolder('exporter-policy')
  const weir = await startWeir(folder)
  // It need not be there.
  await weir.api.patch(path, { scope: 'address', resumeTemplates: true, silentMs: 90_000 })
  const said = {
    scope: 'address',
    resumeTemplates: true,
    silentMs: 90_000,
    skewMs: null,
    set: { scope: 'address', resumeTemplates: true, silentMs: 90_000, skewMs: null }
  }
  assert.deepEqual(await policyOf(weir), said)
  for (const process of ['collector', 'coordinator'] as const) {
    await weir.crash(process)
    await weir.waitUntilReady()
    assert.deepEqual(await policyOf(weir), said, process)
  }
  assert.equal((await weir.stop()).code, 0, weir.child.said)
  // The very same document: a change of it is newer than what the API did.
  const child = weirCommand(['up', '--config', join(folder, 'weir.yaml')], { cwd: folder })
  const again = new RunningWeir(folder, weir.port, weir.api, child, [])
  await again.waitUntilReady()
  assert.deepEqual(await policyOf(again), said)
  await again.api.patch(path, { scope: null, resumeTemplates: null, silentMs: null })
  const { set, ...policy } = (await policyOf(again)) as { set: object }
  assert.deepEqual(
    [policy, set],
    [
      { scope: 'auto', resumeTemplates: false, silentMs: null, skewMs: null },
      { scope: null, resumeTemplates: null, silentMs: null, skewMs: null }
    ]
  )
  assert.equal((await again.stop()).code, 0, again.child.said)
})
