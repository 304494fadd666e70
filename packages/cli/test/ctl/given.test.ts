import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { uploadOf } from '../../src/ctl/job-api.ts'
import { targetOf } from '../../src/ctl/target.ts'

test('a file that is not there, and a folder, are named as such; nobody is asked', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-ctl-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const path of [folder, join(folder, 'none.pcap')]) {
    await assert.rejects(uploadOf({ url: 'http://127.0.0.1:1' }, path), (error: Error & { exitCode?: number }) => {
      assert.match(error.message, /cannot be read/)
      assert.equal(error.exitCode, 66)
      return true
    })
  }
})

test('what is no address of an API is refused with what one looks like', async () => {
  for (const url of ['foo', '127.0.0.1:8080', 'ftp://127.0.0.1', '']) {
    await assert.rejects(targetOf({ url }), { code: 'URL_INVALID', exitCode: 64 })
  }
})
