import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weir-killed-'))
const runs = join(folder, 'r')
const file = join(folder, 'weir.yaml')
mkdirSync(runs)
writeFileSync(
  file,
  JSON.stringify({
    stateDir: join(folder, 'state'),
    collector: { listeners: [{ name: 'u', transport: 'udp', address: '127.0.0.1', port: 0 }], http: null },
    mediator: { http: null },
    coordinator: { port: 0 },
    front: { port: 0 }
  })
)
const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function up(): ChildProcess {
  const child = spawn(process.execPath, [main, 'up', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, TMPDIR: runs }
  })
  started.push(child)
  return child
}

/** Lines of a standard error, until it is closed by all that have it. */
const linesOf = (child: ChildProcess): AsyncIterable<string> => createInterface({ input: child.stderr! })

interface Line {
  readonly code?: string
  readonly process?: string
  readonly message?: string
}

test('when the supervisor is killed its children stop in order by themselves, and the next cleans up; two share no state', async () => {
  const first = up()
  const stopped: (string | undefined)[] = []
  // The children have its standard error: it ends when the last of them does.
  for await (const text of linesOf(first)) {
    const { code, process } = JSON.parse(text) as Line
    if (code === 'process_ready' && process === 'up') {
      const second = up()
      const said: string[] = []
      for await (const line of linesOf(second)) said.push(line)
      assert.equal(second.exitCode ?? (await new Promise(resolve => second.once('exit', resolve))), 69)
      assert.match(said.join('\n'), /^weir: another weir up keeps its state in/m)
      assert.equal(readdirSync(runs).length, 1)
      first.kill('SIGKILL')
    }
    if (code === 'process_stopped') stopped.push(process)
  }
  assert.deepEqual(stopped.toSorted(), ['collector', 'coordinator', 'front', 'job-worker', 'mediator'])
  const left = readdirSync(runs)
  const third = up()
  for await (const text of linesOf(third)) {
    if ((JSON.parse(text) as Line).code !== 'process_ready' || (JSON.parse(text) as Line).process !== 'up') continue
    assert.equal(readdirSync(runs).length, 1)
    assert.notDeepEqual(readdirSync(runs), left)
    third.kill('SIGTERM')
  }
  assert.deepEqual(readdirSync(runs), [])
})
