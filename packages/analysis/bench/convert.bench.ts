// Recorded flows to the formats of `convert`. Run: node packages/analysis/bench/convert.bench.ts
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openFlows } from '../src/index.ts'
import { convertTask } from '../src/convert/convert-task.ts'
import { makeCorpus } from './support/corpus.ts'
import type { ConvertParams } from '../src/convert/convert-params.ts'

const ROUNDS = 3
const limits = { outputOctets: 2 ** 32, expansion: 100, memoryOctets: 256 * 2 ** 20 }
const corpus = makeCorpus(1_000_000)
const fields = ['sourceIPv4Address', 'destinationIPv4Address', 'protocolIdentifier', 'octetDeltaCount']

async function convert(params: ConvertParams): Promise<void> {
  const outputFolder = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const signal = new AbortController().signal
  await convertTask.run(params, { inputs: [corpus], outputFolder, limits, signal, progress() {} })
  rmSync(outputFolder, { recursive: true })
}

const stored = {
  name: 'flows.parquet',
  path: join(mkdtempSync(join(tmpdir(), 'weir-bench-')), 'flows.parquet'),
  octets: 0
}
process.on('exit', () => rmSync(dirname(stored.path), { recursive: true, force: true }))
await convertTask.run(
  { to: 'parquet' },
  { inputs: [corpus], outputFolder: dirname(stored.path), limits, signal: new AbortController().signal, progress() {} }
)

const cases: readonly [string, () => Promise<void>][] = [
  ['read/floor', () => openFlows([corpus], { limits }).read({ onRun() {} })],
  ['read/parquet', () => openFlows([stored], { limits }).read({ onRun() {} })],
  ['convert/ipfix', () => convert({ to: 'ipfix' })],
  ['convert/ndjson', () => convert({ to: 'ndjson' })],
  ['convert/csv', () => convert({ to: 'csv' })],
  ['convert/csv-4-fields', () => convert({ to: 'csv', fields, lineage: false, sampling: false })],
  ['convert/parquet', () => convert({ to: 'parquet' })],
  ['convert/parquet-4-fields', () => convert({ to: 'parquet', fields, lineage: false, sampling: false })]
]
const times = new Map<string, number[]>(cases.map(([id]) => [id, []]))
for (let round = 0; round <= ROUNDS; round++) {
  for (const [id, once] of cases) {
    const start = performance.now()
    await once()
    // The first round warms up.
    if (round > 0) times.get(id)!.push(performance.now() - start)
  }
}
const median = (id: string): number => times.get(id)!.toSorted((a, b) => a - b)[ROUNDS >> 1]
console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}, ${corpus.records} records of 20 fields`)
for (const [id] of cases) {
  const ms = median(id)
  console.log(
    `${id}: ${(corpus.records / ms / 1000).toFixed(2)} Mrec/s, ${(ms / median('read/floor')).toFixed(1)} times the floor`
  )
}
