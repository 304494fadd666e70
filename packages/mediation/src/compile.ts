import { MOST_SOURCE_OCTETS, checkSource } from './generated-source.ts'
import type { FilterConstants } from './filter/condition.ts'
import type { FilterKernel } from './kernel/filter-kernel.ts'
import type { Kernel } from './kernel/kernel.ts'
import type { RecordPlan } from './operation.ts'
import type { EntryContext, Program } from './program.ts'
import { SourceWriter } from './source-writer.ts'

/** The text that {@link compile} would compile: depends on the steps alone, and no name is in it. */
export function sourceOf(plan: RecordPlan): string {
  return new SourceWriter(plan).source()
}

/**
 * Make the function of a Program from generated text.
 *
 * @returns undefined if a limit refuses it (octets of text): the interpreter runs it then.
 * @throws EvalError if code generation from strings is disallowed in this process.
 * @throws InvariantBreach if the text is not what this back end may write.
 */
export function compile(plan: RecordPlan, kernel: Kernel): Program['run'] | undefined {
  const source = sourceOf(plan)
  if (source.length > MOST_SOURCE_OCTETS) return undefined
  checkSource(source, new Set(Object.keys(kernel)))
  return make<Program['run']>(source, kernel, plan.filter?.constants)
}

/**
 * As {@link compile}, for the question whether the record at an offset matches the plan's filter.
 */
export function compileMatch(plan: RecordPlan, kernel: FilterKernel): Match | undefined {
  const source = new SourceWriter(plan).matchSource()
  if (source.length > MOST_SOURCE_OCTETS) return undefined
  checkSource(source, new Set(Object.keys(kernel)))
  return make<Match>(source, kernel, plan.filter?.constants)
}

/** Whether the record that begins at `inOffset` matches; false if it does not end by `inEnd`. */
export type Match = (view: DataView, inOffset: number, inEnd: number, context: EntryContext) => boolean

function make<T>(source: string, kernel: FilterKernel, constants: FilterConstants | undefined): T {
  // The text has passed: integers and words of our own list only. The filter's values are parameters.
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const compiled = new Function('kernel', 'numbers', 'words', 'texts', 'steps', source) as (
    kernel: FilterKernel,
    numbers?: Float64Array,
    words?: Uint32Array,
    texts?: Uint8Array,
    steps?: Uint16Array
  ) => T
  return compiled(kernel, constants?.numbers, constants?.words, constants?.texts, constants?.steps)
}
