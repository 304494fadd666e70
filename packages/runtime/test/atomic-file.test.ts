import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeFileAtomic } from '../src/index.ts'

test('writes whole files of the mode asked, over old ones, and leaves nothing beside them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weir-runtime-'))
  try {
    const path = join(folder, 'a.json')
    await writeFileAtomic(path, 'old')
    await writeFileAtomic(path, new Uint8Array([110, 101, 119]), 0o640)
    assert.deepEqual([await readFile(path, 'utf8'), (await stat(path)).mode & 0o777], ['new', 0o640])
    await assert.rejects(writeFileAtomic(join(folder, 'no', 'b'), ''), { code: 'ENOENT' })
    await assert.rejects(writeFileAtomic(folder, ''))
    assert.deepEqual(await readdir(folder), ['a.json'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
