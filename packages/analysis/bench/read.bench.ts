// Recorded flows read into columns. Run: node packages/analysis/bench/read.bench.ts
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { ColumnBatch, ColumnReaders, openFlows, RunNormaliser } from '../src/index.ts'
import { makeCorpus, RECORD_OCTETS } from './support/corpus.ts'
import type { ColumnWanted } from '../src/index.ts'

const ROUNDS = 5
const limits = { expansion: 100, memoryOctets: 64 * 2 ** 20 }
const of = (id: number): { pen: number; id: number }[] => [{ pen: 0, id }]
const wanted: ColumnWanted[] = [
  { kind: 'address', elements: [...of(8), ...of(27)] },
  { kind: 'address', elements: [...of(12), ...of(28)] },
  { kind: 'uint32', elements: of(7) },
  { kind: 'uint32', elements: of(11) },
  { kind: 'uint32', elements: of(4) },
  { kind: 'float64', elements: of(1) },
  { kind: 'float64', elements: of(2) },
  { kind: 'float64', elements: of(152) },
  { kind: 'float64', elements: of(153) },
  { kind: 'uint32', elements: of(10) },
  { kind: 'samplingRate', elements: [] }
]
const corpus = makeCorpus(1_000_000)
let sink = 0

/** The floor: the file is read, its Messages and Sets are stepped over and each record's counters are added up. */
function walk(): void {
  const octets = readFileSync(corpus.path)
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  for (let at = 0; at < octets.length;) {
    const end = at + view.getUint16(at + 2)
    for (let set = at + 16; set < end;) {
      const setEnd = set + view.getUint16(set + 2)
      if (view.getUint16(set) >= 256) {
        for (let p = set + 4; p + RECORD_OCTETS <= setEnd; p += RECORD_OCTETS) {
          sink += view.getUint32(p) + view.getUint32(p + 24) + view.getUint32(p + 32)
        }
      }
      set = setEnd
    }
    at = end
  }
}

const read = (): Promise<void> => openFlows([corpus], { limits }).read({ onRun: run => void (sink += run.records) })

async function readColumns(): Promise<void> {
  const normaliser = new RunNormaliser({ kind: 'ipfix', timestamps: 'milliseconds', lineage: false, sampling: true })
  const readers = new ColumnReaders(wanted)
  const batch = new ColumnBatch(wanted)
  await openFlows([corpus], { limits }).read({
    onRun: run =>
      normaliser.run(run, ({ layout, view, endOffset }) => {
        for (let at = 0; at < endOffset;) {
          at = readers.of(layout!).read(view, at, endOffset, batch)
          if (!batch.isFull) continue
          sink += batch.columns[5].float64[0]
          batch.clear()
        }
      })
  })
}

const cases: readonly [string, () => void | Promise<void>][] = [
  ['walk/floor', walk],
  ['read/runs', read],
  ['read/columns', readColumns]
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
  const ratio = ms / median('walk/floor')
  console.log(`${id}: ${(corpus.records / ms / 1000).toFixed(2)} Mrec/s, ${ratio.toFixed(1)} times the floor`)
}
if (sink === 0) throw new Error('nothing was read')
