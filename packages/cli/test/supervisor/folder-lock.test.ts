import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { isAbandoned, lockFolder } from '../../src/supervisor/folder-lock.ts'
import { makeRunFolder } from '../../src/supervisor/run-folder.ts'
import { takeStateFolder } from '../../src/supervisor/state-folder.ts'

const module = new URL('../../src/supervisor/folder-lock.ts', import.meta.url).href
let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'weir-lock-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** Another process takes the folder and is killed. */
async function lockAndDie(path: string): Promise<void> {
  const script = `const { lockFolder } = await import(${JSON.stringify(module)}); await lockFolder(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  assert.equal(await lockFolder(path), undefined, 'held by another')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a folder is held by one, until it is released', async () => {
  const lock = await lockFolder(folder)
  assert.equal(await lockFolder(folder), undefined)
  await assert.rejects(takeStateFolder(folder), { code: 'STATE_DIR_TAKEN', exitCode: 69, message: /another weir up/ })
  await lock!.release()
  await (await takeStateFolder(join(folder, 'made'))).release()
})

test('a process that is killed holds nothing any more', async () => {
  await lockAndDie(folder)
  assert.equal(await isAbandoned(folder), true)
  const lock = await lockFolder(folder)
  assert.equal(await isAbandoned(folder), false)
  await lock!.release()
})

test('a folder of a long name is held too', async () => {
  const long = join(folder, 'x'.repeat(120))
  mkdirSync(long)
  const lock = await lockFolder(long)
  assert.equal(await lockFolder(long), undefined)
  await lock!.release()
})

test('a state folder that cannot be made is one sentence, with what to set', async () => {
  writeFileSync(join(folder, 'file'), '')
  await assert.rejects(takeStateFolder(join(folder, 'file', 'x')), {
    exitCode: 69,
    message: /^stateDir .*cannot be written: .*WEIR_STATE_DIR/
  })
})

test('the run folder of a supervisor that was killed goes at the next start, others stay', async () => {
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  try {
    const names = ['weir-abc123', 'weir-def456', 'weir-lasting', 'other']
    for (const name of names) mkdirSync(join(folder, name))
    await lockAndDie(join(folder, 'weir-abc123'))
    const held = await lockFolder(join(folder, 'weir-lasting'))
    const first = await makeRunFolder(null)
    const second = await makeRunFolder(null)
    const left = [...names.map(name => join(folder, name)), first.path, second.path].map(path => existsSync(path))
    assert.deepEqual(left, [false, true, true, true, true, true])
    await held!.release()
    await first.remove()
    assert.equal(existsSync(first.path), false)
    await second.remove()
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
})
