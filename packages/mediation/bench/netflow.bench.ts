// NetFlow v5 records to normalised IPFIX and JSON. Run: node packages/mediation/bench/netflow.bench.ts
import { ElementRegistry, LayoutTable } from '@weir/ipfix'
import { ProgramCache } from '../src/index.ts'
import type { Cursor, Plan } from '../src/index.ts'
import { makeContexts } from './support/corpus.ts'
import { measure, printMachine } from './support/measure.ts'

const fields = [
  [8, 4],
  [12, 4],
  [15, 4],
  [10, 2],
  [14, 2],
  [2, 4],
  [1, 4],
  [22, 4],
  [21, 4],
  [7, 2],
  [11, 2],
  [210, 1],
  [6, 1],
  [4, 1],
  [5, 1],
  [16, 2],
  [17, 2],
  [9, 1],
  [13, 1],
  [210, 2]
] as const
const RECORDS = 30 * 1024

function runNetflow(id: string, plan: Plan): void {
  const layouts = new LayoutTable()
  const layout = layouts.intern(
    fields.map(([element, length]) => ({ pen: 0, id: element, length })),
    0
  )
  const octets = new Uint8Array(RECORDS * 48).map((_, n) => (n * 2654435761) >>> 13)
  const view = new DataView(octets.buffer)
  const [context] = makeContexts(1)
  context.bootTimeMs = 1767200000000
  const cache = new ProgramCache({ registry: ElementRegistry.standard(), layouts, compileAfterRecords: 0 })
  const out = new Uint8Array(262144)
  const outView = new DataView(out.buffer)
  const cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  measure(id, RECORDS, () => {
    let total = 0
    for (let at = 0; at < octets.length; at += 30 * 48) {
      const program = cache.get(layout, plan, context, 0)
      program.run(octets, view, at, at + 30 * 48, out, outView, 0, out.length, context, cursor)
      total += cursor.out
    }
    return total
  })
}

printMachine()
runNetflow('netflow-v5/normalised', { kind: 'ipfix', timestamps: 'milliseconds', lineage: true, sampling: true })
runNetflow('netflow-v5/json', { kind: 'json', numbers64: 'number', lineage: true, sampling: true })
