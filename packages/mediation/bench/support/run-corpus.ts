import { ElementRegistry, LayoutTable } from '@weir/ipfix'
import { ProgramCache } from '../../src/index.ts'
import type { Cursor, Plan } from '../../src/index.ts'
import { makeContexts, makeCorpus } from './corpus.ts'
import { measure } from './measure.ts'

/** One case: the corpus through one Plan, as a mediator does it, entry by entry into a buffer of 256 KiB. */
export function runCorpus(
  id: string,
  plan: Plan,
  options: { templates: number; exporters: number; compileAfterRecords: number }
): void {
  const layouts = new LayoutTable()
  const corpus = makeCorpus(layouts, options.templates)
  const contexts = makeContexts(options.exporters)
  const cache = new ProgramCache({
    registry: ElementRegistry.standard(),
    layouts,
    compileAfterRecords: options.compileAfterRecords
  })
  const out = new Uint8Array(262144)
  const outView = new DataView(out.buffer)
  const cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  const { octets, view, entries } = corpus
  measure(id, corpus.records, () => {
    let at = 0
    let total = 0
    for (let n = 0; n < entries.length; n++) {
      const { layout, offset, end } = entries[n]
      const context = contexts[n % contexts.length]
      const program = cache.get(layout, plan, context, 0)
      if (out.length - at < 16384) at = 0
      program.run(octets, view, offset, end, out, outView, at, out.length, context, cursor)
      if (cursor.in !== end) throw new Error('not all records were written')
      total += cursor.out - at
      at = cursor.out
    }
    return total
  })
}
