import { MOST_SOURCE_OCTETS, checkSource } from './generated-source.ts'
import type { Kernel } from './kernel/kernel.ts'
import type { RecordPlan } from './operation.ts'
import type { Program } from './program.ts'
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
  // The text has passed: integers and words of our own list only.
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const make = new Function('kernel', source) as (kernel: Kernel) => Program['run']
  return make(kernel)
}
