import { planKey } from '@weir/mediation'
import type { Layout } from '@weir/ipfix'
import type { EntryContext, Plan, Program, ProgramCache } from '@weir/mediation'

/** The Programs of one Plan: what an encoder asks for each entry. */
export interface Programs {
  /** Equal for Plans of which the same Layouts come out: those that differ in their filter alone. */
  readonly outputKey: string
  /** Some records may be read and not written. */
  readonly hasFilter: boolean
  /**
   * The Program for records of this Layout in this context, compiled or interpreted.
   *
   * @param nowMs - monotonic.
   */
  get(layout: Layout, context: EntryContext, nowMs: number): Program
}

/** The Programs of a Plan out of the cache that all destinations share. */
export const programsOf = (cache: ProgramCache, plan: Plan): Programs => ({
  outputKey: planKey({ ...plan, filter: undefined }),
  hasFilter: plan.filter !== undefined,
  get: (layout, context, nowMs) => cache.get(layout, plan, context, nowMs)
})
