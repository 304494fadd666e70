import type { Layout } from '@weir/ipfix'

/** systemInitTimeMilliseconds. */
const SYSTEM_INIT_TIME = 160

/**
 * Elements by which an exporter states what stays as it is: sampling (34, 35, 48 to 50, 302, 304 to 306, 309 to 311), names
 * and descriptions (82, 83, 94 to 96, 236), VRFs (234, 235). Two exporters differ in them; counters differ from one record
 * to the next.
 */
const statements: ReadonlySet<number> = new Set([
  34, 35, 48, 49, 50, 82, 83, 84, 94, 95, 96, 234, 235, 236, 302, 304, 305, 306, 309, 310, 311
])

/** Whether two different records of this options Layout and one scope cannot both be true of one exporter. */
export function isStatement(layout: Layout): boolean {
  const { fields, scopeCount } = layout
  if (scopeCount === 0 || fields.length === scopeCount) return false
  return fields.every(({ pen, id }, index) => index < scopeCount || (pen === 0 && statements.has(id)))
}

/**
 * Whether what an options record says matters for the data of another port: statements, and when the system booted. What an
 * exporter counted (packets not sent, Messages) matters for none.
 */
export const mattersToSiblings = ({ fields, scopeCount }: Layout): boolean =>
  scopeCount > 0 && fields.some(({ pen, id }) => pen === 0 && (statements.has(id) || id === SYSTEM_INIT_TIME))
