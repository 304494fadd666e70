import { REVERSE_PEN } from '@weir/ipfix'

/** How a flow's start or end is told (RFC 7012 §5.9, RFC 7011 §6.1.7-6.1.10). `uptime` and `delta` need a base. */
export type TimeForm = 'uptime' | 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds' | 'delta'

/** The forms that stand on their own and can be a target. */
export type AbsoluteForm = 'milliseconds' | 'microseconds' | 'nanoseconds'

/** Element of the start of a flow in each form; the end is one more, but for the sysUpTime pair. */
const startIds: Readonly<Record<TimeForm, number>> = {
  uptime: 22,
  seconds: 150,
  milliseconds: 152,
  microseconds: 154,
  nanoseconds: 156,
  delta: 158
}

/** Forms from the most precise absolute to the one that leans most on the exporter's clock. */
export const formsByPrecision: readonly TimeForm[] = [
  'nanoseconds',
  'microseconds',
  'milliseconds',
  'seconds',
  'delta',
  'uptime'
]

const edgeById = new Map<number, { readonly form: TimeForm; readonly isEnd: boolean }>()
for (const form of formsByPrecision) {
  edgeById.set(startIds[form], { form, isEnd: false })
  edgeById.set(endIdOf(form), { form, isEnd: true })
}

function endIdOf(form: TimeForm): number {
  return form === 'uptime' ? 21 : startIds[form] + 1
}

/** Which edge of a flow an element tells, in which form; undefined for every other element. Reverse elements count (RFC 5103). */
export function timeEdgeOf(pen: number, id: number): { readonly form: TimeForm; readonly isEnd: boolean } | undefined {
  return pen === 0 || pen === REVERSE_PEN ? edgeById.get(id) : undefined
}

/** The element that tells the start or the end of a flow in a form. */
export function timeElementId(form: TimeForm, isEnd: boolean): number {
  return isEnd ? endIdOf(form) : startIds[form]
}
