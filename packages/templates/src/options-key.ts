import type { FieldSpecifier } from '@weir/ipfix'

/** Scopes that speak of the exporter as a whole (RFC 7011 §3.4.2.1): device, process, domain, session. */
const wide: ReadonlySet<number> = new Set([130, 131, 143, 144, 149, 211, 217, 403, 404, 405])

/**
 * Elements that name one thing of an exporter: interfaces (10, 14, 252, 253), samplers and selectors (48, 302), applications
 * (95), line cards (141), templates (145), VRFs (234, 235), Information Elements (303, and 346 for the enterprise).
 */
const names: ReadonlySet<number> = new Set([10, 14, 48, 95, 141, 145, 234, 235, 252, 253, 302, 303, 346])

/**
 * How many leading fields of an options record say what it is about: the scope, and behind a scope that is the exporter itself
 * what names one thing of it. Routers tell of all their interfaces, samplers, applications and VRFs under the one scope System
 * (Cisco's option tables): by the scope alone each record would replace the one before it.
 *
 * @param scopeCount - 1..fields.length.
 */
export function keyFieldCount(fields: readonly FieldSpecifier[], scopeCount: number): number {
  let count = scopeCount
  for (let index = 0; index < scopeCount; index++) {
    const { pen, id } = fields[index]
    if (pen !== 0 || !wide.has(id)) return scopeCount
  }
  while (count < fields.length && fields[count].pen === 0 && names.has(fields[count].id)) count++
  return count
}
