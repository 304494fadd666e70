import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { root } from '../src/repository.ts'

let folder: string

/** A checkout of nothing but the launchers, a lock file, and whatever a test puts beside them. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-launch-'))
  for (const path of [
    'packages/tools/src/launch.mjs',
    'packages/tools/src/node-runtime.mjs',
    'packages/cli/bin/weir.mjs'
  ]) {
    cpSync(join(root, path), join(folder, path))
  }
  write('package.json', '{"type":"module"}')
  write('package-lock.json', '{"lockfileVersion":3}', 1_000)
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(path: string, text: string, atSec = 2_000): void {
  const whole = join(folder, path)
  mkdirSync(dirname(whole), { recursive: true })
  writeFileSync(whole, text)
  utimesSync(whole, atSec, atSec)
}

const run = (...args: string[]): { code: number | null; err: string } => {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 20_000 })
  return { code: status, err: stderr }
}

/** Asked in a process of its own, because the module knows the checkout by where it stands. */
function isInstalled(): boolean {
  const url = pathToFileURL(join(folder, 'packages/tools/src/node-runtime.mjs')).href
  const { code, err } = run('-e', `process.exit((await import('${url}')).areDependenciesInstalled() ? 0 : 1)`)
  assert.equal(err, '')
  return code === 0
}

const stamp = (): string => join(folder, 'node_modules/.weir-lock')
const installed = '{"packages":{"node_modules/a":{}}}'

test('nothing is installed where there is nothing', () => assert.equal(isInstalled(), false))

test('an installation by hand is taken, and stamped', () => {
  write('node_modules/a/package.json', '{}')
  write('node_modules/.package-lock.json', installed)
  assert.deepEqual([isInstalled(), existsSync(stamp())], [true, true])
})

test('an installation older than the lock file is not taken', () => {
  write('node_modules/a/package.json', '{}')
  write('node_modules/.package-lock.json', installed, 500)
  assert.equal(isInstalled(), false)
})

test('an installation of which a part is missing is not taken', () => {
  write('node_modules/.package-lock.json', installed)
  assert.deepEqual([isInstalled(), existsSync(stamp())], [false, false])
})

test('a changed lock file asks for a new installation', () => {
  write('node_modules/a/package.json', '{}')
  write('node_modules/.package-lock.json', installed)
  assert.ok(isInstalled())
  write('package-lock.json', '{"lockfileVersion":3,"packages":{}}', 1_000)
  assert.equal(isInstalled(), false)
})

test('weir without dependencies says what to do', () => {
  const { code, err } = run('packages/cli/bin/weir.mjs', '--version')
  assert.equal(code, 69)
  assert.match(err, /dependencies are missing or out of date; run npm start/)
})

test('rejects a verb that there is not, and names those that there are', () => {
  const { code, err } = run('packages/tools/src/launch.mjs', 'fly')
  assert.equal(code, 64)
  assert.match(err, /"fly"; there is weir, test, check/)
})
