import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Writable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { runAnalyse } from '../../src/analyse/run-analyse.ts'
import { analyseCommand } from '../../src/commands/analyse.ts'
import type { AnalysisReport } from '@weir/analysis'
import type { AnalyseRequest } from '../../src/analyse/run-analyse.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-analyse-'))
after(() => rmSync(folder, { recursive: true }))
const capture = resolve(import.meta.dirname, '../../../../test/fixtures/captures/softflowd-v9.pcap')
const whole: AnalyseRequest = {
  files: [capture],
  htmlFile: undefined,
  isJson: false,
  filter: undefined,
  top: 3,
  memoryMebibytes: 32
}

async function analyse(request: Partial<AnalyseRequest>): Promise<string> {
  let out = ''
  const into = (take: (text: string) => void): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        take(String(chunk))
        done()
      }
    })
  const streams = { stdout: into(text => (out += text)), stderr: into(() => {}) }
  await runAnalyse({ ...whole, ...request }, streams)
  return out
}

describe('weir analyse', () => {
  test('prints what is in a capture', async () => {
    const text = await analyse({})
    assert.match(text, /^80 records of 1 exporters and domains, 20\S+Z to 20\S+Z\n/)
    assert.match(text, /\nas recorded +118,684 +339 +80\n/)
    assert.match(text, /\n10\.0\.255\.2 +21,764 +34 +7\n/)
    assert.match(text, /\ntcp +116,106 +313 +54\n/)
    assert.doesNotMatch(text, / \n/)
  })

  test('prints the report for a program, of what the filter takes', async () => {
    const report = JSON.parse(await analyse({ isJson: true, filter: 'proto = 17' })) as AnalysisReport
    assert.deepEqual([report.totals.flows, report.totals.octets, report.sources.byOctets.length], [20, 2410, 3])
  })

  test('writes the page', async () => {
    const htmlFile = join(folder, 'report.html')
    await analyse({ htmlFile })
    assert.match(readFileSync(htmlFile, 'utf8'), /^<!doctype html>/)
    const nowhere = join(folder, 'none/report.html')
    await assert.rejects(analyse({ htmlFile: nowhere }), { code: 'OUTPUT_FAILED', exitCode: 74 })
  })

  test('says what is wrong with its input', async () => {
    await assert.rejects(analyse({ files: [join(folder, 'none.pcap')] }), { code: 'INPUT_UNREADABLE', exitCode: 66 })
    await assert.rejects(analyse({ filter: '((' }), { code: 'TASK_PARAMS', exitCode: 64 })
  })

  test('takes numbers within their bounds only', async () => {
    const command = analyseCommand()
      .exitOverride()
      .configureOutput({ writeErr() {} })
    for (const args of [
      ['--top', '0'],
      ['--top', '1001'],
      ['--memory-mebibytes', '7'],
      ['--top', 'x']
    ]) {
      await assert.rejects(command.parseAsync([...args, capture], { from: 'user' }), {
        code: 'commander.invalidArgument'
      })
    }
  })
})
