import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { Child } from '../support/child.ts'
import { freePort } from '../support/free-port.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { until } from '../support/until.ts'
import { projectFolder } from '../support/weir-command.ts'

const READ_MS = 2_500

/** Weir as npx runs it: below a shell that hands on no signal. An exporter that stays holds its stop up. */
async function startBelowShell(): Promise<{ shell: Child; weirPid: number }> {
  const folder = tempFolder('npx')
  mkdirSync(folder, { recursive: true })
  const [port, api, ...health] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const config = {
    stateDir: join(folder, 'var'),
    collector: { listeners: [{ name: 'tcp', transport: 'tcp', port }], http: { port: health[0] } },
    mediator: { http: { port: health[1] } },
    coordinator: { port: api },
    front: null,
    shutdown: { tcpReadMs: READ_MS }
  }
  const file = join(folder, 'weir.yaml')
  writeFileSync(file, JSON.stringify(config))
  const entry = resolve(projectFolder, 'packages/cli/bin/weir.mjs')
  const command = `"${process.execPath}" "${entry}" up --config "${file}" & echo "pid $!"; wait`
  const shell = new Child('npx', '/bin/sh', ['-c', command], { cwd: folder, env: { npm_command: 'exec' } })
  await until('weir is ready', () => shell.said.includes('up is ready'), 20_000)
  const exporter = connect(port, '127.0.0.1')
  exporter.on('error', () => undefined)
  await new Promise(resolved => exporter.once('connect', resolved))
  return { shell, weirPid: Number(/^pid (\d+)$/m.exec(shell.said)![1]) }
}

test('npx is ended: Weir stops in order, however long that takes', async () => {
  for (const isAllTold of [false, true]) {
    const { shell, weirPid } = await startBelowShell()
    // A service manager tells all processes at once.
    if (isAllTold) process.kill(weirPid, 'SIGTERM')
    shell.kill('SIGKILL')
    await until('weir has ended', () => shell.hasEnded, READ_MS + 15_000)
    for (const name of ['collector', 'mediator', 'coordinator', 'up']) {
      assert.match(shell.said, new RegExp(`${name} stopped`), shell.said.slice(-3_000))
    }
  }
})
