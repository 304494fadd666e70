// Analysis of 20-field records against reading them alone. Run: node packages/analysis/bench/analyse.bench.ts
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { analyseFlows } from '../src/analyse/run-analyse.ts'
import { openFlows } from '../src/index.ts'
import { ipfixFileOf } from './ipfix-file.ts'

const ROUNDS = 5
const RECORDS = 2_000_000
const folder = mkdtempSync(join(tmpdir(), 'weir-analysis-bench-'))
const limits = { outputOctets: 2 ** 30, expansion: 100, memoryOctets: 2 ** 28 }
const { signal } = new AbortController()

async function recordsPerSec(run: () => Promise<number>): Promise<number> {
  const start = performance.now()
  return ((await run()) * 1000) / (performance.now() - start)
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]

try {
  for (const [name, pairs] of [
    ['analyse/20-fields-100k-conversations', 100_000],
    ['analyse/20-fields-10m-conversations', 10_000_000]
  ] as const) {
    const path = join(folder, `${pairs}.ipfix`)
    writeFileSync(path, ipfixFileOf(RECORDS, pairs))
    const inputs = [{ name: 'flows.ipfix', path, octets: statSync(path).size }]
    const alone: number[] = []
    const analysed: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const reading = async (): Promise<number> => {
        const flows = openFlows(inputs, { limits })
        await flows.read({ onRun() {} })
        return flows.counts.records
      }
      const analysing = async (): Promise<number> =>
        (await analyseFlows({ top: 20 }, { inputs, limits, signal, progress() {} })).totals.records
      alone.push(await recordsPerSec(reading))
      analysed.push(await recordsPerSec(analysing))
    }
    const [floor, rate] = [median(alone), median(analysed)]
    process.stdout.write(
      `${name}: ${(rate / 1e6).toFixed(2)} M records/s, ${(1e9 / rate).toFixed(0)} ns a record; ` +
        `reading alone ${(floor / 1e6).toFixed(2)} M records/s; ratio ${(floor / rate).toFixed(2)}\n`
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
