import type { ElementRegistry, Layout } from '@weir/ipfix'
import { normalise } from '../normalise.ts'
import { exportedFields } from '../plan-ipfix.ts'
import { planOfNumber } from '../plan.ts'
import type { EntryContext } from '../program.ts'
import { normaliseOptions, variantOf } from '../variant.ts'

/** Bits of a flowKeyIndicator. */
const BITS = 64

/**
 * Writes flowKeyIndicator (173) for the template as the destination has it: normalising puts fields in another order, adds
 * some and leaves some out, and bit n stands for the n-th field (RFC 7011 §4.4, RFC 7119 §10.2).
 */
export class FlowKeyWriter {
  readonly #registry: ElementRegistry
  /** Of each named Layout, by Plan and variant: where each of its first 64 fields stands in the output, or -1. */
  readonly #positions = new WeakMap<Layout, (Int8Array | undefined)[]>()

  constructor(registry: ElementRegistry) {
    this.#registry = registry
  }

  /**
   * Write 8 octets. A key field that is not exported, or that the template does not have, has no bit; the keys of a
   * template that is not known have none.
   *
   * @param at - of the value, which has `length` octets, 1..8.
   * @param templateId - that the exporter named.
   * @param planNumber - of the Plan of the named template's records.
   */
  write(
    view: DataView,
    at: number,
    length: number,
    templateId: number,
    planNumber: number,
    context: EntryContext,
    outView: DataView,
    to: number
  ): void {
    let high = 0
    let low = 0
    const layout = context.templateIds.layoutOf?.(templateId)
    if (layout !== undefined) {
      const positions = this.#positionsOf(layout, planNumber, context)
      const bits = Math.min(8 * length, positions.length)
      for (let bit = 0; bit < bits; bit++) {
        const isKey = (view.getUint8(at + length - 1 - (bit >> 3)) >> (bit & 7)) & 1
        const position = positions[bit]
        if (isKey === 0 || position < 0) continue
        if (position < 32) low |= 1 << position
        else high |= 1 << (position - 32)
      }
    }
    outView.setInt32(to, high)
    outView.setInt32(to + 4, low)
  }

  #positionsOf(layout: Layout, planNumber: number, context: EntryContext): Int8Array {
    const plan = planOfNumber(planNumber)
    const variant = variantOf(layout, plan, context, this.#registry)
    const key = planNumber * 8 + variant
    let known = this.#positions.get(layout)
    if (known === undefined) {
      known = []
      this.#positions.set(layout, known)
    }
    return (known[key] ??= positionsOf(
      exportedFields(normalise(layout, normaliseOptions(plan, variant), this.#registry)),
      layout
    ))
  }
}

function positionsOf(fields: ReturnType<typeof exportedFields>, layout: Layout): Int8Array {
  const positions = new Int8Array(Math.min(BITS, layout.fields.length)).fill(-1)
  let position = 0
  for (const { value } of fields) {
    const isOfOneField = 'index' in value
    if (isOfOneField && value.index < positions.length && position < BITS) positions[value.index] = position
    position += value.from === 'samplingPair' ? 2 : 1
  }
  return positions
}
