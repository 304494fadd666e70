import { ElementRegistry } from '@weir/ipfix'
import { ProgramCache, recordEnd } from '@weir/mediation'
import type { Layout } from '@weir/ipfix'
import type { Cursor, Plan } from '@weir/mediation'
import type { FlowContext, FlowRun } from './flow-run.ts'

const OUTPUT_OCTETS = 256 * 1024

/** What a Program wrote of a run. One object, reused; its octets are written over by the next call. */
export interface NormalRecords {
  /** Of IPFIX Plans; undefined for text. Equal content is the same object. */
  layout: Layout | undefined
  readonly octets: Uint8Array
  readonly view: DataView
  /** Records stand at 0..endOffset. */
  endOffset: number
  records: number
  /** Of the run. */
  context: FlowContext
}

/** Runs as a Plan wants them, by Programs: compiled where that is allowed and worth it. */
export class RunNormaliser {
  /** Records that are too long for any buffer, or made a Program throw: left out. */
  failedRecords = 0
  /** Records that the Plan's filter kept back. */
  filteredRecords = 0
  readonly #cache: ProgramCache
  readonly #plan: Plan
  readonly #cursor: Cursor = { in: 0, out: 0, records: 0, filtered: 0 }
  readonly #normal: { -readonly [key in keyof NormalRecords]: NormalRecords[key] }

  constructor(plan: Plan, registry: ElementRegistry = ElementRegistry.standard()) {
    this.#plan = plan
    this.#cache = new ProgramCache({ registry })
    const octets = new Uint8Array(OUTPUT_OCTETS)
    const view = new DataView(octets.buffer)
    this.#normal = { layout: undefined, octets, view, endOffset: 0, records: 0, context: undefined as never }
  }

  /** The Layout that records of this one get in this context; undefined for text. */
  outputOf(layout: Layout, context: FlowContext): Layout | undefined {
    return this.#cache.get(layout, this.#plan, context, performance.now()).output
  }

  /** @param onRecords - told of what was written, once or, if it does not fit, more often. */
  run(run: FlowRun, onRecords: (normal: NormalRecords) => void): void {
    const { layout, octets, view, endOffset, context } = run
    const cursor = this.#cursor
    const normal = this.#normal
    const program = this.#cache.get(layout, this.#plan, context, performance.now())
    normal.layout = program.output
    normal.context = context
    for (let at = run.offset; at < endOffset;) {
      program.run(octets, view, at, endOffset, normal.octets, normal.view, 0, OUTPUT_OCTETS, context, cursor)
      if (cursor.in === at) {
        this.failedRecords++
        at = recordEnd(layout, octets, at, endOffset)
        continue
      }
      at = cursor.in
      this.filteredRecords += cursor.filtered
      normal.endOffset = cursor.out
      normal.records = cursor.records
      if (cursor.records > 0) onRecords(normal)
    }
  }
}
