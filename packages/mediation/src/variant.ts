import { REVERSE_PEN } from '@weir/ipfix'
import type { ElementRegistry, FieldSpecifier, Layout } from '@weir/ipfix'
import type { NormaliseOptions } from './normalisation.ts'
import { filteredPlan } from './filter/filtered-plan.ts'
import { interfaceOf } from './normalise-sampling.ts'
import type { Plan } from './plan.ts'
import type { EntryContext } from './program.ts'
import { timeEdgeOf } from './time-form.ts'

/** The exporter has an IPv6 address: 404 instead of 403. */
const IPV6_EXPORTER = 1
/** The context knows when sysUpTime was 0. */
const BOOT_KNOWN = 2
/** The records came in NetFlow v9, where some numbers have other names and types. */
const NETFLOW_V9 = 4
/** The context knows sampling rates of interfaces. */
const INTERFACE_RATES = 8

/** Whether a field is an origin that wins over ours: of another length (NetFlow v9) it says nothing. */
const isOrigin = ({ pen, id, length }: FieldSpecifier): boolean =>
  pen === 0 && ((id === 403 && length === 4) || (id === 404 && length === 16))

/**
 * Which dimensions of the context make another Program of this Layout and Plan: a mask of {@link IPV6_EXPORTER},
 * {@link BOOT_KNOWN}, {@link NETFLOW_V9} and {@link INTERFACE_RATES}. Dimensions that change nothing are left out, so that equal Programs are one.
 */
export function variantMask(layout: Layout, plan: Plan, registry: ElementRegistry): number {
  let mask = plan.filter === undefined ? 0 : variantMask(layout, filteredPlan, registry)
  const hasOrigin = layout.fields.some(isOrigin)
  if (plan.lineage && (plan.kind === 'json' || !hasOrigin)) mask |= IPV6_EXPORTER
  // A scope that cannot be exported is replaced by the exporter.
  if (layout.scopeCount > 0) mask |= IPV6_EXPORTER
  if (plan.sampling && interfaceOf(layout, registry) !== undefined) mask |= INTERFACE_RATES
  for (const { pen, id } of layout.fields) {
    if (timeEdgeOf(pen, id)?.form === 'uptime') mask |= BOOT_KNOWN
    if (pen !== REVERSE_PEN && registry.get(pen, id, 9) !== registry.get(pen, id)) mask |= NETFLOW_V9
  }
  return mask
}

/** All dimensions that the context sets. */
export function contextVariant(context: EntryContext): number {
  return (
    (context.exporterIsIPv6 ? IPV6_EXPORTER : 0) |
    (Number.isNaN(context.bootTimeMs) ? 0 : BOOT_KNOWN) |
    (context.version === 9 ? NETFLOW_V9 : 0) |
    (context.hasInterfaceRates ? INTERFACE_RATES : 0)
  )
}

/** The variant of a Program for one context: a small integer, 0..15. */
export function variantOf(layout: Layout, plan: Plan, context: EntryContext, registry: ElementRegistry): number {
  return contextVariant(context) & variantMask(layout, plan, registry)
}

/** What a Plan asks of the normalisation for one variant. */
export function normaliseOptions(plan: Plan, variant: number): NormaliseOptions {
  return {
    timestamps: plan.timestamps ?? 'milliseconds',
    // In JSON lineage has keys of its own.
    lineage: plan.lineage && plan.kind === 'ipfix',
    sampling: plan.sampling,
    isIPv6: (variant & IPV6_EXPORTER) !== 0,
    isBootKnown: (variant & BOOT_KNOWN) !== 0,
    hasInterfaceRates: (variant & INTERFACE_RATES) !== 0,
    wireVersion: (variant & NETFLOW_V9) === 0 ? 10 : 9
  }
}
