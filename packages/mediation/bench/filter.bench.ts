// What a filter costs each record. Run: node packages/mediation/bench/filter.bench.ts
import { ElementRegistry, LayoutTable } from '@weir/ipfix'
import { ProgramCache, compileSelector, parseFilter } from '../src/index.ts'
import type { Cursor, IpfixPlan } from '../src/index.ts'
import { makeContexts } from './support/corpus.ts'
import { measure, printMachine } from './support/measure.ts'

// As netflow.bench.ts: the fields of a NetFlow v5 record, 30 to an entry.
const fields = '8:4 12:4 15:4 10:2 14:2 2:4 1:4 22:4 21:4 7:2 11:2 210:1 6:1 4:1 5:1 16:2 17:2 9:1 13:1 210:2'
const PER_ENTRY = 30
const RECORDS = PER_ENTRY * 1024
const RECORD_OCTETS = 48

const registry = ElementRegistry.standard()
const layouts = new LayoutTable()
const layout = layouts.intern(
  fields.split(' ').map(text => ({ pen: 0, id: Number(text.split(':')[0]), length: Number(text.split(':')[1]) })),
  0
)
const octets = new Uint8Array(RECORDS * RECORD_OCTETS).map((_, n) => (n * 2654435761) >>> 13)
const view = new DataView(octets.buffer)
const [context] = makeContexts(1)
context.bootTimeMs = 1767200000000
const out = new Uint8Array(262144)
const outView = new DataView(out.buffer)
const plan: IpfixPlan = { kind: 'ipfix', timestamps: 'milliseconds', lineage: true, sampling: true }

function runFilter(id: string, text: string | undefined, compileAfterRecords = 0): void {
  const cache = new ProgramCache({ registry, layouts, compileAfterRecords })
  const asked = text === undefined ? plan : { ...plan, filter: parseFilter(text, registry) }
  const cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  measure(id, RECORDS, () => {
    let total = 0
    for (let at = 0; at < octets.length; at += PER_ENTRY * RECORD_OCTETS) {
      const program = cache.get(layout, asked, context, 0)
      const end = at + PER_ENTRY * RECORD_OCTETS
      program.run(octets, view, at, end, out, outView, 0, out.length, context, cursor)
      total += cursor.out
    }
    return total
  })
}

function runSelector(id: string, text: string): void {
  const select = compileSelector(parseFilter(text, registry), layout)
  measure(id, RECORDS, () => {
    let passed = 0
    for (let at = 0; at < octets.length; at += RECORD_OCTETS)
      if (select(octets, at, at + RECORD_OCTETS, context)) passed++
    return passed
  })
}

printMachine()
const all = 'octetDeltaCount >= 0 and sourceTransportPort in 0..65535 and src in 0.0.0.0/0'
const none = 'octetDeltaCount >= 0 and sourceTransportPort in 0..65535 and src in 240.0.0.1..240.0.0.2'
runFilter('filter/without', undefined)
runFilter('filter/three-comparisons-all-pass', all)
runFilter('filter/three-comparisons-none-passes', none)
runFilter('filter/half', 'sourceTransportPort < 32768')
runFilter('filter/list-of-180', `port in (${Array.from({ length: 180 }, (_, n) => n * 5).join(', ')})`)
runFilter('filter/interpreted-without', undefined, Infinity)
runFilter('filter/interpreted-three-comparisons', all, Infinity)
runSelector('filter/selector-three-comparisons', all)
