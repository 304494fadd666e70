import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { resolveConfig } from '@weir/config'
import { createFront } from '@weir/front'
import { silentLog } from '@weir/runtime'
import { runWeir } from '../../../test/support/weir-command.ts'
import { jobTypes } from '../src/completion.ts'

/** What is suggested, and what the shell is told about files. */
async function suggestions(...words: string[]): Promise<{ words: string[]; directive: string | undefined }> {
  const { stdout } = await runWeir(['complete', '--', ...words])
  const lines = stdout.trimEnd().split('\n')
  const directive = lines.pop()
  return { words: lines.map(line => line.split('\t')[0]!), directive }
}

test('words are suggested where words are wanted, files where files are', async () => {
  assert.deepEqual(await suggestions('ctl', 'pause', ''), { words: ['listener', 'destination'], directive: ':4' })
  assert.deepEqual(await suggestions('ctl', 'job', 'run', ''), { words: jobTypes, directive: ':4' })
  const files = { words: [], directive: ':0' }
  assert.deepEqual(await suggestions('ctl', 'job', 'run', 'analyse', ''), files)
  assert.deepEqual(await suggestions('check', 'we'), files)
  assert.deepEqual(await suggestions('up', '--config', ''), files)
  assert.deepEqual(await suggestions('ctl', 'support-bundle', '--out', ''), files)
  assert.deepEqual(await suggestions('ctl', 'rollback', ''), { words: [], directive: ':4' })
})

test('the types of jobs that are suggested are those that there are', async () => {
  const { config } = resolveConfig(undefined)
  const { paths } = (await createFront(config, { log: silentLog(), version: '0' }).openApi()) as unknown as {
    paths: Record<
      string,
      { post: { requestBody: { content: Record<string, { schema: { oneOf: { title: string }[] } }> } } }
    >
  }
  const { oneOf } = paths['/api/v1/jobs']!.post.requestBody.content['application/json']!.schema
  assert.deepEqual(oneOf.map(({ title }) => title).toSorted(), jobTypes)
})

test('bash reads the script twice without a word, and completes files where nothing else is suggested', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-completion-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const script = join(folder, 'weir.bash')
  writeFileSync(script, (await runWeir(['complete', 'bash'])).stdout)
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', `. '${script}'; . '${script}'; complete -p weir`])
  assert.equal(stderr, '')
  assert.match(stdout, /^complete -o default -F __weir_complete weir$/m)
})
