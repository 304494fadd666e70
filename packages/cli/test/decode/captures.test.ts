import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import differences from '../../../../test/conformance/captures-differences.json' with { type: 'json' }
import { runDecode } from '../../src/decode/run-decode.ts'

const folder = process.env.WEIR_CAPTURES ?? resolve(import.meta.dirname, '../../../../../shared/captures')
const manifest = join(folder, 'manifest.json')
const skip = existsSync(manifest) ? false : `NO CAPTURES: ${manifest} is absent; set WEIR_CAPTURES to its folder`
if (skip !== false) process.stderr.write(`${skip}\n`)

const fields = ['messages', 'templates', 'optionsTemplates', 'dataRecords', 'optionsRecords', 'sflowSamples'] as const
type Counts = Partial<Record<(typeof fields)[number], number>>

interface CaptureCase {
  readonly name: string
  readonly files: readonly { readonly path: string }[]
  readonly ports: readonly string[]
  readonly expected: Counts & { readonly walk?: Counts }
}

/** The object that `weir decode --format summary --json` prints. */
async function summaryOf({ files, ports }: CaptureCase): Promise<Required<Counts>> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const chunks: string[] = []
  stdout.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
  const paths = files.map(({ path }) => join(folder, path))
  const request = { files: paths, format: 'summary', isJson: true, ports: ports.map(Number), input: 'auto' } as const
  const rest = { numbers64: 'string', isStrict: false, elementFiles: [], maxMebibytes: 16 } as const
  await runDecode({ ...request, ...rest }, { stdout, stderr }).catch((error: Error & { code?: string }) => {
    if (error.code !== 'NOTHING_DECODED') throw error
  })
  return JSON.parse(chunks.join('')) as Required<Counts>
}

describe('weir decode --format summary', { skip }, () => {
  const cases = skip === false ? (JSON.parse(readFileSync(manifest, 'utf8')) as CaptureCase[]) : []
  for (const case_ of cases.filter(({ expected }) => expected.walk === undefined)) {
    test(`counts ${case_.name} as the manifest expects, or as a committed difference explains`, async () => {
      const explained: Partial<Record<string, readonly number[]>> =
        differences.find(difference => difference.case === case_.name)?.fields ?? {}
      const summary = await summaryOf(case_)
      for (const field of fields) {
        assert.equal(summary[field], explained[field]?.[1] ?? case_.expected[field] ?? 0, field)
      }
    })
  }
})
