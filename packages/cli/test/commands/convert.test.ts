import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/weir.mjs', import.meta.url))
const capture = fileURLToPath(new URL('../../../../test/fixtures/captures/softflowd-v9.pcap', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'weir-convert-'))
after(() => rmSync(folder, { recursive: true }))

function convert(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'convert', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 30_000
  })
  return { code: status, out: stdout, err: stderr }
}

test('convert writes the format that the ending says, of captures and of what it wrote itself', () => {
  const stored = convert(capture, '-o', 'flows.parquet')
  assert.equal(stored.code, 0, stored.err)
  const { records } = JSON.parse(stored.out) as { records: number }
  const options = ['--fields', 'protocolIdentifier,octetDeltaCount', '--no-lineage', '--no-sampling']
  assert.equal(convert(capture, '-o', 'direct.csv', ...options).code, 0)
  assert.equal(convert('flows.parquet', '-o', 'again.csv', ...options).code, 0)
  const text = readFileSync(join(folder, 'direct.csv'), 'utf8')
  assert.match(text, /^protocolIdentifier,octetDeltaCount\n\d+,\d+\n/)
  assert.equal(text.trimEnd().split('\n').length, records + 1)
  assert.equal(readFileSync(join(folder, 'again.csv'), 'utf8'), text)
})

test('convert says in one sentence what is wrong, and leaves no part of a file', () => {
  const cases: [number, RegExp, string[]][] = [
    [64, /--to/, [capture, '-o', 'flows.unknown']],
    [64, /no element "nothing"/, [capture, '-o', 'x.csv', '--fields', 'nothing']],
    [64, /filter cannot be read/, [capture, '-o', 'x.csv', '--filter', 'port =']],
    [65, /could be decoded/, [bin, '-o', 'x.csv']],
    [66, /nowhere\.pcap does not exist/, ['nowhere.pcap', '-o', 'x.csv']],
    [74, /missing cannot be written to/, [capture, '-o', 'missing/x.csv']]
  ]
  const before = readdirSync(folder)
  for (const [code, message, args] of cases) {
    const { code: seen, err } = convert(...args)
    assert.equal(seen, code, err)
    assert.match(err, message)
  }
  assert.deepEqual(readdirSync(folder), before)
})
