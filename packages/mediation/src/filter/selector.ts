import { compileMatch } from '../compile.ts'
import type { Match } from '../compile.ts'
import { inputPlaces } from '../input-places.ts'
import { filterKernel } from '../kernel/filter-kernel.ts'
import type { RecordPlan } from '../operation.ts'
import type { EntryContext } from '../program.ts'
import { RecordAnchors } from '../record-anchors.ts'
import { contextVariant, variantMask } from '../variant.ts'
import type { Layout } from '@weir/ipfix'
import { ConditionReader } from './evaluate-condition.ts'
import type { Filter } from './filter.ts'
import { filteredPlan } from './filtered-plan.ts'
import { recordFilter } from './record-filter.ts'

/**
 * Whether one record matches.
 *
 * @param octets - the record stands at `offset`, and ends by `endOffset`.
 * @param context - of its entry.
 * @returns false too if the record is not whole. Options records match always: a filter is not asked of them.
 */
export type Selector = (octets: Uint8Array, offset: number, endOffset: number, context: EntryContext) => boolean

/**
 * Make the selector of a filter for the records of one Layout, compiled where the process allows it. It allocates nothing
 * per record as long as the records stand in the same buffer.
 *
 * @param isCompiled - false: on the interpreter, for what is asked of few records.
 */
export function compileSelector(filter: Filter, layout: Layout, isCompiled = true): Selector {
  const mask = variantMask(layout, filteredPlan, filter.registry)
  const matches: (Match | undefined)[] = []
  let buffer: Uint8Array | undefined
  let view: DataView = new DataView(new ArrayBuffer(0))
  return (octets, offset, endOffset, context) => {
    if (octets !== buffer) {
      buffer = octets
      view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    }
    const variant = contextVariant(context) & mask
    const match = (matches[variant] ??= matchOf(filter, layout, variant, isCompiled))
    return match(view, offset, endOffset, context)
  }
}

function matchOf(filter: Filter, layout: Layout, variant: number, isCompiled: boolean): Match {
  const { variables, end } = inputPlaces(layout)
  const asked = recordFilter(filter, layout, variant, filter.registry)
  const plan: RecordPlan = { operations: [], variables, end, fixedOutput: 0, isFixedOutput: false, filter: asked }
  return (isCompiled ? compiled(plan) : undefined) ?? interpreted(plan)
}

function compiled(plan: RecordPlan): Match | undefined {
  try {
    return compileMatch(plan, filterKernel)
  } catch (error) {
    // Code generation from strings is disallowed: the same answers, slower.
    if (error instanceof EvalError) return undefined
    throw error
  }
}

function interpreted(plan: RecordPlan): Match {
  const record = new RecordAnchors(plan)
  const reader = plan.filter && new ConditionReader(plan.filter, record)
  return (view, inOffset, inEnd, context) => {
    record.view = view
    return record.enter(inOffset, inEnd) && (reader?.holds(context) ?? true)
  }
}
