import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

test('the example of the README runs and prints what it decodes', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module-typescript', '-'], {
    cwd: new URL('.', import.meta.url),
    input: example,
    encoding: 'utf8'
  })
  assert.equal(
    stdout,
    'exported at 1700000000\nlearned 256\nsourceIPv4Address 10.0.0.1\ndestinationIPv4Address 10.0.0.2\n',
    stderr
  )
})
