import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { TargetPolicy, resolveConfig, validateDestination } from '@weir/config'
import { createLog, systemClock } from '@weir/runtime'
import { FileOutput } from '../../src/outputs/file-output.ts'
import { lineFileNaming } from '../../src/outputs/file-naming.ts'
import { until } from '../../../../test/support/until.ts'
import { flowBatch, sourceOf } from '../support/batches.ts'
import { Rig } from '../support/rig.ts'

let folder = ''
let allowed = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'weir-paths-')))
  allowed = join(folder, 'allowed')
  mkdirSync(allowed)
})
afterEach(() => rmSync(folder, { recursive: true }))

const policyOf = (folders: readonly string[], destinations: object[] = []): TargetPolicy => {
  const document = { stateDir: join(folder, 'var'), mediator: { destinationPolicy: { folders } }, destinations }
  return new TargetPolicy(resolveConfig(document).config)
}
const lines = (path: string): object => ({ id: 'd', type: 'json', target: `file:${path}` })
const files = (path: string): object => ({ id: 'd', type: 'ipfix-file', path })

/** Paths of what is wrong with a destination of the API. */
function issuesOf(policy: TargetPolicy, destination: object): readonly string[] {
  const checked = validateDestination(destination, resolveConfig({}).config).destination!
  return policy.issuesOf(checked, '').map(({ path, allowed: remedy }) => `${path}, ${remedy}`)
}

test('TH-35 a destination of the API writes below the folders that the file names, and nowhere else', () => {
  const policy = policyOf([allowed])
  const outside = [
    join(folder, 'flows.json'),
    `${allowed}-not`,
    `${allowed}/../flows.json`,
    'flows.json',
    '/etc/cron.d/x'
  ]
  for (const path of outside) {
    assert.match(issuesOf(policy, lines(path))[0]!, /^target, a path below .*allowed; or name it in weir\.yaml/, path)
    assert.match(issuesOf(policy, files(path))[0]!, /^path, a path below/, path)
  }
  for (const path of [
    join(allowed, 'flows.json'),
    join(allowed, 'deep/er/flows.json'),
    `${allowed}//x/../flows.json`
  ]) {
    assert.deepEqual(issuesOf(policy, lines(path)), [], path)
  }
  assert.deepEqual(issuesOf(policy, files(`${allowed}/`)), [])
  assert.deepEqual(issuesOf(policy, { id: 'd', type: 'json', target: 'stdout' }), [])
})

test('TH-35 without folders it is files in the state folder; what the file itself names may be anywhere', () => {
  const named = join(folder, 'named.json')
  const policy = policyOf([], [lines(named), { ...files(join(folder, 'named')), id: 'e' }])
  assert.deepEqual(issuesOf(policy, lines(join(folder, 'var/files/flows.json'))), [])
  assert.equal(issuesOf(policy, lines(join(folder, 'var/admin.key'))).length, 1)
  assert.deepEqual(issuesOf(policy, lines(`${folder}/./named.json`)), [])
  assert.deepEqual(issuesOf(policy, files(`${folder}/named/`)), [])
  assert.equal(issuesOf(policy, lines(join(folder, 'other.json'))).length, 1)
})

test('TH-35 links that lead out of the folder, pipes and devices are not written to', async () => {
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'there.json'), '')
  symlinkSync(outside, join(allowed, 'folder'))
  symlinkSync(join(outside, 'there.json'), join(allowed, 'there.json'))
  symlinkSync(join(outside, 'new.json'), join(allowed, 'dangling.json'))
  execFileSync('mkfifo', [join(allowed, 'pipe')])
  const targets = policyOf([allowed])
  const bad = {
    a: lines(join(allowed, 'folder/flows.json')),
    b: lines(join(allowed, 'folder/deeper/flows.json')),
    c: lines(join(allowed, 'there.json')),
    d: lines(join(allowed, 'dangling.json')),
    e: files(join(allowed, 'folder')),
    f: lines(join(allowed, 'pipe'))
  }
  for (const [id, config] of Object.entries(bad)) {
    const rig = new Rig({ targets, drainMs: 0 })
    rig.add({ ...config, id } as Parameters<Rig['add']>[0])
    rig.push(flowBatch(sourceOf(), 3, 0))
    const error = await until('it has been tried', () => rig.destinations.states[0]!.output.lastError)
    assert.match(error, /does not allow the path|ELOOP|ENXIO/, id)
    if (id !== 'f') assert.equal((await rig.destinations.test(id, 1_000)).reachable, 'no', id)
    await rig.stop(0)
  }
  assert.deepEqual(readdirSync(outside), ['there.json'])
  assert.equal(readFileSync(join(outside, 'there.json'), 'utf8'), '')
})

test('TH-35 an unfinished file that is a link is none of ours: what it leads to is left alone', async () => {
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'not a file of flows')
  const old = new Date(0)
  utimesSync(victim, old, old)
  const part = join(allowed, 'weir-20200101T000000Z.ipfix.part')
  for (const targets of [policyOf([allowed]), policyOf([], [files(`${allowed}/`)])]) {
    symlinkSync(victim, part)
    const rig = new Rig({ targets })
    rig.add({ ...files(`${allowed}/`), id: 'd' } as Parameters<Rig['add']>[0])
    rig.push(flowBatch(sourceOf(), 3, 0))
    await rig.settled()
    await rig.stop()
    assert.equal(readFileSync(victim, 'utf8'), 'not a file of flows')
    rmSync(part)
  }
})

test('TH-35 a folder that becomes a link after it was looked at is not written through', t => {
  if (process.platform !== 'linux') return t.skip('only Linux names what is open')
  const [sub, outside] = [join(allowed, 'sub'), join(folder, 'outside')]
  for (const each of [sub, outside]) mkdirSync(each)
  let looks = 0
  const allows = (path: string): boolean => {
    if (++looks === 1) {
      renameSync(sub, `${sub}.old`)
      symlinkSync(outside, sub)
    }
    return path.startsWith(`${allowed}/`)
  }
  const naming = lineFileNaming(join(sub, 'flows.json'), () => 0)
  const limits = { target: 'file', rotateOctets: null, rotateSeconds: null, keep: null }
  const events = {
    onReady: () => undefined,
    onLost: () => undefined,
    onWritten: () => undefined,
    onUncertain: () => undefined
  }
  const log = createLog({ name: 'test', level: 'error' })
  const output = new FileOutput({ naming, allows, ...limits }, { clock: systemClock, log, events })
  output.open()
  assert.match(output.state.lastError!, /does not allow the path/)
  assert.deepEqual(readdirSync(outside), [])
})

test('a link into a folder that may be written to, and a folder that is a link itself, are written to', async () => {
  const real = join(folder, 'real')
  mkdirSync(real)
  symlinkSync(real, join(folder, 'link'))
  const rig = new Rig({ targets: policyOf([join(folder, 'link')]) })
  rig.add({ id: 'd', type: 'json', target: `file:${join(folder, 'link/deep/flows.json')}` })
  rig.push(flowBatch(sourceOf(), 3, 0))
  await rig.settled()
  assert.equal((await rig.destinations.test('d', 1_000)).reachable, 'yes')
  await rig.stop()
  assert.ok(existsSync(join(real, 'deep/flows.json')))
})
