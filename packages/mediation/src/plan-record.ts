import type { ElementRegistry, FieldSpecifier, Layout } from '@weir/ipfix'
import { recordFilter } from './filter/record-filter.ts'
import { normalise } from './normalise.ts'
import type { RecordPlan } from './operation.ts'
import { planIpfix } from './plan-ipfix.ts'
import { planJson } from './plan-json.ts'
import type { Plan } from './plan.ts'
import { selectFields } from './select-fields.ts'
import { normaliseOptions } from './variant.ts'

/** What a back end makes a Program from. */
export interface PlannedRecord {
  readonly plan: RecordPlan
  /** The output's fields and scope count (IPFIX), or undefined (text). */
  readonly output: { readonly fields: readonly FieldSpecifier[]; readonly scopeCount: number } | undefined
}

/**
 * The analysis of one input Layout and one Plan: the steps that write a record, and the shape of what they write. Pure;
 * equal arguments give equal steps.
 *
 * @param variant - of the context, as `variantOf` gives it.
 */
export function planRecord(layout: Layout, plan: Plan, variant: number, registry: ElementRegistry): PlannedRecord {
  const options = normaliseOptions(plan, variant)
  const record = selectFields(normalise(layout, options, registry), plan)
  const filter = plan.filter && recordFilter(plan.filter, layout, variant, registry)
  if (plan.kind === 'json')
    return { plan: { ...planJson(layout, record, plan, options.isIPv6), filter }, output: undefined }
  const { plan: recordPlan, fields, scopeCount } = planIpfix(layout, record, plan)
  return { plan: { ...recordPlan, filter }, output: { fields, scopeCount } }
}
